"""Annotations of a GitHub Actions run: one line for each check that lost points."""

from __future__ import annotations

import re
from pathlib import Path

from nncheck import source
from nncheck.grades import AssignmentFacts
from nncheck.language import phrase
from nncheck.report.grades import points
from nncheck.report.grades.files import Stream
from nncheck.report.grades.sheet import Row, Sheet, SheetPart
from nncheck.report.grades.words import because

#: Stands for a line's number in the words of a hint.
_SOME = 987654321


class Github:
    """A sink of one file, which a step of a workflow prints.

    References
    ----------
    https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """

    def __init__(self, folder: Path, assignment: AssignmentFacts) -> None:
        self._stream = Stream(folder / "annotations.txt")

    def add(self, sheet: Sheet, page: str) -> None:
        """Write the student's lines."""
        if sheet.happened:
            level = "warning" if sheet.is_fault else "error"
            self._stream.write(command(level, sheet.title, sheet.happened))
        if sheet.score is None:
            return
        for part in sheet.parts:
            line = line_of(part)
            wrong = [row for row in part.rows if not row.passed]
            for row in wrong:
                at = line if row is wrong[0] else 0
                self._stream.write(command("error", _title(row), because(row), part.file, at))
            for hint in part.hints:
                self._stream.write(command("notice", part.case, hint, part.file, line))
        for one in sheet.deductions:
            self._stream.write(command("warning", f"{one.name}: {points.text(-one.points)}", one.why))
        total = f"{points.text(sheet.score)} / {points.text(sheet.of)}"
        self._stream.write(command("notice", sheet.title, total))

    def finish(self) -> Path:
        """Put the file in its place."""
        return self._stream.finish()

    def drop(self) -> None:
        """Leave nothing."""
        self._stream.drop()


def line_of(part: SheetPart) -> int:
    """Return the line of the file that the first hint points at: what a hint does not say is not said here. Else 0."""
    if not part.hints or not part.file or part.file.lower().endswith(".ipynb"):
        return 0
    said = re.escape(phrase("line {line} of your file", line=_SOME)).replace(str(_SOME), r"(\d{1,9})")
    for pattern in (said, re.escape(part.file) + source.LINE):
        found = re.search(pattern, part.hints[0])
        if found:
            return int(found[1])
    return 0


def command(level: str, title: str, message: str, file: str = "", line: int = 0) -> str:
    """Return one workflow command; nothing in it can end it or begin another."""
    where = [f"file={_property(file)}"] if file else []
    if file and line:
        where.append(f"line={line}")
    return f"::{level} {','.join([*where, f'title={_property(title)}'])}::{_data(message)}\n"


def _title(row: Row) -> str:
    return f"{row.name}: {points.text(row.points or 0)} / {points.text(row.of)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
