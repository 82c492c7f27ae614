"""A device's functions may be as far off as their makers promise, and no further."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.formula import BoundArithmetic, DeviceArithmetic, evaluate, exact, plain, radius_like, read
from nncheck.formula.bound import Bounded
from nncheck.rounding import Precision, lines_of

U = 2.0**-24
SINGLE = Precision("float32", "float64")


def _radius(line: str, x: float, kind: str) -> float:
    arithmetic = DeviceArithmetic(U, kind) if kind else BoundArithmetic(U)
    found = evaluate(read(f"y = {line}"), {"x": exact(np.array([x]))}, arithmetic)["y"]
    return float(radius_like(found)[0] / abs(found.value.array[0]))


@pytest.mark.parametrize("x", [-8.0, -0.7, 0.3, 5.0])
def test_a_shader_may_take_exp_to_21_bits_and_its_argument_to_a_few_ulp(x: float) -> None:
    promised = 2.0**-21 / U + abs(x)  # the relative error itself, and that of a rounded x log2 e
    assert _radius("exp(x)", x, "") < promised < _radius("exp(x)", x, "directml") < 4 * promised


@pytest.mark.parametrize(
    ("line", "ulp"), [("exp(x)", 3), ("tanh(x)", 5), ("sqrt(x)", 3), ("1 / x", 2.5), ("x ** 2.5", 16)]
)
def test_what_opencl_allows_is_inside_the_bound_of_xpu_and_cuda(line: str, ulp: float) -> None:
    for kind in ("xpu", "cuda"):
        assert 2 * ulp <= _radius(line, 0.7, kind) < 10 * ulp


def test_a_sum_of_products_is_no_wider_on_any_device() -> None:
    for kind in ("directml", "cuda", "xpu", "mps"):
        assert _radius("x * x + x", 0.7, kind) == _radius("x * x + x", 0.7, "")


def test_the_errors_of_an_operand_are_carried_on() -> None:
    x = Bounded(plain(np.array([0.5])), plain(np.array([100.0])))
    own = evaluate(read("y = exp(x)"), {"x": x}, DeviceArithmetic(U, "directml"))["y"]
    assert radius_like(own)[0] > 100 * np.exp(0.5)


def test_the_run_of_a_case_is_judged_by_its_own_device() -> None:
    radii = {}
    for name in ("hidden", "softmax_cross_entropy"):
        case = cases.find(name)
        params = {key: array[None] for key, array in case.params.items()}
        for kind in ("", "directml"):
            radii[name, kind] = lines_of(case).radii(case.X, case.YT, params, SINGLE, device=kind).radius["dW"]
    # the mean squared error divides, and no more
    assert (radii["hidden", "directml"] < 1.5 * radii["hidden", ""]).all()
    assert (radii["softmax_cross_entropy", "directml"] > 1.2 * radii["softmax_cross_entropy", ""]).any()
