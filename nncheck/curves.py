"""What a run looks like over its steps: series thinned by minimum and maximum, so that no spike is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ``loss`` of both sides, ``difference`` of the two free runs, ``ratio`` of a local error to its bound.
Kind = Literal["loss", "difference", "ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One series over the steps.

    Attributes
    ----------
    kind : str
    name : str
        Of a loss whose it is: ``autograd`` or ``manual``; of a difference what is compared: ``loss``, W, B, ...; of a
        ratio which side was judged: ``derivation``, ``loss`` or ``device``.
    steps : tuple of int
        Ascending; every step of a short run, else of each stretch of steps the one with the smallest and the one with
        the largest value.
    values : tuple of float
        At these steps; NaN and infinity are kept as they are.
    zeros : int
        At how many of all steps the value is exactly 0, which no log axis can show.
    of : int
        How many steps there were in all.
    """

    kind: Kind
    name: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    zeros: int
    of: int


def apart(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a linear axis, at least a hundredth of its values apart: four digits tell its marks apart."""
    largest = max(abs(low), abs(high))
    least = largest / 100 if largest > 1e-300 else 2.0  # what is smaller cannot be divided any more
    if high - low >= least:
        return low, high
    middle = low / 2 + high / 2
    return middle - least / 2, middle + least / 2
