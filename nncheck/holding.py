"""Holds two values of one quantity at one step against each other: how far apart, where, and what to say of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncheck.formula.plain import Array
from nncheck.judging import RESOLUTION, ZERO
from nncheck.rounding import TINY
from nncheck.trajectory import index_of_largest
from nncheck.verdicts import Verdict


@dataclass(frozen=True)
class Held:
    """How far two values are apart; see `WorkedLine`."""

    difference: float | None
    bound: float | None
    index: tuple[int, ...] | None
    verdict: Verdict


def hold(got: Array, expected: Array, bound: Array | None, scale: Array | None = None) -> Held:
    """Hold one value against another, element by element.

    Parameters
    ----------
    got, expected : arrays
        Of another shape they differ.
    bound : array or None
        None where none is known.
    scale : array, optional
        What is to be resolved, if not the value itself: of an update, what it moves.
    """
    if got.shape != expected.shape:
        return Held(None, None, None, "differ")
    error = np.abs(got - expected)
    odd_got, odd = ~np.isfinite(got), ~np.isfinite(expected)
    error = np.where(odd_got & odd, 0.0, np.where(odd_got ^ odd, np.inf, error))
    known = np.full(error.shape, np.nan) if bound is None else np.broadcast_to(bound, error.shape)
    wrong = error > np.where(np.isnan(known), np.where(odd_got ^ odd, 0.0, np.inf), known)
    wrong &= ~(np.isinf(known) & ~odd_got)
    largest = np.where(wrong, error, -1.0) if wrong.any() else error
    index = index_of_largest(largest) if error.ndim else ()
    within = float(known[index])
    size = np.abs(expected if scale is None else scale)
    # a bound of next to nothing is an exact zero, as behind a closed ReLU: every precision gives it
    told = (known <= RESOLUTION * size) | ((size == 0) & (known <= ZERO * TINY["float64"]))
    verdict: Verdict = "differ" if wrong.any() else "agree" if told.all() and not odd.any() else "cannot-tell"
    if (odd_got & odd).all():  # no number on either side: nothing to subtract
        return Held(None, None, None, verdict)
    return Held(float(error[index]), None if np.isnan(within) else within, index, verdict)
