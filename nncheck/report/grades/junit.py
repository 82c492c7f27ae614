"""JUnit XML of a whole batch."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from nncheck.grades import AssignmentFacts
from nncheck.report.grades import points
from nncheck.report.grades.clean import clean
from nncheck.report.grades.files import Stream
from nncheck.report.grades.sheet import Row, Sheet
from nncheck.report.grades.words import because


class Junit:
    """A sink of one suite: a case for each check, its class the student.

    A check that is wrong or was not reached is a failure, one that cannot be told is skipped, one that the grader
    failed on is an error. What was taken off is a failure of its own.

    References
    ----------
    The schema of Jenkins' xUnit plugin, junit-10.xsd.
    """

    def __init__(self, folder: Path, assignment: AssignmentFacts) -> None:
        self._file, self._cases = Stream(folder / "junit.xml"), Stream(folder / "junit.xml")
        self._title = clean(assignment.title)
        self._counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
        self._seconds = 0.0

    def add(self, sheet: Sheet, page: str) -> None:
        """Write the student's cases."""
        self._seconds += sheet.seconds
        each = sheet.seconds / max(1, len(sheet.rows))
        for row in sheet.rows:
            self._case(sheet.student, row.name, each, *_outcome(row, sheet))
        for one in sheet.deductions:
            self._case(sheet.student, one.name, 0.0, "failure", "deduction", one.why, points.text(-one.points))

    def finish(self) -> Path:
        """Put the file in its place: the counts are known now."""
        counts = " ".join(f'{name}="{count}"' for name, count in self._counts.items())
        whole = " ".join(f'{name}="{self._counts[name]}"' for name in ("tests", "failures", "errors"))
        name, time = quoteattr(self._title), f'time="{self._seconds:.3f}"'
        self._file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        self._file.write(f"<testsuites name={name} {whole} {time}>\n<testsuite name={name} {counts} {time}>\n")
        self._file.append(self._cases)
        self._file.write("</testsuite>\n</testsuites>\n")
        return self._file.finish()

    def drop(self) -> None:
        """Leave nothing."""
        self._file.drop()
        self._cases.drop()

    def _case(self, student: str, name: str, seconds: float, outcome: str, kind: str, why: str, said: str) -> None:
        self._counts["tests"] += 1
        head = f'<testcase classname={quoteattr(student)} name={quoteattr(name)} time="{seconds:.3f}">'
        body = ""
        if outcome == "skipped":
            self._counts["skipped"] += 1
            body = f"<skipped message={quoteattr(why)}/>"
        elif outcome:
            self._counts["errors" if outcome == "error" else "failures"] += 1
            body = f'<{outcome} type="{kind}" message={quoteattr(why)}/>'
        self._cases.write(f"{head}{body}<system-out>{escape(said)}</system-out></testcase>\n")


def _outcome(row: Row, sheet: Sheet) -> tuple[str, str, str, str]:
    if sheet.is_fault:
        return "error", "grader-fault", sheet.happened, ""
    said = f"{points.text(row.points or 0)} / {points.text(row.of)}"
    if row.verdict == "cannot-tell":
        return "skipped", "", because(row), said
    if row.passed:
        return "", "", "", f"{said} {row.why}".strip()
    return "failure", row.verdict, "; ".join(part for part in (because(row), sheet.happened) if part), said
