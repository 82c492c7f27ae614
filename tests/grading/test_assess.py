"""Assessing an assignment says which known mistakes it would catch, and which not and why."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from nncheck import case as cases
from nncheck.assessed import Assessed, PartAssessed
from nncheck.errors import InputError
from nncheck.grades import Grade
from nncheck.grading import assess as assessing
from nncheck.grading import mutants
from nncheck.grading.assess import assess
from nncheck.grading.assignment import Assignment, Part, default_points
from nncheck.grading.judge import Judge
from nncheck.grading.own_code import OwnCode
from nncheck.grading.submissions import Submission, SubmittedFile
from nncheck.language import use
from nncheck.optimizers import Optimizer
from nncheck.report.grades.assessed import assessed_text

from .classroom import MISTAKES, correct, wrong


def _assignment(name: str, points: Mapping[str, float] | None = None, **own: object) -> Assignment:
    case = cases.find(name)
    part = Part(case=case, points=points or default_points(case), steps=5)
    return Assignment(path=Path("a.toml"), title="Homework", parts=(part,), seed="secret", **own)  # type: ignore[arg-type]


def _part(assignment: Assignment, slips: int = 5) -> PartAssessed:
    return assess(assignment, slips=slips).parts[0]


@pytest.fixture(scope="module")
def relu_sigmoid() -> tuple[Assessed, float, list[tuple[str, int, int]]]:
    told: list[tuple[str, int, int]] = []
    began = time.process_time()
    assessed = assess(_assignment("relu_sigmoid"), lambda *said: told.append(said))
    return assessed, time.process_time() - began, told


def test_default_points_catch_every_mistake_but_conventions(relu_sigmoid: tuple[Assessed, float, list[object]]) -> None:
    assessed, seconds, told = relu_sigmoid
    (part,) = assessed.parts
    assert len(part.mistakes) > 150
    assert {one.id.split(".")[0] for one in part.missed} == {"conv"}
    assert part.named >= 0.95 * len(part.mistakes)
    assert part.slips_caught == len(part.slips) == assessing.SLIPS
    assert 0.1 < part.mean_cost < 0.4  # one mistake costs about its own check
    assert part.idle == ()
    assert seconds < 20
    assert told[-1] == ("relu_sigmoid", len(told), len(told))


def test_the_cases_own_correct_files_have_all_points(relu_sigmoid: tuple[Assessed, float, list[object]]) -> None:
    assessed, _, _ = relu_sigmoid
    files = [one.file for one in assessed.parts[0].correct]
    assert files[:2] == ["derivation.txt", "manual.py"] and len(files) > 2
    assert assessed.fair and not assessed.parts[0].wronged


def test_a_mistake_on_which_there_are_no_points_passes_and_it_says_so() -> None:
    part = _part(_assignment("one_to_one", {"forward": 1.0, "loss": 1.0, "dW": 1.0}))
    missed = {one.equals: one.why for one in part.missed}
    assert missed["dB = dY.mean(axis=0)"] == "no points on what it changes: dB"
    assert "dW = dY.T @ X / len(X)" not in missed


def test_a_convention_costs_what_the_assignment_says() -> None:
    free, dear = (_part(_assignment("one_to_one", convention_cost=cost), slips=0) for cost in (0.0, 1.0))
    assert {one.lost for one in free.mistakes if one.id == "conv.half"} == {0.0}
    assert {one.lost for one in dear.mistakes if one.id == "conv.half"} == {1.0}
    assert {one.why for one in free.missed} == {"a convention, which costs nothing here"}


def test_a_check_that_correct_files_do_not_reach_is_told() -> None:
    assessed = assess(_assignment("one_to_one", {"forward": 1.0, "dW": 1.0, "dB": 1.0, "update": 3.0}), slips=0)
    (part,) = assessed.parts
    assert not assessed.fair
    assert next((one.file, one.lost) for one in part.wronged) == ("manual.py", 3.0)
    assert any(one.id == "upd.plus" and one.checks == ("update",) for one in part.mistakes)
    assert "manual.py (update: there is no function update)" in assessed_text(assessed).replace("\n    ", " ")


def test_it_speaks_to_the_instructor_whatever_the_language_of_the_feedback() -> None:
    points = {"forward": 1.0, "update": 3.0}
    for spoken, written in (("en", "ko"), ("ko", "en")):
        with use(spoken):
            assessed = assess(_assignment("one_to_one", points, language=written), slips=0)
        (part,) = assessed.parts
        said = [*(one.why for one in part.missed), *(one.text for one in part.missed if one.text)]
        said += [why for one in part.wronged for _, _, why in one.checks]
        assert len(said) > 5 and len(part.wronged) > 1
        korean = {re.search("[가-힣]", text) is not None for text in said}
        assert korean == {spoken == "ko"}, said


def test_a_judge_that_gives_everybody_all_points_is_seen_through(monkeypatch: pytest.MonkeyPatch) -> None:
    grade = Judge.grade

    def generous(self: Judge, submission: Submission) -> object:
        given = grade(self, submission)
        part = given.parts[0]
        marks = tuple(replace(mark, verdict="pass", points=mark.of, follows="") for mark in part.marks)
        return replace(given, parts=(replace(part, marks=marks),))

    monkeypatch.setattr(Judge, "grade", generous)
    part = _part(_assignment("one_to_one"))
    assert not part.caught and part.slips_caught == 0
    assert {"dB should have failed, and did not", "loss should have failed, and did not"} <= {
        one.why for one in part.missed
    }
    assert part.idle == ("forward", "loss", "dW", "dB")


def test_a_judge_that_gives_a_correct_file_less_is_seen_through(monkeypatch: pytest.MonkeyPatch) -> None:
    grade = Judge.grade

    def mean(self: Judge, submission: Submission) -> object:
        given = grade(self, submission)
        part = given.parts[0]
        if b"target" not in submission.files[0].content:
            return given
        marks = tuple(replace(mark, verdict="wrong", points=0.0) for mark in part.marks)
        return replace(given, parts=(replace(part, marks=marks),))

    monkeypatch.setattr(Judge, "grade", mean)
    assert [one.file for one in _part(_assignment("two_to_two"), slips=0).wronged] == ["correct/other_arguments.py"]


def test_a_check_that_no_mistake_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    named = mutants.named

    def few(*given: object) -> Iterator[mutants.Mutant]:
        return (mutant for mutant in named(*given) if mutant.edit.id == "db.mean")  # type: ignore[arg-type]

    monkeypatch.setattr(mutants, "named", few)
    part = _part(_assignment("one_to_one"), slips=0)
    assert [one.checks for one in part.mistakes] == [("dB",)]
    assert part.idle == ("forward", "loss", "dW")


def test_mistakes_of_another_optimizer_are_tried_where_the_update_counts() -> None:
    assignment = _assignment("one_to_one", {"forward": 1.0, "loss": 1.0, "update": 2.0, "trajectory": 2.0})
    adam = replace(assignment.parts[0], case=replace(assignment.parts[0].case, optimizer=Optimizer("adam")))
    part = _part(replace(assignment, parts=(adam,)), slips=0)
    assert part.correct[0].file == "derivation.txt" and part.correct[0].lost == 0
    own = [one for one in part.mistakes if one.id.startswith(("adam.", "upd."))]
    assert len(own) > 15
    assert {one.id for one in own if one.lost > 0} >= {"adam.no_correction", "upd.plus", "upd.no_lr"}


@pytest.mark.parametrize("name", cases.names())
def test_the_lines_of_every_case_are_written_as_a_file_that_runs(name: str) -> None:
    case = cases.find(name)
    values: dict[str, object] = {}
    exec(mutants.right(case, ("forward", "loss", "update")).source, values)
    assert {"forward", "loss", "backward", "update"} <= values.keys()


def test_an_assignment_that_takes_no_functions_is_refused() -> None:
    with pytest.raises(InputError, match="only an assignment that takes functions can be assessed"):
        assess(_assignment("one_to_one", forms=("numbers",)))


def test_it_is_told_as_text_and_as_json(relu_sigmoid: tuple[Assessed, float, list[object]]) -> None:
    assessed, _, _ = relu_sigmoid
    text = assessed_text(assessed).replace("\n    ", " ")
    for said in (
        "relu_sigmoid (points: 11)",
        "known mistakes lose points (97%)",
        "Lose nothing, a convention, which costs nothing here: conv.half (",
        "40 of 40 slips of the pen lose points.",
        "correct files of the case have all points.",
    ):
        assert said in text, text
    record = json.loads(json.dumps(assessed.to_dict(), allow_nan=False))
    assert record["schema"] == "nncheck/assess/1"
    assert record["parts"][0]["caught"] == len(assessed.parts[0].caught)
    assert record["fair"] is True


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(_assignment("relu_sigmoid"), OwnCode()) as made:
        yield made


def _graded(judge: Judge, text: str) -> Grade:
    file = SubmittedFile(name="a.py", content=text.encode())
    return judge.grade(Submission(student="a", label="a", files=(file,)))


@pytest.mark.parametrize("seed", range(12))
def test_those_who_write_on_their_own_and_rightly_have_all_points(judge: Judge, seed: int) -> None:
    grade = _graded(judge, correct(seed))
    assert (grade.status, grade.points) == ("graded", grade.of)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_those_who_make_a_mistake_lose_points_and_are_told_which(judge: Judge, mistake: str) -> None:
    grade = _graded(judge, wrong(7, mistake))
    assert grade.points < grade.of
    assert mistake in [said.id for said in grade.parts[0].mistakes]
