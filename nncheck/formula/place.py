"""Where a formula stands, in words, with the numbers of its line and its column."""

from __future__ import annotations

from nncheck.language import phrase


class Place(str):
    """A place in the words of the language that was spoken when it was made: ``my.txt, line 3, column 7``.

    Attributes
    ----------
    line, column : int
        Their numbers from 1; 0 where the place names none.
    """

    line: int = 0
    column: int = 0

    @classmethod
    def of(cls, source: str, line: int) -> Place:
        """Return the place of a line."""
        place = cls(phrase("{path}, line {line}", path=source, line=line))
        place.line = line
        return place


def at_column(where: str, column: int) -> Place:
    """Return the place of a column in a line."""
    place = Place(phrase("{place}, column {column}", place=where, column=column))
    place.line, place.column = numbers(where)[0], column
    return place


def numbers(where: str) -> tuple[int, int]:
    """Return the numbers of a place's line and column, each 0 where it names none."""
    return (where.line, where.column) if isinstance(where, Place) else (0, 0)
