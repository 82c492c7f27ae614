"""Lines compute what NumPy computes, alone and stacked: a stack gives, point by point, what each point gives."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck.errors import FormulaError
from nncheck.formula import PlainArithmetic, evaluate, plain, read

RNG = np.random.default_rng(11)
X = RNG.normal(size=(5, 3))
W = RNG.normal(size=(4, 3))
B = RNG.normal(size=4)
INPUTS = {"X": X, "W": W, "B": B, "Y": RNG.uniform(0.1, 0.9, (5, 4)), "v": RNG.normal(size=3)}


def _softmax(a: np.ndarray) -> np.ndarray:
    return np.exp(a) / np.exp(a).sum(axis=-1, keepdims=True)


EXPECTED = {
    "X @ W.T + B": X @ W.T + B,
    "X @ v": X @ INPUTS["v"],
    "v @ W.T": INPUTS["v"] @ W.T,
    "dot(X, v)": X @ INPUTS["v"],
    "dot(2, X)": 2 * X,
    "outer(B, v)": np.outer(B, INPUTS["v"]),
    "(Y - 0.5) ** 2 / Y.size": (INPUTS["Y"] - 0.5) ** 2 / 20,
    "Y ** -1.5": INPUTS["Y"] ** -1.5,
    "X.sum()": X.sum(),
    "X.sum(axis=0)": X.sum(axis=0),
    "X.mean(axis=1, keepdims=True)": X.mean(axis=1, keepdims=True),
    "X.max(axis=-1)": X.max(axis=-1),
    "X.min()": X.min(),
    "maximum(X, 0)": np.maximum(X, 0),
    "minimum(X, 0.25)": np.minimum(X, 0.25),
    "relu(X)": np.maximum(X, 0),
    "abs(X) + sign(X)": np.abs(X) + np.sign(X),
    "sqrt(Y) * log(Y) - exp(Y)": np.sqrt(INPUTS["Y"]) * np.log(INPUTS["Y"]) - np.exp(INPUTS["Y"]),
    "tanh(X)": np.tanh(X),
    "sigmoid(X)": 1 / (1 + np.exp(-X)),
    "softmax(X)": _softmax(X),
    "log_softmax(X)": np.log(_softmax(X)),
    "where(X > 0, X, 0.01 * X)": np.where(X > 0, X, 0.01 * X),
    "(X > 0) + (X <= 0)": np.ones_like(X),
    "(X < 0) * 1 + (X >= 0) * 2 + (X == X) - (X != X)": np.where(X < 0, 2.0, 3.0),
    "zeros_like(X) + ones_like(B.T.sum())": np.ones_like(X),
    "len(X) * X.shape[1]": 15.0,
    "-X.T": -X.T,
}


@pytest.mark.parametrize("formula", EXPECTED)
def test_formula_gives_what_numpy_gives(formula: str) -> None:
    values = evaluate(read(f"r = {formula}"), {k: plain(v) for k, v in INPUTS.items()}, PlainArithmetic())
    np.testing.assert_allclose(values["r"].array, EXPECTED[formula], rtol=1e-13, atol=1e-15)
    assert values["r"].shape == np.shape(EXPECTED[formula])


@pytest.mark.parametrize("formula", EXPECTED)
@pytest.mark.parametrize("wide", [False, True])
def test_a_stack_gives_what_each_point_gives(formula: str, wide: bool) -> None:
    points = [{k: v * (1 + 0.01 * s) for k, v in INPUTS.items() if k != "X"} for s in range(6)]
    if wide:  # past the size up to which products are summed term by term
        axes = {"W": 0, "B": 0, "Y": 1}
        points = [{k: np.repeat(v, 20, axis=axes[k]) if k in axes else v for k, v in p.items()} for p in points]
    derivation = read(f"r = {formula}")
    stacked = {k: plain(np.stack([p[k] for p in points]), stacked=True) for k in points[0]}
    together = evaluate(derivation, {"X": plain(X), **stacked}, PlainArithmetic())["r"]
    for s, point in enumerate(points):
        alone = evaluate(derivation, {"X": plain(X), **{k: plain(v) for k, v in point.items()}}, PlainArithmetic())["r"]
        got = np.broadcast_to(together.array, (6, *together.shape))[s]
        np.testing.assert_allclose(got, alone.array, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("r = X @ W", r"X @ W  cannot be computed: @ needs equal inner sizes, got shapes \(5, 3\) and \(4, 3\)"),
        ("r = X + B", "cannot be computed"),
        ("r = X @ 2", "@ needs vectors or matrices"),
        ("r = X.sum(axis=2)", r"axis 2 does not exist in shape \(5, 3\)"),
        ("r = B.shape[1]", "axis 1 does not exist"),
        ("r = XX + 1", "XX is not known here; did you mean X?"),
        ("X = W", "X is given; a line cannot define it anew"),
    ],
)
def test_what_cannot_be_computed_names_line_and_shapes(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        evaluate(read(text), {k: plain(v) for k, v in INPUTS.items()}, PlainArithmetic())
