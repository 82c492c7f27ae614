"""Activations, losses and masks by hand, as courses write them: functions with a cache, without one, and classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nncheck.formula.plain import Array

erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


# activations --------------------------------------------------------------------------------------------------------


def relu_forward(x: Array) -> tuple[Array, Array]:
    return np.maximum(0, x), x


def relu_backward(dout: Array, cache: Array) -> Array:
    return dout * (cache > 0)


def leaky_relu(x: Array) -> Array:
    return np.where(x > 0, x, 0.01 * x)


def leaky_relu_backward(dout: Array, x: Array) -> Array:
    return dout * np.where(x > 0, 1.0, 0.01)


class Sigmoid:
    """Keeps its output."""

    def forward(self, x: Array) -> Array:
        self.out = sigmoid(x)
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * self.out * (1 - self.out)


class Tanh:
    """Keeps its output."""

    def forward(self, x: Array) -> Array:
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * (1 - self.out**2)


def softmax_forward(x: Array) -> tuple[Array, Array]:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    return p, p


def softmax_backward(dout: Array, cache: Array) -> dict[str, Array]:
    p = cache
    return {"dx": p * (dout - (dout * p).sum(axis=-1, keepdims=True))}


def gelu(x: Array) -> Array:
    return x * 0.5 * (1 + erf(x / math.sqrt(2)))


def gelu_backward(dout: Array, x: Array) -> Array:
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return dout * (0.5 * (1 + erf(x / math.sqrt(2))) + x * density)


_C = math.sqrt(2 / math.pi)


def gelu_tanh_forward(x: Array) -> tuple[Array, tuple[Array, Array]]:
    t = np.tanh(_C * (x + 0.044715 * x**3))
    return 0.5 * x * (1 + t), (x, t)


def gelu_tanh_backward(dout: Array, cache: tuple[Array, Array]) -> Array:
    x, t = cache
    return dout * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * _C * (1 + 3 * 0.044715 * x**2))


def silu(x: Array) -> Array:
    return x * sigmoid(x)


def silu_backward(dout: Array, x: Array) -> Array:
    s = sigmoid(x)
    return dout * (s + x * s * (1 - s))


def dropout_forward(x: Array, mask: Array, keep: float) -> tuple[Array, tuple[Array, float]]:
    return x * mask / keep, (mask, keep)


def dropout_backward(dout: Array, cache: tuple[Array, float]) -> Array:
    mask, keep = cache
    return dout * mask / keep


# losses -------------------------------------------------------------------------------------------------------------


def cross_entropy_forward(x: Array, labels: Array) -> tuple[Any, tuple[Array, Array]]:
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(x)), labels].mean(), (np.exp(log_p), labels)


def cross_entropy_backward(dout: Any, cache: tuple[Array, Array]) -> Array:
    p, labels = cache
    dx = p.copy()
    dx[np.arange(len(p)), labels] -= 1
    return dout * dx / len(p)


def softmax_loss(x: Array, y: Array) -> tuple[Any, Array]:
    """Return loss and gradient at once, as a course's assignment does."""
    loss, cache = cross_entropy_forward(x, y)
    return loss, cross_entropy_backward(1.0, cache)


def mse(y: Array, t: Array) -> Any:
    return ((y - t) ** 2).mean()


def mse_backward(y: Array, t: Array) -> Array:
    return 2 * (y - t) / y.size


def mae(y: Array, t: Array) -> Any:
    return np.abs(y - t).mean()


def mae_backward(dout: Any, y: Array, t: Array) -> Array:
    return dout * np.sign(y - t) / y.size


class Huber:
    """Quadratic up to a distance of 1."""

    def forward(self, y: Array, t: Array) -> Any:
        self.d = y - t
        small = np.abs(self.d) <= 1
        return np.where(small, 0.5 * self.d**2, np.abs(self.d) - 0.5).mean()

    def backward(self, dout: float = 1.0) -> Array:
        return dout * np.clip(self.d, -1, 1) / self.d.size


def bce(p: Array, t: Array) -> Any:
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()


def bce_backward(p: Array, t: Array) -> tuple[Array, Array]:
    dt = -(np.log(p) - np.log(1 - p)) / p.size
    return (p - t) / (p * (1 - p)) / p.size, dt
