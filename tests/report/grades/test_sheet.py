"""What students see: nothing that is the instructor's, and lines that add up to the score."""

from __future__ import annotations

import dataclasses
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncheck.grades import AssignmentFacts, Graded, Mark, Mistake, PartGrade
from nncheck.report.grades import FORMATS, feedback, gradescope, points, write
from nncheck.report.grades.sheet import sheet
from tests.report.grades.conftest import ASSIGNMENT, CHECKS, FULL, GROUND, NONE, ROWS, SECRET, SEED, graded, part

#: Everything but what is the instructor's own.
STUDENTS = ("feedback", "gradescope", "prairielearn", "classroom50", "check50", "html", "junit", "nbgrader", "github")
INSTRUCTORS = {"grades.csv", "results.jsonl", "feedback.md", "index.html", "summary.md"}


def _leaks(folder: Path) -> list[str]:
    """Return the files for students that hold a marker."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in INSTRUCTORS]
    assert len(files) > 5 * len(ROWS)
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    return [str(path) for path, text in texts.items() if SECRET in text or str(SEED) in text]


@pytest.mark.parametrize("level", [0, 1, 4])
def test_nothing_of_the_instructors_reaches_a_student(save: Any, level: int) -> None:
    assert not _leaks(save(ROWS, *FORMATS, hints=level))


def test_a_planted_leak_is_caught(save: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradescope, "overview", lambda sheet: f"your mistake: {MISTAKE.equals}")
    assert _leaks(save(ROWS, *FORMATS))


MISTAKE = Mistake(id="a", quantity=None, line=None, text="", equals=SECRET)


def test_every_field_of_the_records_is_either_shown_or_marked() -> None:
    """A field that is added to a record has to be put on one of the two sides here, and a marker into its rows."""
    shown = {
        Graded: "student grade name submitted late late_penalty also",
        PartGrade: "case file form status reason marks hints notes read_as output seconds",
        Mark: "check verdict points of why follows",
        Mistake: "line cell",  # of the first, where hints may say so and the student's own file is shown
    }
    marked = {
        Graded: "label",
        PartGrade: "mistakes seed",
        Mark: "",
        Mistake: "id quantity text equals convention",
    }
    for record, names in shown.items():
        assert {one.name for one in dataclasses.fields(record)} == {*names.split(), *marked[record].split()}


def test_one_students_files_name_no_other(save: Any) -> None:
    folder = save([graded("alice-4711"), graded("bob-0815")], *FORMATS)
    for path in folder.rglob("*alice-4711*"):
        assert "bob-0815" not in path.read_text(encoding="utf-8")
    assert len(list(folder.rglob("*alice-4711*"))) == 6


def test_level_0_gives_no_hint_and_names_no_other_quantity() -> None:
    open_, closed = (sheet(ROWS[1], dataclasses.replace(ASSIGNMENT, hints=level)) for level in (2, 0))
    assert [len(one.parts[0].hints) for one in (open_, closed)] == [2, 0]
    assert open_.rows[3].why == "follows rightly from your dZ2, so it counts"
    assert closed.rows[3].why == "follows rightly from the value before it, so it counts"
    assert "dZ2" not in feedback.render(closed)
    assert (open_.rows[2].why, closed.rows[2].why) == ("dW2 does not agree: its shape is (2, 3).", "")


def test_what_stands_above_is_not_said_at_each_check() -> None:
    marks = tuple(dataclasses.replace(mark, why="line 1: import torch") for mark in NONE)
    seen = sheet(graded("s", part(status="forbidden-import", reason="line 1: import torch", marks=marks)), ASSIGNMENT)
    assert {row.why for row in seen.rows} == {"was not reached"}
    assert feedback.render(seen).count("import torch") == 1


# adding up ----------------------------------------------------------------------------------------------------------


def _fractions(record: dict[str, Any], key: str) -> Fraction:
    return sum((Fraction(str(test[key])) for test in record["tests"]), Fraction())


_WORTH = st.one_of(st.sampled_from([0.5, 1.0, 2.0, 1 / 3, 0.1, 2 / 7]), st.floats(0, 20, allow_subnormal=False))


@settings(max_examples=150, deadline=None)
@given(
    worth=st.lists(st.tuples(_WORTH, st.floats(0, 1), st.booleans()), min_size=1, max_size=6),
    cost=st.floats(0, 3),
    penalty=st.floats(0, 8),
)
def test_displayed_points_add_up_to_the_displayed_score(
    worth: list[tuple[float, float, bool]], cost: float, penalty: float
) -> None:
    marks = tuple(
        Mark(check=f"c{n}", verdict="pass" if right else "wrong", points=of * share if right else 0.0, of=of)
        for n, (of, share, right) in enumerate(worth)
    )
    assignment = AssignmentFacts(
        title="A", language="en", hints=1, digest="", checks=tuple(("case", mark.check, mark.of) for mark in marks)
    )
    row = graded("s", part(case="case", marks=marks), cost=cost, late_penalty=penalty, late=True)
    seen = sheet(row, assignment)
    record = json.loads(gradescope.render(seen))
    assert _fractions(record, "score") == Fraction(str(record["score"]))
    assert abs(record["score"] - row.score) < 1e-4
    assert record["score"] >= 0
    page = feedback.render(seen)
    numbers = [Fraction(value) for value in re.findall(r"(?m)^\| [✓✗] \| \S+ \| (\S+) of", page)]
    taken = [Fraction(value) for value in re.findall(r"(?m)^\| (?:another|handed).*\| -(\S+) \|$", page)]
    total = Fraction(re.search(r"\*\*Points: (\S+) of", page)[1])  # type: ignore[index]
    assert sum(numbers) - sum(taken) == total == Fraction(str(record["score"]))


def test_deductions_are_lines_of_their_own_and_never_more_than_there_is() -> None:
    late = sheet(ROWS[2], ASSIGNMENT)
    assert [(one.name, points.text(one.points)) for one in late.deductions] == [
        ("another convention", "0.5"),
        ("handed in late", "1.2"),
    ]
    assert points.text(late.score or 0) == "5.3"
    assert "| **score** | **5.3** |" in feedback.render(late)
    nothing = sheet(ROWS[4], ASSIGNMENT)
    assert [points.text(one.points) for one in nothing.deductions] == ["0.5", "1.5"]
    assert nothing.score == 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3.0, "3"), (0.5, "0.5"), (-1.25, "-1.25"), (1 / 3, "0.333333"), (0.0, "0"), (100.0, "100"), (-0.5, "-0.5")],
)
def test_points_in_words(value: float, shown: str) -> None:
    assert points.text(points.millionths(value)) == shown


# what happened ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("student", "said"),
    [
        ("full", ""),
        (
            "timed",
            "Your code was stopped because it took too long. It was stopped after 5 s in backward.",
        ),
        ("crashed", "Your code ended with an error. line 3: ZeroDivisionError: division by zero"),
        ("memory", "Your code was stopped because it needed too much memory. 1,024 MB were not enough."),
        ("output", "Your code was stopped because it printed too much. More than 1,024 kB."),
        ("imports", "Your code imports something that is not allowed here. line 1: import torch"),
        ("unreadable", "Your submission could not be read. The zip is broken."),
        ("fault", "The grader failed; your points are not affected; ask your instructor."),
    ],
)
def test_what_happened_is_said_in_plain_words(student: str, said: str) -> None:
    row = next(row for row in ROWS if row.student == student)
    assert sheet(row, ASSIGNMENT).happened == said


def test_points_that_were_earned_before_a_hang_stay() -> None:
    timed = sheet(ROWS[5], ASSIGNMENT)
    assert points.text(timed.score or 0) == "2"
    assert [row.verdict for row in timed.rows] == ["pass", "not-reached", "not-reached", "not-reached"]


def test_a_fault_in_one_case_leaves_no_score_but_the_others_verdicts() -> None:
    assignment = dataclasses.replace(ASSIGNMENT, checks=(*CHECKS, ("relu", "forward", 5.0)))
    fine = part(case="relu", marks=(dataclasses.replace(FULL[0], points=5.0, of=5.0),))
    seen = sheet(graded("s", ROWS[11].grade.parts[0], fine), assignment)
    assert seen.score is None
    assert [row.points is None for row in seen.rows] == [True] * 4 + [False]
    assert [row.name for row in seen.rows] == [
        "hidden: forward",
        "hidden: loss",
        "hidden: dW2",
        "hidden: dW",
        "relu: forward",
    ]


def test_checks_that_the_record_lacks_are_there_and_not_reached() -> None:
    seen = sheet(graded("s", part(marks=FULL[:1], status="crashed", reason="")), ASSIGNMENT)
    assert [row.verdict for row in seen.rows] == ["pass", *["not-reached"] * 3]
    assert seen.of == points.millionths(10.0)


def test_a_case_that_comes_twice_keeps_its_two_results_apart() -> None:
    assignment = dataclasses.replace(ASSIGNMENT, checks=(*CHECKS, *CHECKS))
    seen = sheet(graded("s", part(marks=FULL), part(marks=NONE)), assignment)
    assert [row.passed for row in seen.rows] == [True] * 4 + [False] * 4
    assert [row.name for row in seen.rows][3:5] == ["dW", "forward (2)"]


def test_an_unknown_format_is_refused_with_those_there_are(tmp_path: Path) -> None:
    from nncheck.errors import InputError

    with pytest.raises(InputError, match=r"formats: got 'pdf', expected some of csv, jsonl, feedback, gradescope"):
        write(tmp_path, lambda: [], ASSIGNMENT, GROUND, ("csv", "pdf"))
