"""A formula with numbers in the place of its names, as text and as LaTeX: the printers with other words for names.

A number has four digits, enough to follow a calculation by; of a large array the first rows and columns stand there,
then dots. ``Y.size`` and ``len(Y)`` are the number that they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nncheck.formula import latex
from nncheck.formula.evaluate import value_of
from nncheck.formula.lines import Apply, Line, Name, Node, Number
from nncheck.formula.plain import Array, PlainArithmetic, plain
from nncheck.formula.printer import ATOM, LOOSE, Printed, text_of

#: How many rows or columns are shown of an array that has more than one more.
MOST = 3
#: Of a number that is filled in.
DIGITS = 4


def filled(node: Node, values: Mapping[str, Array]) -> str:
    """Return an expression with the values of its names, as ``[[0.05, 0.1]] @ [[0.15, 0.2], [0.25, 0.3]].T``.

    Parameters
    ----------
    node : Node
    values : mapping of str to array
        Of every name in it.
    """

    def spelled(name: Name) -> Printed:
        array = values[name.id]
        return numbers(array), LOOSE if array.ndim == 0 and array < 0 else ATOM

    return text_of(_counted(node, values), spelled)


def filled_latex(node: Node, values: Mapping[str, Array]) -> str:
    """Return an expression with the values of its names as LaTeX; arrays are matrices in brackets."""

    def spelled(name: Name) -> Printed:
        array = values[name.id]
        text = latex_numbers(array)
        signed = array.ndim == 0 and array < 0
        return text, latex.LOOSE if signed else latex.PRODUCT if r"\times" in text and array.ndim == 0 else latex.ATOM

    scalars = [name for name, array in values.items() if array.ndim == 0]
    return latex.latex_of(_counted(node, values), spelled, scalars)


def numbers(array: Array, digits: int = DIGITS) -> str:
    """Return an array as nested lists of short numbers, shortened with dots where it is large."""
    if array.ndim == 0:
        return short(float(array), digits)
    parts = [numbers(np.asarray(array[place]), digits) for place in range(_shown(len(array)))]
    return f"[{', '.join([*parts, *(['...'] if len(parts) < len(array) else [])])}]"


def latex_numbers(array: Array) -> str:
    """Return an array as a matrix, a vector as one of one row; shortened with dots where it is large."""
    if array.ndim == 0:
        return latex.number(float(array))
    rows = [array] if array.ndim == 1 else [array[place] for place in range(_shown(len(array)))]
    lines = [_row(row) for row in rows]
    if len(lines) < len(array) and array.ndim > 1:
        lines.append(r"\vdots" + (r" & \ddots" if array.ndim == 2 and _shown(array.shape[1]) < array.shape[1] else ""))
    body = r" \\ ".join(lines)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def short(value: float, digits: int = DIGITS) -> str:
    """Return a number with few digits."""
    return f"{value + 0.0:.{digits}g}"  # + 0.0: no -0


def _row(row: Array) -> str:
    cells = [latex_numbers(np.asarray(row[place])) for place in range(_shown(len(row)))]
    return " & ".join([*cells, *([r"\cdots"] if len(cells) < len(row) else [])])


def _shown(length: int) -> int:
    return length if length <= MOST + 1 else MOST


def _counted(node: Node, values: Mapping[str, Array]) -> Node:
    """Put numbers in the place of sizes and lengths."""
    if not isinstance(node, Apply):
        return node
    if node.op in ("size", "shape"):
        known = {name: plain(array) for name, array in values.items()}
        return Number(float(value_of(Line("", node, text_of(node), ""), known, PlainArithmetic()).array))
    return Apply(node.op, tuple(_counted(operand, values) for operand in node.operands), node.options, node.column)
