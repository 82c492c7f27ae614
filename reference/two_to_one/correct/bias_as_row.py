"""The bias is a row (1, n), and so is its gradient."""

import numpy as np


def forward(params, X):
    W, b = params["W"], params["b"]
    assert b.shape == (1, len(W))
    return X @ W.T + b, (X,)


def loss(Y, YT):
    return np.mean((Y - YT) ** 2)


def backward(params, cache, YT):
    (X,) = cache
    dY = 2 * (X @ params["W"].T + params["b"] - YT) / YT.size
    return {"dW": dY.T @ X, "db": dY.sum(axis=0, keepdims=True)}
