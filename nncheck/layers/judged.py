"""Holds one output or gradient of a layer against the witness, element by element; kinks are told from mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.rounding import FIXED
from nncheck.trajectory import index_of_largest
from nncheck.verdicts import Verdict
from nncheck.verification import Checked, Worst

RULE = "fixed tolerance"
#: Where the witness itself is known to less than this part of the largest element, nothing can be told.
UNKNOWN = 1e-3
#: Central differences may be off by some times what their last two values differ by.
SAFETY = 20.0
#: One-sided derivatives that differ by more than this part of the largest element are a kink.
KINK = 1e-4
#: So many elements without a kink among the worst, and the rest is not searched for one.
PATIENCE = 16

OneSided = Callable[[tuple[int, ...]], "tuple[float, float] | None"]


@dataclass(frozen=True)
class Judged:
    """A verdict with what a finding or a note says of it.

    Attributes
    ----------
    kinks : tuple of index
        Elements at which the value lies on, or between, two different one-sided derivatives.
    both_not_finite : int
        How many elements are NaN or infinite on both sides.
    """

    checked: Checked
    kinks: tuple[tuple[int, ...], ...] = ()
    both_not_finite: int = 0


def judge(
    name: str, got: Array, expected: Array, *, error: Array, noise: float, coarse: float, one_sided: OneSided
) -> Judged:
    """Compare two tensors of one shape.

    Parameters
    ----------
    name : str
    got, expected : (...)
    error : (...)
        How well the witness knows each element; 0 for autograd and the complex step.
    noise : float
        Rounding of what is zero on paper: smaller values are not told apart.
    coarse : float
        Largest relative rounding of got's type.
    one_sided : callable
        From an index to the derivatives on both sides.
    """
    if not got.size:
        empty = Checked(name=name, verdict="agree", ratio=0.0, worst=None, wrong=0, of=0, rule=RULE)
        return Judged(empty)
    finite = np.isfinite(expected)
    largest = float(np.abs(expected[finite]).max(initial=0.0))
    tolerance = np.full(got.shape, max(FIXED, coarse) * largest + noise) + SAFETY * error
    with np.errstate(all="ignore"):
        off = np.abs(got - expected)
        ratio = off / tolerance
    both = ~np.isfinite(got) & ~finite
    ratio = np.where(np.isfinite(got) ^ finite, np.inf, np.where(both, 0.0, ratio))
    unknown = (SAFETY * error > UNKNOWN * largest) & finite
    kinks = _kinks(ratio, unknown, got, largest, one_sided)
    for index in kinks:
        ratio[index] = 0.0
        unknown[index] = False
    ratio = np.where(unknown & np.isfinite(got), np.minimum(ratio, 1.0), ratio)
    wrong = int((ratio > 1).sum())
    verdict, why = _verdict(wrong, unknown, both, largest, noise, expected)
    worst = index_of_largest(ratio)
    checked = Checked(
        name=name,
        verdict=verdict,
        ratio=float(ratio[worst]),
        worst=Worst(
            index=worst,
            got=float(got[worst]),
            expected=float(expected[worst]),
            error=float(off[worst]),
            bound=float(tolerance[worst]),
        ),
        wrong=wrong,
        of=got.size,
        rule=RULE,
        why=why,
    )
    return Judged(checked, tuple(kinks), int(both.sum()))


def not_comparable(name: str, got: tuple[int, ...], expected: tuple[int, ...]) -> Judged:
    """Return the verdict on a tensor of the wrong shape."""
    size = int(np.prod(expected))
    why = phrase("its shape is {got}, expected {expected}", got=got, expected=expected)
    return Judged(
        Checked(name=name, verdict="differ", ratio=np.inf, worst=None, wrong=size, of=size, rule=RULE, why=why)
    )


def _verdict(
    wrong: int, unknown: Array, both: Array, largest: float, noise: float, expected: Array
) -> tuple[Verdict, str]:
    if wrong:
        return "differ", ""
    if unknown.any():
        count = int(unknown.sum())
        return "cannot-tell", phrase("{count} element(s) are known to less than {part:g}", count=count, part=UNKNOWN)
    if both.all():
        return "cannot-tell", phrase("no element is finite, on either side")
    if largest <= noise:
        if expected[np.isfinite(expected)].any():
            return "cannot-tell", phrase("it is 0 within rounding at these inputs, so that nothing was tried")
        return "cannot-tell", phrase("it is exactly 0 at these inputs, so that nothing was tried")
    return "agree", ""


def _kinks(ratio: Array, unknown: Array, got: Array, largest: float, one_sided: OneSided) -> Sequence[tuple[int, ...]]:
    """Return the elements that differ and are right on one side of a kink, or between the two."""
    at = np.argwhere(((ratio > 1) | unknown) & np.isfinite(got))
    suspects = sorted((tuple(int(i) for i in index) for index in at), key=lambda s: -ratio[s])
    found: list[tuple[int, ...]] = []
    for tried, index in enumerate(suspects):
        if tried >= PATIENCE and not found:
            break
        sides = one_sided(index)
        if sides is None:
            continue
        low, high = min(sides), max(sides)
        scale = max(largest, abs(low), abs(high))
        if high - low > KINK * scale and low - KINK / 10 * scale <= got[index] <= high + KINK / 10 * scale:
            found.append(index)
    return found
