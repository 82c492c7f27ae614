"""Shapes of what a line would give, found without computing it: no line may ask for more than is sensible."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from nncheck.errors import FormulaError
from nncheck.formula.lines import Line, Name, Node, Number
from nncheck.formula.place import at_column
from nncheck.formula.printer import text_of
from nncheck.language import phrase

#: How many elements all operations of a person's formulas may give and sum together, beyond what the case's own need.
MAX_ELEMENTS = 100_000

Shape = tuple[int, ...]


class TooLargeError(ValueError):
    """What a formula asks for is not to be computed."""


def shape_of(line: Line, shapes: Mapping[str, Shape], arithmetic: ShapeArithmetic) -> Shape:
    """Return the shape that a line would give.

    Raises
    ------
    FormulaError
        If it names something that has no shape, or shapes do not fit, or it is too large to compute; its place is that
        of the operation, and its cause is a `TooLargeError` in the last case.
    """
    before = arithmetic.work
    try:
        return _shape(line.expression, shapes, arithmetic, line)
    except FormulaError:
        arithmetic.work = before  # a line that is not computed asks for nothing
        raise


def _shape(node: Node, shapes: Mapping[str, Shape], arithmetic: ShapeArithmetic, line: Line) -> Shape:
    if isinstance(node, Number):
        return ()
    where = at_column(line.where, node.column)
    if isinstance(node, Name):
        if node.id not in shapes:
            raise FormulaError(phrase("{name} cannot be computed, so that this cannot be either", name=node.id), where)
        return shapes[node.id]
    operands = [_shape(operand, shapes, arithmetic, line) for operand in node.operands]
    try:
        shape: Shape = getattr(arithmetic, node.op)(*operands, **dict(node.options))
    except ValueError as error:
        raise FormulaError(
            phrase("`{formula}` cannot be computed: {error}", formula=shortened(text_of(node)), error=error), where
        ) from error
    return shape


def shortened(text: str, length: int = 80) -> str:
    """Return a text, cut if it is longer than a message should quote."""
    return text if len(text) <= length else text[: length - 3] + "..."


class ShapeArithmetic:
    """Every operation of a formula on shapes; methods are named as `lines.Apply.op`.

    Parameters
    ----------
    limit : int, optional
        How many elements the operations may give and sum, all together.

    Attributes
    ----------
    work : int
        How many they have asked for so far.

    Raises
    ------
    ValueError
        From each operation: if the shapes do not fit.
    TooLargeError
        If the limit is passed.
    """

    def __init__(self, limit: int = MAX_ELEMENTS) -> None:
        self.work = 0
        self.limit = limit

    def transpose(self, a: Shape) -> Shape:
        """Return the shape of a.T."""
        return a[::-1]

    def size(self, a: Shape) -> Shape:
        """Return the shape of a number."""
        return ()

    def shape(self, a: Shape, axis: int) -> Shape:
        """Return the shape of a number, if there is such an axis."""
        _axis(a, axis)
        return ()

    def matmul(self, a: Shape, b: Shape) -> Shape:
        """Return the shape of a @ b, for vectors and matrices."""
        if not (1 <= len(a) <= 2 and 1 <= len(b) <= 2):
            raise ValueError(phrase("@ needs vectors or matrices, got shapes {a} and {b}", a=a, b=b))
        if a[-1] != b[0]:
            raise ValueError(phrase("@ needs equal inner sizes, got shapes {a} and {b}", a=a, b=b))
        return self._counted(a[:-1] + b[1:], a[-1])

    def dot(self, a: Shape, b: Shape) -> Shape:
        """Return the shape of np.dot(a, b)."""
        return self._elementwise(a, b) if () in (a, b) else self.matmul(a, b)

    def outer(self, a: Shape, b: Shape) -> Shape:
        """Return the shape of np.outer(a, b)."""
        return self._counted((math.prod(a), math.prod(b)))

    def sum(self, a: Shape, axis: int | None = None, keepdims: bool = False) -> Shape:
        """Return the shape of a reduction."""
        self._counted(a)
        if axis is None:
            return (1,) * len(a) if keepdims else ()
        k = _axis(a, axis)
        return a[:k] + ((1,) if keepdims else ()) + a[k + 1 :]

    mean = max = min = sum

    def _elementwise(self, *shapes: Shape) -> Shape:
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            listed = phrase(" and ").join(map(str, shapes))
            raise ValueError(phrase("shapes {shapes} do not fit element by element", shapes=listed)) from None
        return self._counted(shape)

    def _counted(self, shape: Shape, terms: int = 1) -> Shape:
        self.work += math.prod(shape) * terms
        if self.work > self.limit:
            got = (
                phrase("shape {shape} has", shape=shape)
                if math.prod(shape) * terms > self.limit
                else phrase("the formulas up to here ask for")
            )
            raise TooLargeError(phrase("{got} more than {limit:,} elements", got=got, limit=self.limit))
        return shape

    def __getattr__(self, op: str) -> Any:  # whatever else a formula may hold goes element by element
        if op.startswith("_"):
            raise AttributeError(op)
        return self._elementwise


def _axis(a: Shape, axis: int) -> int:
    if not -len(a) <= axis < len(a):
        raise ValueError(phrase("axis {axis} does not exist in shape {shape}", axis=axis, shape=a))
    return axis % len(a)
