"""Target minus output in the gradient, and no update of its own that would add it."""

import numpy as np


def forward(params, X):
    return X @ params["W"].T + params["B"], X


def loss(Y, YT):
    return np.mean((Y - YT) ** 2)


def backward(params, X, YT):
    Y = X @ params["W"].T + params["B"]
    error = 2 * (YT - Y) / YT.size
    return {"W": error.T @ X, "B": error.sum(axis=0), "Y": error}
