"""One-token slips in correct programs: which of them change a gradient, what nncheck says, and whether that is so."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from nncheck import case as cases
from nncheck.formula import Derivation
from nncheck.verification import Explanation
from nncheck.verifier.returned import return_names

from .programs import Judge, program
from .styles import STYLES, Net, holder_of
from .tokens import Slip, slips

NETS = {
    "relu_sigmoid": Net("relu", "sigmoid", 2),
    "softmax_cross_entropy": Net("relu", "softmax", 2),
    "hidden": Net("none", "none", 2),
}


@dataclass(frozen=True)
class Outcome:
    """What came of a slip.

    Attributes
    ----------
    changes : str
        ``nothing``, ``gradient``, or ``stops`` if backward raises at every net that it was tried on.
    verdict : str
        ``passed``, ``stopped`` or ``differs``.
    explanations : tuple of Explanation
        Of the first wrong value.
    true : bool
        Whether the first of them gives what the slip gives on nets that nncheck has not seen.
    """

    name: str
    style: str
    slip: Slip
    changes: str
    verdict: str
    explanations: tuple[Explanation, ...]
    true: bool

    @property
    def named(self) -> bool:
        """Whether a line or a mistake was named."""
        return bool(self.explanations) and self.explanations[0].id != "relation"


def sources() -> Iterator[tuple[str, str, str]]:
    """Yield case, style and source: the reference's own manual.py, and two other styles."""
    for name, net in NETS.items():
        yield name, "reference", (cases.find(name).folder / "manual.py").read_text(encoding="utf-8")
        for style in ("columns", "transposed"):
            yield name, style, STYLES[style](net)


def tried(name: str, style: str, source: str, chosen: Sequence[Slip] | None = None) -> Iterator[Outcome]:
    """Judge slips of one source, by default all."""
    case = cases.find(name)
    derivation = case.derivation()
    judge = Judge(case, derivation)
    nets = list(nets_of(name, style))
    right = [gradients_of(holder_of(source), net) for net in nets]
    for slip in slips(source) if chosen is None else chosen:
        own = [gradients_of(holder_of(slip.source), net) for net in nets]
        assessment = judge.assess(holder_of(slip.source), return_names(slip.source), slip.source)
        kinds = {finding.kind for finding in assessment.findings}
        values = [f for f in assessment.findings if f.kind in ("value", "shape", "convention")]
        verdict = "passed" if not kinds else "differs" if values else "stopped"
        causes = [cause.edits[0] for cause in assessment.diagnosis.causes if cause.edits]
        yield Outcome(
            name,
            style,
            slip,
            _changes(own, right, nets),
            verdict,
            values[0].explanations if values else (),
            bool(causes) and not assessment.diagnosis.unexplained and _true(causes, derivation, name, style, own, nets),
        )


def counts(outcomes: Sequence[Outcome]) -> Counter[str]:
    """Count what became of those that change a gradient; those that raise everywhere are for Python to name."""
    counted: Counter[str] = Counter()
    for one in outcomes:
        counted["all"] += 1
        counted[one.changes] += 1
        if one.changes == "gradient":
            counted["passed"] += one.verdict == "passed"
            counted["named"] += one.named
            counted["true"] += one.named and one.true
    return counted


def _true(causes: Sequence[Any], derivation: Derivation, name: str, style: str, own: Sequence[Any], nets: Any) -> bool:
    """Whether a program with the lines that were named gives what the slip gives."""
    params = tuple(cases.find(name).params)
    try:
        named = program(derivation, params, {line.name: line for edit in causes for line in edit.lines})
    except ValueError:
        return False
    rows = list(nets_of(name, "rows"))
    for net, got in zip(rows, own):
        said = gradients_of(named, net)
        if isinstance(got, str):
            continue  # where it stops nothing can be compared
        if isinstance(said, str) or not all(_same(_flat(said[k], k, "rows"), _flat(got[k], k, style)) for k in params):
            return False
    return True


def _flat(array: np.ndarray, parameter: str, style: str) -> np.ndarray:
    """Lay a gradient out as the rows have it; what is one row or column as a vector."""
    if array.ndim == 2 and style == "transposed" and parameter.startswith("W"):
        array = array.T
    if array.ndim == 2 and style == "columns" and parameter.startswith("B"):
        array = array.T  # (n, N), where the sum over the batch is missing
    return array.reshape(-1) if array.ndim == 1 or 1 in array.shape else array


def nets_of(name: str, style: str) -> Iterator[SimpleNamespace]:
    """Yield a few nets in the layout of a style, of sizes that nncheck does not probe and of some that it does."""
    rng = np.random.default_rng(77)
    for sizes, batch in (((2, 4, 5), 3), ((3, 3, 3), 4), ((5, 2, 3), 6), ((2, 2, 2), 5), ((4, 5, 3), 5)):
        params = {}
        for layer, n in enumerate(("", "2")):
            W, B = rng.uniform(-1.5, 1.5, (sizes[layer + 1], sizes[layer])), rng.uniform(-1, 1, sizes[layer + 1])
            params[f"W{n}"] = W.T.copy() if style == "transposed" else W
            params[f"B{n}"] = {"columns": B[:, None], "transposed": B[None, :]}.get(style, B)
        X, YT = rng.uniform(-1.5, 1.5, (batch, sizes[0])), rng.uniform(0.1, 0.9, (batch, sizes[2]))
        if name == "softmax_cross_entropy":
            YT = np.eye(sizes[2])[rng.integers(0, sizes[2], batch)]
        if style == "columns":
            X, YT = X.T.copy(), YT.T.copy()
        yield SimpleNamespace(params=params, X=X, YT=YT)


def gradients_of(holder: Any, net: SimpleNamespace) -> dict[str, np.ndarray] | str:
    net = copy.deepcopy(net)  # a slip may write into its inputs
    with np.errstate(all="ignore"):
        try:
            _, cache = holder.forward(net.params, net.X)
            gradients = holder.backward(net.params, cache, net.YT)
            if isinstance(gradients, tuple):
                gradients = dict(zip(("W", "B", "W2", "B2"), gradients))
            return {name: np.asarray(gradients[name], dtype=float) for name in net.params}
        except Exception as error:
            return str(error) or "stopped"


def _changes(own: Sequence[Any], right: Sequence[Any], nets: Sequence[Any]) -> str:
    if all(isinstance(got, str) for got in own):
        return "stops"
    for got, true, net in zip(own, right, nets):
        if isinstance(got, str) or not all(_moves_alike(net.params[k], got[k], true[k]) for k in true):
            return "gradient"
    return "nothing"


def _moves_alike(parameter: np.ndarray, got: np.ndarray, true: np.ndarray) -> bool:
    """Whether a step along both comes to the same: (n,) may stand for (1, n), and never for (n, 1)."""
    try:
        return _same(parameter - got, parameter - true)
    except ValueError:
        return False


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=1e-11, equal_nan=True))
