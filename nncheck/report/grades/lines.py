"""results.jsonl: every record whole, one line each, schema nncheck/grade/1; for the instructor alone."""

from __future__ import annotations

from pathlib import Path

from nncheck.grades import AssignmentFacts, Graded
from nncheck.report.grades.files import Stream
from nncheck.report.grades.sheet import Sheet


class Lines:
    """A sink for the instructor, in the order in which results are given."""

    def __init__(self, folder: Path, assignment: AssignmentFacts) -> None:
        self._stream = Stream(folder / "results.jsonl", private=True)  # it holds the seeds of the probes

    def add(self, graded: Graded, sheet: Sheet, page: str) -> None:
        """Write the student's line."""
        self._stream.write(graded.to_line() + "\n")

    def finish(self) -> Path:
        """Put the file in its place."""
        return self._stream.finish()

    def drop(self) -> None:
        """Leave nothing."""
        self._stream.drop()
