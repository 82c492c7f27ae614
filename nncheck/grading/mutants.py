"""Known mistakes as submissions: the lines of a case with one of them in, written out as a NumPy file."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nncheck.case import Case
from nncheck.diagnosis.edits import small_edits
from nncheck.diagnosis.mistakes import Edit, named_edits
from nncheck.diagnosis.steps import named_updates
from nncheck.formula import Derivation, Line, Name, text_of
from nncheck.formula.lines import walk
from nncheck.grading.checks import TRAJECTORY, UPDATE, quantity_of
from nncheck.verifier.functions import LR

_NUMPY = ("maximum", "minimum", "exp", "log", "sqrt", "abs", "sign", "tanh", "where", "dot", "outer")
_CALL = re.compile(rf"(?<![\w.])({'|'.join((*_NUMPY, 'zeros_like', 'ones_like'))})\(")
#: What a line may call that NumPy does not have.
_HELPERS = {
    "sigmoid": "return np.exp(-np.logaddexp(0, -a))",
    "relu": "return np.maximum(a, 0)",
    "softmax": "e = np.exp(a - a.max(axis=-1, keepdims=True))\n    return e / e.sum(axis=-1, keepdims=True)",
    "log_softmax": "a = a - a.max(axis=-1, keepdims=True)\n"
    "    return a - np.log(np.exp(a).sum(axis=-1, keepdims=True))",
    "last_row": "kept = np.zeros(a.shape)\n    kept[-1] = a[-1]\n    return kept",
    "first_row": "kept = np.zeros(a.shape)\n    kept[0] = a[0]\n    return kept",
    "first_column": "return a[:, 0]",
    "next_column": "return np.roll(a, 1, axis=-1)",
    "previous_column": "return np.roll(a, -1, axis=-1)",
    "label": "return a.argmax(axis=1)[:, None]",
    "softmax_all": "e = np.exp(a - a.max())\n    return e / e.sum()",
    "softmax_axis0": "e = np.exp(a - a.max(axis=0))\n    return e / e.sum(axis=0)",
}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One known mistake as a file of functions.

    Attributes
    ----------
    edit : Edit
        No lines in it: the file is right.
    in_update : bool
        Whether it is in the optimizer's lines.
    source : str
    """

    edit: Edit
    in_update: bool
    source: str


def right(case: Case, checks: Sequence[str]) -> Mutant:
    """Return the lines of a case as they are."""
    source = _written(case, case.derivation(), checks, {}, {})
    assert source
    return Mutant(edit=Edit("right", "", ()), in_update=False, source=source)


def named(case: Case, checks: Sequence[str]) -> Iterator[Mutant]:
    """Yield every mistake of the catalogue that can be made in a case: in its lines, and in its update if that counts.

    Parameters
    ----------
    case : Case
    checks : sequence of str
        That points are given for: gradients on the way are handed over if they are among them.
    """
    seen = set()
    for edit in named_edits(case.derivation()):
        mutant = _mutant(case, checks, edit)
        if mutant and (edit.id, edit.equals) not in seen:
            seen.add((edit.id, edit.equals))
            yield mutant
    if UPDATE in checks or TRAJECTORY in checks:
        for edit in named_updates(case.optimizer):
            source = _written(case, case.derivation(), checks, {}, {line.name: line for line in edit.lines})
            if source and (edit.id, edit.equals) not in seen:
                seen.add((edit.id, edit.equals))
                yield Mutant(edit=edit, in_update=True, source=source)


def slips(case: Case, checks: Sequence[str], seed: int = 0) -> Iterator[Mutant]:
    """Yield small edits of a case's lines in a random order, as slips of the pen that have no name."""
    edits = list(small_edits(case.derivation(), ("X", "YT", *case.params)))
    random.Random(seed).shuffle(edits)
    for edit in edits:
        mutant = _mutant(case, checks, edit)
        if mutant:
            yield mutant


def _mutant(case: Case, checks: Sequence[str], edit: Edit) -> Mutant | None:
    source = _written(case, case.derivation(), checks, {line.name: line for line in edit.lines}, {})
    return Mutant(edit=edit, in_update=False, source=source) if source else None


def _written(
    case: Case,
    derivation: Derivation,
    checks: Sequence[str],
    lines: Mapping[str, Line],
    update: Mapping[str, Line],
) -> str:
    """Return the file; empty where the lines need what their function does not have, as loss and the parameters."""
    at = derivation.names.index("E")
    replaced = [lines.get(line.name, line) for line in derivation.lines]
    forward, loss, backward = replaced[:at], replaced[at], _ordered(replaced[at + 1 :])
    params, kept = tuple(case.params), ("X", *(line.name for line in forward))
    made = [line.name for line in backward]
    if not backward or _needs([loss]) - {"Y", "YT"} or _needs(forward) - {*params, *kept}:
        return ""
    if _needs(backward) - {*params, *kept, *made, "YT", "lr"}:
        return ""
    wanted = {quantity_of(check)[1:] for check in checks if quantity_of(check) in made and check[:1] == "d"}
    returned = [name[1:] for name in made if name[:1] == "d" and (name[1:] in params or name[1:] in wanted)]
    parts = [
        _function("forward(params, X)", [*_read("params", params), *_texts(forward), f"return Y, {_dict(kept)}"]),
        _function("loss(Y, YT)", [*_texts([loss]), "return E"]),
        _function(
            "backward(params, cache, YT)",
            [
                *_read("params", params),
                *_read("cache", kept),
                *_texts(backward),
                "return {" + ", ".join(f"{name!r}: np.array(d{name}, dtype=float)" for name in returned) + "}",
            ],
        ),
    ]
    if UPDATE in checks or TRAJECTORY in checks:
        parts.append(_update(case, update))
    body = "\n\n\n".join(parts)
    helpers = [_function(f"{name}(a)", [text]) for name, text in _HELPERS.items() if re.search(rf"\b{name}\(", body)]
    head = ["import numpy as np", *([f"lr = {LR!r}  # of the step that the gradients are for"] if "lr" in body else [])]
    return "\n\n\n".join(["\n\n".join(head), *helpers, body]) + "\n"


def _update(case: Case, lines: Mapping[str, Line]) -> str:
    optimizer = case.optimizer
    states = [f"{name!r}: np.zeros(W.shape)" for name in optimizer.states]
    body = [f"own = state.setdefault(name, {{{', '.join(states)}}})"] if states else []
    body += [f"{name} = own[{name!r}]" for name in optimizer.states]
    body += _texts([lines.get(line.name, line) for line in optimizer.lines.lines])
    body += [f"own[{name!r}] = {name}_" for name in optimizer.states]
    numbers = [f"{name} = {value!r}" for name, value in optimizer.numbers.items()]
    count = ["t = state['t'] = state.get('t', 0) + 1"]
    loop = ["after = {}", "for name, W in params.items():", "    dW = grads[name]", *(f"    {text}" for text in body)]
    return _function(
        "update(params, grads, lr, state)", [*numbers, *count, *loop, "    after[name] = W_", "return after"]
    )


def _ordered(lines: Sequence[Line]) -> list[Line]:
    """Return lines so that each stands after what it needs, for a mistake may use a later one's value; or none."""
    names = {line.name for line in lines}
    done: list[Line] = []
    left = list(lines)
    while left:
        given = {line.name for line in done}
        ready = next((line for line in left if not (_needs([line]) & names) - given), None)
        if ready is None:
            return []
        done.append(ready)
        left.remove(ready)
    return done


def _needs(lines: Sequence[Line]) -> set[str]:
    return {node.id for line in lines for node in walk(line.expression) if isinstance(node, Name)}


def _texts(lines: Sequence[Line]) -> list[str]:
    return [_CALL.sub(r"np.\1(", f"{line.name} = {text_of(line.expression)}") for line in lines]


def _read(source: str, names: Sequence[str]) -> list[str]:
    return [f"{name} = {source}[{name!r}]" for name in names]


def _dict(names: Sequence[str]) -> str:
    return "{" + ", ".join(f"{name!r}: {name}" for name in names) + "}"


def _function(head: str, lines: Sequence[str]) -> str:
    return "\n".join([f"def {head}:", *(f"    {line}" for line in lines)])
