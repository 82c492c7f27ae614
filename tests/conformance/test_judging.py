"""Answers are judged: inside the bound, equal, or wrong, with the worst element."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck.conformance.judging import Answer, Judged, judge
from nncheck.conformance.rules import Equal
from nncheck.conformance.sample import Allowed, Sample, at

U, INF, NAN = 2.0**-24, float("inf"), float("nan")
SAMPLE = Sample(call="y = x", operands={"x": at([1.0, 2.0])}, rule=Equal())


def _judged(got: object, expected: object, allowed: Allowed, dtype: str = "float32") -> Judged:
    answer = Answer({"y": np.asarray(got, dtype=float)}, {"y": dtype})
    return judge(SAMPLE, answer, Answer({"y": np.asarray(expected, dtype=float)}, {"y": "float64"}), {"y": allowed})


RADIUS = Allowed(radius=np.array([2.0, 2.0]))


@pytest.mark.parametrize(
    ("got", "expected", "allowed", "right"),
    [
        ([1 + 1.9 * U, 2.0], [1.0, 2.0], RADIUS, True),
        ([1 + 2.1 * U, 2.0], [1.0, 2.0], RADIUS, False),
        ([0.0, 2.0], [1e-39, 2.0], RADIUS, True),  # flushed to zero
        ([NAN, 2.0], [1.0, 2.0], RADIUS, False),
        ([1.0, 2.0], [NAN, 2.0], RADIUS, False),
        ([NAN, INF], [NAN, INF], RADIUS, True),
        ([-INF, 2.0], [INF, 2.0], RADIUS, False),
        ([INF, 2.0], [3e38, 2.0], RADIUS, False),
        ([INF, 2.0], [1.0, 2.0], Allowed(radius=np.array([INF, INF])), False),
        ([1.0, 2.0], [1.0, 2.0], Allowed(), True),
        ([1.0 + 2 * U, 2.0], [1.0, 2.0], Allowed(), False),
        ([0.0, 2.0], [-0.0, 2.0], Allowed(), True),
        ([0.0, 2.0], [-0.0, 2.0], Allowed(bits=True), False),
        ([-0.0, NAN], [-0.0, -NAN], Allowed(bits=True), True),
        ([0.0, 2.0], [1.0, 2.0], Allowed(radius=np.array([NAN, NAN])), False),
    ],
)
def test_values(got: list[float], expected: list[float], allowed: Allowed, right: bool) -> None:
    judged = _judged(got, expected, allowed)
    assert (judged.wrong is None) is right
    assert judged.ratio is None or (judged.ratio <= 1) is right


def test_the_worst_element_is_told() -> None:
    wrong = _judged([1.0, 3.0], [1.0, 2.0], RADIUS).wrong
    assert wrong is not None
    assert (wrong.what, wrong.index, wrong.got, wrong.expected, wrong.error) == ("value", (1,), 3.0, 2.0, 1.0)
    assert wrong.bound == pytest.approx(2 * U, rel=1e-6)


def test_dtype_shape_and_absence() -> None:
    assert _judged([1.0, 2.0], [1.0, 2.0], Allowed(), dtype="bool").wrong.what == "dtype"  # type: ignore[union-attr]
    assert _judged([1.0], [1.0, 2.0], Allowed()).wrong.what == "shape"  # type: ignore[union-attr]
    nothing = judge(SAMPLE, Answer({}, {}), Answer({"y": np.ones(2)}, {"y": "float64"}), {"y": Allowed()})
    assert nothing.wrong is not None and nothing.wrong.what == "missing"
    labels = Answer({"y": np.ones(2)}, {"y": "float32"})
    assert judge(SAMPLE, labels, Answer({"y": np.ones(2)}, {"y": "int64"}), {"y": Allowed()}).wrong is not None
