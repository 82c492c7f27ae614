"""Parameters one by one as arguments of backward, an update that changes them in place and returns nothing."""

import numpy as np


def forward(params, X):
    Y = np.matmul(X, params["W"].T) + params["B"]
    return Y, X, Y


def loss(Y, YT):
    return float(np.linalg.norm(Y - YT) ** 2 / Y.size)


def backward(params, cache, YT):
    X, Y = cache
    dY = (Y - YT) * (2 / Y.size)
    return np.einsum("nk,ni->ki", dY, X), np.einsum("nk->k", dY)


def update(params, grads, lr):
    for name, gradient in grads.items():
        params[name] -= lr * gradient
