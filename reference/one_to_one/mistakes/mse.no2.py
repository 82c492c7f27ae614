"""The 2 of the square's derivative is forgotten; names of the textbook's, gradients as a tuple."""

import numpy as np


def forward(theta, x):
    return x @ theta["w"].T + theta["b"], x


def loss(y_hat, y):
    return ((y_hat - y) ** 2).mean()


def backward(theta, ctx, target):
    x = ctx
    y_hat, _ = forward(theta, x)
    dy = (y_hat - target) / target.size
    dw = dy.T @ x
    db = np.sum(dy, axis=0)
    return dw, db
