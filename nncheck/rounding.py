"""How far rounding alone can move the loss and the gradients of a case, at given parameters.

The radii come from the case's own derivation lines, carried once in float64 (`formula.bound`); where there are no lines
to carry them through, the reason is kept and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nncheck.case import Case
from nncheck.errors import FormulaError
from nncheck.formula import BoundArithmetic, Bounded, Derivation, DeviceArithmetic, evaluate, exact, plain, radius_like
from nncheck.formula.plain import Array, Plain
from nncheck.language import phrase

#: Unit roundoff and smallest normal number of each type.
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
TINY = {"float32": float(np.finfo(np.float32).tiny), "float64": float(np.finfo(np.float64).tiny)}
LARGEST = {"float32": float(np.finfo(np.float32).max), "float64": float(np.finfo(np.float64).max)}

#: Tolerance relative to the largest term of a tensor where no lines carry a bound; between float64 results only.
FIXED = 1e-10


@dataclass(frozen=True)
class Precision:
    """The two number types that a comparison is between.

    ``bound(radius) = (u_a + u_b) radius + eta``, eta the smallest normal number of the coarser type.
    """

    a: str
    b: str

    @property
    def coarser(self) -> str:
        """Name of the coarser type."""
        return max(self.a, self.b, key=lambda dtype: UNIT[dtype])

    def bound(self, radius: Array) -> Array:
        """Return the largest difference that rounding explains, element by element."""
        bound: Array = (UNIT[self.a] + UNIT[self.b]) * radius + TINY[self.coarser]
        return bound


@dataclass(frozen=True)
class Radii:
    """Values of the derivation's lines at S points, and their radii.

    Attributes
    ----------
    value, radius : dict of str to (S, ...)
        For the loss ``E`` and each gradient ``dW``; a quantity that no line gives is missing.
    kinks : dict of line name to boolean array
        Where a comparison is open within rounding.
    overflow : (S,) or None
        At which points some line comes so near the largest number of the coarser type that one side may overflow
        where the other does not.
    """

    value: Mapping[str, Array] = field(default_factory=dict)
    radius: Mapping[str, Array] = field(default_factory=dict)
    kinks: Mapping[str, Array] = field(default_factory=dict)
    overflow: Array | None = None


@dataclass(frozen=True)
class Lines:
    """The derivation of a case as a source of radii, or the reason why there is none."""

    derivation: Derivation | None
    why_not: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the lines."""
        return () if self.derivation is None else self.derivation.names

    def radii(
        self,
        X: Array,
        YT: Array,
        params: Mapping[str, Array],
        precision: Precision,
        slack: Array | None = None,
        device: str = "",
    ) -> Radii:
        """Carry values and radii through the lines.

        Parameters
        ----------
        X, YT : (N, n_in), (N, n_out)
        params : dict of (S, ...)
            Each parameter at S points.
        precision : Precision
            Decides which comparisons are open, and from where on a value overflows.
        slack : (N, 1), optional
            What each target may be off by, absolutely: see `target_slack`.
        device : str
            The kind of device whose functions are as accurate as its maker promises; none means within one ULP.

        Raises
        ------
        FormulaError
            If a line cannot be computed from X, YT and the parameters.
        """
        if self.derivation is None:
            return Radii()
        unit = UNIT[precision.coarser]
        arithmetic = DeviceArithmetic(unit, device) if device else BoundArithmetic(unit)
        targets = exact(YT)
        if slack is not None:
            targets = Bounded(targets.value, plain(np.broadcast_to(slack / unit, YT.shape)))
        inputs = {"X": exact(X), "YT": targets, **{name: exact(p, stacked=True) for name, p in params.items()}}
        values = evaluate(self.derivation, inputs, arithmetic)
        points = len(next(iter(params.values())))
        overflow = _overflows([values[name].value for name in self.derivation.names], points, precision)
        value, radius = {}, {}
        for name in ("E", *(f"d{name}" for name in params)):
            if name not in values:
                continue
            shape = params[name[1:]].shape if name != "E" else (points,)
            line = values[name]
            if line.value.shape != shape[1:]:
                raise FormulaError(
                    phrase(
                        "{name} has shape {shape}, expected {expected}",
                        name=name,
                        shape=line.value.shape,
                        expected=shape[1:],
                    ),
                    self._where(name),
                )
            value[name] = np.broadcast_to(line.value.array, shape)
            radius[name] = np.broadcast_to(radius_like(line), shape)
        return Radii(value, radius, arithmetic.kinks, overflow)

    def _where(self, name: str) -> str:
        assert self.derivation is not None
        return next(line.where for line in self.derivation.lines if line.name == name)


def lines_of(case: Case) -> Lines:
    """Read the lines of a case; a derivation that cannot be read is a reason, not an error."""
    try:
        derivation = case.derivation()
        shapes = {name: array[None] for name, array in case.params.items()}
        Lines(derivation).radii(case.X, case.YT, shapes, Precision("float64", "float64"))
    except FormulaError as error:
        return Lines(None, str(error))
    return Lines(derivation)


def has_probability_targets(case: Case, derivation: Derivation) -> bool:
    """Whether each row of the case's targets is a distribution that a softmax is compared with.

    Told by the lines, which hold a softmax (or exp), and by the rows of YT, which sum to 1 as written.
    """
    softmax = bool(derivation.operations() & {"softmax", "log_softmax", "exp"})
    return softmax and bool((case.YT >= 0).all() and np.abs(case.YT.sum(axis=1) - 1).max() < 1e-6)


def target_slack(case: Case, YT: Array, derivation: Derivation | None) -> Array | None:
    """Return how far each row of targets is from summing to 1 after its literals were rounded.

    dY = (P - YT) / N is the gradient of the cross-entropy only where each row of YT sums to 1. Rounding 0.1, 0.2, 0.7
    to float32 breaks that by some 1e-8, which is no mistake of the derivation.

    Returns
    -------
    slack : (N, 1) or None
        None if the targets are no distributions, or still sum to 1 exactly.
    """
    if derivation is None or not has_probability_targets(case, derivation):
        return None
    slack: Array = np.abs(YT.sum(axis=1, keepdims=True) - 1)
    return slack if slack.any() else None


def update_radius(lr: float, radius: Array | float, moved: Array, after: Array) -> Array:
    """Return the radius of W' = W - lr dW: lr e + 3 |lr dW| + |W'|, for the rounding of lr, of lr dW and of W'.

    Parameters
    ----------
    lr : float
    radius : (S, ...)
        Radius of dW; 0 if the update is judged from that very dW.
    moved, after : (S, ...)
        lr dW and W'.
    """
    total: Array = lr * radius + 3 * np.abs(moved) + np.abs(after)
    return np.where(np.abs(after) > LARGEST["float32"], np.inf, total)


def _overflows(values: Sequence[Plain], points: int, precision: Precision) -> Array:
    """Return the points at which some line is finite, but nearly larger than the coarser type can hold."""
    overflow = np.zeros(points, dtype=bool)
    for line in values:
        if all_within(line.array, precision):
            continue
        beyond = near_overflow(line.array, precision) & np.isfinite(line.array)
        if beyond.any():
            stacked = line.array.ndim > line.rank
            overflow |= beyond.any(axis=tuple(range(1, beyond.ndim))) if stacked else beyond.any()
    return overflow


def in_float32(array: Array) -> Array:
    """Return float64 numbers rounded to such as float32 holds, so that both types can start from them."""
    rounded: Array = array.astype(np.float32).astype(np.float64)
    return rounded


def all_within(array: Array, precision: Precision) -> bool:
    """Whether every value is a number far from overflow; quick, since nearly always true."""
    limit = LARGEST[precision.coarser] / 1000
    return array.size == 0 or bool(array.max() <= limit and array.min() >= -limit)


def near_overflow(array: Array, precision: Precision) -> Array:
    """Return where a value, or one on the way to it, may overflow: from a thousandth of the type's largest on."""
    beyond: Array = ~(np.abs(array) <= LARGEST[precision.coarser] / 1000)
    return beyond
