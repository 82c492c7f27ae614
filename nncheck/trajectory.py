"""What two implementations of one case did over some steps, and what the float64 witness says of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncheck.formula.plain import Array, points_innermost


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one side did over n steps.

    Attributes
    ----------
    losses : (n,)
        Loss of each step, before its update.
    before, after : mapping of str to (n, ...)
        Each parameter before and after the update of every step.
    gradients : mapping of str to (k, ...)
        The side's own dE/dW and so on: of every step (hand), or of the first and the last one (device).
    at : (k,), optional
        Which of the steps the gradients are of; the first k if it is left out.
    """

    losses: Array
    before: Mapping[str, Array]
    after: Mapping[str, Array]
    gradients: Mapping[str, Array]
    at: Array | None = None

    @property
    def read(self) -> Array:
        """The steps that the gradients are of, counted from the first of these."""
        return np.arange(len(next(iter(self.gradients.values())))) if self.at is None else self.at

    def first(self, n: int) -> Run:
        """Return the first n steps, the steps innermost in memory, as the checks of all steps at once want it."""
        read = self.read[self.read < n]
        return Run(
            losses=self.losses[:n],
            before=_laid_out(self.before, n),
            after=_laid_out(self.after, n),
            gradients=_laid_out(self.gradients, len(read)),
            at=read,
        )


@dataclass(frozen=True, kw_only=True)
class Witness:
    """torch autograd in float64 on the CPU, at the parameters that a side had before each of n steps.

    Attributes
    ----------
    losses : (n,)
    gradients : mapping of str to (n, ...)
    """

    losses: Array
    gradients: Mapping[str, Array]

    def first(self, n: int) -> Witness:
        """Return the first n steps, the steps innermost in memory."""
        return Witness(losses=self.losses[:n], gradients=_laid_out(self.gradients, n))


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some consecutive steps of both sides.

    Attributes
    ----------
    start : int
        Number of the first step.
    """

    start: int
    device: Run
    device_witness: Witness
    hand: Run
    hand_witness: Witness

    @property
    def steps(self) -> int:
        """How many steps both sides have here: fewer than asked for where the hand-written code stopped."""
        return len(self.hand.losses)

    def laid_out(self) -> Chunk:
        """Return the steps that both sides have, the steps innermost in memory."""
        n = self.steps
        return Chunk(
            start=self.start,
            device=self.device.first(n),
            device_witness=self.device_witness.first(n),
            hand=self.hand.first(n),
            hand_witness=self.hand_witness.first(n),
        )


def per_step(reduction: Callable[..., Any], array: Array) -> Array:
    """Reduce an array of n steps over all but its first axis."""
    axes = tuple(range(1, array.ndim))
    result: Array = reduction(array, axis=axes) if axes else array
    return result


def index_of_largest(array: Array) -> tuple[int, ...]:
    """Return the index of the largest element."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(array)), array.shape))


def _laid_out(arrays: Mapping[str, Array], n: int) -> dict[str, Array]:
    return {name: points_innermost(array[:n]) for name, array in arrays.items()}
