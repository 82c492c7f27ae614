"""Shapes are what NumPy gives, found without computing; what is too large or does not fit is refused at its place."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck.errors import FormulaError
from nncheck.formula import PlainArithmetic, evaluate, plain, read, read_line
from nncheck.formula.sizes import ShapeArithmetic, TooLargeError, shape_of, shortened

ARRAYS = {"X": np.ones((5, 3)), "W": np.ones((4, 3)), "B": np.ones(4), "v": np.ones(3), "s": np.ones(())}
SHAPES = {name: array.shape for name, array in ARRAYS.items()}


@pytest.mark.parametrize(
    "formula",
    [
        "X @ W.T + B",
        "X @ v",
        "v @ X.T",
        "v @ v",
        "dot(X, v)",
        "dot(2, X)",
        "outer(B, X)",
        "X.sum()",
        "X.sum(axis=0)",
        "X.mean(axis=-1, keepdims=True)",
        "X.max(keepdims=True)",
        "where(X > 0, X, s)",
        "softmax(X) * log_softmax(X)",
        "X.size + len(X) + X.shape[1]",
        "zeros_like(X) - ones_like(v)",
        "-abs(X.T) ** 2",
        "2",
    ],
)
def test_a_shape_is_that_of_the_value(formula: str) -> None:
    value = evaluate(read(f"r = {formula}"), {k: plain(v) for k, v in ARRAYS.items()}, PlainArithmetic())["r"]
    assert shape_of(read_line(f"r = {formula}"), SHAPES, ShapeArithmetic()) == value.shape


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("B + X @ W", "column 9: `X @ W` cannot be computed: @ needs equal inner sizes, got shapes (5, 3) and (4, 3)"),
        ("X * B", "column 5: `X * B` cannot be computed: shapes (5, 3) and (4,) do not fit element by element"),
        ("X @ s", "@ needs vectors or matrices"),
        ("X.sum(axis=2)", "axis 2 does not exist in shape (5, 3)"),
        ("v.shape[1]", "axis 1 does not exist in shape (3,)"),
        ("X + missing", "column 9: missing cannot be computed"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(formula: str, words: str) -> None:
    with pytest.raises(FormulaError) as caught:
        shape_of(read_line(f"r = {formula}"), SHAPES, ShapeArithmetic())
    assert words in str(caught.value)
    assert not isinstance(caught.value.__cause__, TooLargeError)


def test_more_elements_than_the_limit_are_refused_and_then_not_counted() -> None:
    shapes = ShapeArithmetic(limit=100)
    with pytest.raises(
        FormulaError, match=r"column 5: `outer\(X, X\)` .* shape \(15, 15\) has more than 100"
    ) as caught:
        shape_of(read_line("r = outer(X, X)"), SHAPES, shapes)
    assert isinstance(caught.value.__cause__, TooLargeError)
    assert shapes.work == 0
    for _ in range(6):
        shape_of(read_line("r = X + X"), SHAPES, shapes)
    with pytest.raises(FormulaError, match="the formulas up to here ask for more than 100"):
        shape_of(read_line("r = X + X"), SHAPES, shapes)


def test_a_product_counts_every_term_of_its_sums() -> None:
    shapes = ShapeArithmetic()
    shape_of(read_line("r = X @ W.T"), SHAPES, shapes)
    assert shapes.work == 5 * 4 * 3


def test_a_long_text_is_cut() -> None:
    assert shortened("a" * 80) == "a" * 80
    assert len(shortened("a" * 81)) == 80
    assert shortened("a" * 81).endswith("...")
