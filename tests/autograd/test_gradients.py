"""The float64 witness gives at many points what it gives at each, and what the complex step of NumPy gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nncheck import case as cases
from nncheck import manual
from nncheck.autograd.gradients import _one_by_one, at_points
from nncheck.autograd.network import Network
from nncheck.case import shapes_for


def _points(name: str) -> tuple[cases.Case, Any, Any, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    case = cases.find(name)
    sizes = (4, 5, 3) if len(case.sizes) == 3 else (4, 3)
    rng = np.random.default_rng(3)
    params = {k: rng.normal(size=(6, *s)) for k, s in shapes_for(case.params, sizes).items()}
    network = Network(case.folder)
    X, YT = rng.normal(size=(5, 4)), rng.dirichlet(np.ones(3), 5)
    return case, network.build(sizes, tuple(params)).double(), network.loss, params, X, YT


@pytest.mark.parametrize("name", cases.names())
def test_at_many_points_as_at_each(name: str) -> None:
    _, model, loss, params, X, YT = _points(name)
    losses, gradients = at_points(model, loss, X, YT, list(params.values()))
    for s in range(6):
        E, own = at_points(model, loss, X, YT, [p[s : s + 1] for p in params.values()])
        np.testing.assert_allclose(losses[s], E[0], rtol=1e-14)
        for together, alone in zip(gradients, own):
            np.testing.assert_allclose(together[s], alone[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", cases.names())
def test_the_complex_step_on_the_hand_written_forward_gives_the_same(name: str) -> None:
    case, model, loss, params, X, YT = _points(name)
    hand = manual.load(case.folder / "manual.py")
    _, gradients = at_points(model, loss, X, YT, [p[:1] for p in params.values()])
    for gradient, (name_, values) in zip(gradients, params.items()):
        for index in np.ndindex(values.shape[1:]):
            point = {k: v[0].astype(complex) for k, v in params.items()}
            point[name_][index] += 1e-20j  # complex step: no subtraction, so no cancellation
            Y, _ = hand.forward(point, X)
            assert hand.loss(Y, YT).imag / 1e-20 == pytest.approx(gradient[0][index], rel=1e-11, abs=1e-15)


def test_one_point_after_the_other_where_vmap_cannot() -> None:
    from torch.func import functional_call

    _, model, loss, params, X, YT = _points("relu_sigmoid")
    names = [n for n, _ in model.named_parameters()]
    x, yt = torch.tensor(X), torch.tensor(YT)
    stack = {n: torch.tensor(p) for n, p in zip(names, params.values())}
    slow = _one_by_one(lambda p: loss(functional_call(model, p, (x,)), yt), stack)
    fast = at_points(model, loss, X, YT, list(params.values()))
    np.testing.assert_allclose(slow[0], fast[0], rtol=1e-14)
    for a, b in zip(slow[1], fast[1]):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
