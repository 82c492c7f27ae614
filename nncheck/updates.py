"""What the updates of a run should give, from each step's own parameters and gradient, and how far rounding moves it.

Of plain SGD that is W - lr dW. Other optimizers keep states: these are computed anew from the gradients of every step
since the first, chunk after chunk. A state is a sum that fades, S_t = a S_(t-1) + b_t, and so is its radius: a times
the radius before, and what the step's own operations add.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nncheck.formula import BoundArithmetic, Bounded, PlainArithmetic, evaluate, exact, plain, radius_like
from nncheck.formula.plain import Array
from nncheck.optimizers import Optimizer
from nncheck.rounding import TINY, UNIT, Precision, near_overflow, update_radius

# Products in a line, each of which may be flushed to zero; the arithmetic counts one for the whole line.
_PRODUCTS = 3
# Roundings of a state, before and after a step, that forms equal on paper may have more than the lines: Nesterov's as
# W - momentum * M + (1 + momentum) * M_ with M in parts of -lr. Such a form adds to W twice.
_FORMS = 2


@dataclass(frozen=True)
class Expected:
    """What an update should give at S steps.

    Attributes
    ----------
    after : (S, ...)
    radius : (S, ...) or None
        None where no radius of the gradient is known.
    moved : (S, ...)
        What the update takes away from the parameter.
    """

    after: Array
    radius: Array | None
    moved: Array


@dataclass(frozen=True)
class _Kept:
    """What goes on to the next chunk, of one parameter: its states, their radii, and where no bound holds any more."""

    states: Mapping[str, Array]
    radii: Mapping[str, Array]
    lost: Array


class Updates:
    """The updates of one side, chunk after chunk.

    Parameters
    ----------
    optimizer : Optimizer
    lr : float
    precision : Precision
        Number types of the side and of its judge.
    as_written : bool
        Whether the side computes the lines as they stand (torch), or in whatever form is equal to them on paper.

    Attributes
    ----------
    earlier : dict of parameter to dict of state to (S, ...)
        What the optimizer keeps, before each of the steps that were added last; empty if it keeps nothing.
    """

    def __init__(self, optimizer: Optimizer, lr: float, precision: Precision, *, as_written: bool = False) -> None:
        self._optimizer, self._lr, self._precision = optimizer, lr, precision
        self._forms = 0 if as_written else _FORMS
        self._unit = UNIT[precision.coarser]
        self._kept: dict[str, _Kept] = {}
        self.earlier: dict[str, dict[str, Array]] = {}

    def add(self, name: str, steps: Array, before: Array, gradient: Array, radius: Array | None) -> Expected:
        """Return what the next steps should make of one parameter.

        Parameters
        ----------
        name : str
            The parameter.
        steps : (S,)
            Numbers of the steps, from 0 on, without a gap since the last call.
        before, gradient : (S, ...)
            Parameter before each step, and its gradient there.
        radius : (S, ...) or (), or None
            Radius of the gradient; None where it is not known.
        """
        if self._optimizer.is_plain:
            moved = self._lr * gradient
            after = before - moved
            return Expected(after, None if radius is None else update_radius(self._lr, radius, moved, after), moved)
        with np.errstate(all="ignore"):
            return self._by_lines(name, steps, before, gradient, radius)

    def _by_lines(self, name: str, steps: Array, before: Array, gradient: Array, radius: Array | None) -> Expected:
        kept = self._kept.get(name) or self._at_start(gradient)
        arithmetic = BoundArithmetic(self._unit)
        up_to_states, rest = self._optimizer.parts
        # one rounding of dW, since a state may be kept in parts of lr, as  M = momentum * M - lr * dW
        given = (np.abs(gradient) if self._forms else np.zeros(gradient.shape)) + (np.nan if radius is None else radius)
        inputs = {
            "W": exact(before, stacked=True),
            "dW": Bounded(plain(gradient, stacked=True), plain(given, stacked=True)),
            "t": exact(steps + 1.0, stacked=True),
            **self._optimizer.rounded(self._lr),
        }
        states = self._states(kept, gradient, before)
        earlier = {state: np.concatenate([kept.states[state][None], states[state][:-1]]) for state in states}
        self.earlier[name] = earlier
        values = evaluate(
            up_to_states, {**inputs, **{s: exact(array, stacked=True) for s, array in earlier.items()}}, arithmetic
        )
        radii = {state: self._carried(state, kept, radius_like(values[f"{state}_"])) for state in states}
        for state, array in states.items():
            forms = self._forms * (np.abs(array) + self._optimizer.states[state] * np.abs(earlier[state]))
            values[f"{state}_"] = Bounded(plain(array, stacked=True), plain(radii[state] + forms, stacked=True))
        values = evaluate(rest, values, arithmetic)
        lost = kept.lost | np.isinf(given) | near_overflow(gradient**2, self._precision)
        for line in self._optimizer.lines.names:
            lost = lost | near_overflow(values[line].value.array, self._precision)
        lost = np.logical_or.accumulate(lost, axis=0)
        self._kept[name] = _Kept(
            {state: array[-1].copy() for state, array in states.items()},
            {state: array[-1].copy() for state, array in radii.items()},
            lost[-1].copy(),
        )
        after = values["W_"].value.array
        total = radius_like(values["W_"]) + (np.abs(before) if self._forms else 0)
        bound = None if radius is None else np.where(lost, np.inf, total)
        return Expected(after, bound, before - after)

    def _at_start(self, gradient: Array) -> _Kept:
        zeros = {state: np.zeros(gradient.shape[1:]) for state in self._optimizer.states}
        return _Kept(zeros, zeros, np.zeros(gradient.shape[1:], dtype=bool))

    def _states(self, kept: _Kept, gradient: Array, before: Array) -> dict[str, Array]:
        """Return every state after each step: b_t of each step by the lines with the state at 0, then their sums."""
        zero = {state: plain(0.0) for state in self._optimizer.states}
        common = {name: plain(value) for name, value in self._optimizer.numbers.items()}
        inputs = {"W": plain(before, stacked=True), "dW": plain(gradient, stacked=True), **common, **zero}
        values = evaluate(self._optimizer.parts[0], inputs, PlainArithmetic())
        return {
            state: fading_sums(factor, kept.states[state], values[f"{state}_"].array)
            for state, factor in self._optimizer.states.items()
        }

    def _carried(self, state: str, kept: _Kept, own: Array) -> Array:
        """Return the radius of a state after each step, from what each step's operations add to it."""
        factor = self._optimizer.states[state] * (1 + self._unit)  # the factor's own rounding times the radius
        underflow = _PRODUCTS * TINY[self._precision.coarser] / self._unit
        return fading_sums(factor, kept.radii[state], own + underflow)


def fading_sums(factor: float, start: Array, terms: Array) -> Array:
    """Return S_t = factor S_(t-1) + b_t for every t.

    Parameters
    ----------
    start : (...)
        S before the first step.
    terms : (S, ...)
        b of each step.
    """
    sums = np.ascontiguousarray(terms).reshape(len(terms), -1).copy()
    row = start.reshape(-1)
    for following in sums:
        following += factor * row
        row = following
    result: Array = sums.reshape(terms.shape)
    return result
