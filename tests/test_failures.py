"""A run survives whatever happens to the torch process, and tells a broken device from a broken autograd.py."""

from __future__ import annotations

import os
import signal
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import nncheck
from nncheck import runner
from nncheck.autograd.remembered import recall, remember
from nncheck.record import CaseResult

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def _one(*arguments: object, **options: object) -> CaseResult:
    return nncheck.run(*arguments, **options).cases[0]  # type: ignore[arg-type]


def _worker_of(process: psutil.Process, seconds: float) -> psutil.Process:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        children = process.children()
        if children:
            time.sleep(seconds)
            return children[0]
        time.sleep(0.02)
    raise AssertionError("no torch process was started")


@posix
@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.2, 3.0])
def test_killing_the_torch_process_gives_a_complete_result_from_the_cpu(seconds: float) -> None:
    killer = threading.Thread(
        target=lambda: _worker_of(psutil.Process(), seconds).send_signal(signal.SIGKILL), daemon=True
    )
    killer.start()
    result = _one("softmax_cross_entropy")
    assert result.device.fallback is not None
    assert "ended by SIGKILL" in result.device.fallback.reason
    assert result.device.fallback.stage
    assert (result.verdict, len(result.rows), result.device.kind) == ("agree", 1000, "cpu")
    assert result.rows[-1].step == 99_999


@posix
@pytest.mark.slow
def test_a_torch_process_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNCHECK_WORKER_SECONDS", "8")
    killer = threading.Thread(target=lambda: _worker_of(psutil.Process(), 2.5).send_signal(signal.SIGSTOP), daemon=True)
    killer.start()
    result = _one("softmax_cross_entropy")
    assert result.device.fallback is not None
    assert result.device.fallback.reason == "no sign of life for 8 seconds"
    assert result.verdict == "agree"


def test_a_broken_directml_falls_back_to_the_cpu_and_says_so(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch_directml", "raise RuntimeError('no adapter')")
    result = _one("hidden", steps=20)
    assert result.device.kind == "cpu"
    assert result.device.fallback == nncheck.record.Fallback(
        stage="import torch_directml", reason="RuntimeError: no adapter", kind="directml"
    )
    assert result.verdict == "agree"


DIRECTML = """
import os, signal, torch
def device_count(): return 1
def device(i=0): return torch.device("cpu")
def device_name(i): return "Simulated"
"""
GONE = """
exact, calls = torch.optim.SGD.step, 0
def fails(self, *a, **k):
    global calls
    calls += 1
    if calls == 5:  # the first and the last step of each chunk are done by it: the first of the third chunk
        gone()
    return exact(self, *a, **k)
torch.optim.SGD.step = fails
"""


def test_what_failed_is_passed_over_for_a_day_and_asked_again_on_demand(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch_directml", "raise RuntimeError('no adapter')")
    first = _one("hidden", steps=20).device.fallback
    assert first is not None
    assert (first.kind, first.remembered) == ("directml", None)
    stand_in("torch_directml", "raise RuntimeError('asked again')")  # written in the same second or not: another mtime
    remember("directml", first.stage, first.reason)
    passed = _one("hidden", steps=20)
    assert passed.device.fallback == replace(first, remembered=recall("directml").when)  # type: ignore[union-attr]
    assert passed.verdict == "agree"
    asked = _one("hidden", steps=20, reprobe=True).device.fallback
    assert asked is not None
    assert (asked.reason, asked.remembered) == ("RuntimeError: asked again", None)


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        pytest.param("os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV", marks=[posix, pytest.mark.slow]),
        ("torch.nn.functional.linear = None\n    raise RuntimeError('device removed')", "device removed"),
    ],
)
def test_a_device_that_goes_in_mid_run_says_where_and_is_remembered(
    stand_in: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, gone: str, reason: str
) -> None:
    stand_in("torch_directml", DIRECTML + GONE + f"def gone():\n    {gone}\n")
    monkeypatch.setattr(runner, "_CHUNK_STEPS", 100)
    result = _one("hidden", steps=220)
    assert result.device.fallback is not None
    assert result.device.fallback.stage == "train steps 200 to 219"
    assert reason in result.device.fallback.reason
    assert (result.device.kind, result.verdict, result.rows[-1].step) == ("cpu", "agree", 219)
    assert recall("directml") is not None


@pytest.mark.slow
def test_exhausted_memory_leads_to_the_cpu_and_is_not_remembered(
    stand_in: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    exhausted = """
        def gone():
            torch.nn.functional.linear = None
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        """
    stand_in("torch_directml", DIRECTML + GONE + textwrap.dedent(exhausted))
    monkeypatch.setattr(runner, "_CHUNK_STEPS", 100)
    result = _one("hidden", steps=220)
    assert result.device.fallback is not None
    assert result.device.fallback.reason == "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
    assert result.verdict == "agree"
    assert recall("directml") is None


def test_memory_exhausted_on_the_cpu_is_not_blamed_on_autograd_py(stand_in: Callable[[str, str], None]) -> None:
    exhausted = """
        exact = torch.func.functional_call
        def full(*a, **k): raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
        torch.func.functional_call = full
        """
    stand_in("torch_directml", DIRECTML + textwrap.dedent(exhausted))
    result = _one("hidden", steps=20)
    assert result.device.fallback is not None
    assert "can't allocate memory" in result.device.fallback.reason


def test_a_crash_while_the_kept_steps_are_worked_out_spoils_nothing(stand_in: Callable[[str, str], None]) -> None:
    crash = """
        import nncheck.autograd.worker as worker
        worker.Server._lines = lambda *a: os._exit(134)
        """
    stand_in("torch_directml", DIRECTML + textwrap.dedent(crash))
    first, second = nncheck.run("hidden", "one_to_one", steps=20).cases
    done, after = (first, second) if first.device.kind == "directml" else (second, first)
    assert (done.device.kind, done.device.fallback, done.verdict) == ("directml", None, "agree")
    assert done.worked
    assert any("after the last step the torch process failed at work step 0 out" in note for note in done.notes)
    assert after.device.fallback is not None
    assert (after.device.kind, after.device.fallback.stage) == ("cpu", "work step 0 out")
    assert not any("after the last step" in note for note in after.notes)
    assert recall("directml") is not None


def test_a_cuda_that_fails_in_auto_is_known_by_name(patch_torch: Callable[[str], None]) -> None:
    patch_torch(
        """
        def available(): raise RuntimeError("CUDA driver error: unknown")
        torch.cuda.is_available = available
        """
    )
    result = _one("hidden", steps=20)
    told = nncheck.record.Fallback(stage="device_count", reason="RuntimeError: CUDA driver error: unknown", kind="cuda")
    assert result.device.fallback == told
    assert recall("cuda") is not None


@pytest.mark.slow
def test_a_device_that_refuses_in_training_falls_back_and_one_asked_for_by_name_stops(
    stand_in: Callable[[str, str], None],
) -> None:
    refuses = """
        def refuse(self, *a, **k): raise RuntimeError("The GPU device does not support Double")
        torch.optim.SGD.step = refuse
        """
    stand_in("torch_directml", DIRECTML + textwrap.dedent(refuses))
    result = _one("hidden", steps=20)
    assert result.device.fallback is not None
    assert result.device.fallback.stage == "train steps 0 to 19"
    assert "does not support Double" in result.device.fallback.reason
    assert result.verdict == "agree"
    assert recall("directml") is None  # it still does the step of its self-test: it is this case that it cannot do
    with pytest.raises(
        nncheck.DeviceError, match="--device directml failed at train steps 0 to 19: RuntimeError: The GPU"
    ):
        nncheck.run("hidden", steps=20, device="directml")


def test_parameters_that_a_copy_to_the_device_spoils_are_blamed_on_it(stand_in: Callable[[str, str], None]) -> None:
    spoils = """
        exact, calls = torch.Tensor.copy_, 0
        def copy(self, other):
            global calls
            calls += isinstance(self, torch.nn.Parameter)
            return exact(self, other * 1.5 if calls == 1 else other)
        torch.Tensor.copy_ = copy
        """
    stand_in("torch_directml", DIRECTML + textwrap.dedent(spoils))
    result = _one("hidden", steps=20)
    assert (result.device.kind, result.faults) == ("directml", ("device",))
    assert min(finding.first_step for finding in result.findings) == 0


def test_a_missing_device_asked_for_by_name_is_an_error() -> None:
    with pytest.raises(nncheck.DeviceError, match="--device directml is not there: torch-directml "):
        nncheck.run("hidden", steps=5, device="directml")
    with pytest.raises(nncheck.DeviceError, match="--device cuda:7 is not there: torch finds"):
        nncheck.run("hidden", steps=5, device="cuda:7")


def test_a_directml_without_a_device_leads_to_the_next_kind(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch_directml", "def device_count(): return 0")
    result = _one("hidden", steps=20)
    assert result.device.kind == "cpu"
    assert result.device.fallback == nncheck.record.Fallback(
        stage="device_count", reason="torch_directml finds 0 device(s), index 0 was asked for", kind="directml"
    )


def test_a_missing_torch_is_said_with_its_mend(stand_in: Callable[[str, str], None]) -> None:
    stand_in("sitecustomize", "import sys\nsys.modules['torch'] = None")
    with pytest.raises(
        nncheck.InputError, match="torch is not installed for this Python; mend it with  pip install torch"
    ):
        nncheck.run("hidden", steps=20)


def test_a_torch_process_that_dies_each_time_is_an_error(stand_in: Callable[[str, str], None]) -> None:
    stand_in("sitecustomize", "import os, sys\nif sys.argv[0] == '-c': os._exit(9)")
    with pytest.raises(nncheck.DeviceError, match="failed 3 times at hidden"):
        nncheck.run("hidden", steps=20)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("nn.MSELoss()", 'nn.MSELoss(reduction="none")', "the loss gives shape (1, 2), expected one number"),
        (
            "nn.MSELoss()",
            "lambda Y, YT: ((Y.float() - YT) ** 2).mean().float()",
            "the loss gives torch.float32 for float64",
        ),
        ("nn.MSELoss()", "lambda Y, YT: 1 / 0", "line 11: ZeroDivisionError"),
        ("nn.MSELoss()", "lambda Y, YT: exit(7)", "line 11: SystemExit: 7"),
        ("    return nn.", "    exit(3)\n    return nn.", "line 8: SystemExit: 3"),
        (
            "nn.Linear(n_hidden, n_out))",
            "nn.Linear(n_hidden, n_out).requires_grad_(False))",
            "needs requires_grad=True",
        ),
    ],
)
def test_what_is_wrong_with_autograd_py_is_not_taken_for_a_broken_device(
    copy_case: Callable[..., Path], old: str, new: str, words: str
) -> None:
    with pytest.raises(nncheck.CaseError) as caught:
        nncheck.run(copy_case("hidden", ("autograd.py", old, new)), steps=5)
    assert words in str(caught.value)
    assert "autograd.py" in str(caught.value)


def test_an_autograd_file_that_fails_is_a_case_error(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", ("autograd.py", "nn.Linear(n_in, n_hidden),", "nn.Linear(n_in, n_hidden + 1),"))
    with pytest.raises(nncheck.CaseError, match="has shape"):
        nncheck.run(folder, steps=5)
    folder = copy_case("hidden", ("autograd.py", "nn.MSELoss()", "nn.NoSuchLoss()"), folder="b")
    with pytest.raises(nncheck.CaseError, match="AttributeError"):
        nncheck.run(folder, steps=5)
