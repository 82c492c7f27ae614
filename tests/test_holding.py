"""Two values are held against each other element by element: inside the bound they agree, beyond it they differ."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck.holding import hold

RIGHT = np.array([1.0, -2.0, 0.0])
BOUND = np.array([1e-15, 2e-15, 1e-320])


@pytest.mark.parametrize(
    ("got", "bound", "verdict", "index"),
    [
        (RIGHT, BOUND, "agree", (0,)),
        (RIGHT + np.array([0, 1e-15, 0]), BOUND, "agree", (1,)),
        (RIGHT * 1.000001, BOUND, "differ", (1,)),
        (RIGHT + np.array([2e-15, 1.9e-15, 0]), BOUND, "differ", (0,)),  # the larger difference is within its bound
        (RIGHT + np.array([0, 0, 1e-300]), BOUND, "differ", (2,)),
        (RIGHT * [1, 1, np.nan], BOUND, "differ", (2,)),
        (RIGHT, BOUND * 1e13, "cannot-tell", (0,)),
        (RIGHT * 1.000001, BOUND + np.inf, "cannot-tell", (1,)),
        (RIGHT, None, "cannot-tell", (0,)),
        (np.zeros(3), BOUND, "differ", (1,)),
    ],
)
def test_verdicts(got: np.ndarray, bound: np.ndarray | None, verdict: str, index: tuple[int, ...]) -> None:
    held = hold(got, RIGHT, bound)
    assert (held.verdict, held.index) == (verdict, index)


def test_an_exact_zero_agrees_and_another_shape_differs() -> None:
    assert hold(np.zeros(2), np.zeros(2), np.full(2, 1e-320)).verdict == "agree"
    assert hold(np.zeros(2), np.zeros(2), np.full(2, 1e-16)).verdict == "cannot-tell"
    assert hold(np.zeros((1, 2)), np.zeros(2), np.zeros(2)) == hold(np.zeros(3), np.zeros(2), None)
    assert hold(np.zeros(3), np.zeros(2), None).verdict == "differ"


def test_nan_on_both_sides_is_not_told() -> None:
    both = np.array([1.0, np.nan])
    assert hold(both, both, np.full(2, 1e-15)).verdict == "cannot-tell"
    none = hold(both[1:], both[1:], np.full(1, 1e-15))
    assert (none.verdict, none.difference, none.index) == ("cannot-tell", None, None)


def test_an_update_is_resolved_by_what_it_moves() -> None:
    W = np.array([1.0])
    assert hold(W, W, np.array([1e-15]), np.array([1e-3])).verdict == "agree"
    assert hold(W, W, np.array([1e-15]), np.array([1e-13])).verdict == "cannot-tell"
    assert hold(W, W, np.array([1e-320]), np.array([0.0])).verdict == "agree"  # it moves nothing, exactly
    assert hold(W, W, np.array([1e-16]), np.array([0.0])).verdict == "cannot-tell"
