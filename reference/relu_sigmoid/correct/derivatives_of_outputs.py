"""The derivatives are those of the outputs: relu'(a) for relu'(z), and a (1 - a) of the sigmoid."""

import numpy as np


def forward(p, x):
    a1 = np.maximum(x @ p["W1"].T + p["b1"], 0)
    a2 = 1 / (1 + np.exp(-(a1 @ p["W2"].T + p["b2"])))
    return a2, [x, a1, a2]


def loss(a2, t):
    return np.mean((a2 - t) ** 2)


def d_relu(a):
    return np.where(a > 0, 1, 0)


def d_sigmoid(a):
    return a * (1 - a)


def backward(p, cache, t):
    x, a1, a2 = cache
    delta2 = 2 * (a2 - t) / t.size * d_sigmoid(a2)
    delta1 = delta2 @ p["W2"] * d_relu(a1)
    return {"W1": delta1.T @ x, "b1": delta1.sum(0), "W2": delta2.T @ a1, "b2": delta2.sum(0)}
