"""Holds one quantity against its true value at several points: error over bound, element by element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nncheck.formula.plain import Array
from nncheck.judging import RESOLUTION, ZERO
from nncheck.language import phrase
from nncheck.rounding import TINY
from nncheck.trajectory import index_of_largest
from nncheck.verdicts import Verdict
from nncheck.verification import Checked, Worst


@dataclass(frozen=True)
class Pair:
    """One quantity at one point.

    Attributes
    ----------
    got, expected, bound : arrays of one shape
    place : int
        Which point.
    """

    got: Array
    expected: Array
    bound: Array
    place: int


@dataclass(frozen=True)
class Judged:
    """A checked quantity, with the point of its worst element and at how many points it differs.

    ``wrong_elements`` are those that differ at any point, if the quantity has one shape at all of them.
    """

    checked: Checked
    place: int
    differing: int
    points: int
    wrong_elements: Array


def judge(name: str, pairs: Sequence[Pair], rule: str = "bound", resolution: float = RESOLUTION) -> Judged:
    """Judge one quantity: it differs if any element at any point does, agrees if some point resolved it.

    Parameters
    ----------
    name : str
    pairs : sequence of Pair
        At least one, their shapes already known to be right.
    rule : str
        As in `Checked`.
    resolution : float
        The part of an element to which some point must resolve it.
    """
    ratios = [_ratio(pair) for pair in pairs]
    differing = sum(float(ratio.max(initial=0.0)) > 1 for ratio in ratios)
    weights = [_weight(pair, ratio) for pair, ratio in zip(pairs, ratios)] if differing else ratios
    at = int(np.argmax([weight.max(initial=0.0) for weight in weights]))
    pair, ratio = pairs[at], ratios[at]
    index = index_of_largest(weights[at]) if ratio.ndim else ()
    got, expected, bound = (float(array[index]) + 0.0 for array in (pair.got, pair.expected, pair.bound))
    resolved = any(_resolved(pair, resolution) for pair in pairs)
    verdict: Verdict = "differ" if differing else "agree" if resolved else "cannot-tell"
    why = phrase("no point resolved it to {part:g}", part=resolution) if verdict == "cannot-tell" else ""
    worst = Worst(index=index, got=got, expected=expected, error=abs(got - expected), bound=bound)
    wrong = int((ratio > 1).sum())
    checked = Checked(
        name=name,
        verdict=verdict,
        ratio=float(ratio[index]),
        worst=worst,
        wrong=wrong,
        of=ratio.size,
        rule=rule,
        why=why,
    )
    same = all(other.shape == ratio.shape for other in ratios)
    elements = np.any([other > 1 for other in ratios], axis=0) if same else ratio > 1
    return Judged(checked, pair.place, differing, len(pairs), np.asarray(elements))


def _ratio(pair: Pair) -> Array:
    """Return error / bound; infinite where one side alone is not finite, 0 where both are not."""
    with np.errstate(all="ignore"):
        ratio = np.asarray(np.abs(pair.got - pair.expected) / pair.bound)
    odd_got, odd_expected = ~np.isfinite(pair.got), ~np.isfinite(pair.expected)
    ratio = np.where(odd_got & odd_expected, 0.0, np.where(odd_got ^ odd_expected, np.inf, ratio))
    return np.where(np.isinf(pair.bound) & ~odd_got, 0.0, ratio)


def _weight(pair: Pair, ratio: Array) -> Array:
    """Return how much each differing element shows: its error as a part of the tensor's largest element.

    Where the bound is next to nothing, as behind a closed ReLU, error / bound says only that.
    """
    with np.errstate(all="ignore"):
        largest = np.abs(np.where(np.isfinite(pair.expected), pair.expected, 0.0)).max(initial=0.0) + TINY["float64"]
        weight = np.abs(pair.got - pair.expected) / largest
    return np.where(ratio > 1, np.where(np.isfinite(weight), weight, np.inf), 0.0)


def _resolved(pair: Pair, resolution: float) -> bool:
    """Whether every element is known well enough to tell a part of itself, and not all are zero."""
    size = np.abs(pair.expected)
    told = pair.bound <= resolution * size
    zero = (pair.expected == 0) & (pair.bound <= ZERO * TINY["float64"])
    return bool(told.any() and (told | zero).all())
