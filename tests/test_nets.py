"""10,000 random nets of the document's kinds: no false alarm in either precision, and planted errors caught.

Every net is judged as a run judges it: the hand-written gradient (float64 and float32) and the device's (torch,
float32: loss, gradient and update by SGD) against float64 autograd, inside the bound of the derivation's lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nncheck import case as cases
from nncheck import manual
from nncheck.autograd.gradients import at_points
from nncheck.autograd.network import Network
from nncheck.case import Case, shapes_for
from nncheck.judging import RESOLUTION
from nncheck.rounding import Lines, Precision, Radii

REGIMES = ("normal", "small", "large", "near the optimum", "zero biases", "grid")
EXACT, SINGLE = Precision("float64", "float64"), Precision("float32", "float64")
LR = 0.07


@dataclass(frozen=True)
class Nets:
    """S nets of one kind, one shape and one regime, on the same data."""

    case: Case
    sizes: tuple[int, ...]
    X: np.ndarray
    YT: np.ndarray
    params: dict[str, np.ndarray]
    model: Any
    loss: Any
    lines: Lines

    @property
    def count(self) -> int:
        return len(self.params["W"])

    def radii(self, precision: Precision) -> Radii:
        return self.lines.radii(self.X, self.YT, self.params, precision)

    def witness(self) -> dict[str, np.ndarray]:
        E, gradients = at_points(self.model.double(), self.loss, self.X, self.YT, list(self.params.values()))
        return {"E": E, **{f"d{k}": g for k, g in zip(self.params, gradients)}}


def _single(array: np.ndarray) -> np.ndarray:
    return np.asarray(array).astype(np.float32).astype(np.float64)


def _draw(count: int, seed: int) -> Iterator[Nets]:
    """Draw at least ``count`` nets, in stacks of 28 that share kind, shape, regime and data."""
    rng = np.random.default_rng(seed)
    drawn = 0
    while drawn < count:
        for name in cases.names():
            for regime in REGIMES:
                nets = _stack(name, regime, rng)
                drawn += nets.count
                yield nets


def _stack(name: str, regime: str, rng: np.random.Generator, stack: int = 28) -> Nets:
    case = cases.find(name)
    sizes = tuple(int(n) for n in rng.integers(1, 6, len(case.sizes)))
    batch = int(rng.choice((1, 4, 32)))
    scale = {"small": 1e-3, "large": 8.0}.get(regime, 1.0)
    X = _single(scale * rng.normal(size=(batch, sizes[0])))
    params = {k: _single(scale * rng.normal(size=(stack, *s))) for k, s in shapes_for(case.params, sizes).items()}
    if name == "softmax_cross_entropy":
        weights = np.floor(rng.dirichlet(np.ones(sizes[-1]), batch) * 64) / 64  # rows that sum to 1 in both precisions
        weights[:, 0] += 1 - weights.sum(axis=1)
        YT = weights if rng.random() < 0.5 else np.eye(sizes[-1])[rng.integers(0, sizes[-1], batch)]
    else:
        YT = _single(scale * rng.normal(size=(batch, sizes[-1])))
    if regime == "zero biases":
        params = {k: np.zeros_like(p) if k.startswith("B") else p for k, p in params.items()}
    if regime == "grid":  # exact zeros, ties and kinks
        X = np.round(2 * X) / 2
        params = {k: np.round(2 * p) / 2 for k, p in params.items()}
    network = Network(case.folder)
    model = network.build(sizes, tuple(params))
    hand = manual.load(case.folder / "manual.py")
    if regime == "near the optimum" and name != "softmax_cross_entropy":
        first = {k: p[0] for k, p in params.items()}
        YT = _single(hand.forward(first, X)[0] + 1e-5 * rng.normal(size=YT.shape))
        params = {k: _single(p[:1] + 1e-6 * rng.normal(size=p.shape)) for k, p in params.items()}
    return Nets(case, sizes, X, YT, params, model, network.loss, Lines(case.derivation()))


def _by_hand(nets: Nets, dtype: str) -> dict[str, np.ndarray]:
    hand = manual.load(nets.case.folder / "manual.py")
    X, YT = nets.X.astype(dtype), nets.YT.astype(dtype)
    rows: dict[str, list[Any]] = {"E": [], **{f"d{k}": [] for k in nets.params}}
    with np.errstate(all="ignore"):
        for s in range(nets.count):
            E, gradients = hand.step({k: p[s].astype(dtype) for k, p in nets.params.items()}, X, YT)
            rows["E"].append(E)
            for k, g in gradients.items():
                rows[f"d{k}"].append(g)
    return {k: np.asarray(v, dtype=np.float64) for k, v in rows.items()}


def _on_the_device(nets: Nets) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Do a real step of torch in float32 for every net; returns loss and gradients, and the parameters after it."""
    X, YT = torch.tensor(nets.X, dtype=torch.float32), torch.tensor(nets.YT, dtype=torch.float32)
    model = nets.model.float()
    rows: dict[str, list[Any]] = {"E": [], **{f"d{k}": [] for k in nets.params}}
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
        rows["E"].append(E.item())
        for k, parameter in zip(nets.params, model.parameters()):
            rows[f"d{k}"].append(parameter.grad.numpy().copy())
            after[k].append(parameter.detach().numpy().copy())
    return (
        {k: np.asarray(v, np.float64) for k, v in rows.items()},
        {k: np.asarray(v, np.float64) for k, v in after.items()},
    )


def _ratio(got: np.ndarray, expected: np.ndarray, radius: np.ndarray, precision: Precision) -> np.ndarray:
    return np.abs(got - expected) / precision.bound(radius)


def _largest_ratios(nets: Nets) -> dict[str, float]:
    expected = nets.witness()
    exact, single = nets.radii(EXACT), nets.radii(SINGLE)
    device, after = _on_the_device(nets)
    sides = {
        "float64 hand": (_by_hand(nets, "float64"), exact, EXACT),
        "float32 hand": (_by_hand(nets, "float32"), single, SINGLE),
        "device": (device, single, SINGLE),
    }
    largest = {
        side: max(float(_ratio(got[k], expected[k], radii.radius[k], precision).max()) for k in expected)
        for side, (got, radii, precision) in sides.items()
    }
    updates = []
    for k, before in nets.params.items():
        moved = LR * expected[f"d{k}"]
        radius = LR * single.radius[f"d{k}"] + 3 * np.abs(moved) + np.abs(before - moved)
        updates.append(float(_ratio(after[k], before - moved, radius, SINGLE).max()))
    return {**largest, "device update": max(updates)}


def test_no_false_alarm_in_ten_thousand_nets() -> None:
    seen, worst = 0, dict.fromkeys(("float64 hand", "float32 hand", "device", "device update"), 0.0)
    for nets in _draw(10_000, seed=2):
        seen += nets.count
        for side, ratio in _largest_ratios(nets).items():
            worst[side] = max(worst[side], ratio)
    print(f"\n{seen} nets, largest error / bound: {worst}")
    assert seen >= 10_000
    assert max(worst.values()) <= 1, worst
    assert worst["device update"] > 0.5  # a bound that is never nearly reached would be no bound


def _planted(nets: Nets) -> dict[str, tuple[int, int]]:
    """Plant each mistake in every gradient; return how often it was caught and how often it had to be."""
    expected, radii = nets.witness(), nets.radii(EXACT)
    hand = _by_hand(nets, "float64")
    counts = dict.fromkeys(("millionth", "sign", "factor 2", "transpose"), (0, 0))
    for k in expected:
        bound = EXACT.bound(radii.radius[k])
        resolved = bound <= 1e-7 * np.abs(expected[k])  # float64 can tell a millionth there
        told = bound <= RESOLUTION * np.abs(expected[k])
        mistakes = {
            "millionth": (hand[k] * 1.000001, resolved),
            "sign": (-hand[k], told),
            "factor 2": (2 * hand[k], told),
        }
        if k.startswith("dW") and hand[k].shape[1] == hand[k].shape[2] > 1:
            turned = hand[k].transpose(0, 2, 1)
            apart = np.abs(turned - hand[k]) > 2 * (bound + bound.transpose(0, 2, 1))
            mistakes["transpose"] = (turned, apart)
        for name, (wrong, must) in mistakes.items():
            caught = np.abs(wrong - expected[k]) > bound
            counts[name] = (counts[name][0] + int((caught & must).sum()), counts[name][1] + int(must.sum()))
    return counts


def test_planted_errors_are_caught_in_every_entry_that_float64_resolves() -> None:
    total: dict[str, list[int]] = {}
    for nets in _draw(10_000, seed=4):
        for name, (caught, must) in _planted(nets).items():
            entry = total.setdefault(name, [0, 0])
            entry[0] += caught
            entry[1] += must
    print(f"\ncaught, of those that had to be: {total}")
    assert all(must > 100 for _, must in total.values()), total
    assert all(caught == must for caught, must in total.values()), total
