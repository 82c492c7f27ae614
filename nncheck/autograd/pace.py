"""When a loop of steps looks whether the device keeps up, and gives a sign of life: by time, not by steps alone.

A device may only queue what it is asked, and be far behind the loop: a sign of life is given where a number was read
back from it. In each piece of training that is done at a fixed number of places; in between where, as fast as it was
until then, the time for a sign will be over.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from nncheck.process import WORK_LIMIT, limit_of

# Signs of life in the time after which a process without one counts as hanging.
_SIGNS = 12
# Places in each piece of training at which the device is read.
_PARTS = 10


def often() -> float:
    """Return the seconds in which a sign of life is due."""
    return min(WORK_LIMIT, limit_of(WORK_LIMIT)) / _SIGNS  # also of nan


class Pace:
    """Of the steps of one piece of training after another.

    Parameters
    ----------
    sign : callable
        Gives a sign of life: is told how many steps of the piece are done.
    """

    def __init__(self, sign: Callable[[int], None]) -> None:
        self._sign = sign
        self._often = often()
        self._each = 0.0  # seconds of a step, as the device was when it was read last
        self._fixed: list[int] = []
        self._steps = self._done = self._stop = 0
        self._read = 0.0

    def begin(self, steps: int) -> None:
        """Begin a piece of so many steps."""
        # behind the first step and some more, to know how fast the device is, and behind each part
        parts = (math.ceil(steps * part / _PARTS) for part in range(1, _PARTS))
        self._fixed = sorted({1, 1 + math.ceil(steps / 100), *parts}, reverse=True)
        self._steps, self._done = steps, 0
        self._go_on()

    @property
    def ahead(self) -> int:
        """Steps to do until the device is to be read, or the piece is done."""
        return self._stop - self._done

    def reached(self, done: int, result: Any) -> None:
        """Note that so many steps are done, whose last gave a result (a tensor); read it if that is due."""
        if done >= self._steps or (done < self._stop and time.monotonic() - self._read < self._often):
            return
        result.cpu()
        self._each = (time.monotonic() - self._read) / (done - self._done)
        self._done = done
        self._sign(done)
        self._go_on()

    def _go_on(self) -> None:
        self._read = time.monotonic()
        while self._fixed and self._fixed[-1] <= self._done:
            self._fixed.pop()
        fixed = self._fixed[-1] if self._fixed else self._steps
        self._stop = min(fixed, self._steps, self._done + max(1, int(self._often / max(self._each, 1e-9))))
