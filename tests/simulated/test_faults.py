"""Whatever a DirectML driver does, no run is lost and no verdict wrong: the CPU takes over, or the device is blamed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import nncheck
from nncheck import cli, runner
from nncheck.record import CaseResult
from nncheck.report import FORMATS
from tests.simulated import Simulated
from tests.simulated.results import told

Device = Callable[..., Simulated]

BACKWARD = "aten::_log_softmax_backward_data.out"
SOFTMAX = "softmax_cross_entropy"
REMOVED = "The GPU device instance has been suspended. Use GetDeviceRemovedReason to determine the appropriate action."
NO_MEMORY = "Could not allocate tensor with 1073741824 bytes. There is not enough GPU video memory available!"
NO_LIBRARY = "OSError: libd3d12.so: cannot open shared object file: No such file or directory"
#: Seconds after which a silent process counts as hanging, where it may import torch: that takes a busy machine six.
PATIENCE = 8

_ON_CPU: dict[tuple[str, int], CaseResult] = {}


def _one(case: str, steps: int, device: str = "auto") -> CaseResult:
    return nncheck.run(case, steps=steps, device=device).cases[0]


def _on_cpu(case: str, steps: int) -> CaseResult:
    """Return the result that no device was part of."""
    if (case, steps) not in _ON_CPU:
        _ON_CPU[case, steps] = _one(case, steps, "cpu")
    return _ON_CPU[case, steps]


# a device that fails ---------------------------------------------------------------------------------------------

# fault, case, steps, the stage that it fails at, and the reason that is given
FAILS: dict[str, tuple[str, str, int, str, str]] = {
    "import raises": ("import=raise", "hidden", 60, "import torch_directml", "RuntimeError: the driver is broken"),
    "import finds no library": ("import=oserror", "hidden", 60, "import torch_directml", NO_LIBRARY),
    "import crashes": ("import=segfault", "hidden", 60, "import torch_directml", "ended by SIGSEGV"),
    "import aborts": ("import=abort", "hidden", 60, "import torch_directml", "ended by SIGABRT"),
    "import exits": ("import=exit", "hidden", 60, "import torch_directml", "ended with exit code 3"),
    "import hangs": ("import=hang", "hidden", 60, "import torch_directml", f"no sign of life for {PATIENCE} seconds"),
    "count raises": ("device_count=raise", "hidden", 60, "device_count", "RuntimeError: the driver is broken"),
    "count crashes": ("device_count=segfault", "hidden", 60, "device_count", "ended by SIGSEGV"),
    "count hangs": ("device_count=hang", "hidden", 60, "device_count", f"no sign of life for {PATIENCE} seconds"),
    "no device": ("devices=0", "hidden", 60, "device_count", "torch_directml finds 0 device(s), index 0 was asked for"),
    "open raises": ("open=raise", "hidden", 60, "open the device", "RuntimeError: the driver is broken"),
    "self-test raises": ("aten::relu=raise:refused", "hidden", 60, "self-test", "RuntimeError: refused"),
    "self-test crashes": ("aten::relu=segfault", "hidden", 60, "self-test", "ended by SIGSEGV"),
    "crash in mid-run": (f"{BACKWARD}@1500=segfault", SOFTMAX, 2_000, r"train from step 1,?4\d\d", "ended by SIGSEGV"),
    "hang in mid-run": (
        f"{BACKWARD}@1500=hang",
        SOFTMAX,
        2_000,
        r"train from step 1,?4\d\d",
        f"no sign of life for {PATIENCE} seconds",
    ),
    "refusal in mid-run": (
        f"{BACKWARD}@1500=raise:refused",
        SOFTMAX,
        2_000,
        r"train from step 1,?4\d\d",
        "RuntimeError: refused",
    ),
    "memory exhausted": (
        "aten::mm.out@9000=memory",
        SOFTMAX,
        2_000,
        r"train from step 1,?[67]\d\d",
        f"RuntimeError: {NO_MEMORY}",
    ),
    "memory exhausted by a copy to it": (
        "copy h2d@9=memory",
        "hidden",
        60,
        "load hidden",
        f"RuntimeError: {NO_MEMORY}",
    ),
    "removed after step 10,000": (
        f"{BACKWARD}@10200=removed",
        SOFTMAX,
        10_500,
        r"train from step 10,?1\d\d",
        f"RuntimeError: {REMOVED}",
    ),
}
# One for each way in which it can end; the others take seconds each, and come the same way.
_ALWAYS = (
    "import finds no library",
    "import crashes",
    "no device",
    "memory exhausted",
    "removed after step 10,000",
)
_BY_NAME = ("import crashes", "no device")


def _rows(always: tuple[str, ...]) -> list[Any]:
    return [pytest.param(name, marks=() if name in always else pytest.mark.slow, id=name) for name in FAILS]


def _told_of(device: Device, monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[str, int, str, str]:
    fault, case, steps, stage, reason = FAILS[name]
    device(fault)
    if fault.endswith("hang"):
        monkeypatch.setenv("NNCHECK_WORKER_SECONDS", str(PATIENCE))
    return case, steps, stage, reason


@pytest.mark.parametrize("name", _rows(_ALWAYS))
def test_a_device_that_fails_is_replaced_by_the_cpu_and_the_result_says_why(
    simulated: Device, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case, steps, stage, reason = _told_of(simulated, monkeypatch, name)
    result = _one(case, steps)
    assert result.device.kind == "cpu"
    assert result.device.fallback is not None
    assert re.fullmatch(stage, result.device.fallback.stage)
    assert reason in result.device.fallback.reason
    assert (result.verdict, result.faults) == ("agree", ())
    assert [row.step for row in result.rows] == sorted({*range(99, steps, 100), steps - 1})
    # nothing of the device's is in the result
    if steps < 5_000:
        assert told(result) == told(_on_cpu(case, steps))


@pytest.mark.parametrize("name", _rows(_BY_NAME))
def test_a_device_asked_for_by_name_that_fails_ends_the_run(
    simulated: Device, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    case, steps, stage, reason = _told_of(simulated, monkeypatch, name)
    monkeypatch.setattr(sys, "argv", ["nncheck", "run", case, "--steps", str(steps), "--device", "directml"])
    errors: list[nncheck.DeviceError] = []
    run = runner.run

    def watched(*arguments: Any, **options: Any) -> Any:
        try:
            return run(*arguments, **options)
        except nncheck.DeviceError as error:
            errors.append(error)
            raise

    monkeypatch.setattr(runner, "run", watched)
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr()
    assert end.value.code == 2
    assert re.fullmatch(stage, errors[0].stage)
    assert reason in str(errors[0])
    assert str(errors[0]) in said.err
    assert re.search("--device directml (failed at|is not there)", said.err)
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.slow
def test_a_device_that_hangs_behind_its_first_chunk_is_replaced_once_its_time_is_over(
    simulated: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated(f"{BACKWARD}@1200=hang")
    monkeypatch.setattr(runner, "_CHUNK_STEPS", 500)  # torch is asked for two of them at once
    began: list[int] = []

    def while_torch_is_there(case: str, done: int, steps: int) -> None:
        began.extend([0] if done == 0 else [])
        if done == 0:
            monkeypatch.delenv("NNCHECK_WORKER_SECONDS", raising=False)
        else:
            monkeypatch.setenv("NNCHECK_WORKER_SECONDS", "3")

    result = nncheck.run(SOFTMAX, steps=2_000, progress=while_torch_is_there).cases[0]
    assert result.device.kind == "cpu"
    assert result.device.fallback is not None
    assert result.device.fallback.reason == "no sign of life for 3 seconds"
    assert re.fullmatch(r"train from step 1,?1\d\d", result.device.fallback.stage)
    assert len(began) == 2  # on the device, and on the CPU
    assert (result.verdict, len(result.rows), result.rows[-1].step) == ("agree", 20, 1_999)


@pytest.mark.slow
def test_a_device_that_fails_in_its_second_case_spoils_neither(simulated: Device) -> None:
    simulated("aten::sigmoid_backward.grad_input@40=segfault")
    before, after = nncheck.run("hidden", "relu_sigmoid", steps=60).cases
    assert (before.device.kind, before.device.fallback) == ("directml", None)
    assert after.device.kind == "cpu"
    assert after.device.fallback is not None
    assert "SIGSEGV" in after.device.fallback.reason
    assert [case.verdict for case in (before, after)] == ["agree", "agree"]


# a device that computes wrong numbers ----------------------------------------------------------------------------

STEPS = 300
CHUNK = 5_000
_CALLS: list[int] = []


@pytest.fixture
def call_of(simulated: Device) -> Callable[..., int]:
    """Return the number of the call by which a replayed step asks for the gradient of the loss.

    Calls 1 and 2 are those of the self-test and of step 0 in torch's own loop; then the step is traced, and all steps
    of a chunk are replayed. Torch's own loop does the last of a chunk once more, and the first of the next before it.
    """
    if not _CALLS:
        honest = simulated()
        _one(SOFTMAX, STEPS, "directml")
        _CALLS.append(honest.counts[BACKWARD])
        honest.forget()
    return lambda step, chunk=CHUNK: _CALLS[0] - STEPS + step + 2 * (step // chunk)


def _assert_blamed(result: CaseResult, first: int) -> None:
    assert result.device.kind == "directml"
    assert result.device.fallback is None  # wrong numbers are kept, and no other device is put in their place
    assert (result.verdict, result.faults) == ("differ", ("device",))
    assert min(finding.first_step for finding in result.findings) == first
    assert result.local["derivation"].ratio is not None
    assert result.local["derivation"].ratio <= 1
    assert result.rows[-1].step == result.steps - 1
    line = FORMATS["table"](nncheck.RunResult(schema="", versions={}, cases=(result,))).splitlines()[0]
    assert re.match(
        rf"✗ {SOFTMAX}: the device is wrong from step {first} on \([dEWB2, ]*\); the derivation is right\.$", line
    )


@pytest.mark.parametrize(
    "how", ["skew:1.0001", *(pytest.param(how, marks=pytest.mark.slow) for how in ("zero", "nan"))]
)
def test_wrong_numbers_from_the_first_step_on_are_blamed_on_the_device(simulated: Device, how: str) -> None:
    simulated(f"{BACKWARD}={how}")
    result = _one(SOFTMAX, STEPS)
    _assert_blamed(result, 0)
    noticed = any("self-test" in note for note in result.notes)
    assert noticed == (how != "skew:1.0001")  # what is off by so little, only the comparison sees


# A gradient off by 1e-4 moves float32 parameters by less than their rounding, once the net has learned: it is seen in
# the gradient itself, which is read at the first and at the last step of each chunk.
@pytest.mark.parametrize(
    ("chunk", "step", "how", "first"),
    [
        (100, 190, "skew:1.0001", 190),
        pytest.param(CHUNK, 150, "nan", 150, marks=pytest.mark.slow),
        pytest.param(CHUNK, 9_990, "skew:1.0001", 9_999, marks=pytest.mark.slow),
        pytest.param(CHUNK, 10_040, "zero", 10_040, marks=pytest.mark.slow),
        pytest.param(CHUNK, 10_040, "nan", 10_040, marks=pytest.mark.slow),
    ],
)
def test_wrong_numbers_from_a_later_step_on_are_blamed_on_the_device(
    simulated: Device,
    monkeypatch: pytest.MonkeyPatch,
    call_of: Callable[..., int],
    chunk: int,
    step: int,
    how: str,
    first: int,
) -> None:
    simulated(f"{BACKWARD}@{call_of(step, chunk)}={how}")
    monkeypatch.setattr(runner, "_CHUNK_STEPS", chunk)
    _assert_blamed(_one(SOFTMAX, first + 100), first)


@pytest.mark.slow
def test_what_a_last_short_chunk_hides_in_rounding_shows_in_its_last_gradient(
    simulated: Device, call_of: Callable[..., int]
) -> None:
    simulated(f"{BACKWARD}@{call_of(10_040)}=skew:1.0001")
    _assert_blamed(_one(SOFTMAX, 10_050), 10_049)


@pytest.mark.parametrize("how", ["skew:1.0001", pytest.param("zero", marks=pytest.mark.slow)])
@pytest.mark.parametrize("step", [pytest.param(0, marks=pytest.mark.slow), 150, STEPS - 1])
def test_one_wrong_number_in_a_replayed_step_is_blamed_on_the_device(
    simulated: Device, call_of: Callable[..., int], step: int, how: str
) -> None:
    simulated(f"{BACKWARD}@={call_of(step)}={how}")
    result = _one(SOFTMAX, STEPS)
    _assert_blamed(result, step)
    assert {finding.steps for finding in result.findings} == {1}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["skew:1.0001", "zero"])
@pytest.mark.parametrize("step", [0, STEPS - 1])
def test_one_wrong_number_in_a_step_of_torchs_own_loop_is_blamed_on_the_device(
    simulated: Device, call_of: Callable[..., int], step: int, how: str
) -> None:
    simulated(f"{BACKWARD}@={call_of(STEPS) if step else 2}={how}")
    _assert_blamed(_one(SOFTMAX, STEPS), step)


@pytest.mark.slow
def test_a_self_test_that_is_off_is_a_note_where_the_case_is_right(simulated: Device) -> None:
    simulated(f"{BACKWARD}=zero")
    result = _one("hidden", 60)
    assert (result.device.kind, result.verdict, result.faults) == ("directml", "agree", ())
    assert [note for note in result.notes if re.match(r"self-test: dW2? is off by 0\.\d+$", note)]


# what is said ----------------------------------------------------------------------------------------------------

SAID = {
    "en": r"✗ softmax_cross_entropy: the device is wrong from step 0 on \(dW, .*\); the derivation is right\.",
    "ko": r"✗ softmax_cross_entropy: 기기가 스텝 0부터 틀렸습니다 \(dW, .*\)\. 유도는 맞습니다\.",
}


@pytest.mark.parametrize("options", [("--steps", "300"), pytest.param((), marks=pytest.mark.slow)])
def test_with_a_gradient_of_zero_the_first_line_blames_the_device_and_clears_the_derivation(
    simulated: Device, options: tuple[str, ...]
) -> None:
    simulated(f"{BACKWARD}=zero")
    spoken = {
        language: subprocess.Popen(
            [sys.executable, "-m", "nncheck", "run", SOFTMAX, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "NNCHECK_LANG": language, "PYTHONIOENCODING": "utf-8"},
        )
        for language in SAID
    }
    for language, process in spoken.items():
        out, err = process.communicate()
        assert (process.returncode, err) == (1, "")
        assert re.fullmatch(SAID[language], out.splitlines()[0])
