"""What a mistake costs: one check for one wrong line, and what follows rightly keeps its points."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nncheck import case as cases
from nncheck.grades import Grade, Mark
from nncheck.grading.assignment import FORMS, Assignment, Part
from nncheck.grading.judge import Judge
from nncheck.grading.own_code import OwnCode
from nncheck.grading.submissions import Submission, SubmittedFile
from nncheck.sandbox.limits import Limits
from nncheck.sandbox.sandbox import prepare
from nncheck.verifier.content import Content, read

TWENTY = Path(__file__).parent / "twenty"
POINTS = {"forward": 2.0, "loss": 2.0, "dW2": 2.0, "dB2": 1.0, "dW": 2.0, "dB": 1.0, "update": 1.0, "trajectory": 1.0}
RIGHT = (TWENTY / "01_right.py").read_text()


def assignment(**changes: object) -> Assignment:
    part = Part(case=cases.find("relu_sigmoid"), points=POINTS, steps=20)
    plain = Assignment(path=Path("homework.toml"), title="", parts=(part,), seed="0123456789abcdef", forms=FORMS)
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(assignment(), OwnCode()) as judge:
        yield judge


def graded(judge: Judge, text: str, name: str = "solution.py") -> Grade:
    return judge.grade(submission(text, name))


def submission(text: str, name: str = "solution.py") -> Submission:
    return Submission(student="kim", label=name, files=(SubmittedFile(name=name, content=text.encode()),))


def by_check(grade: Grade) -> dict[str, Mark]:
    return {mark.check: mark for mark in grade.parts[0].marks}


def lost(grade: Grade) -> dict[str, str]:
    """Return the checks that cost something, with their verdicts."""
    return {check: mark.verdict for check, mark in by_check(grade).items() if mark.points < mark.of}


@contextmanager
def sandboxed(points: dict[str, float] = POINTS, **changes: object) -> Iterator[Judge]:
    """Judge behind real walls, or the best there are here: in this process a file's own end would be the tests' end."""
    told = with_points(points, **changes)
    with Judge(told, prepare(told.limits, trust=not os.environ.get("CI"), tested=None)) as judge:
        yield judge


def _changed(*pairs: tuple[str, str]) -> str:
    text = RIGHT
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def test_a_file_named_as_a_device_of_windows_is_read_as_any_other(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def reading(path: Path, **options: Any) -> Content:
        seen.append(path.name)
        return read(path, **options)

    monkeypatch.setattr("nncheck.grading.judge.read", reading)
    grade = graded(judge, RIGHT, "aux.py")
    assert grade.points == grade.of and grade.parts[0].file == "aux.py"
    assert seen == ["_aux.py"]


def test_a_right_submission_has_all_points(judge: Judge) -> None:
    grade = graded(judge, RIGHT)
    assert (grade.points, grade.of, grade.status) == (12.0, 12.0, "graded")
    assert not grade.parts[0].mistakes and not grade.parts[0].hints
    assert all(mark.verdict == "pass" and not mark.why for mark in grade.parts[0].marks)


#: What is written instead, which checks it costs, and what it is named.
MISTAKES = {
    "a line without a check of its own costs the first that is computed from it": (
        [(" * Y * (1 - Y)", "")],
        {"dW2": "wrong"},
        ["act.missing"],
    ),
    "in the hidden layer only what comes after it": ([(" * (Z > 0)", "")], {"dW": "wrong"}, ["act.missing"]),
    "a wrong forward line costs forward alone": ([(' + params["B"]', "")], {"forward": "wrong"}, None),
    "a wrong loss with right gradients": (
        [("np.mean((Y - YT) ** 2)", "np.sum((Y - YT) ** 2)")],
        {"loss": "wrong"},
        None,
    ),
    "a gradient that nothing else is computed from": ([("dZ2.T @ H", "2 * dZ2.T @ H")], {"dW2": "wrong"}, None),
    "two mistakes cost two checks": (
        [("2 * (Y - YT)", "(Y - YT)"), ('"B": dZ.sum(axis=0)', '"B": dZ.mean(axis=0)')],
        {"dW2": "wrong", "dB": "wrong"},
        ["mse.no2", "db.mean"],
    ),
    "an update uphill costs update, and the training that it spoils": (
        [("- lr", "+ lr")],
        {"update": "wrong", "trajectory": "wrong"},
        None,
    ),
}


@pytest.mark.parametrize(("changes", "expected", "ids"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_taken_off_once(
    judge: Judge, changes: list[tuple[str, str]], expected: dict[str, str], ids: list[str] | None
) -> None:
    grade = graded(judge, _changed(*changes))
    assert lost(grade) == expected
    assert grade.status == "graded"
    if ids:
        assert [mistake.id for mistake in grade.parts[0].mistakes] == ids


def test_what_follows_from_a_mistake_says_so() -> None:
    with Judge(assignment(), OwnCode()) as judge:
        marks = by_check(graded(judge, _changed((" * Y * (1 - Y)", ""))))
    assert marks["dB2"].follows == marks["dW"].follows == marks["dB"].follows == "dZ2"
    assert marks["dB2"].why == "right for the wrong dZ2 before it"
    assert marks["dW2"].why == "right for what comes before it, but the mistake in dZ2 is counted here"
    assert marks["trajectory"].verdict == "pass" and marks["trajectory"].follows == "dW2"


def test_without_follow_through_everything_that_differs_is_wrong() -> None:
    with Judge(assignment(follow_through=False), OwnCode()) as judge:
        grade = graded(judge, _changed((" * Y * (1 - Y)", "")))
    assert lost(grade) == dict.fromkeys(("dW2", "dB2", "dW", "dB", "trajectory"), "wrong")


@pytest.mark.parametrize("cost", [0.0, 1.5])
def test_a_convention_costs_what_the_assignment_says(cost: float) -> None:
    text = _changed(("np.mean", "0.5 * np.mean"), ("2 * (Y - YT)", "(Y - YT)"))
    with Judge(assignment(convention_cost=cost), OwnCode()) as judge:
        grade = graded(judge, text)
    assert not lost(grade)
    assert grade.points == 12.0 - cost
    assert grade.parts[0].mistakes[0].convention


def test_zeros_earn_nothing_even_where_they_follow_from_zeros(judge: Judge) -> None:
    text = _changed(("    return Y, (", "    Y = 0 * Y\n    return Y, ("))  # then dZ2 = dY * 0 * 1 is zero, rightly so
    grade = graded(judge, text)
    assert {"forward", "dW2", "dB2", "dW", "dB"} <= set(lost(grade))


def test_an_own_value_that_is_handed_over_is_gone_on_with(judge: Judge) -> None:
    text = _changed(
        ("    dZ = (dZ2", "    dZ2 = dZ2 + 0.01 * np.arange(dZ2.size).reshape(dZ2.shape)\n    dZ = (dZ2"),
        ('{"W2"', '{"Z2": dZ2, "W2"'),
    )
    grade = graded(judge, text)
    assert lost(grade) == {"dW2": "wrong"}
    assert "dZ2" in by_check(grade)["dW2"].why


def test_what_is_right_at_the_common_points_alone_is_wrong() -> None:
    """Whoever knows the points of the diagnosis, but not the secret, gains nothing."""
    known = _changed(
        (
            "def backward(params, cache, YT):\n",
            "def backward(params, cache, YT):\n    if len(YT) == 5 and params['W'].shape != (2, 2):\n"
            "        return {n: np.ones_like(p) for n, p in params.items()}\n",
        )
    )
    with Judge(assignment(), OwnCode()) as judge:
        grade = graded(judge, known)
    assert {"dW2", "dB2", "dW", "dB"} <= set(lost(grade))


def test_each_submission_has_its_own_probes_from_secret_and_content(judge: Judge) -> None:
    seeds = [graded(judge, text).parts[0].seed for text in (RIGHT, RIGHT + "# mine\n", RIGHT)]
    with Judge(assignment(seed="another secret!!"), OwnCode()) as other:
        seeds.append(graded(other, RIGHT).parts[0].seed)
    assert seeds[0] == seeds[2] and len(set(seeds)) == 3


def test_state_between_calls_costs_what_it_spoils(judge: Judge) -> None:
    text = _changed(("    dZ2 = ", "    calls.append(1)\n    dZ2 = len(calls) * ")) + "\n\ncalls = []\n"
    assert by_check(graded(judge, text))["dW2"].verdict == "wrong"


def test_an_exception_costs_what_it_keeps_from_being_reached(judge: Judge) -> None:
    grade = graded(judge, _changed(("    dZ = (dZ2", "    assert len(X) < 3, 'too many'\n    dZ = (dZ2")))
    assert grade.status == "crashed"
    assert grade.reason.startswith("solution.py, line 20: AssertionError: too many")
    marks = by_check(grade)
    assert {check for check, mark in marks.items() if mark.verdict == "pass"} == {
        "forward",
        "loss",
        "update",
        "trajectory",
    }
    assert marks["dW2"].verdict == "not-reached" and "line 20" in marks["dW2"].why


def test_a_loss_that_raises_costs_no_gradient(judge: Judge) -> None:
    grade = graded(judge, _changed(("    return np.mean((Y - YT) ** 2)", "    return Y.nothing")))
    assert set(lost(grade)) == {"loss", "trajectory"}


def test_a_forward_that_raises_leaves_loss_and_update(judge: Judge) -> None:
    grade = graded(judge, _changed(("    H = np.maximum(Z, 0)", "    H = undefined")))
    assert {check for check, mark in by_check(grade).items() if mark.points} == {"loss", "update"}


def test_float32_is_judged_as_what_it_is(judge: Judge) -> None:
    grade = graded(
        judge,
        _changed(
            (
                "    Z = X",
                "    params = {n: p.astype(np.float32) for n, p in params.items()}\n    Z = X.astype(np.float32)",
            ),
        ),
    )
    assert not lost(grade)


def test_a_factor_that_update_takes_back_costs_nothing(judge: Judge) -> None:
    grade = graded(judge, _changed(("2 * (Y - YT)", "4 * (Y - YT)"), ("- lr", "- 0.5 * lr")))
    assert set(lost(grade)) <= {"trajectory"}


#: Other forms of the same work.
FORMULAS = (cases.find("relu_sigmoid").folder / "derivation.txt").read_text()


def test_formulas_are_marked_line_by_line(judge: Judge) -> None:
    assert set(lost(graded(judge, FORMULAS, "lines.txt"))) == {"update", "trajectory"}
    grade = graded(judge, FORMULAS.replace("dZ2 = dY * Y * (1 - Y)", "dZ2 = dY"), "lines.txt")
    assert set(lost(grade)) == {"dW2", "update", "trajectory"} or lost(grade)
    assert grade.parts[0].form == "formulas"


def test_a_form_that_is_not_taken_is_said() -> None:
    with Judge(assignment(forms=("functions",)), OwnCode()) as judge:
        grade = graded(judge, FORMULAS, "lines.txt")
    assert grade.status == "unreadable" and grade.points == 0


def test_a_fault_of_ours_is_ours(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncheck.grading.judge.judge_functions", lambda *_: 1 / 0)
    grade = graded(judge, RIGHT)
    assert grade.status == "grader-fault"
    assert grade.reason == "nncheck itself failed: ZeroDivisionError: division by zero"


def test_a_grade_survives_json(judge: Judge) -> None:
    grade = graded(judge, _changed((" * Y * (1 - Y)", "")))
    assert Grade.from_dict(grade.to_dict()) == grade


def with_points(points: dict[str, float], **changes: object) -> Assignment:
    part = Part(case=cases.find("relu_sigmoid"), points=points, steps=20)
    return assignment(parts=(part,), **changes)


#: Lines inside of the functions that nobody hands over.
INSIDE = {"Z": 1.0, "H": 1.0, "forward": 1.0, "loss": 1.0, "dY": 1.0, "dZ2": 1.0, "dW2": 1.0, "dZ": 1.0, "dW": 1.0}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], {}),
        ([(" * Y * (1 - Y)", "")], {"dZ2": "wrong"}),
        ([(" * (Z > 0)", "")], {"dZ": "wrong"}),
        ([(' + params["B"]', "")], {"Z": "wrong"}),
        (
            [("    dZ = (dZ2", "    X.missing\n    dZ = (dZ2")],
            dict.fromkeys(("dY", "dZ2", "dW2", "dZ", "dW"), "not-reached"),
        ),
        (
            [("    H = ", "    H = X.missing + ")],
            dict.fromkeys([name for name in INSIDE if name != "loss"], "not-reached"),
        ),
    ],
)
def test_a_line_inside_is_as_right_as_what_is_computed_from_it(
    changes: list[tuple[str, str]], expected: dict[str, str]
) -> None:
    with Judge(with_points(INSIDE), OwnCode()) as judge:
        assert lost(graded(judge, _changed(*changes))) == expected


@pytest.mark.parametrize("points", [{"dW": 1.0}, {**POINTS}])
def test_a_sign_that_update_takes_back_costs_nothing_whatever_has_points(points: dict[str, float]) -> None:
    with Judge(with_points(points), OwnCode()) as judge:
        assert not lost(graded(judge, _changed(("2 * (Y - YT)", "2 * (YT - Y)"), ("- lr", "+ lr"))))


#: What runs only where layers are equally wide, and what it costs.
SQUARE = {
    "a weight of forward": ([('X @ params["W"].T', 'X @ params["W"]')], {"forward": "wrong"}),
    "a weight of backward": ([('(dZ2 @ params["W2"])', '(dZ2 @ params["W2"].T)')], {"dW": "wrong"}),
    "nothing else is wrong": (
        [("    dZ = (dZ2", "    assert params['W'].shape[0] == params['W'].shape[1], 'square'\n    dZ = (dZ2")],
        {"dW2": "not-reached"},
    ),
    "forward alone": (
        [("    H = np", "    assert params['W'].shape[0] == params['W'].shape[1]\n    H = np")],
        {"forward": "not-reached"},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), SQUARE.values(), ids=SQUARE)
def test_what_runs_at_some_sizes_only_costs_one_check(
    judge: Judge, changes: list[tuple[str, str]], expected: dict[str, str]
) -> None:
    grade = graded(judge, _changed(*changes))
    assert lost(grade) == expected
    assert grade.status == "crashed"


def test_points_learnt_by_heart_earn_nothing_where_the_rest_raises(judge: Judge) -> None:
    """The points of the diagnosis are known to everybody; at sizes of one width too there are points of one's own."""
    known = _changed(
        (
            "def backward(params, cache, YT):\n",
            "def backward(params, cache, YT):\n    assert (len(YT), params['W'].shape) in KNOWN\n",
        )
    )
    text = known + "\n\nKNOWN = [(2, (3, 3)), (5, (3, 3)), (7, (3, 3)), (5, (2, 2)), (1, (2, 2))]\n"
    right_there_alone = text.replace("dZ2.T @ H", "dZ2.T @ H * (1 if len(YT) in (2, 5, 7, 1) else 0)")
    assert "dW2" in lost(graded(judge, right_there_alone))


#: What stands at the end of the file, of which nothing is lost that stands before it.
ENDINGS = {
    "an error": ("raise ValueError('no data')", "crashed"),
    "a file that is not there": ("data = np.loadtxt('data.csv')\nprint(data)", "crashed"),
    "exit": ("import sys\nsys.exit()", "graded"),
    "a training": ("for t in range(3):\n    print(t)", "graded"),
}


@pytest.mark.parametrize(("ending", "status"), ENDINGS.values(), ids=ENDINGS)
def test_what_fails_at_the_end_of_a_file_costs_nothing_of_its_functions(ending: str, status: str) -> None:
    with sandboxed() as judge:
        grade = graded(judge, f"{RIGHT}\n\n{ending}\n")
    assert (grade.status, grade.points) == (status, 12.0)


def test_functions_behind_a_statement_that_raises_are_there() -> None:
    with sandboxed() as judge:
        grade = graded(judge, RIGHT.replace("def backward", "open('no such file')\n\n\ndef backward"))
    assert (grade.status, grade.points) == ("crashed", 12.0)
    assert "line 17: FileNotFoundError" in grade.reason


def test_a_training_that_takes_too_long_leaves_the_functions() -> None:
    with sandboxed(limits=Limits(check=0.5)) as judge:
        grade = graded(judge, f"{RIGHT}\n\nwhile True:\n    pass\n")
    assert (grade.status, grade.points) == ("timed-out", 12.0)


def test_a_line_of_a_notebook_is_told_by_its_cell() -> None:
    cells = [RIGHT, "x = 1\nraise KeyError('here')\n"]
    notebook = {"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code", "source": text} for text in cells]}
    with sandboxed() as judge:
        grade = graded(judge, json.dumps(notebook), "homework.ipynb")
    assert grade.reason == "homework.ipynb, code cell 2, line 2: KeyError: 'here'"
    assert grade.points == 12.0


def test_a_notebook_with_a_slip_of_the_pen_names_nothing_of_ours() -> None:
    notebook = {"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code", "source": "def forward(params, X)\n"}]}
    with sandboxed() as judge:
        grade = graded(judge, json.dumps(notebook), "homework.ipynb")
    assert grade.status == "crashed"
    assert grade.reason.startswith("homework.ipynb, code cell 1, line 1: SyntaxError") and "/tmp" not in grade.reason


def test_options_of_the_command_line_are_not_ours() -> None:
    options = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--lr')\nparser.parse_args()\n"
    with sandboxed() as judge:
        grade = graded(judge, f"{options}\n{RIGHT}")
    assert (grade.status, grade.points) == ("graded", 12.0)


#: Scripts, of which each mistake costs what it costs in functions.
SCRIPT = """import numpy as np
X, YT = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
W, B = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([0.35, 0.35])
W2, B2 = np.array([[0.40, 0.45], [0.50, 0.55]]), np.array([0.60, 0.60])
for t in range(30):
    Z = X @ W.T + B
    H = np.maximum(Z, 0)
    Y = 1 / (1 + np.exp(-(H @ W2.T + B2)))
    E = np.mean((Y - YT) ** 2)
    dZ2 = 2 * (Y - YT) / Y.size * Y * (1 - Y)
    dW2, dB2 = dZ2.T @ H, dZ2.sum(axis=0)
    dZ = (dZ2 @ W2) * (Z > 0)
    dW, dB = dZ.T @ X, dZ.sum(axis=0)
    W, B, W2, B2 = W - 0.01 * dW, B - 0.01 * dB, W2 - 0.01 * dW2, B2 - 0.01 * dB2
"""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("", ""), {}),
        (("2 * (Y - YT)", "(Y - YT)"), {"dW2": "wrong"}),
        ((" * Y * (1 - Y)", ""), {"dW2": "wrong"}),
        (("np.mean((Y - YT) ** 2)", "np.sum((Y - YT) ** 2)"), {"loss": "wrong"}),
    ],
)
def test_a_mistake_of_a_script_costs_one_check(change: tuple[str, str], expected: dict[str, str]) -> None:
    points = {check: of for check, of in POINTS.items() if check not in ("update", "trajectory")}
    with sandboxed(points) as judge:
        assert lost(graded(judge, SCRIPT.replace(*change))) == expected


def test_a_script_whose_variables_cannot_be_told_is_told_in_words_of_its_own() -> None:
    text = SCRIPT.replace("W, B, W2, B2 = W - 0.01 * dW, B - 0.01 * dB,", "W, W2, B2 = W - 0.01 * dW,")
    with sandboxed() as judge:
        grade = graded(judge, text)
    if grade.status == "unreadable":
        assert grade.reason == "it cannot be told which variables are the parameters; call them W, B, W2, B2."
    assert "--map" not in grade.reason


def test_a_wrong_formula_without_points_costs_the_first_that_has_them(judge: Judge) -> None:
    with Judge(with_points({"dW2": 1.0, "dW": 2.0, "dB": 1.0}), OwnCode()) as judge:
        grade = graded(judge, FORMULAS.replace("dZ = dH * (Z > 0)", "dZ = dH"), "lines.txt")
    assert lost(grade) == {"dW": "wrong"}


@pytest.mark.parametrize("rows", ["0,0.298371109", "0,0.3\n1,0.3\n2,0.3"])
def test_numbers_that_show_no_step_earn_no_gradient(judge: Judge, rows: str) -> None:
    assert {"dW2", "dB2", "dW", "dB"} <= set(lost(graded(judge, f"step,E\n{rows}\n", "run.csv")))


def test_a_training_with_numbers_that_are_none_is_wrong(judge: Judge) -> None:
    grade = graded(judge, _changed(('"W": dZ.T @ X', '"W": dZ.T @ X * np.nan')))
    assert {"dW", "trajectory"} <= set(lost(grade))


def test_without_an_update_of_ones_own_a_wrong_training_is_wrong(judge: Judge) -> None:
    text = _changed((" * Y * (1 - Y)", "")).replace("def update", "def another")
    assert lost(graded(judge, text)) == {"dW2": "wrong", "update": "not-reached", "trajectory": "wrong"}


#: Points that would be had for nothing: what is done, and the checks that must not pass.
HOLES = {
    "a factor that update takes back at one point alone": (
        [("    dZ2 = 2 *", "    dZ2 = (2 if len(YT) == 2 else 3) * 2 *"), ("- lr * grads", "- lr / 2 * grads")],
        {"dW2", "dB2", "dW", "dB"},
    ),
    "a convention where it runs, and nothing elsewhere": (
        [
            ("np.mean", "0.5 * np.mean"),
            (
                "    dZ2 = 2 *",
                "    if (len(YT), params['W'].shape) not in KNOWN:\n        raise NotImplementedError\n    dZ2 = 1 *",
            ),
            ("def update", "KNOWN = [(n, s) for n in (2, 5, 7) for s in ((5, 4), (3, 3))]\n\n\ndef update"),
        ],
        {"dW2", "dB2", "dW", "dB"},
    ),
    "another output behind a convention": (
        [("np.mean", "0.5 * np.mean"), ("    dZ2 = 2 *", "    dZ2 = 1 *"), ("    return Y, (", "    return Y + 7, (")],
        {"forward"},
    ),
    "noise that is zero but for rounding": (
        [
            ("    dZ2 = 2 *", "    dZ2 = 1e-20 * np.cos(np.arange(Y.size)).reshape(Y.shape) *"),
            ('{"W2"', '{"Z2": dZ2, "W2"'),
        ],
        {"dW2", "dB2", "dW", "dB"},
    ),
}


@pytest.mark.parametrize(("changes", "checks"), HOLES.values(), ids=HOLES)
def test_nothing_is_earned_for_nothing(judge: Judge, changes: list[tuple[str, str]], checks: set[str]) -> None:
    assert checks <= set(lost(graded(judge, _changed(*changes))))


def test_a_script_of_which_nothing_can_be_told_earns_no_gradient() -> None:
    with sandboxed() as judge:
        grade = graded(judge, SCRIPT.replace("dZ.T @ X", "7 * dZ.T @ X").replace("0.01 *", "1e-30 *"))
    assert {"dW2", "dB2", "dW", "dB", "update", "trajectory"} <= set(lost(grade))


@pytest.mark.parametrize("key", ['"d B"', '"²"', '"state x y"', "3", "None"])
def test_odd_keys_are_no_fault_of_ours(judge: Judge, key: str) -> None:
    grade = graded(judge, _changed(('{"W2": dZ2.T @ H', f'{{{key}: dZ2, "W2": dZ2.T @ H')))
    assert grade.status == "graded" and "forward" not in lost(grade)
