"""A check finds and names what a device does wrong, and goes on where it refuses, crashes or hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nncheck
from nncheck.autograd import device as devices
from nncheck.autograd.client import Worker
from nncheck.conformance import asking, bench, check
from nncheck.conformance.judging import Answer
from nncheck.conformance.operators import operators
from nncheck.conformance.rules import Equal
from nncheck.conformance.sample import Sample, at, operator
from nncheck.device_check import CheckedDevice, OperatorCheck
from nncheck.errors import DeviceError, InputError
from nncheck.process import ProcessFailure
from tests.simulated import Simulated, native_operators

Simulate = Callable[..., Simulated]
Only = Callable[..., Any]

#: What the true library refuses, by DIRECTML's own description; the last one ends its process.
REFUSED = ["1.0 - x", "lstm_cell", "full of 0.5", "one_hot", "float64", "bfloat16"]

#: The rows that each silent mistake of the true library must show in, and those that it shows in besides.
QUIRKS = {
    "cross_entropy_none": ({"cross_entropy, class indices, reduction='none'"}, set()),
    "mixed_dtypes": ({"float * int64", "float + int64", "int64 * float"}, {"float * bool", "bool * float"}),
    "bool_product": ({"float * bool", "bool * float", "dH * (Z > 0)"}, {"amax, dim=1"}),
    "population_variance": ({"var"}, set()),
    "cdist": ({"cdist"}, set()),
    "buffer_writes": (
        {"write an element", "write a row", "write a slice", "gradient through a write"},
        {
            *("write a number into a row", "write a column", "write row by row", "fill a slice"),
            *("write an element of a row", "pad", "cat", "slice"),
        },
    ),
    "eye": ({"eye"}, set()),
    "batch_norm_running": ({"batch_norm", "batch_norm, images"}, set()),
}


def _checked(name: str = "directml") -> CheckedDevice:
    (device,) = nncheck.check_device(name).devices
    return device


def _rows(device: CheckedDevice) -> dict[str, OperatorCheck]:
    return {row.name: row for row in device.operators}


def _names(device: CheckedDevice, state: Any) -> set[str]:
    return {row.name for row in device.of(state)}


# the device as it is ------------------------------------------------------------------------------------------------


def test_on_an_honest_device_nothing_is_wrong_and_all_that_the_cases_use_is_checked(simulated: Simulate) -> None:
    log = simulated()
    device = _checked()
    assert len(device.operators) == len(operators())
    assert _names(device, "wrong") == set()
    assert [row.name for row in device.of("refuses")] == REFUSED
    falls_back = _rows(device)
    for name, fallen in (
        *(("elu", "aten::elu.out"), ("x @ v", "aten::addmv.out"), ("adam", "aten::lerp.Scalar_out")),
        *(("binary_cross_entropy, reduction='mean'", "aten::binary_cross_entropy"), ("eye", "aten::eye.m_out")),
        # what fell back in a row before is named again
        *(("binary_cross_entropy, reduction='none'", "aten::binary_cross_entropy"), ("adamw", "aten::lerp.Scalar_out")),
    ):
        assert falls_back[name].state == "falls back" and fallen in falls_back[name].fallbacks, falls_back[name]
    named = {name for row in device.of("falls back") for name in row.fallbacks}
    assert named and not named & native_operators()
    for name in ("linear", "relu", "sigmoid", "cross_entropy, probabilities, reduction='mean'", "sgd", "momentum"):
        assert falls_back[name].state == "right" and falls_back[name].samples > 1
    assert (device.kind, device.name) == ("directml", "Simulated DirectML adapter")
    assert "SIGABRT" in falls_back["bfloat16"].reason
    # by the device's own log, which has the loop that nncheck replays too
    checked = log.operators
    log.forget()
    result = nncheck.run(device="directml", steps=3)
    assert {case.device.kind for case in result.cases} == {"directml"} and len(result.cases) == 6
    assert {"aten::addmm.out", "aten::_log_softmax_backward_data.out", "aten::mse_loss.out"} <= log.operators
    assert log.operators <= checked, log.operators - checked


def test_each_silent_mistake_is_found_and_named(simulated: Simulate) -> None:
    """All at once: what is wrong is what they make wrong, and nothing else."""
    simulated(*(f"quirk={quirk}" for quirk in QUIRKS))
    device = _checked()
    wrong = _names(device, "wrong")
    for quirk, (must, _) in QUIRKS.items():
        assert must <= wrong, quirk
    assert wrong <= set().union(*(must | may for must, may in QUIRKS.values()))
    rows = _rows(device)
    by_dtype = rows["dH * (Z > 0)"].example
    assert by_dtype is not None and (by_dtype.what, by_dtype.got, by_dtype.expected) == ("dtype", "bool", "float32")
    assert by_dtype.text == "y: dtype bool, expected float32."
    zero = rows["cross_entropy, class indices, reduction='none'"].example
    assert zero is not None and zero.quantity == "dx" and zero.got == 0 and zero.inputs["x"].shape == (1, 2)
    assert "the gradient of x" in zero.text
    statistics = rows["batch_norm"].example
    assert statistics is not None and statistics.quantity == "m_"


def test_copies_that_lose_numbers_are_found(simulated: Simulate) -> None:
    simulated("quirk=device_copies")
    device = _checked()
    assert {"copy on the device", "clone", "copy_", "contiguous"} <= _names(device, "wrong")
    assert "host to device and back" in _names(device, "right")


#: A fault, and the row that it must be found in.
FAULTS = {
    "aten::_log_softmax_backward_data.out=zero": "cross_entropy, probabilities, reduction='mean'",
    "aten::mm.out=skew:1.0001": "mm",
    "aten::tanh_backward.grad_input=skew:1.000001": "tanh",
    "aten::max_pool2d_with_indices_backward.grad_input=nan": "max_pool2d",
}


def test_wrong_gradients_are_found(simulated: Simulate, only: Only) -> None:
    simulated(*FAULTS)
    only(*FAULTS.values(), "relu", "mse_loss, reduction='mean'")
    device = _checked()
    assert _names(device, "wrong") == set(FAULTS.values())
    assert _names(device, "right") == {"relu", "mse_loss, reduction='mean'"}
    for row in device.of("wrong"):
        example = row.example
        assert example is not None and example.error is not None and example.bound is not None
        assert not example.error <= example.bound
        assert row.ratio is not None and row.ratio > 1


#: How the device goes, and at which operator.
GOES = {"exp": "segfault", "log": "removed"}

# a device that does not answer --------------------------------------------------------------------------------------


def test_what_refuses_or_hangs_costs_its_own_operator_alone(
    simulated: Simulate, only: Only, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_LIMIT", 3.0)
    log = simulated("aten::mm.out=raise:no such operator here", "aten::sqrt.out=hang")
    only("mm", "relu", "sqrt", "softmax")
    rows = _rows(_checked())
    assert {name for name, row in rows.items() if row.state == "refuses"} == {"mm", "sqrt"}
    assert {rows[name].state for name in ("relu", "softmax")} == {"right"}
    assert "no such operator here" in rows["mm"].reason
    assert rows["sqrt"].reason == "no sign of life for 3 seconds"
    assert len([*log.logs.glob("*.log")]) == 2  # what hung was not waited for twice


def test_many_operators_that_crash_in_a_row_hide_none_after_them(
    simulated: Simulate, only: Only, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that was removed refuses everything from then on; what comes after is not blamed for it."""
    monkeypatch.setattr(bench, "_PATIENCE", 1)
    simulated("aten::mm.out=segfault", "aten::exp.out=removed", "aten::cumsum.out=skew:1.01")
    only("mm", "exp", "log", "cumsum")
    rows = _rows(_checked())
    assert [row.state for row in rows.values()] == ["refuses", "refuses", "right", "wrong"]
    assert rows["mm"].reason.startswith("the torch process was ended by SIGSEGV")
    assert "suspended" in rows["exp"].reason
    assert rows["mm"].samples == rows["exp"].samples == 0


def test_the_call_that_a_new_process_is_tried_with_may_be_the_one_at_fault(simulated: Simulate, only: Only) -> None:
    simulated("aten::add.out=segfault", "aten::mul.out=raise:nor this")
    only("x + z", "x * z", "neg")
    device = _checked()
    assert (_names(device, "refuses"), _names(device, "right")) == ({"x + z", "x * z"}, {"neg"})


def test_what_is_answered_when_it_is_asked_again_is_not_blamed(simulated: Simulate, only: Only) -> None:
    """The device goes at the last call of a row, which is the first one of a new process."""
    table = {row.name: row for row in only("exp", "log")}
    simulated(*(f"aten::{name}.out@={len(table[name].samples)}={how}" for name, how in GOES.items()))
    device = _checked()
    for found in device.operators:
        assert (found.state, found.samples, found.reason) == ("right", len(table[found.name].samples), "")
    (note,) = device.notes
    assert note.startswith("2 calls were lost and answered when they were asked again in a new process, the first one")
    assert " of exp: the torch process was ended by SIGSEGV" in note


def test_one_that_hung_is_given_less_time_and_too_many_that_hang_are_the_end(
    simulated: Simulate, only: Only, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("_LIMIT", 18.0), ("_TRUSTED", 0), ("_HANGS", 1)):
        monkeypatch.setattr(bench, name, value)
    log = simulated("aten::mm.out=hang")
    only("mm", "tanh", "exp")
    device = _checked()
    assert [row.state for row in device.operators] == ["refuses", "not checked", "not checked"]
    assert "From tanh on nothing could be asked: 1 calls were not answered: no sign of life for 3 s" in device.notes[-1]
    assert len([*log.logs.glob("*.log")]) == 1


def test_a_device_that_goes_for_good_leaves_what_was_found_and_the_rest_unchecked(
    simulated: Simulate, only: Only, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_PATIENCE", 2)
    opened: list[str] = []

    class Once(Worker):
        def __init__(self, device: str) -> None:
            opened.append(device)
            if len(opened) > 1:
                raise ProcessFailure("open the device", "it is not there any more.")
            super().__init__(device)

    monkeypatch.setattr(bench, "Worker", Once)
    simulated("aten::mm.out=skew:1.01", "aten::tanh.out=segfault")
    only("mm", "relu", "tanh", "exp", "log")
    result = nncheck.check_device("directml")
    (device,) = result.devices
    assert [row.state for row in device.operators] == ["wrong", "right", *["not checked"] * 3]
    assert result.wrong and not result.finished and len(opened) == 3
    (note,) = device.notes
    assert note.startswith("From tanh on nothing could be asked: the torch process was ended by SIGSEGV")
    assert note.endswith("no new process works after that, at open the device: it is not there any more.")
    assert all(row.reason for row in device.of("not checked"))


def test_wrong_wins_over_refused_and_over_falling_back(simulated: Simulate, only: Only) -> None:
    simulated("aten::elu.out=skew:1.01", "aten::mm.out@=1=skew:1.01", "aten::mm.out@4=raise:later")
    only("elu", "mm")
    rows = _rows(_checked())
    assert (rows["elu"].state, rows["elu"].fallbacks[0]) == ("wrong", "aten::elu.out")
    assert rows["mm"].state == "wrong" and "later" in rows["mm"].reason


@pytest.mark.parametrize("fault", ["segfault", "raise:nothing works here"])
def test_a_device_on_which_nothing_works_is_opened_a_few_times_alone(
    simulated: Simulate, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """It took minutes once: each of 209 operators had a process of its own."""
    monkeypatch.setattr(bench, "_PATIENCE", 2)
    log = simulated(f"any={fault}")
    result = nncheck.check_device("directml")
    (device,) = result.devices
    assert len(device.operators) == len(operators()) == len(device.of("not checked"))
    assert "From linear on nothing could be asked: " in device.notes[0]
    assert not result.wrong and not result.finished
    assert len([*log.logs.glob("*.log")]) == 3


def test_the_device_comes_before_the_cpu() -> None:
    """A backward on the CPU before the device's first one breaks every later one on DirectML."""
    asked: list[tuple[str, str]] = []

    class Recorded:
        kind = "directml"

        def ask(self, sample: Sample, place: str, *_: Any) -> Answer:
            asked.append((place, sample.call))
            return Answer({}, {}, "refused") if place == "device" and "refused" in sample.call else ANSWER

        def fallbacks(self) -> tuple[str, ...]:
            return ()

    ANSWER = Answer({"y": np.ones(1)}, {"y": "float32"})
    x = {"x": at([1.0], grad=False)}
    row = operator("a row", *(Sample(call=call, operands=x, rule=Equal()) for call in ("y = refused(x)", "y = x")))
    found = asking.checked(Recorded(), "directml", row)  # type: ignore[arg-type]
    assert asked == [("device", "y = refused(x)"), ("device", "y = x"), ("cpu", "y = x")]
    assert (found.state, found.reason, found.samples) == ("refuses", "refused", 1)


# which devices ------------------------------------------------------------------------------------------------------


def test_a_device_that_is_not_there_is_an_error_that_says_why() -> None:
    with pytest.raises(DeviceError, match=r"^--check cuda:7 is not there: torch finds \d+ CUDA device"):
        nncheck.check_device("cuda:7")
    with pytest.raises(InputError, match=r"^got device 'tpu', expected auto, directml"):
        nncheck.check_device("tpu")
    with pytest.raises(InputError, match="--check takes the name of a device"):
        nncheck.check_device("auto")


def test_a_driver_that_fails_is_an_error_by_name_and_a_note_among_all(
    simulated: Simulate, only: Only, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated("import=raise")
    monkeypatch.setattr(check, "_wanted", lambda name: [name] if name else ["directml", "cpu"])
    only("relu")
    with pytest.raises(DeviceError, match="--check directml failed at import torch_directml: "):
        nncheck.check_device("directml")
    result = nncheck.check_device()
    assert "cpu" in [device.device for device in result.devices]
    assert "import torch_directml" in result.failed["directml"]
    assert not result.wrong and not result.finished


def test_all_devices_that_work_are_checked(simulated: Simulate, only: Only, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated("aten::relu=skew:1.01", "aten::relu.out=skew:1.01", "aten::clamp_min.out=skew:1.01")
    only("relu", "mm")
    told: list[tuple[str, int, int]] = []
    kinds = [kind.name for kind in devices.kinds().values() if not kind.missing()]
    assert check._wanted(None) == kinds and {"directml", "cpu"} <= set(kinds)
    monkeypatch.setattr(check, "_wanted", lambda _: ["directml", "cpu"])  # each of the others is a start of torch
    result = nncheck.check_device(progress=lambda *facts: told.append(facts))
    assert [device.device for device in result.devices] == ["directml", "cpu"]
    assert result.wrong and not result.devices[-1].of("wrong")
    assert ("directml", 0, 2) in told and ("cpu", 2, 2) in told
    assert result.versions["nncheck"] and result.versions["torch"] and "torch-directml" in result.versions


# without the simulated device ---------------------------------------------------------------------------------------


def test_an_operator_that_is_wrong_in_float32_alone_is_found(patch_torch: Callable[[str], None], only: Only) -> None:
    patch_torch(
        """
        true = torch.nn.functional.softplus
        def skewed(x):
            y = true(x)
            return y * 1.0001 if x.dtype == torch.float32 else y
        torch.nn.functional.softplus = skewed
        """
    )
    only("softplus", "relu")
    rows = _rows(_checked("cpu"))
    assert (rows["softplus"].state, rows["relu"].state) == ("wrong", "right")
    assert rows["softplus"].wrong > rows["softplus"].samples // 2


def test_texts_are_in_the_language_that_is_asked_for(patch_torch: Callable[[str], None], only: Only) -> None:
    patch_torch("torch.nn.functional.relu = lambda x: x * 2 if x.dtype == torch.float32 else torch.relu(x)")
    only("relu")
    result = nncheck.check_device("cpu", language="ko")
    assert result.language == "ko"
    assert result.devices[0].of("wrong")
