"""A loop over the samples that keeps the last one's gradient: = where += belongs."""

import numpy as np


def forward(params, X):
    Y = np.array([params["W"] @ x + params["B"] for x in X])
    return Y, {"X": X, "Y": Y}


def loss(Y, YT):
    return np.mean((Y - YT) ** 2)


def backward(params, cache, YT):
    X, Y = cache["X"], cache["Y"]
    grads = {"W": np.zeros(params["W"].shape), "B": np.zeros(params["B"].shape)}
    for x, y, t in zip(X, Y, YT):
        error = 2 * (y - t) / Y.size
        grads["W"] = np.outer(error, x)
        grads["B"] += error
    return grads
