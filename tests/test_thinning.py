"""A thinned series keeps the smallest and the largest value of every stretch, whatever the chunks it came in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nncheck.curves import Curve
from nncheck.thinning import STRETCHES, Gathering, Thinned

SPECIAL = (0.0, -0.0, math.nan, math.inf, -math.inf, 1e300, 5e-324, -3.0)


def _thinned(steps: np.ndarray, values: np.ndarray, cuts: list[int]) -> Curve:
    thinned = Thinned()
    for first, last in zip([0, *cuts], [*cuts, len(steps)]):
        thinned.add(steps[first:last], values[first:last])
    return thinned.curve("loss", "autograd")


def _by_looking(steps: list[int], values: list[float]) -> list[tuple[int, float]]:
    """Say the same step by step: group the steps, and of each group take the first least and the first greatest."""
    width = 1
    while math.ceil((steps[-1] + 1) / width) > STRETCHES:
        width *= 2
    groups: dict[int, list[tuple[int, float]]] = {}
    for step, value in zip(steps, values):
        groups.setdefault(step // width, []).append((step, value))

    def size(point: tuple[int, float]) -> float:
        return point[1] if math.isfinite(point[1]) else math.inf

    if width == 1:
        return list(zip(steps, values))
    kept = {point[0]: point for group in groups.values() for point in (min(group, key=size), max(group, key=size))}
    if width == 2:  # two steps of one value are both kept
        kept = dict(zip(steps, zip(steps, values)))
    return [kept[step] for step in sorted(kept)]


@given(
    count=st.integers(1, 3000),
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.integers(0, 3000), max_size=12),
    special=st.lists(st.tuples(st.integers(0, 2999), st.sampled_from(SPECIAL)), max_size=12),
    missing=st.floats(0, 0.95),
)
@example(count=801, seed=0, cuts=[800], special=[], missing=0.0)
@example(count=1601, seed=1, cuts=[1, 2, 3, 1600], special=[(7, math.nan), (8, math.inf)], missing=0.9)
@settings(max_examples=150, deadline=None)
def test_it_is_what_looking_at_every_step_gives(
    count: int, seed: int, cuts: list[int], special: list[tuple[int, float]], missing: float
) -> None:
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=count), rng.integers(0, 4))  # rounded, so that many are alike
    for place, value in special:
        values[place % count] = value
    steps = np.flatnonzero(rng.uniform(size=count) >= missing)
    if len(steps) == 0:
        steps = np.array([count - 1])
    values = values[steps]
    curve = _thinned(steps, values, sorted(min(cut, len(steps)) for cut in cuts))
    expected = _by_looking(steps.tolist(), values.tolist())
    assert curve.steps == tuple(step for step, _ in expected)
    np.testing.assert_array_equal(curve.values, [value for _, value in expected])
    assert (curve.zeros, curve.of) == (sum(value == 0 for value in values.tolist()), len(steps))
    assert len(curve.steps) <= 2 * STRETCHES


@pytest.mark.parametrize("chunk", [1000, 4999, 100_000])
@pytest.mark.parametrize("spike", [2.0, -1.0, math.nan, math.inf])
def test_a_spike_at_any_one_step_of_a_hundred_thousand_stays(chunk: int, spike: float) -> None:
    steps, smooth = np.arange(100_000), np.linspace(1, 0.5, 100_000)
    for place in (0, 1, 255, 256, 33_333, 77_777, 99_999):
        values = smooth.copy()
        values[place] = spike
        curve = _thinned(steps, values, list(range(chunk, 100_000, chunk)))
        np.testing.assert_array_equal(curve.values[curve.steps.index(place)], spike)
        assert len(curve.steps) <= 2 * STRETCHES


def test_a_run_that_stops_early_is_kept_whole() -> None:
    curve = _thinned(np.arange(100), np.sin(np.arange(100.0)), [40])
    assert curve.steps == tuple(range(100))


@pytest.mark.parametrize("count", [5_000, 300_000])
def test_memory_does_not_grow_with_the_steps(count: int) -> None:
    thinned = Thinned()
    for start in range(0, count, 1000):
        thinned.add(np.arange(start, start + 1000), np.random.default_rng(start).normal(size=1000))
    arrays = (thinned._steps, thinned._values)
    assert all(array.base is None for array in arrays)  # no view keeps a chunk alive
    held = sum(array.nbytes for array in arrays)
    assert 0 < held <= 2 * (2 * STRETCHES * 8)


def test_series_come_in_the_order_in_which_they_began() -> None:
    gathering = Gathering()
    for name in ("loss", "W", "loss"):
        gathering.add(
            "difference", name, np.arange(2) if name == "W" else np.arange(0), np.zeros(2)[: 2 * (name == "W")]
        )
    assert [(curve.name, curve.of, curve.zeros) for curve in gathering.curves()] == [("loss", 0, 0), ("W", 2, 2)]
