"""Signs of life come by time, each from a device that has come so far; a fast device is read at a few places alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
import torch

from nncheck import case as cases
from nncheck.autograd import pace
from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.autograd.device import Device
from nncheck.autograd.gradients import at_points
from nncheck.autograd.pace import Pace
from nncheck.autograd.worker import Server
from nncheck.process import ProcessFailure
from tests.simulated import Simulated

MM = "aten::mm.out"  # five in a step of the case hidden


class Clock:
    """Time that passes where it is said to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(pace.time, "monotonic", lambda: self.now)


class Queue:
    """A device that takes so many seconds for a step, and has them in a queue until it is read."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.queued, self.reads = clock, seconds, 0, 0

    def cpu(self) -> None:
        self.clock.now += self.queued * self.seconds
        self.queued = 0
        self.reads += 1


def _trained(monkeypatch: pytest.MonkeyPatch, seconds: float, *pieces: int, by_one: bool) -> tuple[list[float], Queue]:
    """Train pieces of so many steps; return when signs of life were given."""
    clock = Clock(monkeypatch)
    device, signs = Queue(clock, seconds), []
    paced = Pace(lambda done: signs.append(clock.now))
    for steps in pieces:
        paced.begin(steps)
        done = 0
        while done < steps:
            ahead = 1 if by_one else paced.ahead
            device.queued += ahead
            done += ahead
            paced.reached(done, device)
        device.cpu()  # what was recorded
        device.reads -= 1
    return [0.0, *signs, clock.now], device


@pytest.mark.parametrize("by_one", [True, False])
@pytest.mark.parametrize("seconds", [1e-4, 0.012, 0.15, 4.0])
def test_signs_come_in_time_from_a_device_that_queues_its_steps(
    monkeypatch: pytest.MonkeyPatch, seconds: float, by_one: bool
) -> None:
    signs, device = _trained(monkeypatch, seconds, 5_000, 5_000, 300, by_one=by_one)
    assert np.diff(signs).max() <= 5.0 + seconds
    assert signs[-1] == pytest.approx(10_300 * seconds)
    assert device.reads <= 3 * 11 + signs[-1] / max(seconds, 5.0 - seconds)  # and else about one in 5 seconds


@pytest.mark.parametrize("by_one", [True, False])
def test_a_fast_device_is_read_at_as_many_places_however_many_the_steps(
    monkeypatch: pytest.MonkeyPatch, by_one: bool
) -> None:
    reads = {
        steps: _trained(monkeypatch, 1e-4, steps, by_one=by_one)[1].reads for steps in (1, 2, 25, 50, 100, 999, 5_000)
    }
    assert reads == {1: 0, 2: 1, 25: 11, 50: 11, 100: 11, 999: 11, 5_000: 11}


def test_a_device_that_becomes_slow_in_a_loop_of_single_steps_gives_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, signs = Clock(monkeypatch), []
    paced = Pace(lambda done: signs.append(clock.now))
    paced.begin(5_000)
    for done in range(1, 5_001):
        clock.now += 1e-4 if done < 600 else 0.5
        paced.reached(done, Queue(clock, 0.0))
    assert np.diff([0.0, *signs, clock.now]).max() <= 5.5


def test_the_time_of_a_sign_follows_the_limit_that_the_environment_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pace.often() == 5.0
    monkeypatch.setenv("NNCHECK_WORKER_SECONDS", "6")
    assert pace.often() == 0.5
    for limit in ("much", "900", "inf", "nan"):
        monkeypatch.setenv("NNCHECK_WORKER_SECONDS", limit)
        assert pace.often() == 5.0


@pytest.fixture
def slow(simulated: Callable[..., Simulated], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Worker]:
    """Return a torch process with the case hidden on a device with a fault, which gives a sign in half a second."""

    def start(fault: str) -> Worker:
        simulated(fault)
        monkeypatch.setenv("NNCHECK_WORKER_SECONDS", "6")
        worker = Worker("directml")
        monkeypatch.delenv("NNCHECK_WORKER_SECONDS")
        worker.ask("open", device="directml", limit=START_LIMIT)
        worker.load_case(cases.find("hidden"))
        return worker

    return start


@pytest.mark.parametrize("how", ["slow", "queued"])
def test_a_device_that_is_slow_is_not_taken_for_one_that_hangs(slow: Callable[[str], Worker], how: str) -> None:
    with slow(f"{MM}@60={how}:3") as worker:  # fast at first, and from the replay on 15 ms a step
        began = time.monotonic()
        _, trained = worker.ask("train", steps=200, limit=2.0)
    assert time.monotonic() - began > 2.5
    assert len(trained["E"]) == 200
    assert np.isfinite(trained["E"]).all()


def test_a_device_that_hangs_behind_its_queue_is_noticed(slow: Callable[[str], Worker]) -> None:
    with slow(f"{MM}@60=queued:100000") as worker, pytest.raises(ProcessFailure, match="no sign of life for 2 s"):
        worker.ask("train", steps=200, limit=2.0)


@pytest.mark.parametrize("batched", [True, False])
def test_the_witness_of_many_large_points_gives_signs(monkeypatch: pytest.MonkeyPatch, batched: bool) -> None:
    monkeypatch.setattr("nncheck.autograd.gradients._AT_ONCE", 4 * 8 * 3)  # three points of eight numbers, four rows
    model, generator = torch.nn.Linear(4, 2, bias=False).double(), np.random.default_rng(0)
    X, YT, W = (generator.normal(size=shape) for shape in ((4, 4), (4, 2), (10, 2, 4)))
    signs: list[None] = []
    loss = torch.nn.MSELoss()
    E, (dW,) = at_points(model, loss, X, YT, [W], batched, lambda: signs.append(None))
    assert len(signs) == (4 if batched else 10)
    assert (E.shape, dW.shape) == ((10,), W.shape)
    # by hand: dE/dW = 2 / (8) (X W^T - YT)^T X
    error = X @ W.transpose(0, 2, 1) - YT
    np.testing.assert_allclose(E, (error**2).mean(axis=(1, 2)), rtol=1e-12)
    np.testing.assert_allclose(dW, error.transpose(0, 2, 1) @ X / 4, rtol=1e-12)


@pytest.mark.parametrize("batched", [True, False])
def test_the_worker_gives_signs_from_the_witness(monkeypatch: pytest.MonkeyPatch, batched: bool) -> None:
    case, output, threads = cases.find("hidden"), BytesIO(), torch.get_num_threads()
    server = Server(output)
    server._device = Device("cpu", torch.device("cpu"), "CPU")
    header = {"folder": str(case.folder), "names": list(case.params), "sizes": case.sizes, "lr": case.lr, "seed": 0}
    try:
        server.answer({"request": "load", **header}, {"X": case.X, "YT": case.YT, **case.params})
    finally:
        torch.set_num_threads(threads)
    server._batched = batched
    monkeypatch.setattr("nncheck.autograd.gradients._AT_ONCE", 1)
    monkeypatch.setattr("nncheck.autograd.worker.often", lambda: -1.0)  # always due
    output.seek(0)
    output.truncate()
    server.answer({"request": "witness"}, {name: np.stack([array] * 9) for name, array in case.params.items()})
    assert output.getvalue().count(b"take gradients in float64 on the CPU") == 9
