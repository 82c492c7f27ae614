"""A run survives whatever happens to the torch process, and tells a broken device from a broken autograd.py."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import nncheck
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
        stage="import torch_directml", reason="RuntimeError: no adapter"
    )
    assert result.verdict == "agree"


def test_a_device_that_refuses_in_training_falls_back_and_one_asked_for_by_name_stops(
    stand_in: Callable[[str, str], None], patch_torch: Callable[[str], None]
) -> None:
    stand_in(
        "torch_directml",
        """
        import torch
        def device_count(): return 1
        def device(i=0): return torch.device("cpu")
        def device_name(i): return "Simulated"
        original = torch.optim.SGD.step
        def refuse(self, *a, **k): raise RuntimeError("The GPU device does not support Double")
        torch.optim.SGD.step = refuse
        """,
    )
    result = _one("hidden", steps=20)
    assert result.device.fallback is not None
    assert result.device.fallback.stage == "train steps 0 to 19"
    assert "does not support Double" in result.device.fallback.reason
    assert result.verdict == "agree"
    with pytest.raises(
        nncheck.DeviceError, match="--device directml failed at train steps 0 to 19: RuntimeError: The GPU"
    ):
        nncheck.run("hidden", steps=20, device="directml")


def test_a_missing_device_asked_for_by_name_is_an_error() -> None:
    with pytest.raises(
        nncheck.DeviceError, match="--device directml is not there: the package torch-directml is not installed"
    ):
        nncheck.run("hidden", steps=5, device="directml")
    with pytest.raises(nncheck.DeviceError, match="--device cuda:7 is not there: torch finds"):
        nncheck.run("hidden", steps=5, device="cuda:7")


def test_a_directml_without_a_device_leads_to_the_next_kind(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch_directml", "def device_count(): return 0")
    result = _one("hidden", steps=20)
    assert result.device.kind == "cpu"
    assert result.device.fallback == nncheck.record.Fallback(
        stage="device_count", reason="torch_directml finds 0 device(s), index 0 was asked for"
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
