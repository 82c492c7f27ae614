"""What two implementations of one case did over some steps, and what the float64 witness says of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nncheck.formula.plain import Array


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one side did over n steps.

    Attributes
    ----------
    losses : (n,)
        Loss of each step, before its update.
    states : mapping of str to (n + 1, ...)
        Each parameter before the first of the steps and after every one.
    gradients : mapping of str to (n or 1, ...)
        The side's own dE/dW and so on: of every step (hand), or of the first one (device).
    """

    losses: Array
    states: Mapping[str, Array]
    gradients: Mapping[str, Array]


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
