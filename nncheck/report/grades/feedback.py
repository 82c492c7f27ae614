"""The page of one student, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from nncheck.language import phrase
from nncheck.report.grades import points
from nncheck.report.grades.clean import escaped, fenced, paragraph
from nncheck.report.grades.sheet import SIGNS, Row, Sheet, SheetPart


def render(sheet: Sheet) -> str:
    """Return the page: the total first, then each check with its points and why, hints, remarks, what was printed."""
    parts = [f"# {escaped(sheet.title)}", f"**{escaped(whose(sheet))}**", _total(sheet)]
    if sheet.happened:
        parts.append(f"**{paragraph(sheet.happened)}**")
    several = len(sheet.parts) > 1
    for part in sheet.parts:
        parts += _part(part, several)
    if sheet.deductions:
        parts.append(_sum(sheet))
    parts += [escaped(remark) for remark in closing(sheet)]
    return "\n\n".join(part for part in parts if part) + "\n"


def whose(sheet: Sheet) -> str:
    """Return the student's id, and the name where it is known."""
    return f"{sheet.student} ({sheet.name})" if sheet.name else sheet.student


def _total(sheet: Sheet) -> str:
    if sheet.score is None:
        return ""  # what happened says it
    said = phrase("Points: {score} of {of}", score=points.text(sheet.score), of=points.text(sheet.of))
    return f"**{escaped(said)}**"


def _part(part: SheetPart, several: bool) -> Iterator[str]:
    if several:
        yield f"## {escaped(part.case)}"
        if part.happened:
            yield paragraph(part.happened)
    if part.file:
        yield escaped(phrase("Judged: {file}", file=part.file))
    yield _table(part.rows)
    if part.hints:
        yield _heading(phrase("Hints"))
        yield "\n".join(f"{number}. {_item(hint, 3)}" for number, hint in enumerate(part.hints, start=1))
    if part.remarks:
        yield _heading(phrase("How it was read"))
        yield "\n".join(f"- {_item(remark, 2)}" for remark in part.remarks)
    if part.output:
        yield _heading(phrase("What your code printed"))
        yield fenced(part.output)


def _heading(text: str) -> str:
    return f"### {escaped(text)}"


def _item(text: str, indent: int) -> str:
    """Return a text of a list, its further lines under the first."""
    return paragraph(text).replace("\n", "\n" + " " * indent)


def _table(rows: tuple[Row, ...]) -> str:
    head = ["", escaped(phrase("check")), escaped(phrase("points")), escaped(phrase("why"))]
    lines = [head, ["---"] * len(head)]
    lines += [[_sign(row), escaped(row.name), _points(row), escaped(row.why)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sign(row: Row) -> str:
    return "?" if row.points is None else SIGNS[row.verdict]


def _points(row: Row) -> str:
    if row.points is None:
        return "—"
    return escaped(phrase("{points} of {of}", points=points.text(row.points), of=points.text(row.of)))


def _sum(sheet: Sheet) -> str:
    """Return how the score comes from the checks, line by line."""
    earned = sum(row.points or 0 for row in sheet.rows)
    lines = [["", escaped(phrase("points"))], ["---", "---"], [escaped(phrase("all checks")), points.text(earned)]]
    lines += [[escaped(f"{one.name}: {one.why}"), points.text(-one.points)] for one in sheet.deductions]
    score = phrase("score")
    lines.append([f"**{escaped(score)}**", f"**{points.text(sheet.score or 0)}**"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def closing(sheet: Sheet) -> Iterator[str]:
    """Yield what is to be said of how it was handed in."""
    if sheet.submitted:
        yield phrase("Handed in: {time}", time=sheet.submitted)
    if sheet.late and not sheet.deductions and not sheet.is_fault:
        yield phrase("It was handed in late; that cost nothing.")
    if sheet.others:
        yield phrase("You handed in more than once; this is the one that counts. Others: {count}.", count=sheet.others)
