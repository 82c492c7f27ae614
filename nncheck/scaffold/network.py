"""A case's network and loss in words, told from the forward lines of its derivation; nothing of the backward ones."""

from __future__ import annotations

from dataclasses import dataclass

from nncheck.case import Case
from nncheck.errors import FormulaError
from nncheck.formula import Apply, Line, Name, Number, read_line
from nncheck.language import N_, _, phrase

_ACTIVATIONS = {
    "tanh": N_("the tanh of {source}"),
    "sigmoid": N_("the sigmoid of {source}"),
    "relu": N_("the ReLU of {source}"),
    "softmax": N_("the softmax of {source}, row by row"),
}

_LOSSES = {
    "E = ((Y - YT) ** 2).mean()": N_("the mean of the squared errors of Y against YT, over all N * n_out elements"),
    "E = -(YT * log_softmax(Y)).sum() / len(Y)": N_(
        "the cross-entropy of the softmax of Y against YT, averaged over the N samples; Y itself holds the logits"
    ),
}


@dataclass(frozen=True)
class Quantity:
    """What one forward line gives: ``H``, its axes ``(N, n_hidden)`` where they are known, and what it is."""

    name: str
    axes: str
    words: str


def axis_names(case: Case) -> tuple[str, ...]:
    """Return the names of the widths of the layers: n_in, n_hidden (n_hidden1, ... if there are several), n_out."""
    inner = len(case.sizes) - 2
    return ("n_in", *("n_hidden" if inner == 1 else f"n_hidden{k + 1}" for k in range(inner)), "n_out")


def parameter_axes(case: Case) -> dict[str, str]:
    """Return the axes of each parameter: ``{"W": "(n_hidden, n_in)", "B": "(n_hidden,)", ...}``."""
    names, layer = axis_names(case), 0
    axes = {}
    for name, array in case.params.items():
        layer += array.ndim == 2
        axes[name] = f"({names[layer]}, {names[layer - 1]})" if array.ndim == 2 else f"({names[layer]},)"
    return axes


def forward_lines(case: Case) -> tuple[Line, ...]:
    """Return the lines of a case's derivation up to the loss.

    Raises
    ------
    FormulaError
        If derivation.txt is missing, cannot be read or has no line for the loss.
    """
    derivation = case.derivation()
    if "E" not in derivation.names:
        raise FormulaError(phrase("gives no E; expected a line for the loss"), str(case.folder / "derivation.txt"))
    return derivation.lines[: derivation.names.index("E") + 1]


def in_words(case: Case) -> tuple[Quantity, ...]:
    """Return every quantity of the forward pass in words; by its formula where no word is known for it.

    Raises
    ------
    FormulaError
        As `forward_lines`.
    """
    widths = {"X": "n_in", **{name: axes.strip("()").split(",")[0] for name, axes in parameter_axes(case).items()}}
    told = []
    for line in forward_lines(case):
        words, like = _loss(line) if line.name == "E" else _layer(line)
        widths[line.name] = width = widths.get(like, "")
        told.append(Quantity(line.name, f"(N, {width})" if width else "", words))
    return tuple(told)


def _layer(line: Line) -> tuple[str, str]:
    """Return what a line does in words, and the name of what its result is as wide as."""
    match line.expression:
        case Apply("add", (Apply("matmul", (Name(source), Apply("transpose", (Name(weight),)))), Name(bias))):
            text = phrase(
                "a linear layer of {source} with {weight} and {bias}", source=source, weight=weight, bias=bias
            )
            return text, weight
        case Apply("matmul", (Name(source), Apply("transpose", (Name(weight),)))):
            return phrase(
                "a linear layer of {source} with {weight}, without a bias", source=source, weight=weight
            ), weight
        case Apply("maximum", (Name(source), Number(0))):
            return _activation("relu", source)
        case Apply(activation, (Name(source),)) if activation in _ACTIVATIONS:
            return _activation(activation, source)
    return _formula(line), ""


def _activation(name: str, source: str) -> tuple[str, str]:
    words = _ACTIVATIONS[name]
    return phrase(words, source=source), source


def _loss(line: Line) -> tuple[str, str]:
    for formula, words in _LOSSES.items():
        if read_line(formula).expression == line.expression:
            return _(words), ""
    return _formula(line), ""


def _formula(line: Line) -> str:
    return line.text.partition("=")[2].strip()
