"""What tests of whole grading runs share: an assignment, files, and judging processes that do as they are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nncheck import case as cases
from nncheck.grading import grade as grading
from nncheck.grading import member
from nncheck.grading.assignment import Assignment, Part
from nncheck.sandbox.limits import Limits
from tests.grading.fake_bench import GROUND

TOML = """
title = "Two layers by hand"
seed = "a secret of this course, long enough"

[[cases]]
case = "relu_sigmoid"
points = { forward = 1, loss = 1, dW = 1 }
"""


@pytest.fixture
def assignment() -> Assignment:
    part = Part(case=cases.find("relu_sigmoid"), points={"forward": 1.0, "loss": 1.0, "dW": 1.0})
    return Assignment(path=Path("homework.toml"), title="Two layers by hand", parts=(part,), seed="secret" * 4)


@pytest.fixture
def acted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Let `fake_bench` judge; returns what was graded since it was last asked."""
    log = tmp_path / "graded.log"
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("NNCHECK_FAKE_LOG", str(log))
    monkeypatch.setattr(member, "MODULE", "fake_bench")
    monkeypatch.setattr(grading, "tested", lambda *_: GROUND)

    def graded() -> list[str]:
        lines = log.read_text(encoding="utf-8").split() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    return graded


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[..., Path]:
    """Write files of a class; a text's first line says what is to happen at it."""

    def write(*texts: str, folder: str = "handed_in", **named: str) -> Path:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for number, text in enumerate(texts):
            (place / f"s{number:03d}.py").write_text(text, encoding="utf-8")
        for name, text in named.items():
            (place / f"{name}.py").write_text(text, encoding="utf-8")
        return place

    return write


@pytest.fixture
def quick_limits() -> Limits:
    return Limits(seconds=1.0)
