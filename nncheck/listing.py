"""A person's own file as a page shows it beside what was found: its lines, those of a notebook by code cells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The text of one file.

    Attributes
    ----------
    text : str
        Lines ended by a newline alone; of a notebook its code cells, one after the other.
    starts : tuple of int
        Line of the text at which each code cell begins, from 1; empty if it is no notebook.
    excerpt : bool
        Whether only what stands around the lines that are spoken of is worth showing, as of a table of numbers.
    """

    text: str
    starts: tuple[int, ...] = ()
    excerpt: bool = False

    def at(self, line: int, cell: int | None = None) -> int:
        """Return the line of the text that a finding speaks of, which counts those of a notebook cell by cell."""
        if cell is None or not 1 <= cell <= len(self.starts):
            return line
        return self.starts[cell - 1] + line - 1
