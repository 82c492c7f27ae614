"""No false alarm: correct functions in six styles, nets of any depth, width and regime, judged as in `verify`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.cache import VARIABLE
from nncheck.case import Case
from nncheck.formula import Derivation, read
from nncheck.verifier.returned import return_names

from .programs import Judge
from .styles import STYLES, Net, holder_of

REGIMES = ("normal", "small", "large", "near the optimum", "zero biases", "grid")
KINDS = {
    "relu_sigmoid": ("relu", "sigmoid"),
    "softmax_cross_entropy": ("relu", "softmax"),
    "hidden": ("none", "none"),
    "one_to_one": ("none", "none"),
}
COUNT = 10_000
LARGEST = 300.0


@dataclass(frozen=True)
class Written:
    """A net with data of its own, and a correct program for it."""

    style: str
    regime: str
    case: Case
    derivation: Derivation
    source: str

    def __str__(self) -> str:
        return f"{self.case.name} {self.case.sizes}, N = {len(self.case.X)}, {self.regime}, {self.style}"


def written(count: int, seed: int) -> Iterator[Written]:
    """Draw nets and programs, every style, kind and regime in turn."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        style = list(STYLES)[i % 6]
        name = list(KINDS)[i // 6 % 4]
        regime = REGIMES[i // 24 % 6]
        layers = 1 if name == "one_to_one" else int(rng.choice((1, 2, 2, 2, 3, 4)))
        net = Net(*KINDS[name], layers)
        case = _case(net, name, regime, int(rng.choice((1, 4, 32))), rng)
        yield Written(style, regime, case, read(net.derivation()), STYLES[style](net))


def _case(net: Net, name: str, regime: str, batch: int, rng: np.random.Generator) -> Case:
    outputs = int(rng.integers(2, 6)) if net.output == "softmax" else int(rng.integers(1, 6))
    sizes = (1, 1) if name == "one_to_one" else (*rng.integers(1, 7, net.layers).tolist(), outputs)
    scale = {"small": 1e-4, "large": 4.0}.get(regime, 1.0)

    def numbers(*shape: int) -> np.ndarray:
        if regime == "grid":
            return rng.integers(-2, 3, shape) / 2
        return rng.normal(0, scale, shape)

    params = {}
    for i, n in enumerate(net.numbers):
        params[f"W{n}"] = numbers(sizes[i + 1], sizes[i])
        params[f"B{n}"] = np.zeros(sizes[i + 1]) if regime == "zero biases" else numbers(sizes[i + 1])
    X = numbers(batch, sizes[0])
    largest = np.abs(_logits(net, params, X)).max()
    if largest > LARGEST:  # beyond it exp overflows in what is not written with care, and is no more right
        params[f"W{net.numbers[-1]}"] *= LARGEST / largest
        params[f"B{net.numbers[-1]}"] *= LARGEST / largest
    YT = _targets(net, regime, _output(net, params, X), rng)
    return replace(cases.find(name), params=params, X=X, YT=YT)


def _targets(net: Net, regime: str, Y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if net.output == "softmax":
        if regime != "near the optimum" and rng.random() < 0.7:
            return np.eye(Y.shape[1])[rng.integers(0, Y.shape[1], len(Y))]
        e = np.exp(Y - Y.max(axis=1, keepdims=True))
        YT = np.round(e / e.sum(axis=1, keepdims=True) * 2**20) / 2**20  # rows whose sum is 1 in float64
        YT[np.arange(len(Y)), YT.argmax(axis=1)] += 1 - YT.sum(axis=1)
        return YT
    if regime == "near the optimum":
        return Y + rng.normal(0, 1e-7, Y.shape)
    return rng.uniform(0, 1, Y.shape)


def _output(net: Net, params: dict[str, np.ndarray], X: np.ndarray) -> np.ndarray:
    A = _logits(net, params, X)
    return 1 / (1 + np.exp(-A)) if net.output == "sigmoid" else A


def _logits(net: Net, params: dict[str, np.ndarray], A: np.ndarray) -> np.ndarray:
    for n in net.numbers:
        A = A @ params[f"W{n}"].T + params[f"B{n}"]
        if n != net.numbers[-1] and net.hidden == "relu":
            A = np.maximum(A, 0)
    return A


def alarms(count: int, seed: int) -> list[str]:
    """Return what was said against correct programs."""
    with mock.patch.dict(os.environ, {VARIABLE: ""}):  # of nets that never come again nothing is kept
        return list(_alarms(count, seed))


def _alarms(count: int, seed: int) -> Iterator[str]:
    for one in written(count, seed):
        said = alarmed(one)
        if said:
            yield said


def alarmed(one: Written) -> str:
    """Return what is said against a program; empty if nothing is."""
    assessment = Judge(one.case, one.derivation).assess(holder_of(one.source), return_names(one.source), one.source)
    return f"{one}: {assessment.findings[0].text}" if assessment.findings else ""


@pytest.mark.slow
def test_hundreds_of_correct_programs_raise_no_alarm() -> None:
    assert alarms(240, seed=3) == []


@pytest.mark.slow
def test_a_planted_factor_raises_one() -> None:
    for one in written(24, seed=8):
        spoiled = one.source.replace(".sum(axis=0)", ".sum(axis=0) * 1.000001")
        if one.style != "rows":
            continue
        assert alarmed(replace(one, source=spoiled)), str(one)


@pytest.mark.slow
def test_ten_thousand_correct_programs_raise_no_alarm() -> None:
    assert alarms(COUNT, seed=1) == []
