"""10,000 random nets of the document's kinds: no false alarm in either precision, and planted errors caught.

The nets are given to a `Comparison` as the steps of a run: the hand-written loss, gradient and update (float64 and
float32) and the device's (torch, float32: loss, gradient, update by SGD) are judged as those of a run are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from nncheck import case as cases
from nncheck import manual
from nncheck.autograd.gradients import at_points
from nncheck.autograd.network import Network
from nncheck.case import Case, shapes_for
from nncheck.compare import Comparison
from nncheck.rounding import Lines, Precision, target_slack
from nncheck.trajectory import Chunk, Run, Witness

REGIMES = (
    "normal",
    "small",
    "large",
    "near the optimum",
    "at the optimum",
    "zero biases",
    "cancelling biases",
    "grid",
)
LR = 0.07


@dataclass(frozen=True)
class Nets:
    """S nets of one kind, one shape and one regime, on the same data."""

    regime: str
    case: Case
    params: dict[str, np.ndarray]
    model: Any
    loss: Any

    @property
    def count(self) -> int:
        return len(self.params["W"])


def _single(array: np.ndarray) -> np.ndarray:
    return np.asarray(array).astype(np.float32).astype(np.float64)


def _draw(count: int, seed: int) -> Iterator[Nets]:
    """Draw at least ``count`` nets, in stacks of 21 that share kind, shape, regime and data."""
    rng = np.random.default_rng(seed)
    drawn = 0
    while drawn < count:
        for name in cases.names():
            for regime in REGIMES:
                nets = _stack(name, regime, rng)
                drawn += nets.count
                yield nets


def _stack(name: str, regime: str, rng: np.random.Generator, stack: int = 21) -> Nets:
    case = cases.find(name)
    sizes = tuple(int(n) for n in rng.integers(1, 6, len(case.sizes)))
    batch = int(rng.choice((1, 4, 32)))
    scale = {"small": 1e-3, "large": 8.0}.get(regime, 1.0)
    X = _single(scale * rng.normal(size=(batch, sizes[0])))
    params = {k: _single(scale * rng.normal(size=(stack, *s))) for k, s in shapes_for(case.params, sizes).items()}
    if regime == "zero biases":
        params = {k: np.zeros_like(p) if k.startswith("B") else p for k, p in params.items()}
    if regime == "cancelling biases":  # the pre-activations of the first sample are next to nothing
        params["B"] = _single(-np.einsum("i,soi->so", X[0], params["W"]))
    if regime == "grid":  # exact zeros, ties and kinks
        X = np.round(2 * X) / 2
        params = {k: np.round(2 * p) / 2 for k, p in params.items()}
    hand = manual.load(case.folder / "manual.py")
    if name == "softmax_cross_entropy":
        YT = (
            rng.dirichlet(np.ones(sizes[-1]), batch)
            if rng.random() < 0.5
            else np.eye(sizes[-1])[rng.integers(0, sizes[-1], batch)]
        )
    elif "optimum" in regime:
        noise = 1e-5 if regime == "near the optimum" else 0.0
        YT = hand.forward({k: p[0] for k, p in params.items()}, X)[0] + noise * rng.normal(size=(batch, sizes[-1]))
        params = {k: _single(p[:1] + 0.1 * noise * rng.normal(size=p.shape)) for k, p in params.items()}
    else:
        YT = scale * rng.normal(size=(batch, sizes[-1]))
    network = Network(case.folder)
    case = replace(case, X=X, YT=YT, lr=LR, params={k: p[0] for k, p in params.items()})
    return Nets(regime, case, params, network.build(sizes, tuple(params)), network.loss)


def _by_hand(nets: Nets, dtype: str) -> Run:
    hand = manual.load(nets.case.folder / "manual.py")
    X, YT = nets.case.X.astype(dtype), _single(nets.case.YT).astype(dtype)
    before = {k: p.astype(dtype) for k, p in nets.params.items()}
    losses, rows = [], []
    with np.errstate(all="ignore"):
        for s in range(nets.count):
            E, gradients = hand.step({k: p[s] for k, p in before.items()}, X, YT)
            losses.append(E)
            rows.append(gradients)
    gradients = {k: np.stack([row[k] for row in rows]).astype(dtype) for k in before}
    after = {k: (p - LR * gradients[k]).astype(dtype) for k, p in before.items()}
    return Run(losses=np.array(losses), before=before, after=after, gradients=gradients)


def _on_the_device(nets: Nets) -> Run:
    """Do a real step of torch in float32 for every net."""
    X, YT = (torch.tensor(a, dtype=torch.float32) for a in (nets.case.X, nets.case.YT))
    model = nets.model.float()
    losses: list[Any] = []
    gradients: dict[str, list[Any]] = {k: [] for k in nets.params}
    after: dict[str, list[Any]] = {k: [] for k in nets.params}
    for s in range(nets.count):
        with torch.no_grad():
            for parameter, values in zip(model.parameters(), nets.params.values()):
                parameter.copy_(torch.tensor(values[s]))
        optimizer = torch.optim.SGD(model.parameters(), lr=LR)
        E = nets.loss(model(X), YT)
        optimizer.zero_grad()
        E.backward()
        optimizer.step()
        losses.append(E.item())
        for k, parameter in zip(nets.params, model.parameters()):
            gradients[k].append(parameter.grad.numpy().copy())
            after[k].append(parameter.detach().numpy().copy())
    return Run(
        losses=np.array(losses, dtype=np.float32),
        before={k: p.astype(np.float32) for k, p in nets.params.items()},
        after={k: np.stack(v) for k, v in after.items()},
        gradients={k: np.stack(v) for k, v in gradients.items()},
    )


def _compared(nets: Nets, hand: Run, dtype: str) -> Comparison:
    YT = _single(nets.case.YT)
    E, gradients = at_points(nets.model.double(), nets.loss, nets.case.X, YT, list(nets.params.values()))
    witness = Witness(losses=E, gradients=dict(zip(nets.params, gradients)))
    lines = Lines(nets.case.derivation())
    comparison = Comparison(
        nets.case, nets.case.X, YT, lines, hand_dtype=dtype, every=1000, steps=nets.count, certified=False
    )
    device = _on_the_device(nets)
    comparison.add(Chunk(start=0, device=device, device_witness=witness, hand=hand, hand_witness=witness))
    return comparison


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_false_alarm_in_thousands_of_nets(count: int) -> None:
    seen = 0
    worst: dict[str, float] = {}  # where no kink is near, which admits both of its branches
    for nets in _draw(count, seed=2):
        seen += nets.count
        for dtype in ("float64", "float32"):
            comparison = _compared(nets, _by_hand(nets, dtype), dtype)
            assert comparison.findings() == (), (nets.case.name, dtype, nets.params, nets.case.X, nets.case.YT)
            if nets.regime == "normal":
                for quantity in comparison.quantities():
                    side = "device" if quantity.side == "device" else f"{dtype} hand"
                    kind = {"E": "loss", "d": "gradient"}.get(quantity.name[0], "update")
                    worst[f"{side} {kind}"] = max(worst.get(f"{side} {kind}", 0.0), quantity.ratio)
    print(f"\n{seen} nets, largest error / bound of the normal ones: {worst}")
    assert seen >= count
    # a bound that is never nearly reached would be no bound
    assert worst["device update"] > 0.5
    assert worst["device gradient"] > 0.2
    assert worst["float64 hand gradient"] > 0.05


MISTAKES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "millionth": lambda g: g * 1.000001,
    "sign": lambda g: -g,
    "factor 2": lambda g: 2 * g,
    "transpose": lambda g: g.transpose(0, 2, 1),
}


def test_planted_errors_are_caught_in_all_but_the_entries_that_float64_cannot_resolve() -> None:
    caught = dict.fromkeys(MISTAKES, 0)
    planted = dict.fromkeys(MISTAKES, 0)
    for nets in _draw(10_000, seed=4):
        hand = _by_hand(nets, "float64")
        YT = _single(nets.case.YT)
        _, gradients = at_points(nets.model.double(), nets.loss, nets.case.X, YT, list(nets.params.values()))
        for name, mistake in MISTAKES.items():
            for (key, own), expected in zip(hand.gradients.items(), gradients):
                if name == "transpose" and (own.ndim != 3 or own.shape[1] != own.shape[2] or own.shape[1] == 1):
                    continue
                wrong = mistake(own)
                moved = np.abs(wrong - expected) > 1e-8 * np.abs(expected)  # the mistake changes this entry at all
                ratio = _ratios(nets, key, wrong, expected)
                caught[name] += int(((ratio > 1) & moved).sum())
                planted[name] += int(moved.sum())
    shares = {name: caught[name] / planted[name] for name in MISTAKES}
    print(f"\nshare of planted errors caught, entry by entry: {shares} of {planted}")
    assert all(count > 10_000 for count in planted.values())
    # the rest: at and near the optimum, kinks, soft labels that float32 rounds, sums that cancel
    assert shares["millionth"] > 0.94
    assert min(shares[name] for name in ("sign", "factor 2", "transpose")) > 0.97


def _ratios(nets: Nets, key: str, got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    exact = Precision("float64", "float64")
    YT = _single(nets.case.YT)
    derivation = nets.case.derivation()
    radii = Lines(derivation).radii(nets.case.X, YT, nets.params, exact, target_slack(nets.case, YT, derivation))
    return np.abs(got - expected) / exact.bound(radii.radius[f"d{key}"])
