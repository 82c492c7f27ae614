"""Other numbers for a script: those literals that parameters and data start from, drawn anew.

The document's own numbers hide mistakes (one sample, equal biases, all units alive), so a script is run again from
others. Learning rates, numbers of epochs and the constants of formulas stay as they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal as Choice

import numpy as np

from nncheck.case import Case
from nncheck.formula import Plain, PlainArithmetic, evaluate, plain
from nncheck.formula.plain import Array
from nncheck.manual.scripts import syntax
from nncheck.manual.scripts.pool import Source
from nncheck.manual.scripts.roles import Training
from nncheck.rounding import has_probability_targets

Kind = Choice["parameter", "input", "target"]
#: Numbers that a formula may well hold; replaced only where they are assigned to a parameter or to data.
_COMMON = frozenset((0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5))
_NEVER = re.compile(r"(?i)(lr|learning_?rate|eta|alpha|epoch|epochs|steps|iters?|n_?iter|학습률|seed|momentum|eps)")


@dataclass(frozen=True)
class Replaceable:
    """A literal from which a parameter or the data starts."""

    literal: syntax.Literal
    kind: Kind


def replaceable(tree: ast.Module, training: Training, rates: Collection[float] = ()) -> tuple[Replaceable, ...]:
    """Find the literals that give parameters and data their first numbers, by where they flow and by value.

    ``rates`` are numbers that may well be the learning rate: they are data only where they surely are.
    """
    choices, data = training.choices, training.data
    sources = [source for found in choices.arrays.values() for source in found]
    sources += [group.elements for group in choices.groups]
    kinds: list[tuple[Kind, list[Source]]] = [
        ("target", [data.YT] if data.YT else []),
        ("input", [data.X] if data.X else []),
        ("parameter", sources),
    ]
    bases = {kind: {base for s in found for e in s for base in _bases(e[0])} for kind, found in kinds}
    values = {kind: {_first(training, e) for s in found for e in s} for kind, found in kinds}
    found = []
    for literal in syntax.literals(tree):
        kind = _kind(literal, bases, values, rates)
        if kind is not None:
            found.append(Replaceable(literal, kind))
    return tuple(found)


def _kind(
    literal: syntax.Literal, bases: Mapping[Kind, set[str]], values: Mapping[Kind, set[float]], rates: Collection[float]
) -> Kind | None:
    assigned = {part for target in literal.targets for part in _bases(target)}
    if any(_NEVER.fullmatch(name) for name in (*assigned, literal.keyword)):
        return None
    for kind, names in bases.items():
        if not literal.in_loop and assigned & names and literal.value in values[kind]:
            return kind
    if literal.value in _COMMON and not literal.listed:
        return None
    if abs(literal.value) in rates and (len(literal.beside) < 2 or literal.beside - set().union(*values.values())):
        return None  # as much the learning rate as it is data
    if any(assigned & names for names in bases.values()):
        return None  # a constant beside the numbers that are known: the column of ones for a bias
    order: tuple[Kind, ...] = ("parameter", "input", "target")
    for kind in order:
        if literal.value in values[kind] and (not literal.in_loop or (kind != "parameter" and literal.listed)):
            return kind
    return None


def draw(
    literals: Sequence[Replaceable], case: Case, generator: np.random.Generator, positive: bool
) -> dict[tuple[int, int], float]:
    """Draw a number for each literal: abs in [0.2, 1.5], targets in the range that the case's have.

    Parameters
    ----------
    positive : bool
        Whether all parameters and inputs are positive, so that every ReLU is open.
    """
    numbers = {}
    for item in literals:
        sign = 1.0 if positive else float(generator.choice((-1.0, 1.0)))
        numbers[item.literal.line, item.literal.column] = round(sign * float(generator.uniform(0.2, 1.5)), 6)
    targets = [(i.literal.line, i.literal.column) for i in literals if i.kind == "target"]
    outputs = case.YT.shape[1]
    if has_probability_targets(case, case.derivation()):
        if len(targets) % outputs:
            targets = []  # labels, or a part of a row: left as it is
        for row in range(0, len(targets), outputs):
            weights = np.floor(generator.dirichlet(np.ones(outputs)) * 60) / 64 + 1 / 64
            weights[0] += 1 - weights.sum()
            numbers.update(zip(targets[row : row + outputs], weights.tolist()))
        kept = {(i.literal.line, i.literal.column) for i in literals if i.kind == "target"} - set(targets)
        return {place: value for place, value in numbers.items() if place not in kept}
    if (case.YT >= 0).all() and (case.YT <= 1).all():
        numbers.update({place: round(float(generator.uniform(0.05, 0.95)), 6) for place in targets})
    return numbers


def branches(case: Case, X: Array, YT: Array, params: Mapping[str, Array]) -> tuple[bool, ...]:
    """Return which side each comparison of the derivation takes at one point: which ReLU units are open."""
    seeing = _Branches()
    inputs = {"X": plain(X), "YT": plain(YT), **{name: plain(array) for name, array in params.items()}}
    evaluate(case.derivation(), inputs, seeing)
    return tuple(seeing.taken)


class _Branches(PlainArithmetic):
    def __init__(self) -> None:
        self.taken: list[bool] = []

    def maximum(self, a: Plain, b: Plain) -> Plain:
        self.taken += (self.subtract(a, b).array > 0).ravel().tolist()
        return super().maximum(a, b)


def _bases(name: str) -> tuple[str, str]:
    """Return the variable that a name begins with and the attribute that it ends with: net.W1[0] -> net, W1."""
    plain_name = re.sub(r"( \(call \d\)|\(\))", "", re.sub(r"\[.*", "", name))
    parts = plain_name.split(".")
    return (parts[0] if len(parts) == 1 else parts[-1]), parts[-1]


def _first(training: Training, element: tuple[str, int]) -> float:
    seen = training.pool.seen
    stack = seen.before.get(element[0], seen.after.get(element[0]))
    assert stack is not None
    return float(stack[0].ravel()[element[1]])
