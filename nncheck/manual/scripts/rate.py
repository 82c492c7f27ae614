"""The learning rate of a script: by its name, by where it is read, or as a number in the update."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts import flow, syntax
from nncheck.manual.scripts.candidates import RATE_NAME
from nncheck.manual.scripts.flow import Statement
from nncheck.manual.scripts.pool import natural
from nncheck.manual.scripts.roles import Training


@dataclass(frozen=True)
class Rate:
    """The learning rate, and in words where it comes from."""

    value: float | None
    source: str
    variable: str = ""


def learning_rate(training: Training, reading_names: set[str], given: str = "") -> Rate:
    """Find the learning rate: by its name, by where it is read, or as a literal in the update."""
    seen = training.pool.seen
    scalars = {n: s for n, s in {**seen.before, **seen.after}.items() if s.ndim == 1 or s[0].size == 1}
    constant = {n: float(s.ravel()[0]) for n, s in scalars.items() if len(set(s.ravel().tolist())) == 1}
    if given:
        if given in constant:
            return Rate(constant[given], phrase("{name}, as mapped", name=given), given)
        raise InputError(
            phrase("--map lr={given}: {given} is not one number that stays the same in the loop.", given=given)
        )
    updates = [s for s in training.statements if any(flow.touches(w, n) for w in s.writes for n in reading_names)]
    named = _named(training, scalars, constant, updates)
    if named in constant:
        # with a minus sign of its own it is added: W + lr * dW takes dW away just so
        return Rate(abs(constant[named]), phrase("the variable {name}", name=named), named)
    if named:
        return Rate(None, phrase("the variable {name}, which changes during the run", name=named), named)
    data = {element[0] for source in (training.data.X, training.data.YT) if source for element in source}
    read = {name for s in updates for name in s.reads} - reading_names - data
    fitting = sorted(n for n in read if 0 < constant.get(n, 0) <= 10 and n not in training.pool.counters)
    if len(fitting) == 1:
        return Rate(
            constant[fitting[0]], phrase("the variable {name}, read by the update", name=fitting[0]), fitting[0]
        )
    numbers = Counter(number for s in updates for number in _factors(s.text))
    common = [number for number, count in numbers.items() if 2 * count >= len(updates)]
    if len(common) == 1:  # in most updates: one of them may lack it
        value = common[0]
        return Rate(value, phrase("the number {value:g} in the update", value=value))
    return Rate(None, phrase("no learning rate was found"))


def _named(
    training: Training, scalars: Mapping[str, Array], constant: Mapping[str, float], updates: Sequence[Statement]
) -> str:
    """Return the variable that is the rate by its name; empty if none is.

    One that the updates read comes first, then one that stays the same; what only another rate is computed from
    (``lr = lr0 / (1 + k)``) comes last.
    """
    read = {name for statement in updates for name in statement.reads}
    names = [name for name in scalars if RATE_NAME.match(name)]
    changing = {name for name in names if name not in constant}
    through = {n: [s for s in training.statements if n in s.reads] for n in names}

    def rank(name: str) -> tuple[bool, bool, bool, int, list[tuple[int, int | str]]]:
        only = bool(through[name]) and all(s.writes & changing - {name} for s in through[name])
        return (name not in read, only, name in changing, name.count("."), natural(name))

    return min(names, key=rank, default="")


def in_force(training: Training, rate: str, reading_names: Set[str]) -> str:
    """Return at which end of an iteration a rate has the value that the update reads; empty if that cannot be told."""
    writes = [k for k, s in enumerate(training.statements) if rate in s.writes]
    updates = [
        k
        for k, s in enumerate(training.statements)
        if rate in s.reads and any(flow.touches(w, n) for w in s.writes for n in reading_names)
    ]
    if not writes or not updates or any(updates[0] < k < updates[-1] for k in writes):
        return ""
    early = [k for k in writes if k < updates[0]]
    if early and len(early) < len(writes):
        return ""
    return "after" if early else "before"


def _factors(text: str) -> set[float]:
    """Return the numbers between 0 and 1 that a statement multiplies with."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            for side in (node.left, node.right):
                if isinstance(side, ast.Constant) and syntax.is_number(side) and 0 < float(side.value) < 1:  # type: ignore[arg-type]
                    found.add(float(side.value))  # type: ignore[arg-type]
    return found
