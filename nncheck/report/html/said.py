"""How the pages write single things: numbers, arrays, verdicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nncheck.language import translate
from nncheck.report import words

#: Of an array so many rows and columns are written.
_ROWS, _COLUMNS = 4, 6


def verdict(name: str) -> str:
    """Return a verdict's sign and word: ``✓ agree``."""
    return f"{words.SIGNS[name]} {translate(words.VERDICTS[name])}"


def number(value: Any, digits: int = 6) -> str:
    """Return a number to so many significant digits; a whole one without a point."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return f"{value:.{digits}g}"


def array(value: Any, digits: int = 6) -> str:
    """Return nested lists as text, a row a line; of a large array the first rows and columns, then its shape."""
    if value is None:
        return "–"
    shape = shape_of(value)
    if len(shape) < 2:
        return _row(value, digits) if shape else number(value, digits)
    if len(shape) > 2:
        return f"[{array(value[0], digits)} …] ({_times(shape)})"
    rows = [_row(row, digits) for row in value[:_ROWS]]
    whole = shape[0] <= _ROWS and shape[1] <= _COLUMNS
    text = "[" + ",\n ".join(rows) + ("]" if shape[0] <= _ROWS else ",\n …]")
    return text if whole else f"{text} ({_times(shape)})"


def shape_of(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists, by their first elements."""
    shape: tuple[int, ...] = ()
    while isinstance(value, Sequence) and not isinstance(value, str):
        shape += (len(value),)
        if not value:
            break
        value = value[0]
    return shape


def index(at: Sequence[int] | None) -> str:
    """Return where in an array: ``[0, 1]``, empty for a single number."""
    return f"[{', '.join(map(str, at))}]" if at else ""


def _row(values: Sequence[Any], digits: int) -> str:
    shown = ", ".join(number(value, digits) for value in values[:_COLUMNS])
    return f"[{shown}{', …' if len(values) > _COLUMNS else ''}]"


def _times(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
