"""Reads what somebody's code gives as it is meant: right code that looks unusual shows no difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from nncheck.case import Case
from nncheck.explaining.reached import Reached
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.rounding import update_radius
from nncheck.verifier.outputs import guard_of, guard_words, softmax_line
from nncheck.verifier.truth import EXACT, Truth, by_lines


def as_meant(case: Case, derivation: Derivation, reached: Reached) -> Reached:
    """Return what was reached with its values by the names that they have by their meaning.

    An output that is softmax(Y) is P; a loss that guards its logarithm is no other loss, and gradients of the opposite
    sign that update adds are no mistake: both are left out.
    """
    values, read_as = dict(reached.point.hand), list(reached.read_as)
    data = {"X": reached.X, "YT": reached.YT, **reached.point.params}
    truth = by_lines(case, derivation, data)
    P = softmax_line(derivation)
    if P is not None and "Y" in values and _agrees(values["Y"], P, truth) and not _agrees(values["Y"], "Y", truth):
        values[P] = values.pop("Y")
        read_as.append(phrase("forward returns softmax(Y), where the case has the logits Y: read so"))
    if "E" in values:
        bound = np.reshape(EXACT.bound(truth.radius["E"]), 1)
        eps = guard_of(derivation, np.reshape(values["E"], 1), bound, [(truth.value, reached.YT)])
        if eps is not None:
            del values["E"]
            read_as.append(guard_words(eps))
    if case.optimizer.is_plain and _are_taken_back(case, reached, truth):
        values = {name: array for name, array in values.items() if name == "E" or name[:1] != "d"}
        read_as.append(
            phrase("backward's gradients are off by a factor that update takes back: read together, they are right")
        )
    return replace(reached, point=replace(reached.point, hand=values), read_as=tuple(read_as))


def _are_taken_back(case: Case, reached: Reached, truth: Truth) -> bool:
    """Whether some gradient is wrong and every parameter after the update is right all the same."""
    hand: Mapping[str, Array] = reached.point.hand
    if reached.slack or not all(f"{name}'" in hand and f"d{name}" in hand for name in case.params):
        return False
    for name, before in reached.point.params.items():
        moved = reached.lr * truth.value[f"d{name}"]
        after = before - moved
        bound = EXACT.bound(update_radius(reached.lr, truth.radius[f"d{name}"], moved, after))
        if not (np.abs(hand[f"{name}'"] - after) <= bound).all() or not (np.abs(moved) > bound).any():
            return False
    return any(not _agrees(hand[f"d{name}"], f"d{name}", truth) for name in case.params)


def _agrees(got: Array, name: str, truth: Truth) -> bool:
    right = truth.value[name]
    return got.shape == right.shape and bool((np.abs(got - right) <= EXACT.bound(truth.radius[name])).all())
