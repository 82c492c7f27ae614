"""A run brings its curves and worked steps along: what the rows say, a spike at one step, and none of it in JSON."""

from __future__ import annotations

import math
import shutil
from typing import Any

import numpy as np
import pytest

import nncheck
from nncheck import runner, working
from nncheck.curves import Curve, apart
from nncheck.process import ProcessFailure
from nncheck.record import CaseResult
from nncheck.worked import WorkedStep

SPIKE = 67_891  # the only step of 100,000 at which a gradient is wrong


def _curve(case: CaseResult, kind: str, name: str) -> Curve:
    (found,) = [curve for curve in case.curves if (curve.kind, curve.name) == (kind, name)]
    return found


@pytest.fixture(scope="module")
def short() -> CaseResult:
    return nncheck.run("relu_sigmoid", steps=300, every=1).cases[0]


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CaseResult]:
    """Run copies of cases: wrong at one step, stopping, without formulas, not worked out, with Adam, and diverging."""
    counted = "calls = []\n\n\ndef count():\n    calls.append(0)\n    return len(calls) - 1\n\n\ndef forward"
    edits = {
        "spiked": ("one_to_one", "dY.T @ X,", f"dY.T @ X + (0.125 if count() == {SPIKE} else 0),"),
        "stopping": ("hidden", "    X, ", "    assert count() < 40\n    X, "),
        "formless": ("hidden", "def forward", "def forward"),
        "failing": ("hidden", "def forward", "def forward"),
        "adam": ("hidden", "def forward", "def forward"),
        "diverging": ("two_to_two", "def forward", "def forward"),
    }
    root = tmp_path_factory.mktemp("cases")
    for name, (like, old, new) in edits.items():
        shutil.copytree(nncheck.find_case(like).folder, root / name)
        (root / name / "certificate.json").unlink()
        text = (root / name / "manual.py").read_text(encoding="utf-8")
        assert old in text
        text = text.replace(old, new).replace("def forward", counted)
        (root / name / "manual.py").write_text(text, encoding="utf-8")
    (root / "formless" / "derivation.txt").unlink()
    for name, old, new in (
        ("adam", "[training]", '[training]\noptimizer = "adam"'),
        ("diverging", "lr = 0.01", "lr = 1e9"),
    ):
        toml = (root / name / "case.toml").read_text(encoding="utf-8")
        assert old in toml
        (root / name / "case.toml").write_text(toml.replace(old, new), encoding="utf-8")

    def work_out(case: nncheck.Case, *arguments: Any, **options: Any) -> tuple[WorkedStep, ...]:
        if case.name == "failing":
            raise ProcessFailure("lines", "it was made to fail")
        return working.work_out(case, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "work_out", work_out)
        spiked = nncheck.run(root / "spiked", steps=100_000, device="cpu").cases
        others = nncheck.run(*(root / name for name in list(edits)[1:]), steps=60, device="cpu").cases
    return {case.case: case for case in (*spiked, *others)}


@pytest.fixture(scope="module")
def spiked(spoilt: dict[str, CaseResult]) -> CaseResult:
    return spoilt["spiked"]


def test_curves_of_a_short_run_are_its_rows(short: CaseResult) -> None:
    steps = tuple(row.step for row in short.rows)
    assert {(curve.kind, curve.name) for curve in short.curves} == {
        *(("loss", side) for side in ("autograd", "manual")),
        *(("difference", name) for name in ("loss", "W", "B", "W2", "B2")),
        *(("ratio", side) for side in ("derivation", "loss", "device")),
    }
    assert all(curve.steps == steps and curve.of == 300 for curve in short.curves)
    for side in ("autograd", "manual"):
        assert _curve(short, "loss", side).values == tuple(getattr(row.loss, side) for row in short.rows)
    assert _curve(short, "difference", "loss").values == tuple(row.loss.diff for row in short.rows)
    for name in ("W", "B", "W2", "B2"):
        assert _curve(short, "difference", name).values == tuple(row.params[name].diff for row in short.rows)


def test_the_largest_ratio_is_that_of_the_record(short: CaseResult) -> None:
    for side, local in short.local.items():
        curve = _curve(short, "ratio", side)
        assert (max(curve.values), curve.steps[int(np.argmax(curve.values))]) == (local.ratio, local.step)


def test_exact_zeros_are_counted(short: CaseResult) -> None:
    zeros = {(curve.kind, curve.name): curve.zeros for curve in short.curves}
    assert zeros["difference", "loss"] == sum(row.loss.diff == 0 for row in short.rows)
    assert zeros["ratio", "loss"] == _curve(short, "ratio", "loss").values.count(0.0) > 0


def test_a_spike_at_one_step_of_a_hundred_thousand_is_in_the_curves(spiked: CaseResult) -> None:
    assert (spiked.verdict, spiked.faults) == ("differ", ("derivation",))
    ratio = _curve(spiked, "ratio", "derivation")
    assert [step for step, value in zip(ratio.steps, ratio.values) if value > 1] == [SPIKE]
    # both runs stand still by then, and W moves by lr * 0.125 at once
    W = _curve(spiked, "difference", "W")
    at = W.steps.index(SPIKE)
    assert W.values[at] == pytest.approx(0.125 * 0.01, rel=1e-2)
    assert W.values[at] > 100 * W.values[at - 1]
    assert max(len(curve.steps) for curve in spiked.curves) <= 800


def test_and_it_is_the_first_difference_of_the_worked_steps(spiked: CaseResult) -> None:
    assert [step.step for step in spiked.worked if step.differs] == [SPIKE]
    (step,) = [step for step in spiked.worked if step.differs]
    assert step.why == ("first difference: dW", "largest error / bound: dW")
    (line,) = [line for line in step.lines if line.name == "dW"]
    assert line.verdict == "differ"
    assert line.difference == pytest.approx(0.125)
    assert len(spiked.worked) <= 20


def test_worked_steps_hold_what_the_hand_gave(short: CaseResult) -> None:
    steps = [step.step for step in short.worked]
    assert steps == sorted(steps)
    assert {0, 1, 10, 100, 299} <= set(steps)
    assert (short.worked[0].why, short.worked[-1].why) == (("first step",), ("last step",))
    assert not any(step.differs for step in short.worked)
    for step in short.worked:
        lines = {line.name: line for line in step.lines}
        assert lines["E"].hand == short.rows[step.step].loss.manual
    last = {line.name: line for line in short.worked[-1].lines}
    for name, array in short.final["manual"].items():
        assert last[f"{name}'"].hand == array


def test_chunks_do_not_change_them(short: CaseResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_CHUNK_STEPS", 37)
    pieces = nncheck.run("relu_sigmoid", steps=300, every=1).cases[0]
    assert [curve for curve in short.curves if curve.kind != "ratio"] == [
        curve for curve in pieces.curves if curve.kind != "ratio"
    ]
    # the witness's last bit depends on how many steps it does at once, and with it the worst step
    one, other = ({step.step: step for step in case.worked if "checkpoint" in step.why} for case in (short, pieces))
    assert {1, 10, 75, 100, 150, 225} == set(one) == set(other)
    for step in one:
        assert one[step].inputs == other[step].inputs
        assert [line.hand for line in one[step].lines] == [line.hand for line in other[step].lines]


def test_none_of_it_is_in_the_json(short: CaseResult) -> None:
    told = nncheck.record.jsonable(short)
    assert short.curves and short.worked and short.network is not None
    assert not {"curves", "worked", "network"} & set(told)


def test_steps_that_cannot_be_worked_out_are_a_note(spoilt: dict[str, CaseResult]) -> None:
    case = spoilt["failing"]
    assert (case.verdict, case.worked) == ("agree", ())
    assert "the kept steps could not be worked out: it was made to fail" in case.notes


def test_a_case_without_formulas_has_curves_and_no_worked_steps(spoilt: dict[str, CaseResult]) -> None:
    case = spoilt["formless"]
    assert (case.worked, case.network) == ((), None)
    kinds = [(curve.kind, curve.name) for curve in case.curves]
    assert ("ratio", "derivation") in kinds  # held to the fixed tolerance
    assert ("ratio", "device") not in kinds  # which float32 has none of


def test_code_that_stops_leaves_the_curves_up_to_there(spoilt: dict[str, CaseResult]) -> None:
    case = spoilt["stopping"]
    loss = _curve(case, "loss", "manual")
    assert (loss.of, loss.steps, case.findings[0].first_step) == (40, tuple(range(40)), 40)
    assert case.worked[-1].step == 39
    assert case.worked[-1].why == ("last step",)


def test_what_an_optimizer_keeps_is_kept_with_the_step(spoilt: dict[str, CaseResult]) -> None:
    case = spoilt["adam"]
    assert case.verdict == "agree" and len(case.worked) >= 7
    for step in case.worked:
        lines = {line.name: line for line in step.lines}
        assert all(lines[name].hand is not None for name in ("W'", "B'", "W2'", "B2'"))
        assert {line.verdict for line in step.lines if line.part == "update"} == {"agree"}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.2, 0.3, (0.2, 0.3)), (0.5, 0.5 + 1e-9, (0.4975, 0.5025)), (-8.0, -8.0, (-8.04, -7.96)), (0.0, 0.0, (-1, 1)),
     (-1.7e308, 1.7e308, (-1.7e308, 1.7e308)), (5e-324, 5e-324, (-1, 1))],
)  # fmt: skip
def test_an_axis_spans_what_few_digits_tell_apart(low: float, high: float, expected: tuple[float, float]) -> None:
    assert apart(low, high) == pytest.approx(expected)


def test_where_nothing_is_finite_nothing_is_called_right(spoilt: dict[str, CaseResult]) -> None:
    case = spoilt["diverging"]
    (note,) = [note for note in case.notes if "the training diverges" in note]
    for side in ("derivation", "loss", "device"):
        curve = _curve(case, "ratio", side)
        assert math.isnan(curve.values[-1]) and curve.values[0] <= 1
    assert not any(step.differs for step in case.worked), note
