"""A process of nncheck's own, seen from the parent: how its end is told, how it is waited for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nncheck import crashing
from nncheck.process import Process, ProcessFailure


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    with Process("nncheck.manual.child", "the process of your code", own_limit=True) as opened:
        yield opened


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (3, "the process of your code ended with exit code 3"),
        (0xC0000005, "the process of your code ended with exit code 0xc0000005: it touched memory that is not its own"),
        (0xC0000135, "the process of your code ended with exit code 0xc0000135: a DLL that it needs is missing"),
        (0xC0000111, "the process of your code ended with exit code 0xc0000111"),
        (-11, "the process of your code was ended by SIGSEGV"),
    ],
)
def test_how_a_process_ended_is_told_in_words(
    process: Process, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    monkeypatch.setattr(process._process, "wait", lambda timeout: code)
    assert process._how_it_ended(EOFError()) == said


def test_no_wait_is_so_long_that_ctrl_c_would_go_unheard_on_windows(process: Process) -> None:
    """There a lock is waited for with deaf ears: a KeyboardInterrupt comes when the wait is over."""
    waits: list[float] = []

    def waiting(timeout: float) -> Any:
        waits.append(timeout)
        if len(waits) < 4:
            raise FutureTimeout
        raise KeyboardInterrupt

    process._heard = float("inf")  # signs of life come
    with pytest.raises(KeyboardInterrupt):
        process.result(SimpleNamespace(result=waiting), limit=180.0)  # type: ignore[arg-type]
    assert len(waits) == 4 and max(waits) <= 0.5


def test_what_came_with_signs_of_life_is_part_of_the_answer_and_of_a_failure() -> None:
    text = (
        "import numpy as np\n"
        "def forward(params, X): return X @ params['W'].T, X\n"
        "def loss(Y, YT): return float(np.mean((Y - YT) ** 2))\n"
        "def backward(params, cache, YT):\n    while True: pass\n"
    )
    arrays = {"X": np.ones((2, 3)), "YT": np.ones((2, 1)), "p:W": np.ones((1, 3))}
    with Process("nncheck.manual.child", "the process of your code", own_limit=True) as opened:
        opened.ask("open", path="a.py", text=text, limit=30.0)
        with pytest.raises(ProcessFailure) as failed:
            opened.ask("step", arrays, limit=2.0, layout=[False, "B", False], skip=[], tell=True)
    assert failed.value.silent and failed.value.stage == "backward"
    assert set(failed.value.arrays) == {"Y", "E"} and failed.value.part["problem"] == {}


def test_windows_shows_no_dialog_that_would_keep_a_crashed_process(monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    stand_in = SimpleNamespace(
        SEM_FAILCRITICALERRORS=0x0001,
        SEM_NOGPFAULTERRORBOX=0x0002,
        SEM_NOOPENFILEERRORBOX=0x8000,
        SetErrorMode=modes.append,
    )
    monkeypatch.setitem(sys.modules, "msvcrt", stand_in)
    crashing.show_no_dialog()
    assert modes == []
    monkeypatch.setattr(crashing, "sys", SimpleNamespace(platform="win32"))
    crashing.show_no_dialog()
    assert modes == [0x8003]
