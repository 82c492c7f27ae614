"""A relation is found where there is one, written as it is computed, and never where there is none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncheck.diagnosis.factors import EXPONENTS
from nncheck.diagnosis.relations import relation
from nncheck.formula.plain import Array
from nncheck.language import use

SIZES = [{"N": 5, "K": 3, "lr": 0.07}, {"N": 7, "K": 3, "lr": 0.07}, {"N": 2, "K": 3, "lr": 0.07}]


def _tensors(seed: int, *shapes: tuple[int, ...]) -> list[Array]:
    generator = np.random.default_rng(seed)
    return [generator.choice((-1.0, 1.0), shape) * generator.uniform(0.2, 1.5, shape) for shape in shapes]


RIGHT = _tensors(0, (4, 5), (3, 3), (4, 5))


@pytest.mark.parametrize("sign", [1, -1])
def test_every_factor_of_small_exponents_is_decoded(sign: int) -> None:
    for a, b, c, d in itertools.product(EXPONENTS, repeat=4):
        if not (a or b or c or d or sign < 0):
            continue
        factors = [sign * 2.0**a * s["N"] ** float(b) * s["K"] ** float(c) * s["lr"] ** d for s in SIZES]
        found = relation("dW", [f * e for f, e in zip(factors, RIGHT)], RIGHT, SIZES)
        assert found is not None
        assert found.text.count(" or ") == 0  # at most the number itself: K is 3 at every point
        # what is written, computed, is the factor at every point: an independent reading of the text
        head, _, below = found.equals.partition(" / ")
        for factor, size in zip(factors, SIZES):
            known = {"dW": 1.0, **size}
            above = np.prod([eval(t, {}, known) for t in head.lstrip("-").split()])
            under = np.prod([eval(t, {}, known) for t in below.strip("()").split()]) if below else 1.0
            assert (-1 if head.startswith("-") else 1) * above / under == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("wrong", "equals"),
    [
        (lambda e, s: 2 * e, "2 dW2"),
        (lambda e, s: e / s["N"], "dW2 / N"),
        (lambda e, s: -e, "-dW2"),
        (lambda e, s: -4 * e / (s["N"] * s["K"]), "-4 dW2 / (N K)"),
        (lambda e, s: e * s["lr"] ** 2, "lr**2 dW2"),
        (lambda e, s: e.T, "dW2.T"),
        (lambda e, s: e.T / s["N"], "dW2.T / N"),
        (lambda e, s: e[::-1], "dW2[::-1]"),
        (lambda e, s: e[:, ::-1], "dW2[:, ::-1]"),
        (lambda e, s: 0 * e, "0"),
        (lambda e, s: np.full_like(e, e.sum()), "dW2.sum()"),
        (lambda e, s: np.array(e.sum()), "dW2.sum()"),
        (lambda e, s: e.sum(axis=0), "dW2.sum(axis=0)"),
        (lambda e, s: e.mean(axis=1, keepdims=True) + 0 * e, "dW2.mean(axis=1)"),
        (lambda e, s: np.cumsum(e, axis=0), "dW2.cumsum(axis=0)"),
        (lambda e, s: e.reshape(-1), "dW2 in another shape"),
        (lambda e, s: 3.7 * e, "3.7 dW2"),
        (lambda e, s: e * np.sqrt(s["N"] + 0.3), "c dW2"),
    ],
)
def test_relations_are_written_as_they_are_computed(wrong: object, equals: str) -> None:
    got = [wrong(e, s) for e, s in zip(RIGHT, SIZES)]  # type: ignore[operator]
    found = relation("dW2", got, RIGHT, SIZES)
    assert found is not None
    assert (found.id, found.equals) == ("relation", equals)
    assert found.text.endswith("at all 3 points.") or equals == "c dW2"


def test_the_text_says_it_in_words() -> None:
    found = relation("dW2", [e.T / s["N"] for e, s in zip(RIGHT, SIZES)], RIGHT, SIZES)
    assert found is not None
    assert found.text == "dW2 is 1/N times the transpose of what it should be, at all 3 points."
    found = relation("dW2", [-e for e in RIGHT], RIGHT, SIZES)
    assert found is not None
    assert found.text == "dW2 is minus what it should be, at all 3 points."


@pytest.mark.parametrize(
    ("ratio", "written"), [(1 + 1e-6, "1.000001"), (-1 - 2e-9, "-1.000000002"), (0.9375, "0.9375")]
)
def test_a_ratio_near_1_is_written_as_what_it_is(ratio: float, written: str) -> None:
    found = relation("dW", [ratio * e for e in RIGHT], RIGHT, SIZES)
    assert found is not None
    assert found.text == f"dW is {written} times what it should be, at all 3 points."
    assert found.equals == f"{written} dW"


def test_relations_are_said_in_korean() -> None:
    with use("ko"):
        found = relation("dW2", [e.T / s["N"] for e, s in zip(RIGHT, SIZES)], RIGHT, SIZES)
        permuted = relation("dB", [RIGHT[0][[2, 0, 3, 1]]], [RIGHT[0]], SIZES[:1])
    assert found is not None and permuted is not None
    assert found.text == "dW2는 비교한 3곳 모두에서 옳은 값의 전치의 1/N배입니다."
    assert (found.equals, permuted.text) == ("dW2.T / N", "dB는 행의 순서만 옳은 값과 다릅니다: [2, 0, 3, 1].")


def test_a_permutation_is_the_same_at_every_point_of_one_shape() -> None:
    order = [2, 0, 3, 1]
    found = relation("dW", [RIGHT[0][order], RIGHT[2][order]], [RIGHT[0], RIGHT[2]], SIZES[:2])
    assert found is not None
    assert found.equals == "dW[[2, 0, 3, 1]]"
    columns = [1, 2, 0, 4, 3]
    found = relation("dW", [RIGHT[0][:, columns]], [RIGHT[0]], SIZES[:1])
    assert found is not None
    assert found.equals == "dW[:, [1, 2, 0, 4, 3]]"
    assert relation("dW", [RIGHT[0][order], RIGHT[2][[2, 0, 1, 3]]], [RIGHT[0], RIGHT[2]], SIZES[:2]) is None


def test_terms_of_a_sum_that_was_left_out() -> None:
    terms = _tensors(3, (5, 3), (7, 3))
    found = relation("db", terms, [t.sum(axis=0) for t in terms], SIZES[:2])
    assert found is not None
    assert found.equals == "db before .sum(axis=0)"


def test_symbols_that_are_powers_of_each_other_are_named_as_alternatives() -> None:
    sizes = [{"N": 4, "K": 2, "lr": 0.07}]
    found = relation("dW", [RIGHT[0] / 2], [RIGHT[0]], sizes)
    assert found is not None
    assert found.equals == "dW / 2"
    assert "1/K" in found.text
    found = relation("dW", [4 * RIGHT[0]], [RIGHT[0]], sizes)
    assert found is not None
    assert (found.equals, "A factor of 4 or" in found.text) == ("N dW", True)


def test_too_little_evidence_is_no_relation() -> None:
    assert relation("E", [np.array(2.0)], [np.array(1.0)], SIZES[:1]) is None  # one number: any ratio fits
    assert relation("db", [np.array([2.0, 4.0])], [np.array([1.0, 2.0])], SIZES[:1]) is None
    assert relation("dY", [np.full((5, 3), 2.0)], [np.ones((5, 3))], SIZES[:1]) is None  # fifteen times one number
    found = relation("E", [np.array(2.0), np.array(6.0)], [np.array(1.0), np.array(3.0)], SIZES[:2])
    assert found is not None
    assert found.equals == "2 E"


def test_one_point_where_it_does_not_hold_is_no_relation() -> None:
    assert relation("dW", [2 * RIGHT[0], 2 * RIGHT[1], 3 * RIGHT[2]], RIGHT, [SIZES[0]] * 3) is not None  # c dW
    spoiled = 2 * RIGHT[2]
    spoiled[0, 0] *= 1 + 1e-8
    assert relation("dW", [2 * RIGHT[0], 2 * RIGHT[1], spoiled], RIGHT, SIZES) is None
    assert relation("dW", [2 * RIGHT[0], -2 * RIGHT[1], 2 * RIGHT[2]], RIGHT, SIZES[:1] * 3) is not None
    found = relation("dW", [2 * RIGHT[0], -2 * RIGHT[1], 2 * RIGHT[2]], RIGHT, SIZES[:1] * 3)
    assert found is not None
    assert found.equals == "c dW"


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        ([np.ones(3)], [np.ones(3)]),  # nothing is wrong
        ([np.array([np.nan, 1.0])], [np.ones(2)]),
        ([np.array(["a"])], [np.ones(1)]),
        ([np.zeros((0, 3))], [np.zeros((0, 3))]),
        ([np.zeros(3)], [np.zeros(3)]),
        ([np.ones(3)], [np.zeros(3)]),
        ([], []),
    ],
)
def test_nothing_to_explain(got: list[Array], expected: list[Array]) -> None:
    assert relation("dW", got, expected, SIZES) is None


def test_a_sum_that_cancels_is_no_factor() -> None:
    centred = [e - e.mean() for e in RIGHT]  # the sum is rounding alone
    assert relation("db", [np.full_like(e, 3.0 * e.sum()) for e in centred], centred, SIZES) is not None  # zeros
    assert relation("db", [np.full_like(e, 0.3) for e in centred], centred, SIZES) is None


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(4, 5), (3, 3), (2, 2), (6,), (2,), (5, 1), (2, 3, 4)]))
def test_unrelated_tensors_have_no_relation(seed: int, shape: tuple[int, ...]) -> None:
    numbers = _tensors(seed, *(shape,) * 4)
    assert relation("dW", numbers[:2], numbers[2:], SIZES[:2]) is None
    assert relation("dW", numbers[:1], numbers[2:3], SIZES[:1]) is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_unrelated_shapes_have_no_relation(seed: int) -> None:
    generator = np.random.default_rng(seed)
    shapes = [tuple(generator.integers(1, 5, generator.integers(0, 4))) for _ in range(4)]
    numbers = _tensors(seed, *shapes)
    assert relation("dW", numbers[:2], numbers[2:], SIZES[:2]) is None


def test_masks_of_one_size_have_no_relation_by_chance() -> None:
    generator = np.random.default_rng(4)
    for _ in range(200):
        got, expected = ((generator.random((2, 4, 3)) < 0.5).astype(float) for _ in range(2))
        if np.array_equal(got[0], expected[0]) or not got.any(axis=(1, 2)).all():
            continue
        found = relation("dA", list(got), list(expected), SIZES[:2])
        assert found is None or "sum" in found.equals or "another order" in found.text, found
