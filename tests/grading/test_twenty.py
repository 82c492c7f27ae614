"""Twenty submissions, graded as an instructor does: right ones in full, wrong ones as a person would give points."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nncheck
from nncheck.grades import Graded

TWENTY = Path(__file__).parent / "twenty"
POINTS = {"forward": 2, "loss": 2, "dW2": 2, "dB2": 1, "dW": 2, "dB": 1, "update": 2}

#: Status, points of 12, and what the first mistake is called.
EXPECTED = {
    "01_right": ("graded", 12, ""),
    "02_right_loops": ("graded", 12, ""),
    "03_right_class": ("graded", 12, ""),
    "04_right_warnings": ("graded", 12, ""),
    "05_right_rows": ("graded", 12, ""),
    "06_no_derivative": ("graded", 10, "act.missing"),
    "07_factor_two": ("graded", 10, "mse.no2"),
    "08_bias_mean": ("graded", 10, "db.mean"),
    "09_ascent": ("graded", 10, "upd.plus"),
    "10_forward_bias": ("graded", 10, "forward.no_bias"),
    "11_half": ("graded", 12, "conv.half"),
    "12_two_mistakes": ("graded", 9, "act.missing"),
    "13_not_written": ("graded", 6, "missing"),
    "14_zeros": ("graded", 6, "dW.zero"),
    "15_loop": ("timed-out", 6, "code"),
    "16_exit": ("graded", 12, ""),
    "17_writes_result": ("graded", 6, None),
    "18_patches_numpy": ("graded", 6, None),
    "19_os_exit": ("crashed", 6, "code"),
    "20_syntax": ("crashed", 0, "code"),
}


def assignment(folder: Path, more: str = "") -> Path:
    points = ", ".join(f"{check} = {of}" for check, of in POINTS.items())
    path = folder / "homework.toml"
    text = 'title = "Homework 1"\nseed = "a secret of this course"\n' + more
    path.write_text(f'{text}[[cases]]\ncase = "relu_sigmoid"\npoints = {{ {points} }}\n[limits]\ncheck = 1.0\n')
    return path


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Graded]:
    folder = tmp_path_factory.mktemp("twenty")
    trust = shutil.which("bwrap") is None and not os.environ.get("CI")
    with nncheck.grade([TWENTY], assignment(folder), folder / "results", trust=trust) as run:
        return {one.student: one for one in run}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_has_the_points_that_a_person_would_give(graded: dict[str, Graded], name: str) -> None:
    status, points, mistake = EXPECTED[name]
    grade = graded[name].grade
    assert (grade.status, grade.points, grade.of) == (status, points, 12)
    first = next((found.id for found in grade.parts[0].mistakes), "")
    assert mistake is None or first == mistake


def test_there_are_twenty_and_nobody_is_lost(graded: dict[str, Graded]) -> None:
    assert list(graded) == sorted(path.stem for path in TWENTY.glob("*.py")) == list(EXPECTED)


def test_what_was_printed_is_kept_and_costs_nothing(graded: dict[str, Graded]) -> None:
    part = graded["04_right_warnings"].grade.parts[0]
    assert part.output.startswith("forward (2, 4)")
    assert "RuntimeWarning" not in part.reason and part.status == "graded"


def test_a_hang_says_where(graded: dict[str, Graded]) -> None:
    assert graded["15_loop"].grade.reason == "backward did not come to an end within 1 seconds: an endless loop?"


def test_torch_is_not_needed(tmp_path: Path) -> None:
    """In a process that cannot import it at all."""
    code = f"""if True:
        import sys
        sys.modules["torch"] = None
        import nncheck
        file, homework, out = {[str(TWENTY / "07_factor_two.py"), str(assignment(tmp_path)), str(tmp_path / "out")]!r}
        with nncheck.grade([file], homework, out, trust=True) as run:
            print([(one.score, one.grade.parts[0].mistakes[0].id) for one in run])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == "[(10.0, 'mse.no2')]", done.stderr
