"""A process of nncheck's own, seen from the parent: how its end is told, how it is waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from nncheck import crashing, frames
from nncheck import process as processes
from nncheck.errors import CaseError
from nncheck.process import Process, ProcessFailure

posix = pytest.mark.skipif(os.name != "posix", reason="a fork")

#: A process that does what it is asked for, as code.
OBEDIENT = """
import os, signal, struct, sys, time
import numpy as np
from nncheck import frames

def main():
    output = sys.stdout.buffer
    def answer(answer={}, arrays={}):
        frames.write(output, {"answer": answer, "notes": []}, arrays)
    while True:
        try:
            request, _ = frames.read(sys.stdin.buffer)
        except frames.FrameError:
            return
        exec(request["code"], {**globals(), **locals()})
"""
#: It starts a process that holds the ends of its pipes for longer than any test takes.
HELD = """
child = os.fork()
if child == 0:
    time.sleep(100)
    os._exit(0)
answer({"child": child})
"""
CRASH = "os.kill(os.getpid(), signal.SIGSEGV)"


@pytest.fixture
def obedient(tmp_path: Path) -> Iterator[Callable[[], Process]]:
    """Open processes that do what they are asked for."""
    (tmp_path / "obedient.py").write_text(OBEDIENT)
    opened: list[Process] = []

    def start() -> Process:
        opened.append(Process("obedient", "the process", environment={"PYTHONPATH": str(tmp_path)}))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def held(obedient: Callable[[], Process], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Process, psutil.Process]]:
    """Open a process whose pipes do not end with it, and what holds them."""
    monkeypatch.setattr(processes, "_LAST_WORDS", 0.5)
    process = obedient()
    holder = psutil.Process(process.ask("do", code=HELD)[0]["child"])
    yield process, holder
    if holder.is_running():
        holder.kill()


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


@posix
@pytest.mark.parametrize("code", [CRASH, "answer(); " + CRASH])
@pytest.mark.parametrize("size", [1, 1_000_000])
def test_an_end_is_noticed_though_a_process_that_it_started_holds_its_pipes(
    held: tuple[Process, psutil.Process], code: str, size: int
) -> None:
    process, _ = held
    asked = process.submit("do", code=code)
    behind = process.submit("do", {"X": np.ones(size)}, code="answer()")  # which the large one cannot even write
    if code != CRASH:
        process.result(asked, 30.0)
        asked = behind
    with pytest.raises(ProcessFailure, match="the process was ended by SIGSEGV") as failed:
        process.result(asked, 30.0)
    assert (failed.value.code, failed.value.silent) == (-signal.SIGSEGV, False)
    with pytest.raises(ProcessFailure, match="the process was ended by SIGSEGV"):
        process.result(behind, 30.0)


@posix
def test_an_answer_that_was_written_before_the_end_is_not_lost(
    held: tuple[Process, psutil.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, _ = held
    read = frames.read

    def late(*given: Any, **options: Any) -> Any:  # as on a machine with much to do
        time.sleep(0.8)
        return read(*given, **options)

    monkeypatch.setattr(frames, "read", late)
    monkeypatch.setattr(processes, "_LAST_WORDS", 5.0)
    asked = process.submit("do", code="answer({'last': 1}); os._exit(3)")
    process._process.wait(30)
    assert process.result(asked)[0] == {"last": 1}
    monkeypatch.setattr(processes, "_LAST_WORDS", 0.1)


@posix
@pytest.mark.parametrize("patience", [0.0, 0.5])
@pytest.mark.parametrize("size", [1, 1_000_000])
def test_one_that_hangs_is_closed_though_its_pipes_are_held_and_leaves_nothing_open_when_they_are_let_go(
    held: tuple[Process, psutil.Process], patience: float, size: int
) -> None:
    process, holder = held
    process.ask("do", code="answer(); time.sleep(100)")
    asked = process.submit("do", {"X": np.ones(size)}, code="")
    while not asked.running():
        time.sleep(0.001)
    if not patience:
        with pytest.raises(ProcessFailure, match="no sign of life"):
            process.result(asked, 0.3)
    begun = time.monotonic()
    process.close(patience)
    assert time.monotonic() - begun < 5
    stdin, stdout = process._process.stdin, process._process.stdout
    assert stdin is not None and stdout is not None and process._errors.closed and not stdout.closed
    holder.kill()
    process._thread.join(10)
    assert not process._thread.is_alive() and stdin.closed and stdout.closed


@posix
def test_what_holds_the_pipes_does_not_keep_python_from_its_end(tmp_path: Path) -> None:
    (tmp_path / "obedient.py").write_text(OBEDIENT)
    script = f"""
        from nncheck import process
        process._LAST_WORDS = 0.2
        with process.Process("obedient", "it", environment={{"PYTHONPATH": {str(tmp_path)!r}}}) as opened:
            child = opened.ask("do", code={HELD!r})[0]["child"]
            asked = opened.submit("do", code="time.sleep(100)")
            while not asked.running():
                pass
        assert opened._thread.is_alive()
        print(child, flush=True)
        """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as python:
        assert python.stdout is not None
        holder = psutil.Process(int(python.stdout.readline()))
        try:
            assert python.wait(10) == 0
        finally:
            holder.kill()


@pytest.mark.parametrize(
    "sent",
    [
        "{}",
        "{'answer': {}}",
        "{'answer': [], 'notes': []}",
        "{'answer': {}, 'notes': 'one'}",
        "{'answer': {}, 'notes': [1]}",
        "{'error': 'it broke'}",
        "{'error': None, 'kind': 'case'}",
        "{'stage': 1}",
        "{'stage': 'train', 'device': []}",
        "{'stage': 'train', 'part': []}",
        "{'answer': {'deep': json.loads('[' * 900 + ']' * 900)}, 'notes': []}",
    ],
)
def test_a_frame_that_is_no_answer_is_a_failure_of_the_process(
    obedient: Callable[[], Process], monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr(processes, "_LAST_WORDS", 0.2)
    with pytest.raises(ProcessFailure, match=r"sent something that is not a frame \(no answer in it\)"):
        obedient().ask("do", code=f"import json; frames.write(output, {sent})")


STEERS = "a\x1b[31mb\u202ec\x9bd\x00\n\te 한글\x00"
HARMLESS = "a [31mb c d \n\te 한글"


def test_nothing_that_a_process_says_steers_the_terminal(obedient: Callable[[], Process]) -> None:
    process = obedient()
    said = f"frames.write(output, {{'answer': {{'deep': [{{{STEERS!r}: {STEERS!r}}}]}}, 'notes': [{STEERS!r}]}})"
    assert process.ask("do", code=said)[0] == {"deep": [{HARMLESS: HARMLESS}]}
    assert process.notes == [HARMLESS]
    staged = f"frames.write(output, {{'stage': {STEERS!r}, 'device': {STEERS!r}}})"
    refused = f"{staged}; frames.write(output, {{'error': {STEERS!r}, 'kind': 'device'}})"
    with pytest.raises(ProcessFailure) as failed:
        process.ask("do", code=refused)
    assert (failed.value.stage, failed.value.reason, failed.value.device) == (HARMLESS, HARMLESS, HARMLESS)
    with pytest.raises(CaseError) as wrong:
        process.ask("do", code=refused.replace("'kind': 'device'", "'kind': 'case'"))
    assert str(wrong.value) == HARMLESS
    with pytest.raises(ProcessFailure) as ended:
        process.ask("do", code="sys.stderr.write('a\\x1b[31mb'); sys.stderr.flush(); os._exit(3)")
    assert ended.value.reason == "the process ended with exit code 3 (a [31mb)"
