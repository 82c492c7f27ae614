"""A judge flags what rounding cannot explain, from the first step on, and says when it cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck.judging import Judge
from nncheck.rounding import Precision

EXACT = Precision("float64", "float64")
SINGLE = Precision("float32", "float64")


def _judge(got: object, expected: object, radius: object, precision: Precision = EXACT) -> Judge:
    judge = Judge("derivation", "dW", precision)
    got, expected = np.asarray(got, float), np.asarray(expected, float)
    judge.add(np.arange(len(got)), got, expected, None if radius is None else np.asarray(radius, float))
    return judge


def test_inside_the_bound_agrees_and_a_millionth_differs() -> None:
    expected = np.full((3, 2), 0.5)
    assert _judge(expected * (1 + 2e-16), expected, expected).verdict == "agree"
    planted = expected.copy()
    planted[1, 0] *= 1.000001
    judge = _judge(planted, expected, expected)
    assert judge.verdict == "differ"
    assert (judge.first_step, judge.differing) == (1, 1)
    assert judge.worst is not None
    assert (judge.worst.step, judge.worst.index) == (1, (0,))


def test_one_step_of_many_is_enough_to_differ_and_every_chunk_counts() -> None:
    judge = Judge("device", "W", EXACT)
    ones = np.ones((4, 2))
    judge.add(np.arange(4), ones, ones, ones)
    wrong = ones.copy()
    wrong[2] = 2.0
    judge.add(np.arange(4, 8), wrong, ones, ones)
    assert (judge.verdict, judge.first_step, judge.differing, judge.steps) == ("differ", 6, 1, 8)


def test_unresolved_elements_cannot_be_told() -> None:
    assert _judge([[1e-20, 1.0]], [[1e-20, 1.0]], [[1.0, 1.0]]).verdict == "cannot-tell"


def test_float32_resolves_to_a_part_of_the_largest_element() -> None:
    values, radius = [[1e-6, 1.0]], [[1.0, 1.0]]  # a bound of 6e-8: 6e-2 of the first element, 6e-8 of the second
    assert _judge(values, values, radius, SINGLE).verdict == "agree"
    assert _judge([[1e-6]], [[1e-6]], [[1.0]], SINGLE).verdict == "cannot-tell"


def test_a_later_step_can_resolve() -> None:
    assert _judge([[1e-20], [1.0]], [[1e-20], [1.0]], [[1.0], [1.0]]).verdict == "agree"


def test_exact_zero_is_resolved_and_agrees_only_with_zero() -> None:
    assert _judge([[0.0, 1.0]], [[0.0, 1.0]], [[0.0, 1.0]]).verdict == "agree"
    assert _judge([[1e-12]], [[0.0]], [[0.0]]).verdict == "differ"


def test_a_quantity_that_is_zero_at_every_step_was_not_tried() -> None:
    judge = _judge([[0.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.0]])
    assert (judge.verdict, judge.why_not_told) == (
        "cannot-tell",
        "it is exactly 0 at every step, so that nothing was tried",
    )


def test_what_is_not_finite_resolves_nothing() -> None:
    assert _judge([[np.inf]], [[np.inf]], [[np.inf]]).verdict == "cannot-tell"
    assert _judge([[np.nan]], [[np.nan]], [[np.inf]]).verdict == "cannot-tell"


def test_zeros_never_pass_for_a_tiny_gradient() -> None:
    assert _judge([[0.0]], [[1e-12]], [[1e-12]]).verdict == "differ"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite_on_one_side_differs(value: float) -> None:
    assert _judge([[value]], [[1.0]], [[1.0]]).verdict == "differ"
    assert _judge([[1.0]], [[value]], [[1.0]]).verdict == "differ"
    assert _judge([[value]], [[1.0]], None, SINGLE).verdict == "differ"


def test_not_finite_on_both_sides_is_noted_with_its_step() -> None:
    judge = _judge([[1.0], [np.nan]], [[1.0], [np.nan]], [[1.0], [np.nan]])
    assert (judge.verdict, judge.not_finite) == ("agree", 1)


def test_overflow_of_the_coarser_type_is_no_difference() -> None:
    assert _judge([[np.inf]], [[1e39]], [[np.inf]], SINGLE).verdict == "cannot-tell"


def test_fixed_tolerance_where_no_lines_are_and_only_in_float64() -> None:
    judge = _judge([[1.0, 1e-3]], [[1.0, 1e-3 + 5e-11]], None)
    assert (judge.verdict, judge.rule) == ("agree", "fixed tolerance")
    assert _judge([[1.0, 1e-3]], [[1.0, 1e-3 + 5e-10]], None).verdict == "differ"
    judge = _judge([[1.0]], [[2.0]], None, SINGLE)
    assert (judge.verdict, judge.rule) == ("cannot-tell", "not covered")
