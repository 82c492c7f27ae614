"""One step of a case worked out: each line of its derivation as formula, with its numbers, as value; and autograd's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nncheck.verdicts import Verdict

Part = Literal["forward", "backward", "update"]
Nested = Any  # a number, or lists of them


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedLine:
    """One line at one step.

    Attributes
    ----------
    name : str
        The quantity: Z, E, dW2, ...; of an update W' and so on.
    part : str
    formula, latex : str
        ``dW2 = dZ2.T @ H`` as text and as LaTeX.
    filled, filled_latex : str
        The same with this step's numbers in the place of the names; of a large array the first ones, then dots.
    value : nested lists of float
        What the line gives at this step's parameters, in float64.
    hand : nested lists of float or None
        What the hand-written code gave for the same quantity; None where it gives none.
    autograd : nested lists of float or None
        torch autograd's own value, in float64 on the CPU: of a gradient dQ the derivative of E that autograd computes.
    difference : float or None
        Of the elements that differ, if any do, else of all: the largest absolute difference of the hand's value and
        autograd's; of the line's value where the hand gives none, or where the line alone is wrong. Where torch
        cannot be had, of the hand's value and the line's. None where nothing was compared element by element.
    bound : float or None
        How far rounding alone can move them apart at that element; None where no line carries a bound.
    index : tuple of int or None
        Of that element.
    verdict : str
    """

    name: str
    part: Part
    formula: str
    latex: str
    filled: str
    filled_latex: str
    value: Nested
    hand: Nested | None
    autograd: Nested | None
    difference: float | None
    bound: float | None
    index: tuple[int, ...] | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedStep:
    """One step with its numbers.

    Attributes
    ----------
    step : int
    why : tuple of str
        Why it was kept, each a sentence's beginning in the language of the run: "first step", "first difference: dW".
    differs : bool
        Whether anything differs at this step.
    inputs : mapping
        X, YT and every parameter before the step.
    lines : tuple of WorkedLine
        In the order of the derivation: forward, backward, update.
    """

    step: int
    why: tuple[str, ...]
    differs: bool
    inputs: Mapping[str, Nested]
    lines: tuple[WorkedLine, ...]
