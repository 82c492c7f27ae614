"""Float64 values with a running error bound: how far rounding alone can move each of them.

A `Bounded` carries a value v and a radius e, counted in units of the unit roundoff u (2^-24 in float32, 2^-53 in
float64), so that one pass serves every precision, summation order and fused multiply-add. Two correct computations
a and b of the value satisfy ``|a - b| <= (u_a + u_b) e + eta``, eta being the smallest normal number of the coarser
type. Products carry the second-order term u e_a e_b too: where a value is zero in theory, as Y - YT at the optimum,
the error of its square is nothing else.

References
----------
Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), sections 3.1 and 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nncheck.formula.lines import Line
from nncheck.formula.plain import Array, Plain, PlainArithmetic, expand, plain

P = PlainArithmetic()


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value and its radius, of one shape; a radius of None means exact in every precision (data, counts).

    ``terms`` is how many products were summed to it by the last operation: a bias that is added may have been the
    first term of that very sum, and then takes part in each of its roundings.
    """

    value: Plain
    radius: Plain | None = None
    terms: int = 0


def exact(value: Any, stacked: bool = False) -> Bounded:
    """Make a `Bounded` of numbers that every precision at hand holds exactly."""
    return Bounded(plain(value, stacked))


class BoundArithmetic:
    """Every operation of a formula on `Bounded` values.

    Parameters
    ----------
    unit : float
        Unit roundoff of the coarser side; decides which comparisons rounding could turn over (kinks).

    Attributes
    ----------
    kinks : dict of line name to boolean array
        Where a comparison of that line is open within rounding: either branch is right there, and the radius of
        what depends on it is large enough to admit both.
    """

    def __init__(self, unit: float) -> None:
        self._unit = unit
        self._underflow = float(np.finfo(np.float32 if unit > 1e-10 else np.float64).tiny) / unit
        self._line = ""
        self.kinks: dict[str, Array] = {}

    def begin(self, line: Line) -> None:
        """Take notice of the line whose operations follow."""
        self._line = line.name

    def end(self, value: Bounded) -> Bounded:
        """Add to a line's radius what underflow can cost: one smallest normal number, flushed to zero or rounded."""
        if value.radius is None:
            return value
        return Bounded(value.value, Plain(value.radius.array + self._underflow, value.radius.rank))

    def number(self, value: float) -> Bounded:
        """Return a literal; one that float32 cannot hold is rounded once."""
        v = P.number(value)
        return Bounded(v, None if float(np.float32(value)) == value else P.abs(v))

    # elementwise ------------------------------------------------------------------------------------------------

    def add(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius e_a + e_b + |v|, and k |b| where a is a sum of k products."""
        v = P.add(a.value, b.value)
        return Bounded(v, _total(a.radius, b.radius, P.abs(v), _joined(a, b), _joined(b, a)))

    def subtract(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius e_a + e_b + |v|."""
        v = P.subtract(a.value, b.value)
        return Bounded(v, _total(a.radius, b.radius, P.abs(v)))

    def multiply(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius |a| e_b + |b| e_a + u e_a e_b + |v|."""
        v = P.multiply(a.value, b.value)
        both = None if a.radius is None or b.radius is None else self._second(P.multiply(a.radius, b.radius))
        return Bounded(v, _total(_times(a.value, b.radius), _times(b.value, a.radius), both, P.abs(v)))

    def divide(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius (e_a + |v| e_b) / (|b| - u e_b) + |v|; infinite where rounding could make b zero."""
        v = P.divide(a.value, b.value)
        upper = _total(a.radius, _times(v, b.radius))
        quotient = None if upper is None else self._over(upper, b)
        return Bounded(v, _total(quotient, P.abs(v)))

    def power(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius |b a^(b-1)| e_a + u |b (b-1) a^(b-2) / 2| e_a^2 + |v log a| e_b + 2 |v|."""
        v = P.power(a.value, b.value)
        base = curve = exponent = None
        if a.radius is not None:
            base = _times(P.multiply(b.value, P.power(a.value, P.subtract(b.value, P.number(1.0)))), a.radius)
            if (b.value.array >= 2).all():
                bend = P.power(a.value, P.subtract(b.value, P.number(2.0)))
                half = P.divide(P.multiply(b.value, P.subtract(b.value, P.number(1.0))), P.number(2.0))
                curve = self._second(P.multiply(P.abs(P.multiply(half, bend)), P.multiply(a.radius, a.radius)))
        if b.radius is not None:
            exponent = _times(P.multiply(v, P.log(P.abs(a.value))), b.radius)
        return Bounded(v, _total(base, curve, exponent, _twice(P.abs(v))))

    def maximum(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius of the branch taken; of the larger one where rounding could take the other."""
        return self._branch(P.maximum(a.value, b.value), a, b, P.greater_equal(a.value, b.value))

    def minimum(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius of the branch taken; of the larger one where rounding could take the other."""
        return self._branch(P.minimum(a.value, b.value), a, b, P.less_equal(a.value, b.value))

    def negative(self, a: Bounded) -> Bounded:
        """Radius e."""
        return Bounded(P.negative(a.value), a.radius)

    def abs(self, a: Bounded) -> Bounded:
        """Radius e."""
        return Bounded(P.abs(a.value), a.radius)

    def sign(self, a: Bounded) -> Bounded:
        """Exact, but for a kink at 0, where the radius spans -1 to 1."""
        zero = self.number(0.0)
        return Bounded(P.sign(a.value), _times(P.number(2.0), self._open(a, zero)))

    def exp(self, a: Bounded) -> Bounded:
        """Radius v (e + 2), for a library within one unit in the last place."""
        v = P.exp(a.value)
        return Bounded(v, _total(_times(v, a.radius), _twice(v)))

    def log(self, a: Bounded) -> Bounded:
        """Radius e / (|a| - u e) + 2 |v|; infinite where rounding could make a zero."""
        v = P.log(a.value)
        inner = None if a.radius is None else self._over(a.radius, a)
        return Bounded(v, _total(inner, _twice(P.abs(v))))

    def sqrt(self, a: Bounded) -> Bounded:
        """Radius e / (v + sqrt(a - u e)) + 2 |v|, at most the root of what rounding leaves of a zero.

        The 2: torch's own for float32 on the CPU is off by up to 1.49 u, where IEEE 754 has 1.
        """
        v = P.sqrt(a.value)
        inner = None
        if a.radius is not None:
            at_zero = P.divide(P.sqrt(P.multiply(a.radius, P.number(self._unit))), P.number(self._unit))
            least = P.sqrt(P.maximum(P.subtract(a.value, self._second(a.radius)), P.number(0.0)))
            slope = P.divide(a.radius, P.where(v, P.add(v, least), P.ones_like(v)))
            inner = P.where(v, P.minimum(slope, at_zero), at_zero)
        return Bounded(v, _total(inner, _twice(v)))

    def tanh(self, a: Bounded) -> Bounded:
        """Radius (1 - v^2)(e + 2) + 2 |v|."""
        v = P.tanh(a.value)
        slope = P.subtract(P.number(1.0), P.multiply(v, v))
        return Bounded(v, _total(_times(slope, a.radius), _twice(slope), _twice(P.abs(v))))

    def sigmoid(self, a: Bounded) -> Bounded:
        """Radius s (1 - s)(e + 2) + 2 s + 1; the 1 admits the form with tanh."""
        s = P.sigmoid(a.value)
        slope = P.multiply(s, P.subtract(P.number(1.0), s))
        return Bounded(s, _total(_times(slope, a.radius), _twice(slope), P.add(_twice(s), P.number(1.0))))

    def relu(self, a: Bounded) -> Bounded:
        """Radius of the branch taken."""
        return self.maximum(a, self.number(0.0))

    def softmax(self, a: Bounded) -> Bounded:
        """As exp(a - max) / sum(exp(a - max))."""
        shifted = self.exp(self.subtract(a, self.max(a, axis=-1, keepdims=True)))
        return self.divide(shifted, self.sum(shifted, axis=-1, keepdims=True))

    def log_softmax(self, a: Bounded) -> Bounded:
        """As (a - max) - log(sum(exp(a - max)))."""
        shifted = self.subtract(a, self.max(a, axis=-1, keepdims=True))
        return self.subtract(shifted, self.log(self.sum(self.exp(shifted), axis=-1, keepdims=True)))

    def where(self, condition: Bounded, a: Bounded, b: Bounded) -> Bounded:
        """Radius of the branch taken; where the condition is open, the distance of the branches too."""
        v = P.where(condition.value, a.value, b.value)
        radius = _where(condition.value, a.radius, b.radius)
        if condition.radius is not None:
            radius = _total(radius, _times(P.subtract(a.value, b.value), condition.radius))
        return Bounded(v, radius)

    def zeros_like(self, a: Bounded) -> Bounded:
        """Exact."""
        return Bounded(P.zeros_like(a.value))

    def ones_like(self, a: Bounded) -> Bounded:
        """Exact."""
        return Bounded(P.ones_like(a.value))

    # comparisons: exact, but for the places that rounding could turn over ------------------------------------------

    def greater(self, a: Bounded, b: Bounded) -> Bounded:
        """Return a > b."""
        return Bounded(P.greater(a.value, b.value), self._open(a, b))

    def greater_equal(self, a: Bounded, b: Bounded) -> Bounded:
        """Return a >= b."""
        return Bounded(P.greater_equal(a.value, b.value), self._open(a, b))

    def less(self, a: Bounded, b: Bounded) -> Bounded:
        """Return a < b."""
        return Bounded(P.less(a.value, b.value), self._open(a, b))

    def less_equal(self, a: Bounded, b: Bounded) -> Bounded:
        """Return a <= b."""
        return Bounded(P.less_equal(a.value, b.value), self._open(a, b))

    def equal(self, a: Bounded, b: Bounded) -> Bounded:
        """Return a == b."""
        return Bounded(P.equal(a.value, b.value), self._open(a, b))

    def not_equal(self, a: Bounded, b: Bounded) -> Bounded:
        """Return a != b."""
        return Bounded(P.not_equal(a.value, b.value), self._open(a, b))

    # shapes, sums and products ------------------------------------------------------------------------------------

    def transpose(self, a: Bounded) -> Bounded:
        """Radius e."""
        return Bounded(P.transpose(a.value), None if a.radius is None else P.transpose(a.radius))

    def size(self, a: Bounded) -> Bounded:
        """Exact."""
        return Bounded(P.size(a.value))

    def shape(self, a: Bounded, axis: int) -> Bounded:
        """Exact."""
        return Bounded(P.shape(a.value, axis))

    def sum(self, a: Bounded, axis: int | None = None, keepdims: bool = False) -> Bounded:
        """Radius sum of e + (n - 1) sum of |a|."""
        v = P.sum(a.value, axis, keepdims)
        count = _count(a.value, axis)
        radius = None if a.radius is None else P.sum(a.radius, axis, keepdims)
        if count > 1:
            magnitude = P.sum(P.abs(a.value), axis, keepdims)
            radius = _total(radius, P.multiply(P.number(count - 1.0), magnitude))
        return Bounded(v, radius)

    def mean(self, a: Bounded, axis: int | None = None, keepdims: bool = False) -> Bounded:
        """As the sum divided by n, with one rounding more for a product with a rounded 1/n."""
        quotient = self.divide(self.sum(a, axis, keepdims), self.number(float(_count(a.value, axis))))
        return Bounded(quotient.value, _total(quotient.radius, P.abs(quotient.value)))

    def max(self, a: Bounded, axis: int | None = None, keepdims: bool = False) -> Bounded:
        """Radius: the largest of those compared, since rounding could choose any."""
        return Bounded(P.max(a.value, axis, keepdims), None if a.radius is None else P.max(a.radius, axis, keepdims))

    def min(self, a: Bounded, axis: int | None = None, keepdims: bool = False) -> Bounded:
        """Radius: the largest of those compared, since rounding could choose any."""
        return Bounded(P.min(a.value, axis, keepdims), None if a.radius is None else P.max(a.radius, axis, keepdims))

    def matmul(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius |A| e_B + e_A |B| + u e_A e_B + k |A| |B|, k the inner length."""
        v = P.matmul(a.value, b.value)
        size_a, size_b = P.abs(a.value), P.abs(b.value)
        k = P.number(float(a.value.shape[-1]))
        # k |A| |B| and |A| e_B share their left factor: one product serves both
        right = _total(b.radius, P.multiply(k, size_b))
        assert right is not None
        radius = P.matmul(size_a, right)
        if a.radius is not None:
            left = size_b if b.radius is None else P.add(size_b, self._second(b.radius))
            radius = P.add(radius, P.matmul(a.radius, left))
        return Bounded(v, radius, terms=a.value.shape[-1])

    def dot(self, a: Bounded, b: Bounded) -> Bounded:
        """As a product with a number, otherwise as a @ b."""
        return self.multiply(a, b) if 0 in (a.value.rank, b.value.rank) else self.matmul(a, b)

    def outer(self, a: Bounded, b: Bounded) -> Bounded:
        """As the product of each element with each."""
        v = P.outer(a.value, b.value)
        left = None if b.radius is None else P.outer(P.abs(a.value), b.radius)
        right = None if a.radius is None else P.outer(a.radius, P.abs(b.value))
        both = None if a.radius is None or b.radius is None else self._second(P.outer(a.radius, b.radius))
        return Bounded(v, _total(left, right, both, P.abs(v)))

    # ----------------------------------------------------------------------------------------------------------------

    def _over(self, upper: Plain, b: Bounded) -> Plain:
        """Return a radius divided by the least that |b| may be; infinite where that is nothing."""
        least = P.abs(b.value)
        if b.radius is None:
            return P.divide(upper, least)
        least = P.subtract(least, Plain(self._unit * b.radius.array, b.radius.rank))
        positive = P.greater(least, P.number(0.0))
        return P.where(positive, P.divide(upper, least), P.number(np.inf))

    def _second(self, product: Plain) -> Plain:
        """Return u times the product of two radii, in units of u."""
        return Plain(self._unit * product.array, product.rank)

    def _branch(self, v: Plain, a: Bounded, b: Bounded, takes_a: Plain) -> Bounded:
        radius = _where(takes_a, a.radius, b.radius)
        reach = _total(a.radius, b.radius)
        if reach is None or radius is None:
            return Bounded(v, radius)
        near = P.less_equal(P.abs(P.subtract(a.value, b.value)), P.multiply(P.number(self._unit), reach))
        return Bounded(v, P.where(near, P.maximum(_or_zero(a.radius), _or_zero(b.radius)), radius))

    def _open(self, a: Bounded, b: Bounded) -> Plain | None:
        """Radius of a comparison: 1/u where |a - b| <= u (e_a + e_b), so that an error of 1 is admitted; else 0."""
        reach = _total(a.radius, b.radius)
        if reach is None:
            return None
        distance = P.abs(P.subtract(a.value, b.value))
        near = P.less_equal(distance, P.multiply(P.number(self._unit), reach))
        if not near.array.any():
            return None
        self.kinks[self._line] = near.array != 0
        return P.multiply(near, P.number(1.0 / self._unit))


def _total(*terms: Plain | None) -> Plain | None:
    present = [term for term in terms if term is not None]
    if not present:
        return None
    total = present[0]
    for term in present[1:]:
        total = P.add(total, term)
    return total


def _joined(sum_: Bounded, term: Bounded) -> Plain | None:
    return P.multiply(P.number(float(sum_.terms)), P.abs(term.value)) if sum_.terms else None


def _times(value: Plain, radius: Plain | None) -> Plain | None:
    return None if radius is None else P.multiply(P.abs(value), radius)


def _twice(a: Plain) -> Plain:
    return Plain(2.0 * a.array, a.rank)


def _or_zero(radius: Plain | None) -> Plain:
    return P.number(0.0) if radius is None else radius


def _where(condition: Plain, a: Plain | None, b: Plain | None) -> Plain | None:
    if a is None and b is None:
        return None
    return P.where(condition, _or_zero(a), _or_zero(b))


def _count(a: Plain, axis: int | None) -> int:
    if axis is None:
        return int(np.prod(a.shape))
    return a.shape[axis]


def radius_like(bounded: Bounded) -> Array:
    """Return the radius of a line as an array that broadcasts against its value."""
    if bounded.radius is None:
        return np.zeros_like(bounded.value.array)
    return np.broadcast_to(expand(bounded.radius, bounded.value.rank), bounded.value.array.shape)
