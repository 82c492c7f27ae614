"""Float64 arithmetic for derivation lines, over one point or over a stack of points at once.

A `Plain` is an array whose last ``rank`` axes are the quantity itself, (N, K) for a batch of outputs; axes before
those count points, one per step of a run. Lines see the quantity alone: ``.T``, ``axis=0`` and ``.shape[0]`` mean
the same with and without a stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nncheck.formula.lines import Line
from nncheck.language import phrase

Array = npt.NDArray[Any]

# A product of small matrices is summed term by term: np.matmul calls BLAS once for each matrix of a stack.
_SMALL_PRODUCT = 64


@dataclass(frozen=True, slots=True)
class Plain:
    """Float64 values of one quantity, alone or stacked along leading axes."""

    array: Array
    rank: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the quantity itself, without the stack."""
        return self.array.shape[self.array.ndim - self.rank :]


def plain(value: Any, stacked: bool = False) -> Plain:
    """Make a `Plain` of numbers; ``stacked`` says that the first axis counts points."""
    array = np.asarray(value, dtype=np.float64)
    return Plain(points_innermost(array), array.ndim - 1) if stacked else Plain(array, array.ndim)


def points_innermost(array: Array) -> Array:
    """Lay a stack of small quantities out with the points (first axis) innermost in memory.

    Every ufunc and every reduction over the quantity then runs along the points, not along two or three elements.
    """
    if array.ndim < 2 or array[:1].size > _SMALL_PRODUCT:
        return array
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 0, -1)), -1, 0)


class PlainArithmetic:
    """Every operation of a formula on `Plain` values; methods are named as `lines.Apply.op`."""

    def begin(self, line: Line) -> None:
        """Take notice of the line whose operations follow."""

    def end(self, value: Plain) -> Plain:
        """Return the value of a line as it is."""
        return value

    def number(self, value: float) -> Plain:
        """Return a literal."""
        return Plain(np.asarray(value, dtype=np.float64), 0)

    # elementwise ------------------------------------------------------------------------------------------------

    def add(self, a: Plain, b: Plain) -> Plain:
        """Return a + b."""
        return _elementwise(np.add, a, b)

    def subtract(self, a: Plain, b: Plain) -> Plain:
        """Return a - b."""
        return _elementwise(np.subtract, a, b)

    def multiply(self, a: Plain, b: Plain) -> Plain:
        """Return a * b."""
        return _elementwise(np.multiply, a, b)

    def divide(self, a: Plain, b: Plain) -> Plain:
        """Return a / b."""
        return _elementwise(np.divide, a, b)

    def power(self, a: Plain, b: Plain) -> Plain:
        """Return a ** b."""
        if b.array.ndim == 0:
            return Plain(a.array ** float(b.array), a.rank)  # a scalar exponent 2 becomes one multiplication
        return _elementwise(np.power, a, b)

    def maximum(self, a: Plain, b: Plain) -> Plain:
        """Larger of a and b."""
        return _elementwise(np.maximum, a, b)

    def minimum(self, a: Plain, b: Plain) -> Plain:
        """Smaller of a and b."""
        return _elementwise(np.minimum, a, b)

    def negative(self, a: Plain) -> Plain:
        """Return -a."""
        return Plain(-a.array, a.rank)

    def abs(self, a: Plain) -> Plain:
        """Absolute value."""
        return Plain(np.abs(a.array), a.rank)

    def sign(self, a: Plain) -> Plain:
        """-1, 0 or 1."""
        return Plain(np.sign(a.array), a.rank)

    def exp(self, a: Plain) -> Plain:
        """E to the a."""
        return Plain(np.exp(a.array), a.rank)

    def log(self, a: Plain) -> Plain:
        """Natural logarithm."""
        return Plain(np.log(a.array), a.rank)

    def sqrt(self, a: Plain) -> Plain:
        """Square root."""
        return Plain(np.sqrt(a.array), a.rank)

    def tanh(self, a: Plain) -> Plain:
        """Hyperbolic tangent."""
        return Plain(np.tanh(a.array), a.rank)

    def sigmoid(self, a: Plain) -> Plain:
        """1 / (1 + exp(-a)), by the side of 0 that does not overflow."""
        small = np.exp(-np.abs(a.array))
        return Plain(np.where(a.array >= 0, 1.0, small) / (1.0 + small), a.rank)

    def relu(self, a: Plain) -> Plain:
        """max(a, 0)."""
        return self.maximum(a, self.number(0.0))

    def softmax(self, a: Plain) -> Plain:
        """exp(a) / sum(exp(a)) along the last axis."""
        shifted = self.exp(self.subtract(a, self.max(a, axis=-1, keepdims=True)))
        return self.divide(shifted, self.sum(shifted, axis=-1, keepdims=True))

    def log_softmax(self, a: Plain) -> Plain:
        """Return a - log(sum(exp(a))) along the last axis."""
        shifted = self.subtract(a, self.max(a, axis=-1, keepdims=True))
        return self.subtract(shifted, self.log(self.sum(self.exp(shifted), axis=-1, keepdims=True)))

    def where(self, condition: Plain, a: Plain, b: Plain) -> Plain:
        """Return a where the condition is not 0, b elsewhere."""
        rank = max(condition.rank, a.rank, b.rank)
        return Plain(np.where(expand(condition, rank) != 0, expand(a, rank), expand(b, rank)), rank)

    def zeros_like(self, a: Plain) -> Plain:
        """0 in the shape of a."""
        return Plain(np.zeros(a.shape), a.rank)

    def ones_like(self, a: Plain) -> Plain:
        """1 in the shape of a."""
        return Plain(np.ones(a.shape), a.rank)

    # comparisons: 1.0 where they hold, 0.0 elsewhere -------------------------------------------------------------

    def greater(self, a: Plain, b: Plain) -> Plain:
        """Return a > b."""
        return _compare(np.greater, a, b)

    def greater_equal(self, a: Plain, b: Plain) -> Plain:
        """Return a >= b."""
        return _compare(np.greater_equal, a, b)

    def less(self, a: Plain, b: Plain) -> Plain:
        """Return a < b."""
        return _compare(np.less, a, b)

    def less_equal(self, a: Plain, b: Plain) -> Plain:
        """Return a <= b."""
        return _compare(np.less_equal, a, b)

    def equal(self, a: Plain, b: Plain) -> Plain:
        """Return a == b."""
        return _compare(np.equal, a, b)

    def not_equal(self, a: Plain, b: Plain) -> Plain:
        """Return a != b."""
        return _compare(np.not_equal, a, b)

    # shapes, sums and products ------------------------------------------------------------------------------------

    def transpose(self, a: Plain) -> Plain:
        """Reverse the axes of the quantity."""
        lead = a.array.ndim - a.rank
        axes = (*range(lead), *reversed(range(lead, a.array.ndim)))
        return Plain(a.array.transpose(axes), a.rank)

    def size(self, a: Plain) -> Plain:
        """Return the number of elements of the quantity."""
        return self.number(float(np.prod(a.shape)))

    def shape(self, a: Plain, axis: int) -> Plain:
        """Return the length of one axis of the quantity."""
        return self.number(float(a.shape[_axis(a, axis)]))

    def sum(self, a: Plain, axis: int | None = None, keepdims: bool = False) -> Plain:
        """Return the sum over one axis, or over all of the quantity."""
        return _reduce(np.sum, a, axis, keepdims)

    def mean(self, a: Plain, axis: int | None = None, keepdims: bool = False) -> Plain:
        """Return the mean over one axis, or over all of the quantity."""
        return _reduce(np.mean, a, axis, keepdims)

    def max(self, a: Plain, axis: int | None = None, keepdims: bool = False) -> Plain:
        """Return the largest along one axis, or of all of the quantity."""
        return _reduce(np.max, a, axis, keepdims)

    def min(self, a: Plain, axis: int | None = None, keepdims: bool = False) -> Plain:
        """Return the smallest along one axis, or of all of the quantity."""
        return _reduce(np.min, a, axis, keepdims)

    def matmul(self, a: Plain, b: Plain) -> Plain:
        """Return a @ b, as NumPy defines it for one and two axes."""
        if not (1 <= a.rank <= 2 and 1 <= b.rank <= 2):
            raise ValueError(phrase("@ needs vectors or matrices, got shapes {a} and {b}", a=a.shape, b=b.shape))
        left = a.array if a.rank == 2 else a.array[..., None, :]
        right = b.array if b.rank == 2 else b.array[..., :, None]
        if left.shape[-1] != right.shape[-2]:
            raise ValueError(phrase("@ needs equal inner sizes, got shapes {a} and {b}", a=a.shape, b=b.shape))
        product = _product(left, right)
        if a.rank == 1:
            product = product[..., 0, :]
        if b.rank == 1:
            product = product[..., 0]
        return Plain(product, a.rank + b.rank - 2)

    def dot(self, a: Plain, b: Plain) -> Plain:
        """np.dot: a product with a number, otherwise a @ b."""
        return self.multiply(a, b) if 0 in (a.rank, b.rank) else self.matmul(a, b)

    def outer(self, a: Plain, b: Plain) -> Plain:
        """np.outer: every element of a times every element of b, as a matrix."""
        return self.multiply(_flat(a, (-1, 1)), _flat(b, (1, -1)))


def expand(a: Plain, rank: int) -> Array:
    """Return the array of ``a`` with axes of length 1 put before the quantity, so that it broadcasts as ``rank``."""
    lead = a.array.ndim - a.rank
    if lead == 0 or a.rank == rank:
        return a.array
    return a.array[(slice(None),) * lead + (None,) * (rank - a.rank)]


def _elementwise(ufunc: np.ufunc, a: Plain, b: Plain) -> Plain:
    rank = max(a.rank, b.rank)
    return Plain(ufunc(expand(a, rank), expand(b, rank)), rank)


def _compare(ufunc: np.ufunc, a: Plain, b: Plain) -> Plain:
    result = _elementwise(ufunc, a, b)
    return Plain(np.multiply(result.array, 1.0), result.rank)  # keeps the layout, which astype would not for scalars


def _axis(a: Plain, axis: int) -> int:
    if not -a.rank <= axis < a.rank:
        raise ValueError(phrase("axis {axis} does not exist in shape {shape}", axis=axis, shape=a.shape))
    return axis % a.rank


def _reduce(function: Any, a: Plain, axis: int | None, keepdims: bool) -> Plain:
    lead = a.array.ndim - a.rank
    axes = tuple(range(lead, a.array.ndim)) if axis is None else (lead + _axis(a, axis),)
    if not axes:
        return a
    return Plain(function(a.array, axis=axes, keepdims=keepdims), a.rank if keepdims else a.rank - len(axes))


def _flat(a: Plain, shape: tuple[int, int]) -> Plain:
    lead = a.array.shape[: a.array.ndim - a.rank]
    return Plain(a.array.reshape(lead + shape), 2)


def _product(left: Array, right: Array) -> Array:
    rows, inner, columns = left.shape[-2], left.shape[-1], right.shape[-1]
    if max(left.ndim, right.ndim) == 2 or not 0 < rows * inner * columns <= _SMALL_PRODUCT:
        product: Array = np.matmul(left, right)
        return product
    total: Array = left[..., :, 0, None] * right[..., None, 0, :]
    for k in range(1, inner):
        total += left[..., :, k, None] * right[..., None, k, :]
    return total
