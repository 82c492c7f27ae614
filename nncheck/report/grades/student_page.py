"""The page of one student: points, hints that open one after another, the student's own lines."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from nncheck.language import N_, phrase, translate
from nncheck.report.grades import points
from nncheck.report.grades.feedback import closing, whose
from nncheck.report.grades.sheet import SIGNS, Row, Sheet, SheetPart
from nncheck.report.html.own_file import Mark, anchor, own_file
from nncheck.report.html.page import page, script, style, template

#: Characters and lines of a file that is shown whole: less than elsewhere, since a class has many pages.
_MOST, _MOST_LINES = 60_000, 1_500
_VERDICTS = {"pass": "agree", "wrong": "differ", "not-reached": "not-reached", "cannot-tell": "cannot-tell"}
_WORDS = {"pass": N_("right"), "wrong": N_("wrong"), "not-reached": N_("not reached"), "cannot-tell": N_("cannot tell")}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """One row of the table: ``verdict`` is what its sign is coloured by."""

    verdict: str
    sign: str
    word: str
    name: str
    points: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One case: ``line`` is the id of the line in question, ``hints`` that of the hints."""

    case: str
    file: str
    happened: str
    checks: tuple[_Check, ...]
    hints: tuple[str, ...]
    hints_id: str
    line: str
    listing: Markup
    remarks: tuple[str, ...]
    output: str


def render(sheet: Sheet) -> str:
    """Return the page."""
    parts = [_part(part, f"part-{number}-") for number, part in enumerate(sheet.parts, start=1)]
    body = template("student.html").render(
        sheet=sheet,
        whose=whose(sheet),
        total=_total(sheet),
        parts=parts,
        several=len(parts) > 1,
        earned=points.text(sum(row.points or 0 for row in sheet.rows)),
        deductions=[(f"{one.name}: {one.why}", points.text(-one.points)) for one in sheet.deductions],
        score=points.text(sheet.score or 0),
        remarks=list(closing(sheet)),
    )
    scripts = [script("hints.js")] if any(part.hints for part in parts) else []
    return page(f"{sheet.title} · {whose(sheet)}", body, scripts=scripts, styles=[style("own.css")])


def _total(sheet: Sheet) -> str:
    if sheet.score is None:
        return ""  # what happened says it
    return phrase("Points: {score} of {of}", score=points.text(sheet.score), of=points.text(sheet.of))


def _part(part: SheetPart, prefix: str) -> _Part:
    marks = []
    if part.line is not None:
        marks.append(Mark(line=part.line, text=phrase("The hints speak of this line."), back=f"{prefix}hints"))
    listing = Markup("")
    if part.listing is not None:
        listing = own_file(part.listing, part.file, marks, prefix, _MOST, _MOST_LINES)
    line = anchor(part.line, prefix) if part.line is not None else ""
    return _Part(
        case=part.case,
        file=part.file,
        happened=part.happened,
        checks=tuple(_check(row) for row in part.rows),
        hints=part.hints,
        hints_id=f"{prefix}hints",
        line=line if f'id="{line}"' in listing else "",
        listing=listing,
        remarks=part.remarks,
        output=part.output,
    )


def _check(row: Row) -> _Check:
    lost = row.points is None
    earned = "—"
    if row.points is not None:
        earned = phrase("{points} of {of}", points=points.text(row.points), of=points.text(row.of))
    return _Check(
        verdict="cannot-tell" if lost else _VERDICTS[row.verdict],
        sign="?" if lost else SIGNS[row.verdict],
        word=translate(_WORDS["cannot-tell" if lost else row.verdict]),
        name=row.name,
        points=earned,
        why=row.why,
    )
