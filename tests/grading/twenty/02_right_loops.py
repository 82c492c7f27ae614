"""Right, with loops over the samples and units."""

import numpy as np


def forward(params, X):
    W, B, W2, B2 = params["W"], params["B"], params["W2"], params["B2"]
    Z = np.zeros((len(X), len(B)))
    Y = np.zeros((len(X), len(B2)))
    for n in range(len(X)):
        for j in range(len(B)):
            Z[n, j] = sum(X[n, i] * W[j, i] for i in range(X.shape[1])) + B[j]
        for k in range(len(B2)):
            z2 = sum(max(Z[n, j], 0.0) * W2[k, j] for j in range(len(B))) + B2[k]
            Y[n, k] = 1 / (1 + np.exp(-z2))
    return Y, {"X": X, "Z": Z, "Y": Y}


def loss(Y, YT):
    total = 0.0
    for y, yt in zip(Y.ravel(), YT.ravel()):
        total += (y - yt) * (y - yt)
    return total / Y.size


def backward(params, cache, YT):
    X, Z, Y = cache["X"], cache["Z"], cache["Y"]
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    for n in range(len(X)):
        hidden = [max(z, 0.0) for z in Z[n]]
        back = [0.0] * len(hidden)
        for k in range(Y.shape[1]):
            d = 2 * (Y[n, k] - YT[n, k]) / Y.size * Y[n, k] * (1 - Y[n, k])
            grads["B2"][k] += d
            for j in range(len(hidden)):
                grads["W2"][k, j] += d * hidden[j]
                back[j] += d * params["W2"][k, j]
        for j in range(len(hidden)):
            if Z[n, j] > 0:
                grads["B"][j] += back[j]
                grads["W"][j] += back[j] * X[n]
    return grads


def update(params, grads, lr):
    return {name: params[name] - lr * grads[name] for name in params}
