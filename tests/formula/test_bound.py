"""The running error bound holds for float32 and is not far above the error; each rule's radius is known from paper."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck.formula import BoundArithmetic, Bounded, evaluate, exact, plain, radius_like, read

U32, U64 = 2.0**-24, 2.0**-53


def _radius(formula: str, **inputs: tuple[float, float]) -> float:
    """Radius of a formula of scalars, each given as (value, radius)."""
    values = {k: Bounded(plain(v), plain(e)) for k, (v, e) in inputs.items()}
    return float(radius_like(evaluate(read(f"r = {formula}"), values, BoundArithmetic(U64))["r"]))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [  # a = 3 with radius 5, b = 2 with radius 7: from the table of the running error analysis
        ("a + b", 5 + 7 + 5),
        ("a - b", 5 + 7 + 1),
        ("a * b", 3 * 7 + 2 * 5 + U64 * 35 + 6),
        ("a / b", (5 + 1.5 * 7) / (2 - U64 * 7) + 1.5),
        ("-a", 5),
        ("abs(a)", 5),
        ("0.5 * a", 0.5 * 5 + 1.5),
        ("0.1 * a", 0.1 * 5 + 3 * 0.1 + 0.3),
        ("a ** 2", 2 * 3 * 5 + U64 * 25 + 2 * 9),
        ("exp(b)", np.exp(2) * (7 + 2)),
        ("log(a)", 5 / (3 - U64 * 5) + 2 * np.log(3)),
        ("sqrt(a)", 5 / (2 * np.sqrt(3)) + 2 * np.sqrt(3)),
        ("tanh(b)", (1 - np.tanh(2) ** 2) * (7 + 2) + 2 * np.tanh(2)),
        ("maximum(a, b)", 5),
        ("minimum(a, b)", 7),
        ("relu(a)", 5),
        ("where(a > b, a, b)", 5),
        ("sign(a)", 0),
        ("(a > b) * b", 7 + 2),
        ("sigmoid(b)", 0.8807970779778823 * 0.11920292202211755 * 9 + 2 * 0.8807970779778823 + 1),
    ],
)
def test_radius_of_each_rule(formula: str, expected: float) -> None:
    assert _radius(formula, a=(3.0, 5.0), b=(2.0, 7.0)) == pytest.approx(expected, rel=1e-12)


def test_radius_of_products_and_sums() -> None:
    A, B = np.array([[1.0, -2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [-7.0, 8.0]])
    eA, eB = np.full((2, 2), 0.5), np.full((2, 2), 0.25)
    values = {"A": Bounded(plain(A), plain(eA)), "B": Bounded(plain(B), plain(eB))}
    got = evaluate(read("M = A @ B\nS = A.sum(axis=0)\nm = A.mean()"), values, BoundArithmetic(U64))
    np.testing.assert_allclose(radius_like(got["M"]), abs(A) @ eB + eA @ abs(B) + 2 * abs(A) @ abs(B))
    np.testing.assert_allclose(radius_like(got["S"]), eA.sum(0) + abs(A).sum(0))
    np.testing.assert_allclose(radius_like(got["m"]), (2.0 + 3 * 10) / 4 + 2 * 1.5)


def test_a_bias_may_have_been_the_first_term_of_the_sum() -> None:
    values = {"x": exact([[1.0, 1.0, 1.0]]), "w": exact([[2.0], [3.0], [4.0]]), "b": exact([-9.0])}
    got = evaluate(read("z = x @ w + b"), values, BoundArithmetic(U64))["z"]
    assert float(radius_like(got)[0, 0]) == pytest.approx(3 * 9 + 0 + 3 * 9)  # k |A| |B|, |v| = 0, k |b|


def test_the_square_of_a_difference_that_is_zero_in_theory_keeps_its_error() -> None:
    a = Bounded(plain([0.0]), plain([3.0]))
    for formula in ("r = a ** 2", "r = a * a"):
        radius = float(radius_like(evaluate(read(formula), {"a": a}, BoundArithmetic(U32))["r"])[0])
        assert radius == pytest.approx(U32 * 9)


def test_what_rounding_may_make_zero_has_no_bounded_logarithm_and_quotient() -> None:
    a = Bounded(plain([4e-8]), plain([1.0]))  # 1 - sigmoid(17) in float32, which rounds it to 0
    for formula in ("r = log(a)", "r = 1 / a"):
        assert np.isinf(radius_like(evaluate(read(formula), {"a": a}, BoundArithmetic(U32))["r"])).all()


def test_underflow_is_carried_forward() -> None:
    P = Bounded(plain([4e-44]), plain([0.0]))  # a float32 denormal: off by its own size, or flushed to zero
    got = evaluate(read("Q = 1 * P\nr = 1e8 * Q"), {"P": P}, BoundArithmetic(U32))["r"]
    assert U32 * float(radius_like(got)[0]) >= 4e-36


def test_a_kink_admits_both_branches_and_is_named() -> None:
    Z = Bounded(plain([[1e-17, 1.0]]), plain([[1.0, 1.0]]))
    arithmetic = BoundArithmetic(U64)
    values = evaluate(read("dZ = G * (Z > 0)"), {"Z": Z, "G": exact([[3.0, 3.0]])}, arithmetic)
    radius = radius_like(values["dZ"])
    assert 2 * U64 * radius[0, 0] >= 3.0  # the derivative may be 0 or 3 there
    assert 2 * U64 * radius[0, 1] < 1e-14
    np.testing.assert_array_equal(arithmetic.kinks["dZ"], [[True, False]])


def test_a_comparison_of_data_is_no_kink() -> None:
    arithmetic = BoundArithmetic(U64)
    values = evaluate(read("m = YT > 0"), {"YT": exact([[0.0, 1.0]])}, arithmetic)
    assert values["m"].radius is None
    assert not arithmetic.kinks


def test_a_dead_unit_has_a_radius_of_nothing_but_underflow() -> None:
    Z = Bounded(plain([[-1.0]]), plain([[1.0]]))
    G = Bounded(plain([[0.3]]), plain([[2.0]]))
    assert radius_like(evaluate(read("dZ = G * (Z > 0)"), {"Z": Z, "G": G}, BoundArithmetic(U64))["dZ"])[0, 0] < 1e-290


FORMULAS = {
    "linear": "r = X @ W.T + B",
    "mse": "r = ((X @ W.T + B) ** 2).mean()",
    "sigmoid": "s = sigmoid(X @ W.T + B)\nr = s * (1 - s)",
    "tanh": "t = tanh(X @ W.T)\nr = 1 - t * t",
    "softmax": "r = softmax(X @ W.T + B) - 0.1",
    "log_softmax": "r = -(log_softmax(X @ W.T) * 0.3).sum() / len(X)",
    "log and sqrt": "r = log(sqrt(abs(X @ W.T) + 0.7))",
    "norm": "r = X / sqrt((X ** 2).sum(axis=1, keepdims=True))",
}


def _float32(name: str, X: np.ndarray, W: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Compute the same in float32, written anew."""
    Z = X @ W.T + B
    if name == "linear":
        return Z
    if name == "mse":
        return np.mean(Z**2)
    if name == "sigmoid":
        s = np.float32(0.5) * (1 + np.tanh(Z / 2))
        return s * (1 - s)
    if name == "tanh":
        return 1 - np.tanh(X @ W.T) ** 2
    if name == "softmax":
        P = np.exp(Z - Z.max(axis=-1, keepdims=True))
        return P / P.sum(axis=-1, keepdims=True) - np.float32(0.1)
    if name == "log_softmax":
        Y = X @ W.T
        m = Y.max(axis=-1, keepdims=True)
        log_P = Y - m - np.log(np.exp(Y - m).sum(axis=-1, keepdims=True))
        return -(log_P * np.float32(0.3)).sum() / np.float32(len(X))
    if name == "log and sqrt":
        return np.log(np.sqrt(np.abs(X @ W.T) + np.float32(0.7)))
    return X / np.sqrt((X**2).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 5.0])
def test_float32_stays_inside_the_bound_and_a_planted_error_does_not(name: str, scale: float) -> None:
    rng = np.random.default_rng(5)
    largest = 0.0
    for _ in range(60):
        X, W, B = ((scale * rng.normal(size=s)).astype(np.float32) for s in ((rng.integers(1, 9), 4), (3, 4), (3,)))
        inputs = {"X": exact(X), "W": exact(W), "B": exact(B)}
        value = evaluate(read(FORMULAS[name]), inputs, BoundArithmetic(U32))["r"]
        bound = (U32 + U64) * radius_like(value) + np.finfo(np.float32).tiny
        got = _float32(name, X, W, B).astype(np.float64)
        ratio = np.abs(got - value.value.array) / bound
        largest = max(largest, float(ratio.max()))
        resolved = bound < 1e-4 * np.abs(value.value.array)
        assert (np.abs(got * 1.001 - value.value.array) > bound)[resolved].all()
    assert largest <= 1
    assert scale != 1.0 or largest > 0.01  # a bound far above every error would be no bound
