"""Weights of (n_in, n_out) and biases of (1, n), as many tutorials have them: Y = X W + b."""

import numpy as np


def forward(params, X):
    a1 = X.dot(params["W1"]) + params["b1"]
    a2 = a1.dot(params["W2"]) + params["b2"]
    return a2, (X, a1, a2)


def loss(Y, YT):
    return np.mean((Y - YT) ** 2)


def backward(params, cache, YT):
    X, a1, a2 = cache
    m, k = YT.shape
    delta2 = (2.0 / (m * k)) * (a2 - YT)
    delta1 = delta2.dot(params["W2"].T)
    return {
        "dW1": X.T.dot(delta1),
        "db1": np.sum(delta1, axis=0, keepdims=True),
        "dW2": a1.T.dot(delta2),
        "db2": np.sum(delta2, axis=0, keepdims=True),
    }
