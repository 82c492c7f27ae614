"""feedback.md: which feedback page is whose, for the instructor; those the grader failed on come first."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from nncheck.grades import AssignmentFacts, Graded
from nncheck.language import phrase
from nncheck.report.grades import points
from nncheck.report.grades.clean import clean, escaped
from nncheck.report.grades.files import Stream
from nncheck.report.grades.sheet import Sheet
from nncheck.report.grades.terminal import status_words


class Index:
    """A sink for the instructor; it stands beside the folder of pages, since a page's reader must not see others."""

    def __init__(self, folder: Path, assignment: AssignmentFacts) -> None:
        path = folder / "feedback.md"
        self._first, self._rest = Stream(path), Stream(path)
        head = [phrase("student"), phrase("name"), phrase("points"), phrase("status")]
        title = phrase("{title}: feedback pages", title=clean(assignment.title))
        self._first.write(f"# {escaped(title)}\n\n{_row(head)}{_row(['---'] * len(head))}")

    def add(self, graded: Graded, sheet: Sheet, page: str) -> None:
        """Write the student's line."""
        link = f"[{escaped(sheet.student)}](feedback/{quote(page)}.md)"
        earned = "" if sheet.score is None else points.text(sheet.score)
        text = _row([link, escaped(sheet.name), earned, status_words(graded.grade.status)])
        (self._first if sheet.is_fault else self._rest).write(text)

    def finish(self) -> Path:
        """Put the file in its place."""
        self._first.append(self._rest)
        return self._first.finish()

    def drop(self) -> None:
        """Leave nothing."""
        self._first.drop()
        self._rest.drop()


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
