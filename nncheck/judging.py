"""Holds one quantity against its expected value, chunk by chunk: error over bound, first and worst step, resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.record import Fault
from nncheck.rounding import FIXED, TINY, Precision
from nncheck.trajectory import index_of_largest, per_step
from nncheck.verdicts import Verdict

#: An element is resolved where the bound is at most this part of it.
RESOLUTION = 1e-3
#: An exact zero is known to so many of the smallest normal numbers.
ZERO = 1e10


@dataclass(frozen=True)
class Worst:
    """The element with the largest error / bound of all steps."""

    ratio: float
    step: int
    index: tuple[int, ...]
    got: float
    expected: float
    bound: float


class Judge:
    """Judges one quantity of one side over all steps of a run.

    Parameters
    ----------
    side, name : str
        As in `record.Quantity`.
    precision : Precision
        Number types of the two sides.
    must_resolve : bool
        Whether the case can agree only if this quantity was resolved.
    fault : str
        Who is at fault if it differs.
    claim : str
        What is then said, to which the evidence is added.
    """

    def __init__(
        self,
        side: str,
        name: str,
        precision: Precision,
        *,
        must_resolve: bool = True,
        fault: Fault = "derivation",
        claim: str = "",
    ) -> None:
        self.side, self.name, self.precision = side, name, precision
        self.must_resolve, self.fault, self.claim = must_resolve, fault, claim
        self.worst: Worst | None = None
        self.first_step = -1
        self.differing = 0
        self.steps = 0
        self.rules: set[str] = set()
        self.not_finite: int | None = None  # first step at which both sides are not finite
        self._resolved: Array | None = None
        self._told = False  # whether any element that is not zero was resolved

    def add(self, steps: Array, got: Array, expected: Array, radius: Array | None, scale: Array | None = None) -> Array:
        """Judge S more steps.

        Parameters
        ----------
        steps : (S,)
            Their numbers.
        got, expected : (S, ...)
        radius : (S, ...) or None
            Radius of the expected value; None where no lines carry one.
        scale : (S, ...), optional
            What is to be resolved, if not the value itself: of an update, what it moves.

        Returns
        -------
        (S,)
            Of each step the largest error / bound of all elements.
        """
        with np.errstate(all="ignore"):
            bound = self._bound(expected, radius)
            error = np.abs(got - expected)
            ratio = error / bound
            if not np.isfinite(ratio).all():
                ratio = self._without_nan(steps, ratio, got, expected, bound)
            if not self._all_told:
                self._resolve(expected if scale is None else scale, bound)
        self.steps += len(steps)
        axes = tuple(range(1, ratio.ndim))
        largest = per_step(np.max, ratio)
        differs = largest > 1
        if differs.any():
            self.differing += int(differs.sum())
            if self.first_step < 0:
                self.first_step = int(steps[int(np.argmax(differs))])
        s = int(np.argmax(largest))
        if self.worst is None or largest[s] > self.worst.ratio:
            index = index_of_largest(ratio[s]) if axes else ()
            at = (s, *index)
            self.worst = Worst(
                float(largest[s]),
                int(steps[s]),
                index,
                float(got[at]),
                float(expected[at]),
                float(bound[at]),
            )
        return largest

    @property
    def verdict(self) -> Verdict:
        """Differ if any element does at any step; agree if each was resolved at some step, and not all are 0."""
        if self.differing:
            return "differ"
        return "agree" if self._all_told else "cannot-tell"

    @property
    def why_not_told(self) -> str:
        """Why the verdict is neither agree nor differ."""
        unresolved = self.elements - self.resolved
        if self.elements and not unresolved:
            return phrase("it is exactly 0 at every step, so that nothing was tried")
        return phrase(
            "{unresolved} of {elements} element(s) were never resolved to {part:g} in {dtype}",
            unresolved=unresolved,
            elements=self.elements,
            part=RESOLUTION,
            dtype=self.precision.coarser,
        )

    @property
    def resolved(self) -> int:
        """How many elements some step resolved."""
        return 0 if self._resolved is None else int(np.sum(self._resolved))

    @property
    def elements(self) -> int:
        """How many elements the quantity has."""
        return 0 if self._resolved is None else int(np.size(self._resolved))

    @property
    def rule(self) -> str:
        """Name the weakest rule that was used."""
        return next((r for r in ("not covered", "fixed tolerance", "bound") if r in self.rules), "not covered")

    @property
    def _all_told(self) -> bool:
        """Whether no later step can resolve more."""
        return self._told and self.resolved == self.elements

    def _resolve(self, expected: Array, bound: Array) -> None:
        """Note which elements these steps resolve: in float32 to a part of the tensor's largest, not of their own size.

        Of some twenty weights one has a gradient that float32 cannot resolve by itself at any step; the float64
        checks beside it do.
        """
        size = np.abs(expected)
        if self.precision.coarser == "float32" and size.ndim > 1:
            size = size.max(axis=tuple(range(1, size.ndim)), keepdims=True)
        told = (bound <= RESOLUTION * size) & np.isfinite(expected)
        # a bound of next to nothing is an exact zero, as behind a dead ReLU: every precision gives it
        zero = (expected == 0) & (bound <= ZERO * TINY[self.precision.coarser])
        element: Array = np.asarray((told | zero).any(axis=0))
        self._resolved = element if self._resolved is None else self._resolved | element
        self._told = self._told or bool(told.any())

    def _bound(self, expected: Array, radius: Array | None) -> Array:
        """Return the bound of every element."""
        if radius is None:
            return self._fallback(expected)
        self.rules.add("bound")
        bound = self.precision.bound(radius)
        uncovered = np.isnan(bound) & np.isfinite(expected)
        if uncovered.any():  # lines that overflow on a way that autograd does not take
            bound = np.where(uncovered, self._fallback(expected), bound)
        return bound

    def _fallback(self, expected: Array) -> Array:
        if self.precision.coarser == "float64":
            self.rules.add("fixed tolerance")
            axes = tuple(range(1, expected.ndim))
            largest = np.abs(expected).max(axis=axes, keepdims=True) if axes else np.abs(expected)
            tolerance: Array = np.maximum(FIXED * largest, np.finfo(float).tiny)
            return np.broadcast_to(tolerance, expected.shape)
        self.rules.add("not covered")  # any finite number passes, a number that is not finite does not
        return np.full(expected.shape, np.finfo(float).max)

    def _without_nan(self, steps: Array, ratio: Array, got: Array, expected: Array, bound: Array) -> Array:
        """Settle values that are not finite: on one side alone they differ, on both they are noted, not judged."""
        wrong_got, wrong_expected = ~np.isfinite(got), ~np.isfinite(expected)
        both = wrong_got & wrong_expected
        if both.any() and self.not_finite is None:
            self.not_finite = int(steps[int(np.argmax(per_step(np.any, both)))])
        settled = np.where(np.isnan(ratio), 0.0, ratio)
        settled = np.where(wrong_got ^ wrong_expected, np.inf, settled)
        # the coarser type overflows where the finer one need not; an infinite bound says that it may
        return np.where(both | np.isinf(bound), 0.0, settled)
