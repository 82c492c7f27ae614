"""A table of numbers as text: which sign stands between cells, whether there is a header, and the rows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nncheck.errors import InputError
from nncheck.language import phrase

#: So many rows and columns a table may have; the longest training of a case has 100,000 steps.
MAX_ROWS, MAX_COLUMNS = 100_001, 2_000
#: So many characters a number may have.
_LONGEST = 400
_MAX_CELLS = 2_000_000
#: So many lines tell whether a text that is too long for one is a table at all.
_BEGINNING = 200
#: A number as any language prints it; no text of it can be read in two ways, so that no text takes long.
NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf|NaN|Inf|NAN|INF)"

#: Line number and cells.
Row = tuple[int, list[str]]


def read_table(lines: list[tuple[int, str]]) -> tuple[list[str] | None, list[Row]] | None:
    """Take lines apart into cells; None if they are no table but a printout."""
    delimiter, comma = _delimiter([line for _, line in lines[:50]])
    too_large = _too_large(lines, delimiter)
    if too_large:
        if len(lines) > _BEGINNING and not _begins_with_one(lines):
            return None
        raise InputError(too_large)
    cells = [(number, _cells(line, delimiter)) for number, line in lines]
    header = cells[0][1] if not all(_is_number(c, comma) for c in cells[0][1]) else None
    rows = cells[1:] if header else cells
    numeric = [all(_is_number(c, comma) or not c for c in row) for _, row in rows]
    if not rows or sum(numeric) < 0.5 * len(rows) or (header and (len(header) < 2 and len(rows[0][1]) != len(header))):
        return None
    if header and not numeric[0] and len(header) != len(rows[0][1]):
        return None
    width = len(header or rows[0][1])
    for (number, row), fine in zip(rows, numeric):
        if len(row) != width and not (fine or header):
            return None  # a line of words between the numbers
        if len(row) != width:
            raise InputError(
                phrase(
                    "line {line}: got {count} cells, expected {width} as in line {first}.",
                    line=number,
                    count=len(row),
                    width=width,
                    first=cells[0][0],
                )
            )
        if not fine:
            bad = next(c for c in row if c and not _is_number(c, comma))
            raise InputError(phrase("line {line}: {cell!r} is no number.", line=number, cell=bad[:40]))
    if comma:
        rows = [(number, [c.replace(",", ".") for c in row]) for number, row in rows]
    return header, rows


def _too_large(lines: list[tuple[int, str]], delimiter: str | None) -> str:
    """Return what a table has too much of, before it is taken apart; empty if nothing."""
    if len(lines) > MAX_ROWS + 1:
        return phrase(
            "got {count:,} lines, expected at most {most:,} rows and a header.", count=len(lines), most=MAX_ROWS
        )
    count = 0
    for number, line in lines:
        width = line.count(delimiter) + 1 if delimiter else len(line.split())
        if width > 3 * MAX_COLUMNS or (width > MAX_COLUMNS and len(_cells(line, delimiter)) > MAX_COLUMNS):
            return phrase(
                "line {line}: got more than {most:,} columns, expected at most so many.",
                line=number,
                most=MAX_COLUMNS,
            )
        count += width
    return (
        phrase("got {count:,} numbers, expected at most {most:,}.", count=count, most=_MAX_CELLS)
        if count > _MAX_CELLS
        else ""
    )


def _begins_with_one(lines: list[tuple[int, str]]) -> bool:
    """Whether the first lines alone are a table: what a run printed may be as long as it likes."""
    try:
        return read_table(lines[:_BEGINNING]) is not None
    except InputError:
        return True


def _delimiter(lines: Sequence[str]) -> tuple[str | None, bool]:
    """Return the sign between cells (None: spaces), and whether numbers have a decimal comma."""
    last = lines[-1]
    for sign in (";", "\t"):
        if sign in last:
            return sign, any(re.search(r"\d,\d", line) for line in lines) and not any("." in line for line in lines[1:])
    if "," in last:
        parts = [part.strip() for part in last.split(",")]
        if any(re.search(r"\d\s+[-+\d]", part) for part in parts):
            return None, True
        return ",", False
    return None, False


def _cells(line: str, delimiter: str | None) -> list[str]:
    if delimiter == ",":  # W[0,0] is one name
        return [part.strip().strip("\"'").strip() for part in _at_commas(line)]
    return [part.strip().strip("\"'") for part in (line.split(delimiter) if delimiter else line.split())]


def _at_commas(line: str) -> list[str]:
    """Split at commas, those left out behind which a bracket is closed before one is opened."""
    if "]" not in line and ")" not in line:
        return line.split(",")
    parts, end, inside = [], len(line), False
    for sign in reversed(list(re.finditer(r"[\[\](),]", line))):
        if sign[0] != ",":
            inside = sign[0] in "])"
        elif not inside:
            parts.append(line[sign.end() : end])
            end = sign.start()
    return [line[:end], *reversed(parts)]


def _is_number(cell: str, comma: bool) -> bool:
    return len(cell) <= _LONGEST and re.fullmatch(NUMBER, cell.replace(",", ".") if comma else cell) is not None
