"""A factor of the sigmoid's derivative is lost: 1 - Y for Y (1 - Y)."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(params, X):
    Z = X @ params["W"].T + params["B"]
    H = np.maximum(0, Z)
    Z2 = H @ params["W2"].T + params["B2"]
    Y = sigmoid(Z2)
    return Y, {"X": X, "Z": Z, "H": H, "Z2": Z2, "Y": Y}


def loss(Y, YT):
    return np.mean((Y - YT) ** 2)


def backward(params, cache, YT):
    X, Z, H, Z2, Y = (cache[name] for name in ("X", "Z", "H", "Z2", "Y"))
    dY = 2 * (Y - YT) / Y.size
    dZ2 = dY * (1 - Y)
    dW2 = dZ2.T @ H
    dB2 = dZ2.sum(axis=0)
    dH = dZ2 @ params["W2"]
    dZ = dH * (Z > 0)
    dW = dZ.T @ X
    dB = dZ.sum(axis=0)
    return {"W": dW, "B": dB, "W2": dW2, "B2": dB2, "Z2": dZ2}
