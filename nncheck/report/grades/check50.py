"""JSON as check50 prints it."""

from __future__ import annotations

import re
from typing import Any

from nncheck.report.grades.points import number
from nncheck.report.grades.sheet import Row, Sheet
from nncheck.report.grades.sinks import dumped
from nncheck.report.grades.words import because
from nncheck.versions import __version__


def render(sheet: Sheet) -> str:
    """Return one submission's results.

    ``passed`` is null where a check was not reached, and everywhere where the grader failed; points, which check50 does
    not know, stand in ``data``. What was taken off is a result of its own, which did not pass.

    References
    ----------
    https://cs50.readthedocs.io/projects/check50/en/latest/json_specification/
    """
    hints = "\n".join(hint for part in sheet.parts for hint in part.hints)
    first = next((row for row in sheet.rows if not row.passed), None)
    results = [_result(row, sheet, hints if row is first else "") for row in sheet.rows]
    results += [
        _record(one.name, passed=False, why=one.why, data={"points": number(-one.points), "of": 0})
        for one in sheet.deductions
    ]
    slug = "nncheck/" + (re.sub(r"\W+", "-", sheet.title.casefold()).strip("-") or "assignment")
    return dumped({"slug": slug, "results": results, "version": __version__})


def _result(row: Row, sheet: Sheet, hints: str) -> dict[str, Any]:
    if sheet.is_fault:
        return _record(row.name, passed=None, why=sheet.happened)
    assert row.points is not None
    passed = True if row.passed else None if row.verdict == "not-reached" else False
    data = {"points": number(row.points), "of": number(row.of)}
    why = because(row)
    if not row.passed and sheet.happened:
        why = f"{why}; {sheet.happened}"
    return _record(row.name, passed=passed, why=why, help_=hints, data=data)


def _record(
    name: str, *, passed: bool | None, why: str, help_: str = "", data: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "description": name,
        "passed": passed,
        "log": [why] if why and passed else [],
        "cause": None if passed else {"rationale": why, "help": help_ or None},
        "data": data or {},
        "dependency": None,
    }
