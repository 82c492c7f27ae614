"""The reader takes what is in the grammar, refuses all else with its place, and never raises anything but its error."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncheck.errors import FormulaError
from nncheck.formula import Apply, Name, Number, read, read_line


def test_a_line_becomes_nodes() -> None:
    line = read_line("dW2 = dZ2.T @ H")
    assert line.name == "dW2"
    assert line.expression == Apply("matmul", (Apply("transpose", (Name("dZ2"),)), Name("H")))


@pytest.mark.parametrize(
    ("code", "op", "options"),
    [
        ("a = X.sum()", "sum", {"axis": None, "keepdims": False}),
        ("a = X.sum(0)", "sum", {"axis": 0, "keepdims": False}),
        ("a = X.mean(axis=1, keepdims=True)", "mean", {"axis": 1, "keepdims": True}),
        ("a = X.max(axis=-1)", "max", {"axis": -1, "keepdims": False}),
        ("a = X.size", "size", {}),
        ("a = X.shape[0]", "shape", {"axis": 0}),
        ("a = len(X)", "shape", {"axis": 0}),
        ("a = np.maximum(X, 0)", "maximum", {}),
        ("a = maximum(X, 0)", "maximum", {}),
        ("a = X >= 0", "greater_equal", {}),
        ("a = X ** 2", "power", {}),
        ("a = -X", "negative", {}),
    ],
)
def test_operations_and_options(code: str, op: str, options: dict[str, object]) -> None:
    expression = read_line(code).expression
    assert isinstance(expression, Apply)
    assert (expression.op, dict(expression.options)) == (op, options)


def test_comments_and_blank_lines_are_passed_over_and_places_kept() -> None:
    derivation = read("# 순전파\n\nY = X @ W.T + B   # 예측\n  E = Y.mean()\n")
    assert derivation.names == ("Y", "E")
    assert derivation.lines[1].where == "derivation.txt, line 4"
    assert derivation.lines[0].text == "Y = X @ W.T + B"


def test_numbers_are_float64() -> None:
    assert read_line("a = 2").expression == Number(2.0)
    assert read_line("a = 1e-3").expression == Number(0.001)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("dW", "expected  NAME = expression"),
        ("dW == X", "expected  NAME = expression"),
        ("dW = ", "cannot be read"),
        ("dW, dB = X", "plain name"),
        ("X[0] = 1", "plain name"),
        ("a = X.Tt", "did you mean T?"),
        ("a = X.summ()", "did you mean sum?"),
        ("a = maximun(X, 0)", "did you mean maximum?"),
        ("a = maximum(X)", "takes 2 value(s), got 1"),
        ("a = X.sum(axis=0.5)", "whole number"),
        ("a = X.sum(keepdims=1)", "keepdims=True"),
        ("a = X.sum(axis=0, dtype=1)", "axis and keepdims only"),
        ("a = 0 < X < 1", "one comparison"),
        ("a = X[0]", "only after .shape"),
        ("a = exp", "write exp(...)"),
        ("exp = X", "name of a function"),
        ("a = 'x'", "expected a number"),
        ("a = True", "expected a number"),
        ("a = 1e999", "too large"),
        ("a = " + "9" * 400, "too large"),
        ("a = lambda: 0", "got 'lambda: 0'"),
        ("a = __import__('os')", "got __import__()"),
        ("a = X.__class__", "got .__class__"),
        ("a = (X := 1)", "got"),
        ("a = [x for x in X]", "got"),
        ("a = X if X else X", "got"),
        ("a = f'{X}'", "got"),
        ("a = X and X", "got"),
        ("a = ~X", "got"),
        ("a = X % 2", "got"),
        ("a = X // 2", "got"),
        ("a = W\u0430", "plain ASCII"),
        ("a = \uff37", "plain ASCII"),
        ("a = " + "(" * 60 + "X" + ")" * 60, "nested more than 40 deep"),
        ("a = " + "-" * 60 + "X", "nested more than 40 deep"),
        ("import os", "expected  NAME = expression"),
        ("a = 1; b = 2", "expected  NAME = expression"),
    ],
)
def test_what_is_not_in_the_grammar_is_refused_with_its_reason(code: str, words: str) -> None:
    with pytest.raises(FormulaError) as caught:
        read_line(code)
    assert words in str(caught.value)


def test_an_error_names_line_and_column() -> None:
    with pytest.raises(FormulaError, match=r"derivation\.txt, line 2, column 12: got \.foo"):
        read("Y = X\n  dW = Y + X.foo")


def test_a_name_defined_twice_an_empty_text_and_a_long_one_are_refused() -> None:
    with pytest.raises(FormulaError, match="dW is defined a second time"):
        read("dW = X\ndW = X")
    with pytest.raises(FormulaError, match="no formula found"):
        read("# nothing\n")
    with pytest.raises(FormulaError, match="at most 10,000"):
        read("a = X\n" * 2000)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="XWdYT0123456789.()[]*/+-@=<>, npsumaxlogeTshape_:'\"\\#{}\t\n\x00\u00e9", max_size=80))
def test_no_text_gives_anything_but_a_derivation_or_its_error(text: str) -> None:
    try:
        derivation = read("a = " + text)
    except FormulaError as error:
        assert error.where.startswith("derivation.txt")
    else:
        assert derivation.names[0] == "a"


def test_hostile_lines_are_refused_quickly() -> None:
    lines = ["a = " + "9**" * 200 + "9", "a = " + "X." * 3000 + "T", "a = " + "[" * 3000, "a = " + "X+" * 4000 + "X"]
    began = time.perf_counter()
    for line in lines * 25:
        with pytest.raises(FormulaError):
            read_line(line)
    assert time.perf_counter() - began < 5
