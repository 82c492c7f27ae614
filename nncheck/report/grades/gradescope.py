"""Gradescope's results.json."""

from __future__ import annotations

import math
from typing import Any

from nncheck.report.grades.points import number
from nncheck.report.grades.sheet import Sheet
from nncheck.report.grades.sinks import dumped
from nncheck.report.grades.words import because, overview


def render(sheet: Sheet) -> str:
    """Return one submission's results.json, all of it for the student to see.

    The tests' scores add up to the score: what was taken off is a test of its own with a negative score. Where the
    grader failed there is no score at all, neither on top nor in a test, and the output says so.

    References
    ----------
    https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    result: dict[str, Any] = {
        "execution_time": max(1, math.ceil(sheet.seconds)),  # a whole number there; 0 looks as if nothing had run
        "output": overview(sheet),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {},
        "tests": [],
    }
    if sheet.score is None:
        return dumped(result)
    tests = [
        {"name": row.name, "score": number(row.points or 0), "max_score": number(row.of), "output": because(row)}
        | {"status": "passed" if row.passed else "failed"}
        for row in sheet.rows
    ]
    tests += [
        {"name": one.name, "score": number(-one.points), "max_score": 0, "output": one.why, "status": "failed"}
        for one in sheet.deductions
    ]
    common = {"output_format": "text", "tags": [], "visibility": "visible", "extra_data": {}}
    result["tests"] = [{**test, "number": str(count), **common} for count, test in enumerate(tests, start=1)]
    return dumped({"score": number(sheet.score), **result})
