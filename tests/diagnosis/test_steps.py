"""Mistakes of the update are named for each optimizer; correct ways to write it raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.diagnosis.mistakes import Edit
from nncheck.diagnosis.steps import explain_update, named_updates
from nncheck.manual.person import SCALES
from nncheck.optimizers import Optimizer

from .programs import Judge
from .styles import Net, holder_of, rows

LR = 0.07
OPTIMIZERS = (
    Optimizer("sgd"),
    Optimizer("sgd", {"weight_decay": 0.1}),
    Optimizer("momentum", {"momentum": 0.9}),
    Optimizer("nesterov", {"momentum": 0.9}),
    Optimizer("rmsprop"),
    Optimizer("adam"),
    Optimizer("adamw", {"weight_decay": 0.1}),
)
MISTAKES = [(optimizer, edit) for optimizer in OPTIMIZERS for edit in named_updates(optimizer)]


def _run(optimizer: Optimizer, edit: Edit | None, steps: int = 3) -> tuple[list[np.ndarray], ...]:
    """Run an optimizer's lines as Python does, some of them replaced."""
    replaced = {line.name: line.text for line in edit.lines} if edit else {}
    code = "\n".join(replaced.get(line.name, line.text) for line in optimizer.lines.lines)
    rng = np.random.default_rng(4)
    W, g = rng.normal(size=12), rng.normal(size=12)
    states = {state: np.zeros(12) for state in optimizer.states}
    before, after, gradients = [], [], []
    for t in range(1, steps + 1):
        values: dict[str, Any] = {**optimizer.numbers, **states, "sqrt": np.sqrt, "lr": LR, "t": float(t), "W": W}
        values["dW"] = SCALES[t - 1] * g
        with np.errstate(all="ignore"):
            exec(code, values)
        before.append(W)
        gradients.append(values["dW"])
        W = values["W_"]
        after.append(W)
        states = {state: values[f"{state}_"] for state in states}
    return before, after, gradients


@pytest.mark.parametrize("optimizer, edit", MISTAKES, ids=[f"{o.name}-{e.id}-{i}" for i, (o, e) in enumerate(MISTAKES)])
def test_every_mistake_of_an_update_is_named(optimizer: Optimizer, edit: Edit) -> None:
    right = _run(optimizer, None)[1]
    before, after, gradients = _run(optimizer, edit)
    assert not all(np.allclose(a, b, rtol=1e-12) for a, b in zip(after, right)), "hidden"
    ids = [found.id for found in explain_update(optimizer, before, after, gradients, LR)]
    assert edit.id in ids
    assert len(ids) <= 2, ids


def _sgd(params: Any, grads: Any, lr: float) -> Any:
    for name in params:
        params[name] -= lr * grads[name]


def _velocity(params: Any, grads: Any, lr: float, state: Any) -> Any:
    new = {}
    for name in params:
        state[name] = 0.9 * state.get(name, 0.0) - lr * grads[name]
        new[name] = params[name] + state[name]
    return new


def _nesterov(params: Any, grads: Any, lr: float, state: Any) -> Any:
    new = {}
    for name in params:
        v = state[name] = 0.9 * state.get(name, 0.0) + grads[name]
        new[name] = params[name] - lr * grads[name] - lr * 0.9 * v
    return new


def _rmsprop(params: Any, grads: Any, lr: float, state: Any) -> Any:
    new = {}
    for name in params:
        s = state.get(name, np.zeros_like(params[name]))
        s = state[name] = s + 0.01 * (grads[name] * grads[name] - s)
        new[name] = params[name] - grads[name] * (lr / (np.sqrt(s) + 1e-8))
    return new


def _adam(params: Any, grads: Any, lr: float, state: Any, decay: float = 0.0) -> Any:
    state["t"] = state.get("t", 0) + 1
    state["powers"] = [p * b for p, b in zip(state.get("powers", (1.0, 1.0)), (0.9, 0.999))]
    new = {}
    for name in params:
        m, v = state.setdefault(name, [np.zeros_like(params[name]), np.zeros_like(params[name])])
        m *= 0.9
        m += (1 - 0.9) * grads[name]
        v *= 0.999
        v += (1 - 0.999) * np.square(grads[name])
        m_hat, v_hat = m / (1 - state["powers"][0]), v / (1 - state["powers"][1])
        new[name] = params[name] * (1 - lr * decay) - lr * m_hat / (v_hat**0.5 + 1e-8)
    return new


def _adamw(params: Any, grads: Any, lr: float, state: Any) -> Any:
    return _adam(params, grads, lr, state, decay=0.1)


def _decay(params: Any, grads: Any, lr: float) -> Any:
    return {name: (1 - 0.1 * lr) * params[name] - lr * grads[name] for name in params}


CORRECT = list(zip(OPTIMIZERS, (_sgd, _decay, _velocity, _nesterov, _rmsprop, _adam, _adamw)))


def _findings(optimizer: Optimizer, update: Callable[..., Any]) -> list[Any]:
    case = replace(cases.find("relu_sigmoid"), optimizer=optimizer)
    holder = holder_of(rows(Net("relu", "sigmoid", 2)))
    own = SimpleNamespace(**{f: getattr(holder, f) for f in ("forward", "loss", "backward")}, update=update)
    return Judge(case, case.derivation()).assess(own).findings


@pytest.mark.parametrize("optimizer, update", CORRECT, ids=[f"{o.name}{i}" for i, (o, _) in enumerate(CORRECT)])
def test_correct_updates_raise_no_alarm(optimizer: Optimizer, update: Callable[..., Any]) -> None:
    assert _findings(optimizer, update) == []


def test_betas_that_are_swapped_show_though_every_gradient_points_one_way() -> None:
    def swapped(params: Any, grads: Any, lr: float, state: Any) -> Any:
        state["t"] = state.get("t", 0) + 1
        new = {}
        for name in params:
            m, v = state.get(name, (0.0, 0.0))
            m, v = 0.999 * m + 0.001 * grads[name], 0.9 * v + 0.1 * grads[name] ** 2
            state[name] = m, v
            m_hat, v_hat = m / (1 - 0.999 ** state["t"]), v / (1 - 0.9 ** state["t"])
            new[name] = params[name] - lr * m_hat / (np.sqrt(v_hat) + 1e-8)
        return new

    (finding, *_) = _findings(Optimizer("adam"), swapped)
    assert [e.id for e in finding.explanations] == ["adam.swapped"]


def test_a_step_counted_for_every_parameter_is_named() -> None:
    def counted(params: Any, grads: Any, lr: float, state: Any) -> Any:
        new = {}
        for name in params:
            state["t"] = state.get("t", 0) + 1
            m, v = state.get(name, (0.0, 0.0))
            m, v = 0.9 * m + 0.1 * grads[name], 0.999 * v + 0.001 * grads[name] ** 2
            state[name] = m, v
            m_hat, v_hat = m / (1 - 0.9 ** state["t"]), v / (1 - 0.999 ** state["t"])
            new[name] = params[name] - lr * m_hat / (np.sqrt(v_hat) + 1e-8)
        return new

    (finding, *_) = _findings(Optimizer("adam"), counted)
    assert "adam.t_each" in [e.id for e in finding.explanations]
