"""Sentences of a sheet as plain text, for formats that show one text for a whole submission."""

from __future__ import annotations

from nncheck.language import phrase
from nncheck.report.grades import points
from nncheck.report.grades.sheet import Row, Sheet


def overview(sheet: Sheet, output: bool = True) -> str:
    """Return what happened, what was taken off, hints, remarks and what was printed, as plain text."""
    blocks = [sheet.happened] if sheet.happened else []
    blocks += [f"{one.name} ({one.why}): {points.text(-one.points)}" for one in sheet.deductions]
    several = len(sheet.parts) > 1
    for part in sheet.parts:
        own = [f"{number}. {hint}" for number, hint in enumerate(part.hints, start=1)]
        own += [f"- {remark}" for remark in part.remarks]
        if several and part.happened:
            own.insert(0, part.happened)
        if output and part.output:
            own.append(":\n".join((phrase("What your code printed"), part.output)))
        if own:
            blocks.append("\n".join([f"{part.case}:", *own] if several else own))
    return "\n\n".join(blocks)


def because(row: Row) -> str:
    """Say why a check has not all its points; every such check gets a sentence."""
    return row.why or ("" if row.passed else phrase("does not agree"))
