"""Which steps of a run are kept with their numbers, and why: checkpoints, the worst steps, the first that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import N_, phrase
from nncheck.optimizers import States
from nncheck.trajectory import Run

if TYPE_CHECKING:
    from nncheck.judging import Judge

#: At most so many steps of a case are kept, and so many numbers in all when they are worked out.
MOST_STEPS, MOST_NUMBERS = 20, 40_000
_MOST_FIRST, _MOST_WORST = 5, 3

_FIRST = {
    "derivation": N_("first difference: {names}"),
    "loss": N_("first difference of the loss: {names}"),
    "device": N_("first difference of the device: {names}"),
    "lines": N_("first difference of derivation.txt: {names}"),
}
_WORST = {
    "derivation": N_("largest error / bound: {names}"),
    "loss": N_("largest error / bound of the loss: {names}"),
    "device": N_("largest error / bound of the device: {names}"),
    "lines": N_("largest error / bound of derivation.txt: {names}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One kept step of the hand-written side.

    Attributes
    ----------
    step : int
    why : tuple of str
        Why it was kept, in the language that is spoken.
    params : mapping of str to array
        Before the step, in float64.
    hand : mapping of str to array
        What the hand-written code gave: E, dW and so on, and W' and so on after the update.
    states : mapping of parameter to mapping of state to array
        What the optimizer should have kept before the step, from the hand's own gradients.
    """

    step: int
    why: tuple[str, ...]
    params: Mapping[str, Array]
    hand: Mapping[str, Array]
    states: States = field(default_factory=dict)


class Kept:
    """Takes a run's chunks one after the other, and holds no more steps than it will give.

    Parameters
    ----------
    steps : int
        Of the whole run.
    numbers : int
        How many there are about in one step that is worked out; of a large network fewer steps are kept, or none.
    """

    def __init__(self, steps: int, numbers: int) -> None:
        self._most = min(MOST_STEPS, MOST_NUMBERS // max(1, numbers))
        self._checkpoints = checkpoints(steps)
        self._taken: dict[int, Point] = {}
        self._why: dict[int, list[tuple[str, str]]] = {}

    def add(self, steps: Array, run: Run, judges: Sequence[Judge], states: States) -> None:
        """Take the hand's next steps, which were judged already, and the optimizer's states before each of them."""
        first, last = int(steps[0]), int(steps[-1])
        why = _reasons(judges, [step for step in self._checkpoints if step <= last], last)
        wanted = list(why)[: self._most]
        # what is wanted later was wanted when it came: a largest one stays it, or gives way to a later one for good
        self._taken = {
            step: _point(step, run, states, step - first) if step >= first else self._taken[step]
            for step in wanted
            if step >= first or step in self._taken
        }
        self._why = why

    def points(self) -> tuple[Point, ...]:
        """Return the kept steps, ascending."""
        return tuple(replace(self._taken[step], why=_said(self._why[step])) for step in sorted(self._taken))


def checkpoints(steps: int) -> tuple[int, ...]:
    """Return steps spread over a run, close together at its start: 0, 1, 10, 100, ..., and the quarters."""
    decades = {10**k for k in range(len(str(steps - 1))) if 10**k < steps}
    return tuple(sorted({0, *decades, *(quarter * steps // 4 for quarter in (1, 2, 3))}))


def _reasons(judges: Sequence[Judge], spread: Iterable[int], last: int) -> dict[int, list[tuple[str, str]]]:
    """Return the steps to keep, the most wanted first, and of each its reasons: a message, a name that goes into it."""
    why: dict[int, list[tuple[str, str]]] = {}
    differing = [judge for judge in judges if judge.differing]
    firsts = sorted({judge.first_step for judge in differing})[:_MOST_FIRST]
    for judge in sorted(differing, key=lambda judge: judge.first_step):
        if judge.first_step in firsts:
            why.setdefault(judge.first_step, []).append((_FIRST[judge.side], judge.name))
    for judge in _worst(judges, differing):
        assert judge.worst is not None
        why.setdefault(judge.worst.step, []).append((_WORST[judge.side], judge.name))
    why.setdefault(0, []).append((N_("first step"), ""))
    why.setdefault(last, []).append((N_("last step"), ""))
    for step in spread:
        if step not in (0, last):
            why.setdefault(step, []).append((N_("checkpoint"), ""))
    return why


def _worst(judges: Sequence[Judge], differing: list[Judge]) -> list[Judge]:
    """Return the judges with the largest error / bound: the first of each side, and the first of those that differ."""

    def size(judge: Judge) -> float:
        return 0.0 if judge.worst is None else judge.worst.ratio

    sides = dict.fromkeys(judge.side for judge in judges if judge.side != "lines")
    of_sides = [max((judge for judge in judges if judge.side == side), key=size) for side in sides]
    chosen = [*of_sides, *sorted(differing, key=size, reverse=True)[:_MOST_WORST]]
    return [judge for judge in dict.fromkeys(chosen) if size(judge) > 0]


def _point(step: int, run: Run, states: States, s: int) -> Point:
    """Copy what the hand-written code had and gave at one step, the s-th of those at hand."""
    hand = {"E": run.losses[s]}
    hand |= {f"d{name}": array[s] for name, array in run.gradients.items()}
    hand |= {f"{name}'": array[s] for name, array in run.after.items()}
    return Point(
        step=step,
        why=(),
        params=_copied({name: array[s] for name, array in run.before.items()}),
        hand=_copied(hand),
        states={name: _copied({state: array[s] for state, array in own.items()}) for name, own in states.items()},
    )


def _copied(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.array(array, dtype=np.float64) for name, array in arrays.items()}


def _said(reasons: list[tuple[str, str]]) -> tuple[str, ...]:
    """Say the reasons, those of one kind in one: ``first difference: dW, dB``."""
    names: dict[str, list[str]] = {}
    for message, name in reasons:
        names.setdefault(message, []).append(name)
    return tuple(phrase(message, names=", ".join(dict.fromkeys(named))) for message, named in names.items())
