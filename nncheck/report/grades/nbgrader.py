"""CSV with the columns of nbgrader's own export."""

from __future__ import annotations

from pathlib import Path

from nncheck.grades import AssignmentFacts
from nncheck.report.grades.files import Stream
from nncheck.report.grades.points import number
from nncheck.report.grades.sheet import Sheet
from nncheck.report.grades.table import line

COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


class Nbgrader:
    """A sink of one file; scores are empty where the grader failed.

    References
    ----------
    CsvExportPlugin in nbgrader/plugins/export.py, nbgrader 0.9.
    """

    def __init__(self, folder: Path, assignment: AssignmentFacts) -> None:
        self._stream = Stream(folder / "nbgrader.csv")
        self._stream.write(line(list(COLUMNS)))

    def add(self, sheet: Sheet, page: str) -> None:
        """Write the student's line; a name "Last, First" is taken apart, another stays whole."""
        last, _, first = sheet.name.partition(", ")
        email = sheet.student if "@" in sheet.student else ""
        who = [sheet.title, "", sheet.submitted, sheet.student, last, first, email]
        self._stream.write(line([*who, *_scores(sheet), number(sheet.of)]))

    def finish(self) -> Path:
        """Put the file in its place."""
        return self._stream.finish()

    def drop(self) -> None:
        """Leave nothing."""
        self._stream.drop()


def _scores(sheet: Sheet) -> list[float | None]:
    if sheet.score is None:
        return [None, None, None]
    late = sum(one.points for one in sheet.deductions if one.late)
    return [number(sheet.score + late), number(late), number(sheet.score)]
