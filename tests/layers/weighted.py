"""Layers with parameters by hand: linear, norms, convolution, pooling, embedding, recurrent cells, attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nncheck.formula.plain import Array
from tests.layers.elementwise import sigmoid, softmax_backward, softmax_forward


def linear_forward(x: Array, w: Array, b: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    return x @ w + b, (x, w, b)


def linear_backward(dout: Array, cache: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    x, w, _ = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


class Linear:
    """Holds W and b, and leaves dW and db on itself."""

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout: Array) -> Array:
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class LinearLists:
    """Keeps params and grads in lists, in the order W, b."""

    def __init__(self, W: Array, b: Array) -> None:
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]

    def forward(self, x: Array) -> Array:
        W, b = self.params
        self.x = x
        return x @ W + b

    def backward(self, dout: Array) -> Array:
        self.grads[0][...] = self.x.T @ dout
        self.grads[1][...] = dout.sum(axis=0)
        return dout @ self.params[0].T


class LinearDict:
    """Keeps params and grads in dicts."""

    def __init__(self, w: Array, b: Array) -> None:
        self.params = {"w": w, "b": b}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["w"] + self.params["b"]

    def backward(self, dout: Array) -> Array:
        self.grads = {"w": self.x.T @ dout, "b": dout.sum(axis=0)}
        return dout @ self.params["w"].T


# normalisations -----------------------------------------------------------------------------------------------------


def batchnorm_forward(x: Array, gamma: Array, beta: Array) -> tuple[Array, tuple[Array, ...]]:
    mu = x.mean(axis=0)
    std = np.sqrt(((x - mu) ** 2).mean(axis=0) + 1e-5)
    hat = (x - mu) / std
    return gamma * hat + beta, (hat, gamma, std)


def batchnorm_backward(dout: Array, cache: tuple[Array, ...]) -> tuple[Array, Array, Array]:
    hat, gamma, std = cache
    dhat = dout * gamma
    dx = (dhat - dhat.mean(axis=0) - hat * (dhat * hat).mean(axis=0)) / std
    return dx, (dout * hat).sum(axis=0), dout.sum(axis=0)


class LayerNorm:
    """With np.var, through which a complex step is silently wrong."""

    def __init__(self, gamma: Array, beta: Array) -> None:
        self.gamma, self.beta = gamma, beta

    def forward(self, x: Array) -> Array:
        self.std = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        self.hat = (x - x.mean(axis=-1, keepdims=True)) / self.std
        return self.gamma * self.hat + self.beta

    def backward(self, dout: Array) -> Array:
        self.dgamma = (dout * self.hat).sum(axis=0)
        self.dbeta = dout.sum(axis=0)
        d = dout * self.gamma
        mean = d.mean(axis=-1, keepdims=True)
        return (d - mean - self.hat * (d * self.hat).mean(axis=-1, keepdims=True)) / self.std


# images -------------------------------------------------------------------------------------------------------------


def conv_forward(x: Array, w: Array, b: Array, stride: int, pad: int) -> tuple[Array, tuple[Any, ...]]:
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    n, _, height, width = padded.shape
    f, _, kh, kw = w.shape
    rows, columns = (height - kh) // stride + 1, (width - kw) // stride + 1
    out = np.zeros((n, f, rows, columns), dtype=np.result_type(x, w, b))
    for i in range(rows):
        for j in range(columns):
            window = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, :, i, j] = np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3])) + b
    return out, (padded, w, stride, pad)


def conv_backward(dout: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    padded, w, stride, pad = cache
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    kh, kw = w.shape[2:]
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            window = np.s_[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            dw += np.tensordot(dout[:, :, i, j], padded[window], axes=([0], [0]))
            dpadded[window] += np.tensordot(dout[:, :, i, j], w, axes=([1], [0]))
    inner = np.s_[:, :, pad : padded.shape[2] - pad, pad : padded.shape[3] - pad]
    return dpadded[inner], dw, dout.sum(axis=(0, 2, 3))


def maxpool_forward(x: Array) -> tuple[Array, Array]:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5)), x


def maxpool_backward(dout: Array, cache: Array) -> Array:
    n, c, h, w = cache.shape
    blocks = cache.reshape(n, c, h // 2, 2, w // 2, 2)
    mask = blocks == blocks.max(axis=(3, 5), keepdims=True)
    dx: Array = mask * dout[:, :, :, None, :, None]
    return dx.reshape(cache.shape)


def avgpool(x: Array) -> Array:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))


def avgpool_backward(dout: Array, x: Array) -> Array:
    return np.repeat(np.repeat(dout, 2, axis=2), 2, axis=3) / 4


# sequences ----------------------------------------------------------------------------------------------------------


def embedding_forward(ids: Array, w: Array) -> tuple[Array, tuple[Array, tuple[int, ...]]]:
    return w[ids], (ids, w.shape)


def embedding_backward(dout: Array, cache: tuple[Array, tuple[int, ...]]) -> Array:
    ids, shape = cache
    dw = np.zeros(shape)
    np.add.at(dw, ids, dout)
    return dw


def rnn_forward(x: Array, h: Array, wx: Array, wh: Array, b: Array) -> tuple[Array, tuple[Array, ...]]:
    out = np.tanh(x @ wx + h @ wh + b)
    return out, (x, h, wx, wh, out)


def rnn_backward(dout: Array, cache: tuple[Array, ...]) -> tuple[Array, ...]:
    x, h, wx, wh, out = cache
    dz = dout * (1 - out**2)
    return dz @ wx.T, dz @ wh.T, x.T @ dz, h.T @ dz, dz.sum(axis=0)


def lstm_forward(
    x: Array, h: Array, c: Array, wx: Array, wh: Array, b: Array
) -> tuple[Array, Array, tuple[Array, ...]]:
    i, f, g, o = np.split(x @ wx + h @ wh + b, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c_next = f * c + i * g
    return o * np.tanh(c_next), c_next, (x, h, c, wx, wh, i, f, g, o, c_next)


def lstm_backward(dh: Array, dc: Array, cache: tuple[Array, ...]) -> dict[str, Array]:
    x, h, c, wx, wh, i, f, g, o, c_next = cache
    t = np.tanh(c_next)
    dc = dc + dh * o * (1 - t**2)
    gates = (dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * t * o * (1 - o))
    dz = np.concatenate(gates, axis=1)
    return {"x": dz @ wx.T, "h": dz @ wh.T, "c": dc * f, "wx": x.T @ dz, "wh": h.T @ dz, "b": dz.sum(axis=0)}


def attention_forward(q: Array, k: Array, v: Array) -> tuple[Array, tuple[Array, ...]]:
    p, _ = softmax_forward(q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1]))
    return p @ v, (q, k, v, p)


def attention_backward(dout: Array, cache: tuple[Array, ...]) -> tuple[Array, Array, Array]:
    q, k, v, p = cache
    ds = softmax_backward(dout @ v.transpose(0, 2, 1), p)["dx"] / math.sqrt(q.shape[-1])
    return ds @ k, ds.transpose(0, 2, 1) @ q, p.transpose(0, 2, 1) @ dout
