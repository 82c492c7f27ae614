"""The six cases on a DirectML device: with operators of its own, few copies to and fro, and the CPU's bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import nncheck
from nncheck import case as cases
from nncheck import runner
from nncheck.record import CaseResult
from tests.simulated import Simulated, native_operators
from tests.simulated.results import computed

COPIES = ("h2d", "d2h", "item")

# Optimizers whose operators the device has, and those with torch's lerp, which it lacks.
NATIVE = ("momentum", "nesterov", "rmsprop")
LERP = ("adam", "adamw")


@dataclass(frozen=True)
class Ran:
    """Results of a run by the cases' names, and what the device counted meanwhile."""

    cases: dict[str, CaseResult]
    counts: Counter[str]

    @property
    def copies(self) -> dict[str, int]:
        return {name: self.counts[name] for name in COPIES}


_RAN: dict[tuple[Any, ...], Ran] = {}


@pytest.fixture
def ran(simulated: Callable[..., Simulated], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Ran]]:
    """Run all cases, or those that are named, on the simulated device; the same run is not done twice."""

    def run(*wanted: Any, device: str = "directml", steps: int | None = 1_000, chunk: int = 5_000) -> Ran:
        key = (*map(str, wanted), device, steps, chunk)
        if key not in _RAN:
            there = simulated()
            there.forget()
            monkeypatch.setattr(runner, "_CHUNK_STEPS", chunk)
            result = nncheck.run(*wanted, device=device, steps=steps, every=1 if steps else 100)
            _RAN[key] = Ran({case.case: case for case in result.cases}, there.counts)
        return _RAN[key]

    yield run


def _assert_native(ran: Ran) -> None:
    """Nothing that the device lacks was asked of it, and nothing fell back."""
    operators = {name for name in ran.counts if "::" in name}
    assert not operators - native_operators()
    assert ran.counts["fallback"] == 0
    assert len(operators) > 15
    for case in ran.cases.values():
        assert not any("fall back" in note for note in case.notes)
        assert (case.device.kind, case.device.fallback) == ("directml", None)


# the cases, whose steps are replayed -----------------------------------------------------------------------------


def test_every_operator_of_the_six_cases_is_native(ran: Callable[..., Ran]) -> None:
    on_device = ran()
    assert list(on_device.cases) == list(cases.names())
    _assert_native(on_device)
    for operator in (
        "mm.out",
        "relu",
        "sigmoid_backward.grad_input",
        "mse_loss_backward",
        "_log_softmax.out",
        "add.out",
    ):
        assert on_device.counts[f"aten::{operator}"] >= 1_000  # they were trained there, and not somewhere else
    for case in on_device.cases.values():
        assert case.verdict == "agree"
        assert not any("bit-equal" in note or "traced" in note or "done again" in note for note in case.notes)


def test_every_result_is_bit_equal_to_the_cpus(ran: Callable[..., Ran]) -> None:
    on_device, on_cpu = ran(), ran(device="cpu")
    assert on_cpu.counts == Counter()
    for name in cases.names():
        assert on_cpu.cases[name].device.kind == "cpu"
        assert computed(on_device.cases[name]) == computed(on_cpu.cases[name])
        assert on_device.cases[name].notes == on_cpu.cases[name].notes


def test_copies_do_not_grow_with_steps_and_by_a_fixed_number_with_chunks(ran: Callable[..., Ran]) -> None:
    name = "softmax_cross_entropy"
    few, many = ran(name, steps=100), ran(name, steps=4_000)
    assert few.copies == many.copies
    assert many.copies["item"] == 0
    assert many.counts["d2d"] == few.counts["d2d"]
    two, four = ran(name, steps=100, chunk=50).copies, ran(name, steps=100, chunk=25).copies
    for kind in COPIES:
        assert four[kind] - two[kind] == 2 * (two[kind] - few.copies[kind])
    assert two["d2h"] > few.copies["d2h"]


@pytest.mark.slow
def test_the_cases_with_all_their_steps(ran: Callable[..., Ran]) -> None:
    on_device, on_cpu = ran(steps=None), ran(steps=None, device="cpu")
    _assert_native(on_device)
    assert on_device.cases["softmax_cross_entropy"].steps == 100_000
    for name in cases.names():
        assert on_device.cases[name].verdict == "agree"
        assert computed(on_device.cases[name]) == computed(on_cpu.cases[name])
    assert on_device.copies["item"] == 0
    assert on_device.counts["aten::_log_softmax_backward_data.out"] >= 100_000


# other optimizers, whose steps are done by torch's own loop ------------------------------------------------------


STEPS = 200


@pytest.fixture
def optimized(copy_case: Callable[..., Path]) -> dict[str, Path]:
    """Return copies of a case that are trained by other optimizers, each in a folder of the optimizer's name."""
    line = 'lr = 0.01\noptimizer = "{}"'
    return {
        name: copy_case("relu_sigmoid", ("case.toml", "lr = 0.01", line.format(name)), folder=name)
        for name in (*NATIVE, *LERP)
    }


_ON_CPU: list[Ran] = []


def _on_cpu(ran: Callable[..., Ran], folders: dict[str, Path]) -> Ran:
    if not _ON_CPU:
        _ON_CPU.append(ran(*folders.values(), device="cpu", steps=STEPS))
    return _ON_CPU[0]


def test_other_optimizers_are_native_and_bit_equal_and_copy_nothing_at_a_step(
    ran: Callable[..., Ran], optimized: dict[str, Path]
) -> None:
    on_device, on_cpu = ran(*(optimized[name] for name in NATIVE), steps=STEPS), _on_cpu(ran, optimized)
    _assert_native(on_device)
    assert on_device.counts["aten::sigmoid_backward.grad_input"] == len(NATIVE) * STEPS  # no step was done twice
    assert on_device.copies["item"] == 0
    assert sum(on_device.copies.values()) < 40 * len(NATIVE)
    for name in NATIVE:
        assert on_device.cases[name].verdict == "agree"
        assert any("every step is done by torch's own loop" in note for note in on_device.cases[name].notes)
        assert computed(on_device.cases[name]) == computed(on_cpu.cases[name])


def test_adam_falls_back_for_lerp_alone_and_the_result_says_so(
    ran: Callable[..., Ran], optimized: dict[str, Path]
) -> None:
    on_device, on_cpu = ran(*(optimized[name] for name in LERP), steps=STEPS), _on_cpu(ran, optimized)
    assert {name for name in on_device.counts if "::" in name} - native_operators() == {"aten::lerp.Scalar_out"}
    assert on_device.counts["fallback"] == on_device.counts["aten::lerp.Scalar_out"] == len(LERP) * STEPS * 4
    for name in LERP:
        assert on_device.cases[name].verdict == "agree"
        assert computed(on_device.cases[name]) == computed(on_cpu.cases[name])
        said = [note for note in on_device.cases[name].notes if "fall back" in note]
        assert len(said) == 1
        assert said[0].startswith("The operator 'aten::lerp.Scalar_out' is not currently supported on the DML backend")
