"""Every sum is a loop, every element a number of its own."""

import numpy as np


def forward(params, X):
    W, B = params["W"], params["B"]
    Y = np.zeros((len(X), len(B)))
    for n in range(len(X)):
        for k in range(len(B)):
            Y[n, k] = B[k]
            for i in range(X.shape[1]):
                Y[n, k] += W[k, i] * X[n, i]
    return Y, X


def loss(Y, YT):
    total = 0.0
    for y, t in zip(Y.ravel(), YT.ravel()):
        total += (y - t) ** 2
    return total / Y.size


def backward(params, X, YT):
    Y, _ = forward(params, X)
    N, K = Y.shape
    dW = np.zeros_like(params["W"])
    dB = np.zeros_like(params["B"])
    for n in range(N):
        for k in range(K):
            error = 2 / (N * K) * (Y[n, k] - YT[n, k])
            dB[k] += error
            for i in range(X.shape[1]):
                dW[k, i] += error * X[n, i]
    return dW, dB
