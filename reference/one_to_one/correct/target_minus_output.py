"""The error as target minus output, and an update that adds: wrong each alone, right together."""

import numpy as np


def forward(params, X):
    Y = X @ params["W"].T + params["B"]
    return Y, (X, Y)


def loss(Y, YT):
    return np.mean((YT - Y) ** 2)


def backward(params, cache, YT):
    X, Y = cache
    delta = 2 * (YT - Y) / Y.size
    return {"W": delta.T @ X, "B": delta.sum(axis=0)}


def update(params, grads, lr):
    for name in params:
        params[name] += lr * grads[name]
    return params
