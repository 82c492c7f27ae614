"""grades.csv: one line for each student, for spreadsheets and course systems; those the grader failed on come first."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from nncheck.grades import AssignmentFacts, Graded
from nncheck.report.grades.clean import cell
from nncheck.report.grades.files import Stream
from nncheck.report.grades.points import number
from nncheck.report.grades.sheet import Sheet, columns

_LEFT = ("student", "name", "score", "max_score", "status", "late")
_RIGHT = ("mistake", "label")


class Table:
    """A sink for the instructor: the score is empty, not 0, where the grader failed."""

    def __init__(self, folder: Path, assignment: AssignmentFacts) -> None:
        path = folder / "grades.csv"
        self._first = Stream(path, "utf-8-sig")  # spreadsheets take a file for UTF-8 only with its mark
        self._rest = Stream(path)
        self._first.write(line([*_LEFT, *columns(assignment), *_RIGHT]))

    def add(self, graded: Graded, sheet: Sheet, page: str) -> None:
        """Write the student's line."""
        points = [None if row.points is None else number(row.points) for row in sheet.rows]
        score = None if sheet.score is None else number(sheet.score)
        late = "yes" if graded.late else "no"
        left = [graded.student, graded.name, score, number(sheet.of), graded.grade.status, late]
        (self._first if sheet.is_fault else self._rest).write(
            line([*left, *points, first_mistake(graded), graded.label])
        )

    def finish(self) -> Path:
        """Put the file in its place."""
        self._first.append(self._rest)
        return self._first.finish()

    def drop(self) -> None:
        """Leave nothing."""
        self._first.drop()
        self._rest.drop()


def line(cells: list[str | float | None] | list[str]) -> str:
    """Return one line of CSV: numbers stay numbers, texts cannot be formulas, None is empty."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow([cell(one) if isinstance(one, str) else one for one in cells])
    return stream.getvalue()


def first_mistake(graded: Graded) -> str:
    """Return the id of the first mistake that is one; a convention only where there is no other."""
    found = [mistake for part in graded.grade.parts for mistake in part.mistakes]
    found.sort(key=lambda mistake: mistake.convention)
    return found[0].id if found else ""
