"""What is printed reads back to the same expression."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncheck import case as cases
from nncheck.formula import Apply, Name, Number, read_line, text_of


@pytest.mark.parametrize(
    "text",
    [
        "2 * (Y - YT) / Y.size",
        "dZ2.T @ H",
        "-(YT * log_softmax(Y)).sum() / len(Y)",
        "(a - b) - c",
        "a - (b - c)",
        "(-a) ** 2",
        "-a ** 2",
        "a ** b ** c",
        "(a ** b) ** c",
        "dH * (Z > 0)",
        "X.shape[1] * (Y + 1).sum(axis=0, keepdims=True)",
        "where(Z > 0, 1, 0.1) @ W.T.T",
        "0.1234567890123 * X",
    ],
)
def test_prints_what_reads_back(text: str) -> None:
    node = read_line(f"Q = {text}").expression
    assert read_line(f"Q = {text_of(node)}").expression == node


def test_every_line_of_every_case_prints_as_it_is_written() -> None:
    for case in cases.every():
        for line in case.derivation().lines:
            assert f"{line.name} = {text_of(line.expression)}" == line.text


leaves = st.sampled_from([Name("a"), Name("b"), Number(2.0), Number(0.5)])
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            lambda op, x, y: Apply(op, (x, y)),
            st.sampled_from(["add", "subtract", "multiply", "divide", "matmul", "power", "maximum", "greater"]),
            inner,
            inner,
        ),
        st.builds(lambda op, x: Apply(op, (x,)), st.sampled_from(["negative", "transpose", "exp", "size"]), inner),
        st.builds(
            lambda op, x, axis, keep: Apply(op, (x,), (("axis", axis), ("keepdims", keep))),
            st.sampled_from(["sum", "mean", "max"]),
            inner,
            st.sampled_from([None, 0, 1, -1]),
            st.booleans(),
        ),
    ),
    max_leaves=12,
)


@given(expressions)
@settings(max_examples=300, deadline=None)
def test_any_expression_reads_back(node: object) -> None:
    # a comparison within a comparison needs its parentheses, a number its sign
    assert read_line(f"Q = {text_of(node)}").expression == node
