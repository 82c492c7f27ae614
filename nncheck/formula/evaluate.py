"""Computes the lines of a derivation over one kind of number: plain float64, or float64 with its rounding bound."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from nncheck.errors import FormulaError
from nncheck.formula.lines import Derivation, Line, Name, Node, Number
from nncheck.formula.place import at_column
from nncheck.language import phrase

V = TypeVar("V")


class Arithmetic(Protocol[V]):
    """A kind of number: literals, and one method for each operation that `lines.Apply` names."""

    def begin(self, line: Line) -> None:
        """Take notice of the line whose operations follow."""

    def end(self, value: V) -> V:
        """Return the value of the line that ends here, changed if this kind of number does so once a line."""
        ...

    def number(self, value: float) -> V:
        """Return a literal as this kind of number."""
        ...


def evaluate(derivation: Derivation, inputs: Mapping[str, V], arithmetic: Arithmetic[V]) -> dict[str, V]:
    """Compute every line in order.

    Parameters
    ----------
    derivation : Derivation
    inputs : mapping of names to numbers of the arithmetic's kind
        X, YT and the parameters.
    arithmetic : Arithmetic
        `plain.PlainArithmetic` or `bound.BoundArithmetic`.

    Returns
    -------
    dict
        The inputs and, after them, the value of every line.

    Raises
    ------
    FormulaError
        If a line uses a name that nothing before it gives, names an input anew, or joins shapes that do not fit.
    """
    values = dict(inputs)
    for line in derivation.lines:
        if line.name in inputs:
            raise FormulaError(phrase("{name} is given; a line cannot define it anew", name=line.name), line.where)
        with np.errstate(all="ignore"):  # inf and nan are judged where values are compared
            values[line.name] = value_of(line, values, arithmetic)
    return values


def value_of(line: Line, values: Mapping[str, V], arithmetic: Arithmetic[V]) -> V:
    """Compute one line from the values that it names.

    Raises
    ------
    FormulaError
        If it names something that has no value, or joins shapes that do not fit.
    """
    arithmetic.begin(line)
    try:
        return arithmetic.end(_value(line.expression, values, arithmetic, line))
    except (ValueError, IndexError) as error:
        raise FormulaError(
            phrase("{text}  cannot be computed: {error}", text=line.text, error=error), line.where
        ) from None


def _value(node: Node, values: Mapping[str, V], arithmetic: Arithmetic[V], line: Line) -> V:
    if isinstance(node, Number):
        return arithmetic.number(node.value)
    if isinstance(node, Name):
        if node.id not in values:
            raise FormulaError(_unknown(node.id, values), at_column(line.where, node.column))
        return values[node.id]
    operands = [_value(operand, values, arithmetic, line) for operand in node.operands]
    operation: Any = getattr(arithmetic, node.op)
    result: V = operation(*operands, **dict(node.options))
    return result


def _unknown(name: str, values: Mapping[str, Any]) -> str:
    match = difflib.get_close_matches(name, values, n=1)
    hint = phrase("; did you mean {match}?", match=match[0]) if match else ""
    return phrase(
        "{name} is not known here{hint} Known at this line: {names}", name=name, hint=hint, names=", ".join(values)
    )
