"""Every layer that people write by hand: right against torch, right by itself, and a planted mistake named first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nncheck.layers import check_backward
from tests.layers import elementwise as e
from tests.layers import weighted as w


@dataclass(frozen=True)
class Worked:
    """One layer: how it is written, its inputs, torch's own, and a mistake in its backward.

    Attributes
    ----------
    wrong : callable
        From the right backward's arguments and its answer to a wrong answer.
    blamed : str
        The quantity to be named first.
    alone : str
        How it is judged without a reference.
    """

    name: str
    forward: Any
    backward: Any
    inputs: dict[str, Any]
    reference: Callable[..., Any]
    wrong: Callable[..., Any]
    blamed: str
    alone: str = "complex step"


def _numbers(seed: int, *shape: int) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(seed)
    return generator.choice((-1.0, 1.0), shape) * generator.uniform(0.2, 1.5, shape)


X, T, B = _numbers(1, 5, 4), _numbers(2, 5, 4), _numbers(3, 3)
W = _numbers(4, 4, 3)
P = np.random.default_rng(5).uniform(0.1, 0.9, (5, 3))
PT = np.random.default_rng(6).uniform(0.1, 0.9, (5, 3))
IMAGE = _numbers(7, 2, 3, 6, 6)
LABELS = np.array([0, 3, 1, 1, 2])
MASK = (np.random.default_rng(8).random((5, 4)) < 0.7).astype(float)


def _first(changed: Callable[[Any], Any]) -> Callable[..., Any]:
    """Change the first of several gradients."""
    return lambda right, *_: (changed(right[0]), *right[1:])


WORKED = [
    Worked(
        "linear",
        w.linear_forward,
        w.linear_backward,
        {"x": X, "w": W, "b": B},
        lambda x, w, b: F.linear(x, w.T, b),
        lambda right, dout, cache: (*right[:2], dout.mean(axis=0)),
        "db",
    ),
    Worked("relu", e.relu_forward, e.relu_backward, {"x": X}, F.relu, lambda right, dout, c: dout * (dout > 0), "dx"),
    Worked(
        "leaky relu",
        e.leaky_relu,
        e.leaky_relu_backward,
        {"x": X},
        F.leaky_relu,
        lambda right, dout, x: dout * np.where(x > 0, 1.0, 0.0),
        "dx",
    ),
    Worked(
        "softmax",
        e.softmax_forward,
        e.softmax_backward,
        {"x": X},
        lambda x: F.softmax(x, dim=-1),
        lambda right, dout, p: {"dx": dout * p * (1 - p)},
        "dx",
    ),
    Worked(
        "gelu",
        e.gelu,
        e.gelu_backward,
        {"x": X},
        F.gelu,
        lambda right, dout, x: dout * 0.5 * (1 + e.erf(x / np.sqrt(2))),
        "dx",
        "central differences",
    ),
    Worked(
        "gelu tanh",
        e.gelu_tanh_forward,
        e.gelu_tanh_backward,
        {"x": X},
        lambda x: F.gelu(x, approximate="tanh"),
        lambda right, dout, cache: dout * 0.5 * (1 + cache[1]),
        "dx",
    ),
    Worked(
        "silu",
        e.silu,
        e.silu_backward,
        {"x": X},
        F.silu,
        lambda right, dout, x: dout * e.sigmoid(x) * (1 - e.sigmoid(x)),
        "dx",
    ),
    Worked(
        "dropout",
        e.dropout_forward,
        e.dropout_backward,
        {"x": X, "mask": MASK, "keep": 0.7},
        lambda x, mask, keep: x * mask / keep,
        lambda right, dout, cache: dout * cache[0],
        "dx",
    ),
    Worked(
        "cross-entropy",
        e.cross_entropy_forward,
        e.cross_entropy_backward,
        {"x": X, "labels": LABELS},
        F.cross_entropy,
        lambda right, dout, cache: right * len(cache[1]),
        "dx",
    ),
    Worked("mse", e.mse, e.mse_backward, {"y": X, "t": T}, F.mse_loss, lambda right, y, t: (y - t) / y.size, "dy"),
    Worked(
        "mae",
        e.mae,
        e.mae_backward,
        {"y": X, "t": T},
        F.l1_loss,
        lambda right, dout, y, t: np.sign(t - y) / y.size,
        "dy",
        "central differences",
    ),
    Worked(
        "bce",
        e.bce,
        e.bce_backward,
        {"p": P, "t": PT},
        F.binary_cross_entropy,
        lambda right, p, t: ((p - t) / p.size, right[1]),
        "dp",
    ),
    Worked(
        "batch norm",
        w.batchnorm_forward,
        w.batchnorm_backward,
        {"x": X, "gamma": _numbers(9, 4), "beta": _numbers(10, 4)},
        lambda x, g, b: F.batch_norm(x, None, None, g, b, training=True),
        lambda right, dout, cache: (dout * cache[1] / cache[2], *right[1:]),  # mean and variance taken as constants
        "dx",
    ),
    Worked(
        "conv",
        w.conv_forward,
        w.conv_backward,
        {"x": IMAGE, "w": _numbers(11, 2, 3, 3, 3), "b": _numbers(12, 2), "stride": 2, "pad": 1},
        lambda x, w, b, stride, pad: F.conv2d(x, w, b, stride=stride, padding=pad),
        lambda right, dout, cache: (right[0], right[1][:, :, ::-1, ::-1], right[2]),
        "dw",
    ),
    Worked(
        "max pooling",
        w.maxpool_forward,
        w.maxpool_backward,
        {"x": IMAGE},
        lambda x: F.max_pool2d(x, 2),
        lambda right, dout, x: np.repeat(np.repeat(dout, 2, axis=2), 2, axis=3),
        "dx",
    ),
    Worked(
        "average pooling",
        w.avgpool,
        w.avgpool_backward,
        {"x": IMAGE},
        lambda x: F.avg_pool2d(x, 2),
        lambda right, dout, x: right * 4,
        "dx",
    ),
    Worked(
        "embedding",
        w.embedding_forward,
        w.embedding_backward,
        {"ids": np.array([[1, 0, 1], [4, 1, 2]]), "w": _numbers(13, 5, 3)},
        F.embedding,
        lambda right, dout, cache: _assigned(right, dout, cache[0]),
        "dw",
    ),
    Worked(
        "rnn cell",
        w.rnn_forward,
        w.rnn_backward,
        {"x": X, "h": _numbers(14, 5, 3), "wx": W, "wh": _numbers(15, 3, 3), "b": B},
        lambda x, h, wx, wh, b: torch.tanh(x @ wx + h @ wh + b),
        lambda right, dout, cache: (right[0], dout * (1 - cache[4] ** 2) @ cache[3], *right[2:]),
        "dh",
    ),
    Worked(
        "lstm cell",
        w.lstm_forward,
        w.lstm_backward,
        {
            "x": X,
            "h": _numbers(16, 5, 3),
            "c": _numbers(17, 5, 3),
            "wx": _numbers(18, 4, 12),
            "wh": _numbers(19, 3, 12),
            "b": _numbers(20, 12),
        },
        lambda x, h, c, wx, wh, b: torch.lstm_cell(x, (h, c), wx.T, wh.T, b, torch.zeros_like(b)),
        lambda right, dh, dc, cache: {**right, "c": dc * cache[6]},  # what comes through h is left out
        "dc",
    ),
    Worked(
        "attention",
        w.attention_forward,
        w.attention_backward,
        {"q": _numbers(21, 2, 4, 3), "k": _numbers(22, 2, 5, 3), "v": _numbers(23, 2, 5, 3)},
        F.scaled_dot_product_attention,
        _first(lambda dq: dq * np.sqrt(3)),
        "dq",
    ),
]


def _assigned(right: Any, dout: Any, ids: Any) -> Any:
    """Rows that occur twice keep the last gradient: = for +=."""
    dw = np.zeros_like(right)
    dw[ids] = dout
    return dw


def _ids(worked: Worked) -> str:
    return worked.name


@pytest.mark.parametrize("worked", WORKED, ids=_ids)
def test_a_right_layer_agrees_with_torch(worked: Worked) -> None:
    result = check_backward(worked.forward, worked.backward, inputs=worked.inputs, reference=worked.reference)
    assert (result.verdict, result.findings, result.judged_by) == ("agree", (), "autograd")
    assert [c.verdict for c in result.quantities] == ["agree"] * len(result.quantities)


@pytest.mark.parametrize("worked", WORKED, ids=_ids)
def test_a_right_layer_agrees_with_its_own_forward(worked: Worked) -> None:
    result = check_backward(worked.forward, worked.backward, inputs=worked.inputs)
    assert (result.verdict, result.findings, result.judged_by) == ("agree", (), worked.alone)
    assert bool(result.notes) == (worked.alone == "central differences")


@pytest.mark.parametrize("reference", [True, False], ids=["torch", "alone"])
@pytest.mark.parametrize("worked", WORKED, ids=_ids)
def test_a_planted_mistake_is_named_first(worked: Worked, reference: bool) -> None:
    mistaken = _with_mistake(worked)
    result = check_backward(
        worked.forward, mistaken, inputs=worked.inputs, reference=worked.reference if reference else None
    )
    assert result.verdict == "differ"
    assert (result.findings[0].quantity, result.findings[0].kind) == (worked.blamed, "value")
    assert result.faults == ("derivation",)
    assert [c.name for c in result.quantities if c.verdict == "differ"] == [worked.blamed]


def _with_mistake(worked: Worked) -> Callable[..., Any]:
    def backward(*arguments: Any) -> Any:
        return worked.wrong(worked.backward(*arguments), *arguments)

    # the signature of the right one: what is handed over is told by its parameters
    backward.__wrapped__ = worked.backward  # type: ignore[attr-defined]
    return backward


@pytest.mark.parametrize("worked", WORKED, ids=_ids)
def test_a_millionth_is_seen(worked: Worked) -> None:
    def nudge(right: Any) -> Any:
        if isinstance(right, dict):
            return {name: nudge(value) for name, value in right.items()}
        if isinstance(right, tuple):
            return tuple(nudge(value) for value in right)
        return right * 1.000001

    backward = _with_mistake(Worked(**{**worked.__dict__, "wrong": lambda right, *_: nudge(right)}))
    for reference in (worked.reference, None):
        result = check_backward(worked.forward, backward, inputs=worked.inputs, reference=reference)
        assert result.verdict == "differ"
        assert {c.verdict for c in result.quantities[1:] if not c.name.startswith("out")} == {"differ"}


# classes ------------------------------------------------------------------------------------------------------------


CLASSES = [
    (lambda: w.Linear(W, B), {"x": X, "W": W, "b": B}, lambda x, w, b: F.linear(x, w.T, b)),
    (lambda: w.Linear(W, B), {"x": X}, lambda x, w, b: F.linear(x, w.T, b)),  # W and b found on the object
    (lambda: w.LinearLists(W, B), {"x": X, "w": W, "b": B}, lambda x, w, b: F.linear(x, w.T, b)),
    (lambda: w.LinearDict(W, B), {"x": X, "w": W, "b": B}, lambda x, w, b: F.linear(x, w.T, b)),
    (lambda: w.LinearDict(W, B), {"x": X}, lambda x, w, b: F.linear(x, w.T, b)),
    (e.Sigmoid, {"x": X}, torch.sigmoid),
    (e.Tanh, {"x": X}, torch.tanh),
    (e.Huber, {"y": 2 * X, "t": T}, F.smooth_l1_loss),
    (
        lambda: w.LayerNorm(np.ones(4), np.zeros(4)),
        {"x": X, "gamma": _numbers(9, 4), "beta": _numbers(10, 4)},
        lambda x, g, b: F.layer_norm(x, (4,), g, b),
    ),
]


@pytest.mark.parametrize(("make", "inputs", "reference"), CLASSES)
def test_classes_agree_with_torch_and_with_themselves(make: Any, inputs: Any, reference: Any) -> None:
    result = check_backward(make(), inputs=inputs, reference=reference)
    assert (result.verdict, result.findings) == ("agree", ())
    count = len(inputs) if len(inputs) > 1 else len(result.quantities) - 1
    assert len(result.quantities) == 1 + count - ("t" in inputs)
    alone = check_backward(make(), inputs=inputs)
    assert (alone.verdict, alone.findings) == ("agree", ())


def test_parameters_of_an_object_are_found_and_judged() -> None:
    result = check_backward(w.Linear(W, B), inputs={"x": X})
    assert [c.name for c in result.quantities] == ["out", "dx", "dW", "db"]
    assert result.read_as[0] == "parameters of the object, with the values it holds: W, b."


@pytest.mark.parametrize(
    ("base", "line", "blamed"),
    [
        (w.Linear, "self.dW = self.dW.T.T / len(self.x)", "dW"),
        (w.Linear, "self.db = dout.sum()  + 0 * self.b", "db"),
        (w.LayerNorm, "self.dgamma = dout.sum(axis=0)", "dgamma"),
        (e.Sigmoid, "dx = dout * self.out", "dx"),
        (e.Tanh, "dx = dout * (1 - np.tanh(self.out) ** 2)", "dx"),
        (e.Huber, "dx = self.d / self.d.size", "dy"),
    ],
)
def test_a_mistake_of_a_class_is_named_first(base: Any, line: str, blamed: str) -> None:
    class Mistaken(base):  # type: ignore[misc]
        def backward(self, dout: Any = 1.0) -> Any:
            known = {"self": self, "dout": dout, "np": np, "dx": super().backward(dout)}
            exec(line, known)
            return known["dx"]

    layer = Mistaken(np.ones(4), np.zeros(4)) if base is w.LayerNorm else Mistaken(W, B) if base is w.Linear else None
    inputs = {"y": 2 * X, "t": T} if base is e.Huber else {"x": X}
    reference = None
    result = check_backward(layer or Mistaken(), inputs=inputs, reference=reference)
    assert result.verdict == "differ"
    assert (result.findings[0].quantity, result.findings[0].kind) == (blamed, "value")


def test_modules_are_references_with_their_parameters_set() -> None:
    module = torch.nn.Linear(4, 3)
    before = {name: p.clone() for name, p in module.named_parameters()}
    result = check_backward(
        lambda x, weight, bias: x @ weight.T + bias,
        lambda dout, x, weight, bias: (dout @ weight, dout.T @ x, dout.sum(axis=0)),
        inputs={"x": X, "weight": W.T.copy(), "bias": B},
        reference=module,
    )
    assert (result.verdict, result.judged_by) == ("agree", "autograd")
    for name, p in module.named_parameters():  # the caller's module is left alone
        assert p.dtype == torch.float32
        assert torch.equal(p, before[name])


def test_loss_and_gradient_in_one_call() -> None:
    inputs = {"x": X, "y": LABELS}
    assert check_backward(e.softmax_loss, inputs=inputs, reference=F.cross_entropy).verdict == "agree"
    wrong = check_backward(lambda x, y: (e.softmax_loss(x, y)[0], 2 * e.softmax_loss(x, y)[1]), inputs=inputs)
    assert (wrong.findings[0].quantity, wrong.findings[0].explanations[0].equals) == ("dx", "2 dx")
