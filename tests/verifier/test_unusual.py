"""Code that is right and looks unusual: read as what it is, and said so."""

from __future__ import annotations

import pytest

from nncheck import case as cases
from nncheck import source
from tests.verifier.conftest import RIGHT, Held
from tests.verifier.test_runs import assessed

SOFTMAX = source.read_text(cases.find("softmax_cross_entropy").folder / "manual.py")
LOGARITHM = SOFTMAX.replace(
    "    return -(YT * log_P).sum() / len(Y)",
    "    P = np.exp(log_P)\n    return -(YT * np.log(P + EPS)).sum() / len(Y)",
)


@pytest.mark.parametrize("eps", ["1e-7", "1e-8", "1e-10", "1e-12", "1e-15", "np.finfo(float).eps"])
def test_a_logarithm_that_is_guarded_against_zero_is_read_so(held: Held, eps: str) -> None:
    result = held(LOGARITHM.replace("EPS", eps), "softmax_cross_entropy")
    assert result.verdict == "agree", result.findings
    if eps == "1e-7":
        assert any("safeguard against log(0)" in said for said in result.read_as)


def test_a_clipped_probability_is_read_so(held: Held) -> None:
    text = LOGARITHM.replace("P + EPS", "np.clip(P, 1e-2, 1 - 1e-2)")
    assert held(text, "softmax_cross_entropy").findings[0].quantity == "E"  # too coarse to be a safeguard
    assert held(text.replace("1e-2", "1e-7"), "softmax_cross_entropy").verdict == "agree"


def test_a_guard_that_is_no_constant_differs(held: Held) -> None:
    result = held(LOGARITHM.replace("EPS", "1e-7 * Y"), "softmax_cross_entropy")
    assert result.findings[0].quantity == "E" and result.faults == ("loss",)


def test_a_guarded_loss_does_not_hide_a_wrong_gradient(held: Held) -> None:
    text = LOGARITHM.replace("EPS", "1e-7").replace("dZ = dH * (Z > 0)", "dZ = dH")
    result = held(text, "softmax_cross_entropy")
    assert [finding.quantity for finding in result.findings] == ["dZ"]


SCRIPT = """
import numpy as np
X = np.array([[.05, .10]]); T = np.array([[0., 1.]])
W1 = np.array([[.15, .20], [.25, .30]]); b1 = np.array([.35, .35])
W2 = np.array([[.40, .45], [.50, .55]]); b2 = np.array([.60, .60])
for epoch in range(50):
    Z1 = X @ W1.T + b1
    A1 = np.maximum(0, Z1)
    Z2 = A1 @ W2.T + b2
    P = np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True)
    loss = -(T * np.log(P + 1e-7)).sum()
    d2 = P - T
    d1 = (d2 @ W2) * (Z1 > 0)
    W1 = W1 - 0.01 * d1.T @ X
    b1 = b1 - 0.01 * d1.sum(axis=0)
    W2 = W2 - 0.01 * d2.T @ A1
    b2 = b2 - 0.01 * d2.sum(axis=0)
"""


def test_a_script_may_guard_its_logarithm() -> None:
    found = assessed(SCRIPT, "softmax_cross_entropy")
    assert not found.findings, found.findings
    assert any("safeguard" in note for note in found.notes)


def test_a_script_that_guards_it_and_never_updates_a_bias_is_told_of_the_bias() -> None:
    finding = assessed(SCRIPT.replace("    b2 = b2 -", "    b0 = b2 -"), "softmax_cross_entropy").findings[0]
    assert finding.quantity == "dB2"
    assert finding.explanations[0].id == "db.zero"


CLASS = """
import numpy as np

class Net:
    def forward(self, params, X):
        self.X, self.Y = X, X @ params["W"].T + params["B"]
        return self.Y, None

    def loss(self, Y, YT):
        return np.mean((Y - YT) ** 2)

    def backward(self, params, cache, YT):
        dY = 2 * (self.Y - YT) / YT.size
        return {"W": dY.T @ self.X, "B": dY.sum(axis=0)}
"""


@pytest.mark.parametrize("end", ["\nnet = Net()\n", ""], ids=["an object", "a class"])
def test_an_object_or_its_class_holds_the_functions(held: Held, end: str) -> None:
    assert held(CLASS + end).verdict == "agree"
    wrong = held((CLASS + end).replace("2 * (self.Y - YT)", "(self.Y - YT)"))
    assert wrong.findings[0].explanations[0].id == "mse.no2"


def test_functions_may_be_bound_to_names(held: Held) -> None:
    text = RIGHT.replace("def backward(", "def back(") + "\nbackward = back\n"
    assert held(text).verdict == "agree"


def test_at_one_point_nothing_is_named(held: Held) -> None:
    text = RIGHT.replace("def loss(Y, YT):", "def loss(Y, YT):\n    assert len(Y) == 1\n").replace(
        "np.mean((Y - YT) ** 2)", "np.abs(Y - YT).mean()"
    )
    result = held(text)
    assert result.findings[0].kind == "code"
    assert not any(finding.explanations for finding in result.findings)


def test_a_line_that_is_only_where_it_is_seen_is_said_to_be_that(held: Held) -> None:
    text = RIGHT.replace("    dY = 2 * (Y - YT) / Y.size\n    dW, dB = dY.T @ X, dY.sum(axis=0)\n", "").replace(
        'return {"W": dW, "B": dB}',
        'e = (Y - YT) / Y.size\n    return {\n        "W": e.T @ X,\n        "B": e.sum(axis=0),\n    }',
    )
    result = held(text, hints=1)
    line = text.split("\n").index('        "W": e.T @ X,') + 1
    assert result.findings[0].explanations[0].equals == "dY = (Y - YT) / Y.size"
    assert result.hints == (f"Look at dY. It is first seen in dW (line {line} of your file).",)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("H = np.maximum(Z, 0)", "H = np.tanh(Z)", "H = np.tanh(Z)"),
        ("return np.mean((Y - YT) ** 2)", "return np.mean(np.abs(Y - YT))", "return np.mean(np.abs(Y - YT))"),
    ],
)
def test_what_is_wrong_forward_is_looked_for_forward(held: Held, old: str, new: str, place: str) -> None:
    own = source.read_text(cases.find("relu_sigmoid").folder / "manual.py")
    assert old in own
    text = own.replace(old, new)
    finding = held(text, "relu_sigmoid").findings[0]
    assert finding.line == text.split("\n").index(f"    {place}") + 1


@pytest.mark.parametrize(
    ("kept", "update", "noted"),
    [("W1", "W1 -= 0.01 *", True), ("W1.copy()", "W1 -= 0.01 *", False), ("W1", "W1 = W1 - 0.01 *", False)],
)
def test_a_history_of_one_and_the_same_array_is_noted(kept: str, update: str, noted: bool) -> None:
    text = SCRIPT.replace("for epoch", "history = []\nfor epoch").replace("W1 = W1 - 0.01 *", update)
    found = assessed(text + f"    history.append({kept})\n", "softmax_cross_entropy")
    assert not found.findings
    assert any("keeps W1 itself" in note for note in found.notes) == noted
