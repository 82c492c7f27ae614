"""Results made by hand: every status, deductions, strange ids, and a marker in all that only an instructor may see."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from nncheck.grades import AssignmentFacts, Grade, Graded, GroundFacts, Mark, Mistake, PartGrade, Status
from nncheck.report.grades import write

#: Stands in each field that a student must not see. The seed is a number: these digits.
SECRET = "XSECRETX"
SEED = 7_319_424_242_737_919

CHECKS = (("hidden", "forward", 2.0), ("hidden", "loss", 1.0), ("hidden", "dW2", 3.0), ("hidden", "dW", 4.0))
ASSIGNMENT = AssignmentFacts(
    title="Hidden layers <b>1</b>", language="en", hints=2, digest=f"{SECRET} digest", checks=CHECKS
)
GROUND = GroundFacts(
    name=f"{SECRET} ground", held=(f"{SECRET} held",), open=(f"{SECRET} open",), words=f"{SECRET} words"
)

FULL = (
    Mark(check="forward", verdict="pass", points=2.0, of=2.0),
    Mark(check="loss", verdict="pass", points=1.0, of=1.0),
    Mark(check="dW2", verdict="pass", points=3.0, of=3.0),
    Mark(check="dW", verdict="pass", points=4.0, of=4.0),
)
HALF = (
    FULL[0],
    FULL[1],
    Mark(check="dW2", verdict="wrong", points=0.0, of=3.0, why="dW2 does not agree: its shape is (2, 3)."),
    Mark(check="dW", verdict="pass", points=4.0, of=4.0, follows="dZ2"),
)
NONE = tuple(Mark(check=check, verdict="not-reached", points=0.0, of=of, why="nothing ran") for _, check, of in CHECKS)
MISTAKES = (
    Mistake(id=f"{SECRET}.convention", quantity="loss", line=1, text=f"{SECRET} convention", convention=True),
    Mistake(id=f"{SECRET}.act", quantity="dW2", line=7, text=f"{SECRET} is left out", equals=f"dZ = {SECRET}", cell=2),
)


def part(**changes: Any) -> PartGrade:
    """Return one case's grade; all it takes can be changed."""
    facts: dict[str, Any] = {
        "case": "hidden",
        "file": "answer.py",
        "form": "functions",
        "status": "graded",
        "reason": "",
        "marks": FULL,
        "seed": SEED,
        "seconds": 0.25,
    }
    return PartGrade(**{**facts, **changes})


def graded(student: str = "s1", *parts: PartGrade, cost: float = 0.0, **changes: Any) -> Graded:
    """Return one student's result."""
    grade = Grade(
        key=f"{SECRET} key",
        content=f"{SECRET} content",
        ground=f"{SECRET} ground",
        parts=parts or (part(),),
        convention_cost=cost,
        versions={"nncheck": "0.1.0", "secret": SECRET},
    )
    return Graded(student=student, label=f"{SECRET}/{student}.py", grade=grade, **changes)


def stopped(status: Status, reason: str) -> PartGrade:
    """Return a case at which the code was stopped after forward."""
    return part(status=status, reason=reason, marks=(FULL[0], *NONE[1:]), mistakes=MISTAKES)


#: One of everything.
ROWS = (
    graded("full"),
    graded(
        "half",
        part(
            marks=HALF,
            mistakes=MISTAKES,
            hints=("Look at `dW2` in line 7.", "Which way round is the transpose?"),
            notes=("It prints.",),
            read_as=("The file has functions.",),
            output="hello\n```\n<script>alert(1)</script>\n# not a title\n",
        ),
        name="Kim, Min-su",
        submitted="2026-03-02T10:00:00+09:00",
        also=(f"{SECRET}/older.py",),
    ),
    graded("late", part(marks=HALF), late=True, late_penalty=1.2, cost=0.5),
    graded("forgiven", late=True),
    graded("nothing-left", part(marks=(FULL[0], *NONE[1:])), late=True, late_penalty=10.0, cost=0.5),
    graded("timed", stopped("timed-out", "It was stopped after 5 s in backward.")),
    graded("crashed", stopped("crashed", "line 3: ZeroDivisionError: division by zero")),
    graded("memory", stopped("too-much-memory", "1,024 MB were not enough.")),
    graded("output", stopped("too-much-output", "More than 1,024 kB.")),
    graded("imports", part(status="forbidden-import", reason="line 1: import torch", marks=NONE)),
    graded("unreadable", part(status="unreadable", reason="The zip is broken.", marks=NONE, file="", form="")),
    graded(
        "fault",
        part(
            status="grader-fault",
            reason=f"{SECRET} traceback",
            marks=(),
            hints=(f"{SECRET} hint",),
            notes=(f"{SECRET} note",),
            output=f"{SECRET} output",
        ),
    ),
    graded(
        "untold",
        part(marks=(*FULL[:3], Mark(check="dW", verdict="cannot-tell", points=4.0, of=4.0))),
    ),
)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write results in some formats and return the folder."""

    def save_(rows: Iterable[Graded], *formats: str, assignment: AssignmentFacts = ASSIGNMENT, **changes: Any) -> Path:
        found = tuple(rows)
        if changes:
            assignment = dataclasses.replace(assignment, **changes)
        write(tmp_path / "out", lambda: iter(found), assignment, GROUND, formats)
        return tmp_path / "out"

    return save_
