"""Arguments in another order, known by their names: forward(X, W, b), loss(target, output), backward(cache, target)."""

import numpy as np


def forward(X, W, b):
    return X @ W.T + b, (X, W, b)


def loss(target, output):
    return np.mean((output - target) ** 2)


def backward(cache, target):
    X, W, b = cache
    error = X @ W.T + b - target
    grad_W = 2 / error.size * error.T @ X
    grad_b = 2 / error.size * error.sum(axis=0)
    return grad_W, grad_b
