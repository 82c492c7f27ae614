"""A formula with numbers in it is the formula, whatever the numbers: negative, tiny, many, none."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck.formula import PlainArithmetic, evaluate, plain, read
from nncheck.formula.filled import filled, filled_latex, latex_numbers, numbers

VALUES = {
    "a": np.array([[1.0, -2.0]]),
    "W": np.array([[0.123456, 2.0], [3.0, 4e-9]]),
    "v": np.array([0.5, -0.25]),
    "s": np.array(-0.5),
    "p": np.array(3.0),
    "tiny": np.array(1.5e-9),
}


@pytest.mark.parametrize(
    ("text", "as_text", "as_latex"),
    [
        (
            "a @ W.T + v",
            "[[1, -2]] @ [[0.1235, 2], [3, 4e-09]].T + [0.5, -0.25]",
            r"\begin{bmatrix} 1 & -2 \end{bmatrix}\, \begin{bmatrix} 0.1235 & 2 \\ 3 & 4 \times 10^{-9} \end{bmatrix}"
            r"^{\top} + \begin{bmatrix} 0.5 & -0.25 \end{bmatrix}",
        ),
        ("a.size + len(W)", "2 + 2", "2 + 2"),
        ("(a @ W).shape[0] * p", "1 * 3", r"1 \cdot 3"),
        ("p - s", "3 - (-0.5)", r"3 - \left(-0.5\right)"),
        ("s ** 2", "(-0.5) ** 2", r"\left(-0.5\right)^{2}"),
        ("tiny ** 2", "1.5e-09 ** 2", r"\left(1.5 \times 10^{-9}\right)^{2}"),
        ("abs(s)", "abs(-0.5)", r"\left|-0.5\right|"),
        ("s * v", "(-0.5) * [0.5, -0.25]", r"\left(-0.5\right)\, \begin{bmatrix} 0.5 & -0.25 \end{bmatrix}"),
        ("p * s", "3 * (-0.5)", r"3\, \left(-0.5\right)"),
        (
            "v * (v > 0)",
            "[0.5, -0.25] * ([0.5, -0.25] > 0)",
            r"\begin{bmatrix} 0.5 & -0.25 \end{bmatrix} \odot "
            r"\left[\begin{bmatrix} 0.5 & -0.25 \end{bmatrix} > 0\right]",
        ),
        ("v.sum(axis=0)", "[0.5, -0.25].sum(axis=0)",
         r"\sum_{\mathrm{axis}\,0} \begin{bmatrix} 0.5 & -0.25 \end{bmatrix}"),
    ],
)  # fmt: skip
def test_names_become_numbers(text: str, as_text: str, as_latex: str) -> None:
    (line,) = read(f"Q = {text}").lines
    assert filled(line.expression, VALUES) == as_text
    assert filled_latex(line.expression, VALUES) == as_latex


@pytest.mark.parametrize("text", ["p - s * tiny / p", "s ** 2 - (s - p)", "-s * (p + s)", "maximum(s, tiny) * p"])
def test_what_is_filled_in_reads_back_to_the_same_value(text: str) -> None:
    (line,) = read(f"Q = {text}").lines
    again = read(f"Q = {filled(line.expression, VALUES)}")
    known = {name: plain(array) for name, array in VALUES.items()}
    expected = evaluate(read(f"Q = {text}"), known, PlainArithmetic())["Q"].array
    assert evaluate(again, {}, PlainArithmetic())["Q"].array == pytest.approx(expected, rel=1e-12)


def test_a_large_array_is_shortened() -> None:
    large = np.arange(1.0, 51.0).reshape(5, 10)
    assert numbers(large) == "[[1, 2, 3, ...], [11, 12, 13, ...], [21, 22, 23, ...], ...]"
    assert numbers(np.arange(4.0)) == "[0, 1, 2, 3]"
    assert latex_numbers(large) == (
        r"\begin{bmatrix} 1 & 2 & 3 & \cdots \\ 11 & 12 & 13 & \cdots \\ 21 & 22 & 23 & \cdots \\ "
        r"\vdots & \ddots \end{bmatrix}"
    )
    assert latex_numbers(np.arange(5.0)) == r"\begin{bmatrix} 0 & 1 & 2 & \cdots \end{bmatrix}"


def test_what_is_no_number_is_said() -> None:
    assert numbers(np.array([np.nan, np.inf, -np.inf, -0.0])) == "[nan, inf, -inf, 0]"
    assert r"\mathrm{NaN} & \infty & -\infty" in latex_numbers(np.array([np.nan, np.inf, -np.inf]))
