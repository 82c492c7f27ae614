r"""LaTeX of every operation, of every line of every case, and of every optimizer; braces and \left always close."""

from __future__ import annotations

import re

import pytest

from nncheck import case as cases
from nncheck.formula import Apply, Name, Number, read_line
from nncheck.formula.latex import latex_of, number, symbol
from nncheck.formula.reader import FUNCTIONS, REDUCTIONS
from nncheck.hyperparameters import SETTINGS
from nncheck.optimizers import Optimizer


def _latex(text: str, *scalars: str) -> str:
    return latex_of(read_line(f"Q = {text}").expression, scalars=scalars)


OPERATIONS = {
    "a + b - c": "a + b - c",
    "a - (b - c)": r"a - \left(b - c\right)",
    "a - -b": r"a - \left(-b\right)",
    "-(a + b)": r"-\left(a + b\right)",
    "a * b": r"a \odot b",
    "a * (b * c)": r"a \odot \left(b \odot c\right)",
    "2 * a": r"2\, a",
    "a * 2": r"2\, a",
    "2 * 3 * a": r"2 \cdot 3\, a",
    "lr * a": r"\mathit{lr}\, a",
    "(1 - lr) * a ** 2": r"\left(1 - \mathit{lr}\right)\, a^{2}",
    "a.sum() * b": r"\left(\sum a\right)\, b",
    "a / b": r"\frac{a}{b}",
    "a / b * c": r"\frac{a}{b} \odot c",
    "(a / b) ** 2": r"\left(\frac{a}{b}\right)^{2}",
    "a ** 2": "a^{2}",
    "-a ** 2": "-a^{2}",
    "(-a) ** 2": r"\left(-a\right)^{2}",
    "a @ b": r"a\, b",
    "a @ (b @ c)": r"a\, \left(b\, c\right)",
    "a @ b * c": r"\left(a\, b\right) \odot c",
    "a * (b @ c)": r"a \odot \left(b\, c\right)",
    "(a * b) @ c": r"\left(a \odot b\right)\, c",
    "dot(a, b)": r"a\, b",
    "dot(2, b)": r"2\, b",
    "outer(a, b)": r"\operatorname{outer}\left(a, b\right)",
    "a.T @ b": r"a^{\top}\, b",
    "(a @ b).T": r"\left(a\, b\right)^{\top}",
    "a.T.T": r"\left(a^{\top}\right)^{\top}",
    "a > 0": r"\left[a > 0\right]",
    "a >= 0": r"\left[a \ge 0\right]",
    "a < 0": r"\left[a < 0\right]",
    "a <= 0": r"\left[a \le 0\right]",
    "a == 0": r"\left[a = 0\right]",
    "a != 0": r"\left[a \ne 0\right]",
    "b * (a > 0)": r"b \odot \left[a > 0\right]",
    "maximum(a, 0)": r"\max\left(a, 0\right)",
    "minimum(a, b + 1)": r"\min\left(a, b + 1\right)",
    "exp(-a)": r"\exp\left(-a\right)",
    "log(a)": r"\log\left(a\right)",
    "sqrt(a + b)": r"\sqrt{a + b}",
    "abs(a) ** 2": r"\left|a\right|^{2}",
    "sign(a)": r"\operatorname{sign}\left(a\right)",
    "tanh(a)": r"\tanh\left(a\right)",
    "sigmoid(Z2)": r"\sigma\left(Z_{2}\right)",
    "relu(a)": r"\operatorname{relu}\left(a\right)",
    "softmax(a)": r"\operatorname{softmax}\left(a\right)",
    "log_softmax(a)": r"\operatorname{log\,softmax}\left(a\right)",
    "where(a > 0, b, 0.1)": r"\operatorname{where}\left(\left[a > 0\right], b, 0.1\right)",
    "zeros_like(a)": r"\operatorname{zeros}\left(a\right)",
    "ones_like(a)": r"\operatorname{ones}\left(a\right)",
    "a.size": r"\operatorname{size}\left(a\right)",
    "len(a)": r"n_{0}\left(a\right)",
    "a.shape[1]": r"n_{1}\left(a\right)",
    "a.sum()": r"\sum a",
    "(a + b).sum(axis=0)": r"\sum_{\mathrm{axis}\,0} \left(a + b\right)",
    "a.sum(axis=0) * b": r"\left(\sum_{\mathrm{axis}\,0} a\right) \odot b",
    "a.mean(axis=1, keepdims=True)": r"\operatorname{mean}_{\mathrm{axis}\,1}\left(a\right)",
    "a.max()": r"\operatorname{max}\left(a\right)",
    "a.min(axis=-1)": r"\operatorname{min}_{\mathrm{axis}\,-1}\left(a\right)",
    "1e-8 * a": r"10^{-8}\, a",
    "1.5e-8 + a": r"1.5 \times 10^{-8} + a",
    "0.1234567890123 * a": r"0.1234567890123\, a",
    "100000 * a": r"10^{5}\, a",
}


@pytest.mark.parametrize("text", OPERATIONS)
def test_an_operation(text: str) -> None:
    assert _latex(text, "lr") == OPERATIONS[text]


def test_every_operation_of_the_grammar_stands_in_that_table() -> None:
    written = " ".join(OPERATIONS)
    assert all(f"{name}(" in written for name in (*FUNCTIONS, "len"))
    assert all(f".{name}(" in written for name in REDUCTIONS)
    assert all(f" {sign} " in written for sign in ("+", "-", "*", "/", "**", "@", ">", ">=", "<", "<=", "==", "!="))


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("W", "W"),
        ("W2", "W_{2}"),
        ("W12'", "W_{12}'"),
        ("dW", "dW"),
        ("dZ2", "dZ_{2}"),
        ("YT", r"\mathit{YT}"),
        ("delta", r"\mathit{delta}"),
        ("d", "d"),
        ("lr", r"\mathit{lr}"),
        ("weight_decay", r"\mathit{weight\_decay}"),
        ("beta1", r"\beta_{1}"),
        ("alpha", r"\alpha"),
        ("eps", r"\epsilon"),
        ("M[W]", "M_{W}"),
        ("M[W2]'", "M_{W_{2}}'"),
        ("a1b", r"\mathit{a1b}"),
        ("x_", r"\mathit{x\_}"),
    ],
)
def test_a_name(name: str, latex: str) -> None:
    assert symbol(name) == latex


@pytest.mark.parametrize(
    ("value", "latex"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (-2.0, "-2"),
        (0.123456, "0.1235"),
        (1e-9, "10^{-9}"),
        (-1e-9, "-10^{-9}"),
        (-1.25e12, r"-1.25 \times 10^{12}"),
        (float("nan"), r"\mathrm{NaN}"),
        (float("-inf"), r"-\infty"),
    ],
)
def test_a_number(value: float, latex: str) -> None:
    assert number(value) == latex


def _is_closed(latex: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\[{}]", "", latex):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0 and len(re.findall(r"\\left(?![a-z])", latex)) == len(re.findall(r"\\right(?![a-z])", latex))


def test_every_line_of_every_case_and_optimizer_is_closed() -> None:
    lines = [line for case in cases.every() for line in case.derivation().lines]
    lines += [line for name in SETTINGS for line in Optimizer(name, {"weight_decay": 0.1}).lines.lines]
    assert len(lines) > 60
    for line in lines:
        assert _is_closed(latex_of(line.expression)), line.text
    assert not _is_closed(r"\left(a") and not _is_closed("{a}}")


def test_the_lines_of_relu_sigmoid() -> None:
    assert {line.name: latex_of(line.expression) for line in cases.find("relu_sigmoid").derivation().lines} == {
        "Z": r"X\, W^{\top} + B",
        "H": r"\max\left(Z, 0\right)",
        "Z2": r"H\, W_{2}^{\top} + B_{2}",
        "Y": r"\sigma\left(Z_{2}\right)",
        "E": r"\operatorname{mean}\left(\left(Y - \mathit{YT}\right)^{2}\right)",
        "dY": r"\frac{2\, \left(Y - \mathit{YT}\right)}{\operatorname{size}\left(Y\right)}",
        "dZ2": r"dY \odot Y \odot \left(1 - Y\right)",
        "dW2": r"dZ_{2}^{\top}\, H",
        "dB2": r"\sum_{\mathrm{axis}\,0} dZ_{2}",
        "dH": r"dZ_{2}\, W_{2}",
        "dZ": r"dH \odot \left[Z > 0\right]",
        "dW": r"dZ^{\top}\, X",
        "dB": r"\sum_{\mathrm{axis}\,0} dZ",
    }


def test_a_negative_literal_stands_in_parentheses() -> None:
    assert latex_of(Apply("subtract", (Name("a"), Number(-2.0)))) == r"a - \left(-2\right)"
