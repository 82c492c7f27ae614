"""Gradients are added up over the calls and never set back to zero."""

import numpy as np

total = {}


def forward(params, X):
    H = X @ params["W"].T + params["B"]
    Y = H @ params["W2"].T + params["B2"]
    return Y, {"X": X, "H": H, "Y": Y}


def loss(Y, YT):
    return np.mean((Y - YT) ** 2)


def backward(params, cache, YT):
    dY = 2 * (cache["Y"] - YT) / YT.size
    dH = dY @ params["W2"]
    grads = {"W2": dY.T @ cache["H"], "B2": dY.sum(0), "W": dH.T @ cache["X"], "B": dH.sum(0)}
    for name, gradient in grads.items():
        old = total.get(name)
        total[name] = gradient + old if old is not None and old.shape == gradient.shape else gradient
    return dict(total)
