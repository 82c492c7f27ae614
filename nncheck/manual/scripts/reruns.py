"""A script run again from other numbers, so that between the runs every ReLU unit is open and closed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

import numpy as np

from nncheck.case import Case
from nncheck.language import phrase
from nncheck.manual.scripts import renumber
from nncheck.manual.scripts.evidence import Data, parameters
from nncheck.manual.scripts.pool import Source
from nncheck.manual.scripts.roles import Training
from nncheck.manual.scripts.watched import Seen, Watched

#: Iterations of each run.
MOST_AGAIN = 6
_RUNS, _DRAWS = 3, 8


def from_other_numbers(
    run_watch: Callable[..., Watched],
    tree: ast.Module,
    training: Training,
    case: Case,
    generator: np.random.Generator,
    rate: float | None = None,
) -> tuple[list[Seen], list[str]]:
    """Run the script from other numbers; keep runs that between them take both sides of every ReLU."""
    literals = renumber.replaceable(tree, training, {case.lr, rate or case.lr})
    reading = next(training.choices.readings(case.params), None)
    if not literals:
        return [], [phrase("Its numbers stand in no literal that could be replaced: it was run only as it is.")]
    for kinds in (("parameter", "input", "target"), ("parameter", "input"), ("parameter",)):
        chosen = [item for item in literals if item.kind in kinds]
        drawn: list[tuple[tuple[bool, ...], Seen]] = []
        failed = 0
        for number in range(_DRAWS):
            numbers = renumber.draw(chosen, case, generator, positive=number == 0)
            seen = _same_loop(run_watch(literals=numbers, loop=training.loop, most=MOST_AGAIN), training.loop)
            failed += seen is None
            if seen is not None:
                drawn.append((_branches(training.data, reading, case, seen), seen))
            if failed >= 3 or (len(drawn) >= _RUNS and not drawn[0][0]):
                break
        if drawn:
            return _varied(drawn), []
    return [], [phrase("From other numbers it did not run: it was watched only as it is.")]


def _same_loop(watched: Watched, loop: int) -> Seen | None:
    return next((seen for seen in watched.loops if seen.loop == loop), None)


def _branches(data: Data, reading: Mapping[str, Source] | None, case: Case, seen: Seen) -> tuple[bool, ...]:
    if reading is None or any(len(reading.get(name, ())) != start.size for name, start in case.params.items()):
        return ()
    X, YT = data.arrays(seen, case)
    before = parameters(seen, reading, case, "before")
    return renumber.branches(case, X[0], YT[0], {name: array[0] for name, array in before.items()})


def _varied(drawn: list[tuple[tuple[bool, ...], Seen]]) -> list[Seen]:
    """Pick the run with most units open, then those with the most new (unit, side) pairs, none wholly closed."""
    picked: list[tuple[tuple[bool, ...], Seen]] = []
    left = sorted(drawn, key=lambda item: -sum(item[0]))
    while left and len(picked) < _RUNS:
        known = {(unit, side) for taken, _ in picked for unit, side in enumerate(taken)}
        best = max(left, key=lambda i: (any(i[0]) or not i[0], len(set(enumerate(i[0])) - known)))
        left.remove(best)
        picked.append(best)
    return [seen for _, seen in picked]
