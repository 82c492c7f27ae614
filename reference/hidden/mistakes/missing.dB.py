"""The first layer's bias got no gradient."""

import numpy as np


def forward(params, X):
    H = X @ params["W"].T + params["B"]
    return H @ params["W2"].T + params["B2"], (X, H)


def loss(Y, YT):
    return np.mean((Y - YT) ** 2)


def backward(params, cache, YT):
    X, H = cache
    dY = 2 * (H @ params["W2"].T + params["B2"] - YT) / YT.size
    return {"W2": dY.T @ H, "B2": dY.sum(0), "W": (dY @ params["W2"]).T @ X}
