"""Kept steps: spread over the run, the worst and the first that differ, each with its reasons and numbers."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck.judging import Judge
from nncheck.kept import MOST_NUMBERS, MOST_STEPS, Kept, Point, checkpoints
from nncheck.rounding import Precision
from nncheck.trajectory import Run

EXACT = Precision("float64", "float64")


def _run(steps: np.ndarray) -> Run:
    """Return a run whose W is the step's number before it and one more after it, its gradient ten times that."""
    W = steps[:, None].astype(float)
    return Run(losses=steps / 4.0, before={"W": W}, after={"W": W + 1}, gradients={"W": 10 * W})


def _kept(ratios: dict[tuple[str, str], list[float]], chunk: int, numbers: int = 1) -> tuple[Point, ...]:
    """Keep steps of a run in which each quantity has the given error / bound at each step."""
    count = len(next(iter(ratios.values())))
    kept, judges = Kept(count, numbers), {key: Judge(*key, EXACT) for key in ratios}
    for start in range(0, count, chunk):
        steps = np.arange(start, min(start + chunk, count))
        for key, judge in judges.items():
            ones = np.ones(len(steps))
            judge.add(steps, 1 + np.array(ratios[key])[steps] * 2.0**-40, ones, ones * 2.0**-40 / EXACT.bound(ones))
        kept.add(steps, _run(steps), list(judges.values()), {"W": {"M": steps[:, None] * 2.0}})
    return kept.points()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (1, [0]),
        (2, [0, 1]),
        (10, [0, 1, 2, 5, 7]),
        (1000, [0, 1, 10, 100, 250, 500, 750]),
        (100_000, [0, 1, 10, 100, 1000, 10_000, 25_000, 50_000, 75_000]),
    ],
)
def test_checkpoints_are_close_together_at_the_start(steps: int, expected: list[int]) -> None:
    assert checkpoints(steps) == tuple(expected)


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_steps_are_kept_with_their_reasons_whatever_the_chunks(chunk: int) -> None:
    loss, gradient, device = np.full(1000, 0.25), np.full(1000, 0.25), np.full(1000, 0.5)
    gradient[[333, 444, 700]] = 3.0, 5.0, 4.0
    loss[333] = 2.0
    device[998] = 0.75
    ratios = {("loss", "E"): loss, ("derivation", "dW"): gradient, ("device", "W"): device}
    points = _kept({key: values.tolist() for key, values in ratios.items()}, chunk)
    assert {point.step: point.why for point in points} == {
        0: ("first step",),
        1: ("checkpoint",),
        10: ("checkpoint",),
        100: ("checkpoint",),
        250: ("checkpoint",),
        333: ("first difference of the loss: E", "first difference: dW", "largest error / bound of the loss: E"),
        444: ("largest error / bound: dW",),
        500: ("checkpoint",),
        750: ("checkpoint",),
        998: ("largest error / bound of the device: W",),
        999: ("last step",),
    }
    assert [point.step for point in points] == sorted(point.step for point in points)
    for point in points:
        assert (point.params["W"], point.states["W"]["M"]) == ([point.step], [2.0 * point.step])
        assert {name: array.tolist() for name, array in point.hand.items()} == {
            "E": point.step / 4,
            "dW": [10.0 * point.step],
            "W'": [point.step + 1.0],
        }


def test_of_many_differences_the_first_and_the_worst_are_kept_and_of_a_large_network_fewer() -> None:
    names = [("derivation", f"dW{k}") for k in range(40)]
    ratios = {key: [0.0] * (60 + k) + [2.0 + k] * (140 - k) for k, key in enumerate(names)}
    every = [point.step for point in _kept(ratios, 50)]
    assert len(every) <= MOST_STEPS
    assert {60, 61, 62, 63, 64, 97, 98, 99} <= set(every)
    assert 65 not in every
    few = _kept(ratios, 50, numbers=MOST_NUMBERS // 3)
    assert [point.step for point in few] == [60, 61, 62]
    assert _kept(ratios, 50, numbers=MOST_NUMBERS + 1) == ()
