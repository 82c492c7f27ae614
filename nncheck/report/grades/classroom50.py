"""Classroom 50's result.json, version 1."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from typing import Any

from nncheck.grades import AssignmentFacts
from nncheck.language import phrase
from nncheck.report.grades import points
from nncheck.report.grades.points import MILLION, millionths
from nncheck.report.grades.sheet import Sheet
from nncheck.report.grades.sinks import dumped


def render(sheet: Sheet, assignment: AssignmentFacts) -> str:
    """Return one submission's result.json.

    Scores are whole numbers there: where a check is worth a part of a point, all are multiplied by 10, 100 ... alike
    for everybody in the assignment, and what is lost to that is lost to the student's favour. They cannot be negative
    either: what was taken off is a test worth nothing that says how much. Where the grader failed it is 0 of 0, as
    Classroom 50 does it itself. Identity comes from the variables of its runner, where they are set.

    References
    ----------
    https://github.com/foundation50/classroom50/wiki/Advanced-Autograding
    """
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    submission = os.environ.get("SUBMISSION_TAG") or f"submit/{sheet.submitted or now}"
    commit = os.environ.get("COMMIT_URL") or submission
    scale = _scale(assignment)
    tests = _tests(sheet, scale)
    return dumped(
        {
            "schema": "classroom50/result/v1",
            "classroom": os.environ.get("CLASSROOM") or "nncheck",
            "assignment": os.environ.get("ASSIGNMENT") or _slug(sheet.title),
            "assignment_type": "individual",
            "owner": sheet.student or "unknown",
            "submission": submission,
            "commit": commit,
            "release": os.environ.get("RELEASE_URL") or commit,
            "review": os.environ.get("REVIEW_URL") or commit,
            "datetime": sheet.submitted or now,
            "graded_at": now,
            "score": 0 if sheet.score is None else _whole(sheet.score, scale),
            "max-score": sum(test["max-score"] for test in tests),
            "tests": tests,
        }
    )


def _tests(sheet: Sheet, scale: int) -> list[dict[str, Any]]:
    if sheet.score is None:
        return [{"test-name": sheet.happened, "passed": False, "score": 0, "max-score": 0}]
    tests = [
        {"test-name": row.name, "passed": row.passed, "score": _whole(row.points or 0, scale)}
        | {"max-score": _whole(row.of, scale)}
        for row in sheet.rows
    ]
    for one in sheet.deductions:
        name = phrase("{name}: {points} points", name=one.name, points=points.text(-one.points))
        tests.append({"test-name": name, "passed": False, "score": 0, "max-score": 0})
    return tests


def _scale(assignment: AssignmentFacts) -> int:
    """Return 1, 10, 100 ... up to a million: the least that makes every check's worth a whole number."""
    worth = [millionths(of) for _, _, of in assignment.checks]
    scale = 1
    while scale < MILLION and any(one * scale % MILLION for one in worth):
        scale *= 10
    return scale


def _whole(value: int, scale: int) -> int:
    """Return millionths of a point as whole units, rounded up."""
    return -(-value * scale // MILLION)


def _slug(title: str) -> str:
    return re.sub(r"\W+", "-", title.casefold()).strip("-") or "assignment"
