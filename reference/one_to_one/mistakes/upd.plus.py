"""The gradient is right, and the update climbs instead of descending."""

import numpy as np


def forward(params, X):
    Y = X @ params["W"].T + params["B"]
    return Y, (X, Y)


def loss(Y, YT):
    return np.mean(np.square(Y - YT))


def backward(params, cache, YT):
    X, Y = cache
    dY = 2 * (Y - YT) / Y.size
    return {"dW": dY.T @ X, "dB": dY.sum(0)}


def update(params, grads, lr):
    return {name: params[name] + lr * grads[name] for name in params}
