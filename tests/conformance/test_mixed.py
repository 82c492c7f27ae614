"""A convolution by Winograd's algorithm is right, though its elements are off by more than sums of their own terms."""

from __future__ import annotations

import numpy as np

from nncheck.conformance.asking import OnCpu, numbers_of
from nncheck.conformance.bench import Bench
from nncheck.conformance.judging import Answer, judge
from nncheck.conformance.rules import Terms
from nncheck.conformance.sample import Draw, Sample
from nncheck.formula.plain import Array
from nncheck.rounding import UNIT

# F(4 x 4, 3 x 3) by the points 0, 1, -1, 2, -2 and infinity: Lavin and Gray, Fast Algorithms for Convolutional Neural
# Networks (2016), section 4.3
_INPUT = """4 0 -5 0 1 0; 0 -4 -4 1 1 0; 0 4 -4 -1 1 0; 0 -2 -1 2 1 0; 0 2 -1 -2 1 0; 0 4 0 -5 0 1"""
_KERNEL = """6 0 0; -4 -4 -4; -4 4 -4; 1 2 4; 1 -2 4; 0 0 24"""  # times 24
_OUTPUT = """1 1 1 1 1 0; 0 1 -1 2 -2 0; 0 1 1 4 4 0; 0 1 -1 8 -8 1"""


def _matrix(text: str, divided: float = 1.0) -> Array:
    rows = np.array([[float(number) for number in row.split()] for row in text.split(";")])
    return (rows / divided).astype(np.float32)


def _winograd(x: Array, w: Array) -> Array:
    """Convolve x (6, 6) with w (3, 3) to (4, 4), in float32."""
    B, G, A = _matrix(_INPUT), _matrix(_KERNEL, 24.0), _matrix(_OUTPUT)
    products = (G @ w.astype(np.float32) @ G.T) * (B @ x.astype(np.float32) @ B.T)
    return np.asarray(A @ products @ A.T)


def test_a_convolution_by_winograd_is_right_and_a_skewed_one_is_not(bench: Bench) -> None:
    draw, beyond = Draw("winograd"), 0
    for _ in range(20):
        operands = {"x": draw.real(1, 1, 6, 6, grad=False), "w": draw.real(1, 1, 3, 3, grad=False)}
        sample = Sample(call="y = F.conv2d(x, w)", operands=operands, rule=Terms(mixed=("y",)))
        numbers = numbers_of(sample)
        expected = bench.ask(sample, "cpu", numbers)
        asked = OnCpu(bench, sample, UNIT["float32"], "cuda", expected.values, numbers)
        y = _winograd(operands["x"].values[0, 0], operands["w"].values[0, 0])[None, None]
        for factor, right in ((1.0, True), (1.0003, False)):
            got = Answer({"y": (y * factor).astype(np.float64)}, {"y": "float32"})
            assert (judge(sample, got, expected, sample.rule.bounds(sample, asked)).wrong is None) is right
            if right:
                beyond += judge(sample, got, expected, Terms().bounds(sample, asked)).wrong is not None
    assert beyond > 5  # which would all be called wrong by their own terms
