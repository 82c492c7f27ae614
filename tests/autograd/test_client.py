"""A torch process that crashes, hangs, refuses or is missing is noticed, with the stage and the reason."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from nncheck.autograd.client import Worker
from nncheck.autograd.survey import survey
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
        assert (caught.value.reason, caught.value.missing) == ("torch가 MPS 기기를 찾지 못했습니다", True)
        with pytest.raises(ProcessFailure, match="torch finds no MPS device"):
            worker.ask("open", device="mps:1")


@posix
def test_a_killed_process_is_noticed_with_its_signal() -> None:
    with Worker("cpu") as worker:
        worker.ask("open", device="cpu")
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(ProcessFailure, match="ended by SIGKILL"):
            worker.ask("train", steps=3, stage="train steps 0 to 2")


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
        (DIRECTML.replace('return "Simulated adapter\\0"', "raise RuntimeError('gone')"), "open the device", "gone"),
        (DIRECTML.replace('torch.device("cpu")', 'torch.device("meta")'), "self-test", ""),
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
    monkeypatch.setenv("NNCHECK_WORKER_SECONDS", "6")
    with Worker("directml") as worker, pytest.raises(ProcessFailure) as caught:
        worker.ask("open", device="directml")
    assert (caught.value.stage, caught.value.reason) == ("import torch_directml", "no sign of life for 6 seconds")


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
