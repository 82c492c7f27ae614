"""Every operation of the formulas in torch gives what NumPy gives, and is differentiated."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.autograd.client import Worker
from nncheck.formula import PlainArithmetic, evaluate, plain, read
from nncheck.formula.plain import Array
from nncheck.formula.reader import FUNCTIONS, REDUCTIONS

FORWARD = """
Y = X @ W.T + B
E = ((Y - YT) ** 2).mean()
"""
EVERY = """
a1 = X + YT - X / (2 + X) * -X
a2 = abs(X) ** 1.5 + X ** 2 + (2 + X) ** YT
a3 = maximum(X, YT) + minimum(X, 0.1) + maximum(0.1, X)
a4 = exp(X) + log(abs(X)) + sqrt(abs(X)) + sign(X) + tanh(X) + sigmoid(X) + relu(X)
a5 = softmax(Y) + log_softmax(Y) + where(X > 0, X, YT)
a6 = (X > 0) + (X >= 0) + (X < YT) + (X <= YT) + (X == X) + (X != X)
a7 = zeros_like(X) + ones_like(X) * X.size * len(X) * X.shape[1]
a8 = X.sum() + X.sum(axis=0) + X.sum(axis=1, keepdims=True) + X.sum(keepdims=True)
a9 = X.mean() + X.mean(axis=0) + X.max() + X.max(axis=0) + X.min() + X.min(axis=-1, keepdims=True)
b1 = dot(X, W.T) + dot(2, X) + X @ W.T + (W @ X.T).T
b2 = outer(X, YT)
b3 = X.sum(axis=0) @ W + W @ X.sum(axis=0)
"""


def _point(n: int = 3) -> dict[str, Array]:
    random = np.random.default_rng(5)
    return {
        "X": random.normal(size=(n, 2)),
        "YT": random.normal(size=(n, 2)),
        "W": random.normal(size=(2, 2)),
        "B": random.normal(size=2),
    }


def _asked(worker: Worker, text: str, point: dict[str, Array]) -> dict[str, Array]:
    worker.load_case(cases.find("two_to_two"))
    _, answer = worker.ask("lines", point, derivation=text, updates=False, t=1, lr=0.1)
    return answer


def test_every_operation_gives_what_numpy_gives(worker: Worker) -> None:
    assert all(f"{name}(" in EVERY for name in FUNCTIONS)
    assert all(f".{name}(" in EVERY for name in REDUCTIONS)
    point = _point()
    got = _asked(worker, FORWARD + EVERY, point)
    known = {name: plain(array) for name, array in point.items()}
    expected = evaluate(read(FORWARD + EVERY), known, PlainArithmetic())
    for line in read(EVERY).names:
        np.testing.assert_allclose(got[line], expected[line].array, rtol=1e-13, atol=1e-15, err_msg=line)


def test_a_gradient_is_autograds_whatever_its_line_says(worker: Worker) -> None:
    point = _point()
    got = _asked(worker, FORWARD + "dY = Y\ndW = W\ndB = B\ndX = X\ndE = Y\nG = dY.T @ X\n", point)
    Y = point["X"] @ point["W"].T + point["B"]
    dY = 2 * (Y - point["YT"]) / Y.size
    expected = {"dY": dY, "dW": dY.T @ point["X"], "dB": dY.sum(axis=0), "dX": dY @ point["W"], "dE": 1.0}
    for name, array in expected.items():
        np.testing.assert_allclose(got[name], array, rtol=1e-13, err_msg=name)
    np.testing.assert_allclose(got["G"], got["dW"], rtol=1e-13)  # no gradient: from autograd's values
    for name in ("E", "Y", "dW", "dB"):
        np.testing.assert_allclose(got[f"own:{name}"], got[name], rtol=1e-13)


@pytest.mark.parametrize("line", ["maximum(Z, 0)", "maximum(0, Z)", "relu(Z)", "Z - minimum(Z, 0)"])
def test_at_the_kink_a_constant_takes_the_gradient(worker: Worker, line: str) -> None:
    """Where Z is exactly 0, as torch.relu does; Z - min(Z, 0) has both branches equal and keeps Z's own."""
    point = {"X": np.zeros((1, 2)), "YT": np.ones((1, 2)), "W": np.zeros((2, 2)), "B": np.zeros(2)}
    got = _asked(worker, f"Z = X @ W.T + B\nY = {line}\nE = ((Y - YT) ** 2).mean()\ndZ = Z\n", point)
    expected = -1.0 if "minimum" in line else 0.0
    np.testing.assert_array_equal(got["dZ"], [[expected, expected]])


@pytest.mark.parametrize("line", ["maximum(Z, 0)", "minimum(0, Z)", "relu(Z)"])
def test_what_is_no_number_stays_so(worker: Worker, line: str) -> None:
    point = {"X": np.full((1, 2), np.nan), "YT": np.ones((1, 2)), "W": np.ones((2, 2)), "B": np.zeros(2)}
    got = _asked(worker, f"Z = X @ W.T + B\nY = {line}\nE = ((Y - YT) ** 2).mean()\n", point)
    assert np.isnan(got["Y"]).all()


def test_what_no_parameter_reaches_has_gradient_0(worker: Worker) -> None:
    got = _asked(worker, "P = YT + 1\nS = X * 2\n" + FORWARD + "dP = Y\ndS = Y\n", _point())
    assert not got["dP"].any()
    assert not got["dS"].any()
