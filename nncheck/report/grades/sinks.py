"""What a format is: something that takes one result after the other and ends with files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from nncheck.grades import Graded
from nncheck.report.grades.files import Pages
from nncheck.report.grades.sheet import Sheet


class Sink(Protocol):
    """A format for students, or one that holds no more than they may see."""

    def add(self, sheet: Sheet, page: str) -> None:
        """Take one result; `page` is the student's file name without its ending."""

    def finish(self) -> Path:
        """Put the file or folder in its place."""

    def drop(self) -> None:
        """Leave nothing."""


class InstructorSink(Protocol):
    """A format for the instructor alone, who sees everything."""

    def add(self, graded: Graded, sheet: Sheet, page: str) -> None:
        """Take one result."""

    def finish(self) -> Path:
        """Put the file in its place."""

    def drop(self) -> None:
        """Leave nothing."""


class Folder:
    """A sink of one file for each student."""

    def __init__(self, folder: Path, ending: str, render: Callable[[Sheet], str]) -> None:
        self._pages, self._render = Pages(folder, ending), render

    def add(self, sheet: Sheet, page: str) -> None:
        """Write the student's file."""
        self._pages.write(page, self._render(sheet))

    def finish(self) -> Path:
        """Put the folder in its place."""
        return self._pages.finish()

    def drop(self) -> None:
        """Leave nothing."""
        self._pages.drop()


def dumped(record: dict[str, Any]) -> str:
    """Return JSON for other programs: ASCII only, a newline at its end."""
    return json.dumps(record, indent=1, allow_nan=False) + "\n"
