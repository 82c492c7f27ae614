"""PrairieLearn's results.json of an external grader."""

from __future__ import annotations

from typing import Any

from nncheck.report.grades.points import number
from nncheck.report.grades.sheet import Sheet
from nncheck.report.grades.sinks import dumped
from nncheck.report.grades.words import because, overview


def render(sheet: Sheet) -> str:
    """Return one submission's results.json.

    ``gradable`` is false, which costs no attempt, where the grader failed and where the submission cannot be read; then
    there is no score. All tests have points, so that PrairieLearn shows them.

    References
    ----------
    https://prairielearn.readthedocs.io/en/latest/externalGrading/#grading-results
    """
    gradable = sheet.score is not None and sheet.status != "unreadable"
    unreadable = [sheet.happened] if sheet.status == "unreadable" else []
    result: dict[str, Any] = {"gradable": gradable, "succeeded": sheet.score is not None}
    if gradable:
        share = (sheet.score or 0) / sheet.of if sheet.of else 0.0
        result["score"] = min(1.0, max(0.0, share))
    result["message"] = sheet.happened
    result["output"] = overview(sheet)
    result["images"] = []
    result["format_errors"] = unreadable
    result["tests"] = _tests(sheet) if gradable else []
    return dumped(result)


def _tests(sheet: Sheet) -> list[dict[str, Any]]:
    tests = [
        {"name": row.name, "points": number(row.points or 0), "max_points": number(row.of), "message": because(row)}
        for row in sheet.rows
    ]
    tests += [
        {"name": one.name, "points": number(-one.points), "max_points": 0, "message": one.why}
        for one in sheet.deductions
    ]
    return [{**test, "description": "", "output": ""} for test in tests]
