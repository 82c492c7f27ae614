"""A torch process that crashes, hangs, refuses or is missing is noticed, with the stage and the reason."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Callable

import pytest

from nncheck import process
from nncheck.autograd.client import Worker
from nncheck.autograd.survey import survey
from nncheck.autograd.worker import Server
from nncheck.language import use
from nncheck.process import ProcessFailure

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

DIRECTML = """
import torch
def device_count(): return 1
def device(i=0): return torch.device("cpu")
def device_name(i): return "Simulated adapter\\0"
"""


def test_open_answers_kind_name_and_versions() -> None:
    with Worker("cpu") as worker:
        opened, _ = worker.ask("open", device="cpu")
    assert opened["kind"] == "cpu"
    assert opened["name"]
    assert opened["versions"]["torch"][0].isdigit()


def test_reasons_come_in_the_language_of_who_asks() -> None:
    with Worker("cpu") as worker:
        with use("ko"), pytest.raises(ProcessFailure) as caught:
            worker.ask("open", device="mps:1")
        assert (caught.value.reason, caught.value.missing) == (
            "torch가 찾은 MPS 기기는 0개입니다. 이 torch는 이 기기를 지원하지 않게 빌드되었습니다",
            True,
        )
        with pytest.raises(ProcessFailure, match="torch finds 0 MPS device"):
            worker.ask("open", device="mps:1")


@posix
def test_a_killed_process_is_noticed_with_its_signal() -> None:
    with Worker("cpu") as worker:
        worker.ask("open", device="cpu")
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(ProcessFailure, match="ended by SIGKILL"):
            worker.ask("train", steps=3, stage="train steps 0 to 2")


@posix
def test_what_was_asked_behind_a_crash_fails_for_the_same_reason() -> None:
    with Worker("cpu") as worker:
        worker.ask("open", device="cpu")
        os.kill(worker.pid, signal.SIGSTOP)
        first = worker.submit("train", steps=3, stage="train steps 0 to 2")
        behind = worker.submit("witness", stage="take gradients")
        os.kill(worker.pid, signal.SIGKILL)
        for asked in (behind, first):
            with pytest.raises(ProcessFailure, match="ended by SIGKILL") as caught:
                worker.result(asked)
            assert (caught.value.stage, caught.value.device) == ("train steps 0 to 2", "cpu")


@pytest.mark.parametrize(
    ("warning", "kept"),
    [
        ("'aten::lerp' is not currently supported on the DML backend and will fall back to run on the CPU.", 1),
        ("'aten::elu' is not currently supported on the MPS backend and will fall back to run on the CPU.", 1),
        ("The operator 'aten::dot on the XPU backend is falling back to run on the CPU.", 1),
        ("Using a target size that is different to the input size", 0),
    ],
)
def test_a_warning_that_an_operator_fell_back_is_noted_once_and_no_other(warning: str, kept: int) -> None:
    server = Server(io.BytesIO())
    server._facts = lambda *_: ({}, {})  # type: ignore[method-assign]
    for _ in range(2):
        server.note_warning(UserWarning(f"{warning} (Triggered internally at C:\\csrc\\dml_cpu_fallback.cpp:17.)"))
    assert server.answer({"request": "facts"}, {})[0]["notes"] == [warning] * kept


def test_what_is_queued_can_be_dropped() -> None:
    with Worker("cpu") as worker:
        opening = worker.submit("open", device="cpu")
        while not opening.running():  # begun, and not to be dropped
            time.sleep(0.001)
        queued = [worker.submit("again") for _ in range(3)]
        worker.drop_queued()
        assert all(asked.cancelled() for asked in queued)
        assert worker.result(opening)[0]["kind"] == "cpu"
        worker.ask("again")  # and what is asked after it is answered


def test_a_process_that_cannot_be_killed_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker("cpu")
    worker.ask("open", device="cpu")
    kill = worker._process.kill
    monkeypatch.setattr(worker._process, "kill", lambda: None)  # as where a driver does not let it go
    monkeypatch.setattr(process, "_DYING", 0.2)
    worker.submit("open", device="cpu")
    worker.close()
    assert worker._process.poll() is None
    kill()
    worker._process.wait()


@posix
def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with Worker("cpu") as worker:
        worker.ask("open", device="cpu")
        os.kill(worker.pid, signal.SIGSTOP)
        monkeypatch.setenv("NNCHECK_WORKER_SECONDS", "0.5")
        with pytest.raises(ProcessFailure, match=r"no sign of life for 0 seconds") as caught:
            worker.ask("open", device="cpu")
        assert caught.value.silent


@pytest.mark.parametrize(
    ("body", "stage", "words"),
    [
        ("raise OSError('libd3d12.so: cannot open shared object file')", "import torch_directml", "libd3d12.so"),
        ("raise RuntimeError('no adapter')", "import torch_directml", "no adapter"),
        ("import os\nos._exit(139)", "import torch_directml", "exit code 139"),
        ("def device_count(): return 0", "device_count", "finds 0 device"),
        ("def device_count(): raise RuntimeError('driver')", "device_count", "driver"),
        (DIRECTML.replace('return torch.device("cpu")', "raise RuntimeError('gone')"), "open the device", "gone"),
        (DIRECTML.replace('torch.device("cpu")', 'torch.device("meta")'), "open the device", "gives meta"),
        (
            "print('chatter', flush=True)\nraise ImportError('half installed')",
            "import torch_directml",
            "half installed",
        ),
    ],
)
def test_every_stage_of_a_broken_directml_is_named(
    stand_in: Callable[[str, str], None], body: str, stage: str, words: str
) -> None:
    stand_in("torch_directml", body)
    with Worker("directml") as worker, pytest.raises(ProcessFailure) as caught:
        worker.ask("open", device="directml")
    assert caught.value.stage == stage
    assert words in caught.value.reason


@posix
def test_a_segmentation_fault_is_named(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch_directml", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    with Worker("directml") as worker, pytest.raises(ProcessFailure, match="ended by SIGSEGV"):
        worker.ask("open", device="directml")


def test_a_device_that_hangs_at_import_is_ended(
    stand_in: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("torch_directml", "import time\ntime.sleep(600)")
    with Worker("directml") as worker:
        opening = worker.submit("open", device="directml")
        deadline = time.monotonic() + 60
        while worker._stage != "import torch_directml" and time.monotonic() < deadline:  # torch takes what it takes
            time.sleep(0.02)
        monkeypatch.setenv("NNCHECK_WORKER_SECONDS", "1")
        with pytest.raises(ProcessFailure) as caught:
            worker.result(opening)
    assert (caught.value.stage, caught.value.reason) == ("import torch_directml", "no sign of life for 1 seconds")


def test_a_stand_in_that_works_is_opened_first_and_named_without_its_nul(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch_directml", DIRECTML)
    with Worker("auto") as worker:
        opened, _ = worker.ask("open", device="auto")
    assert (opened["kind"], opened["name"]) == ("directml", "Simulated adapter")


def test_what_a_process_prints_does_not_reach_the_frames(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch_directml", "print('hello' * 1000, flush=True)\nimport os\nos.write(1, b'bytes')\n" + DIRECTML)
    with Worker("directml") as worker:
        assert worker.ask("open", device="directml")[0]["kind"] == "directml"


def test_a_torch_py_in_the_current_folder_is_not_taken_for_torch(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    for name in ("torch", "random", "json"):
        with open(f"{name}.py", "w") as stream:
            stream.write("raise SystemExit('a student file')")
    with Worker("cpu") as worker:
        assert worker.ask("open", device="cpu")[0]["kind"] == "cpu"


def test_the_survey_says_what_is_there_and_why_not() -> None:
    states = {state.kind: state for state in survey()}
    assert list(states) == ["directml", "cuda", "xpu", "mps", "cpu"]
    assert states["cpu"].state == "works"
    assert all(state.reason for state in states.values() if state.state != "works")


def test_the_survey_outlives_a_driver_that_kills_its_process(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch_directml", "import os\nos.abort()")
    states = {state.kind: state for state in survey()}
    assert states["directml"].state == "fails"
    assert "import torch_directml" in states["directml"].reason
    assert states["cpu"].state == "works"
