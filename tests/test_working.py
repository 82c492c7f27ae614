"""A step worked out without torch: the hand against the lines, the slack of what was printed, unknown states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.formula import read
from nncheck.kept import Point
from nncheck.working import work_out


def test_without_torch_the_hand_is_held_against_the_lines() -> None:
    case = cases.find("two_to_one")
    hand = {"E": np.array(64.0), "dW": np.array([[-32.0, -48.0001]])}
    (worked,) = work_out(
        case, case.derivation(), [Point(step=0, why=("first step",), params=case.params, hand=hand)], None,
        X=case.X, YT=case.YT,
    )  # fmt: skip
    lines = {line.name: line for line in worked.lines}
    assert {name: line.verdict for name, line in lines.items()} == {
        "Y": "cannot-tell", "E": "agree", "dY": "cannot-tell", "dW": "differ", "dB": "cannot-tell",
        "W'": "cannot-tell", "B'": "cannot-tell",
    }  # fmt: skip
    assert (lines["dW"].index, lines["dW"].autograd, lines["Y"].difference) == ((0, 1), None, None)
    assert lines["dW"].difference == pytest.approx(1e-4, rel=1e-9)
    assert (worked.why, worked.differs) == (("first step",), True)
    assert worked.inputs["W"] == [[3.0, 4.0]]


def test_the_slack_of_printed_digits_is_admitted() -> None:
    case = cases.find("two_to_one")
    point = Point(step=3, why=(), params=case.params, hand={"dW": np.array([[-32.0, -48.0001]])})
    for slack, verdict in ((1e-3, "agree"), (1e-5, "differ")):
        (worked,) = work_out(
            case, case.derivation(), [point], None, X=case.X, YT=case.YT, slack={3: {"dW": np.full((1, 2), slack)}}
        )
        assert next(line.verdict for line in worked.lines if line.name == "dW") == verdict


def test_an_update_whose_states_are_not_known_is_left_out() -> None:
    case = cases.find("two_to_one")
    case = replace(case, optimizer=type(case.optimizer)("momentum", {}))
    for step, parts in ((0, {"forward", "backward", "update"}), (5, {"forward", "backward"})):
        point = Point(step=step, why=(), params=case.params, hand={})
        (worked,) = work_out(
            case, read("Y = X @ W.T + B\nE = Y.sum()\ndW = X\ndB = B\n"), [point], None, X=case.X, YT=case.YT
        )
        assert {line.part for line in worked.lines} == parts
