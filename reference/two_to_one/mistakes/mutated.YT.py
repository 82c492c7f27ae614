"""The error is computed in the target's own memory, which belongs to the caller."""

import numpy as np


def forward(params, X):
    Y = X @ params["W"].T + params["B"]
    return Y, (X, Y)


def loss(Y, YT):
    return np.mean((Y - YT) ** 2)


def backward(params, cache, YT):
    X, Y = cache
    YT -= Y
    dY = -2 * YT / Y.size
    return {"W": dY.T @ X, "B": dY.sum(axis=0)}
