"""A run compares every step, takes its options, and runs from wherever Python runs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import nncheck
from nncheck import runner
from nncheck.record import CaseResult


def _one(*arguments: object, **options: object) -> CaseResult:
    return nncheck.run(*arguments, **options).cases[0]  # type: ignore[arg-type]


def test_all_steps_are_compared_and_every_only_chooses_rows() -> None:
    few, many = _one("relu_sigmoid", steps=230, every=100), _one("relu_sigmoid", steps=230, every=1)
    assert [row.step for row in few.rows] == [99, 199, 229]
    assert [row.step for row in many.rows] == list(range(230))
    assert few.worst == many.worst
    assert few.final == many.final
    for name in ("W", "B", "W2", "B2"):
        assert few.worst[name].diff == max(row.params[name].diff for row in many.rows)
        assert many.rows[few.worst[name].step].params[name].diff == few.worst[name].diff
    assert few.worst["loss"].diff == max(row.loss.diff for row in many.rows)
    assert few.drift["W"] == nncheck.record.AtStep(step=229, diff=many.rows[229].params["W"].diff)


def test_rows_hold_the_difference_and_where_it_is() -> None:
    result = _one("hidden", steps=40, every=40)
    row = result.rows[-1]
    for name, entry in row.params.items():
        difference = np.abs(np.subtract(result.final["autograd"][name], result.final["manual"][name]))
        assert entry.diff == difference.max()
        assert difference[entry.index] == difference.max()
    assert row.loss.diff == abs(row.loss.autograd - row.loss.manual)


def test_chunks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _one("softmax_cross_entropy", steps=90, every=7)
    monkeypatch.setattr(runner, "_CHUNK_STEPS", 13)
    pieces = _one("softmax_cross_entropy", steps=90, every=7)
    assert (whole.rows, whole.worst, whole.final) == (pieces.rows, pieces.worst, pieces.final)
    assert whole.verdict == pieces.verdict == "agree"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_both_precisions_of_the_hand_agree(dtype: str) -> None:
    result = nncheck.run(steps=120, dtype=dtype)
    assert [case.verdict for case in result.cases] == ["agree"] * 6
    assert all(case.dtypes["manual"] == dtype for case in result.cases)
    for case in result.cases:
        assert all(local.ratio is not None and local.ratio <= 1 for local in case.local.values())
        assert not any("cannot tell" in note or "covered" in note for note in case.notes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": 0}, "steps: got 0"),
        ({"steps": 1.5}, "steps: got 1.5"),
        ({"steps": 10**21}, "expected at most 1,000,000,000"),
        ({"every": -1}, "every: got -1"),
        ({"dtype": "float16"}, "dtype: got 'float16'"),
        ({"device": "tpu"}, "got device 'tpu'"),
        ({"device": None}, "got device None"),
        ({"seed": True}, "seed: got True"),
        ({"device": "auto:1"}, "got device 'auto:1'"),
        ({"seed": -1}, "seed: got -1"),
        ({"language": "fr"}, "language: got 'fr'"),
    ],
)
def test_options_out_of_range_are_errors(options: dict[str, object], words: str) -> None:
    with pytest.raises(nncheck.InputError, match=words):
        nncheck.run("hidden", **options)  # type: ignore[arg-type]


def test_progress_is_told() -> None:
    seen: list[tuple[str, int, int]] = []
    nncheck.run("hidden", steps=30, progress=lambda *a: seen.append(a))
    assert seen[0] == ("hidden", 0, 30)
    assert seen[-1] == ("hidden", 30, 30)


SCRIPT = """
import nncheck
print(nncheck.run("hidden", steps=20).cases[0].verdict)
"""


def test_it_runs_from_a_script_without_a_main_guard_and_from_a_command_string(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    for command in ([sys.executable, str(script)], [sys.executable, "-c", SCRIPT]):
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "agree", "")


def test_it_runs_where_standard_streams_are_replaced_as_in_a_notebook(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import io, sys
        out = sys.stdout
        sys.stdin, sys.stdout, sys.stderr = None, io.StringIO(), io.StringIO()
        import asyncio, nncheck
        async def cell():
            return nncheck.run("hidden", steps=20).cases[0].verdict
        print(asyncio.run(cell()), file=out)
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout.strip() == "agree"
