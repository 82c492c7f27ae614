"""Thins series of numbers while they stream in: of each stretch of steps the smallest and the largest value stay."""

from __future__ import annotations

import numpy as np

from nncheck.curves import Curve, Kind
from nncheck.formula.plain import Array

#: At most so many stretches, two points of each.
STRETCHES = 400


class Thinned:
    """One series, of which no more than two values of each of `STRETCHES` stretches are held.

    A stretch is 1, 2, 4, 8, ... steps long: as short as the steps seen so far allow. Thinning what was thinned before
    together with what is new gives the same as thinning all at once: the extremes of a stretch are among those of its
    parts. So the result does not depend on the chunks in which the steps come, nor memory on how many there are.
    """

    def __init__(self) -> None:
        self._steps, self._values = np.zeros(0, dtype=np.int64), np.zeros(0)
        self.zeros = self.of = 0

    def add(self, steps: Array, values: Array) -> None:
        """Take the values of the next steps, which ascend; steps may be missing."""
        if len(steps) == 0:
            return
        self.zeros += int(np.count_nonzero(values == 0))
        self.of += len(steps)
        self._steps = np.concatenate([self._steps, steps])
        self._values = np.concatenate([self._values, values])
        kept = extremes(self._steps, self._values, _width(int(steps[-1])))
        self._steps, self._values = self._steps[kept], self._values[kept]

    def curve(self, kind: Kind, name: str) -> Curve:
        """Return the record."""
        steps, values = tuple(self._steps.tolist()), tuple(self._values.tolist())
        return Curve(kind=kind, name=name, steps=steps, values=values, zeros=self.zeros, of=self.of)


class Gathering:
    """The series of one run, by kind and name."""

    def __init__(self) -> None:
        self._series: dict[tuple[Kind, str], Thinned] = {}

    def add(self, kind: Kind, name: str, steps: Array, values: Array) -> None:
        """Take the values of the next steps of one series."""
        self._series.setdefault((kind, name), Thinned()).add(steps, values)

    def curves(self) -> tuple[Curve, ...]:
        """Return all series, in the order in which they first came."""
        return tuple(series.curve(*key) for key, series in self._series.items())


def extremes(steps: Array, values: Array, width: int) -> Array:
    """Return where, in each stretch of steps, the first smallest and the first largest value stand, in order.

    What is not finite is larger than any number.

    Parameters
    ----------
    steps : (n,)
        Ascending.
    values : (n,)
    width : int
        A stretch holds the steps from k width to (k + 1) width - 1.
    """
    if width <= 2:  # two steps are the smallest and the largest
        return np.arange(len(steps))
    key = np.where(np.isfinite(values), values, np.inf)
    stretch = steps // width
    starts = np.flatnonzero(np.concatenate([[True], stretch[1:] != stretch[:-1]]))
    lengths = np.diff(starts, append=len(steps))
    kept = np.zeros(len(steps), dtype=bool)
    for reduction in (np.minimum, np.maximum):
        hits = np.flatnonzero(key == np.repeat(reduction.reduceat(key, starts), lengths))
        kept[hits[np.searchsorted(hits, starts)]] = True  # of each stretch the first; every stretch has one
    return np.flatnonzero(kept)


def _width(last: int) -> int:
    """Return the shortest stretch, a power of two, of which `STRETCHES` reach to the last step."""
    return 1 << max(0, -(-(last + 1) // STRETCHES) - 1).bit_length()
