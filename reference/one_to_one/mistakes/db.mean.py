"""편향의 기울기를 배치에서 평균 냄 (합이어야 함)."""

import numpy as np


def forward(params, X):
    W, b = params["W"], params["B"]
    Y = np.dot(X, W.T) + b  # 순전파
    return Y, {"X": X, "Y": Y}


def loss(Y, YT):
    오차 = Y - YT
    return (오차**2).mean()


def backward(params, cache, YT):
    X, Y = cache["X"], cache["Y"]
    dY = 2 * (Y - YT) / Y.size  # MSE의 미분
    dW = np.dot(dY.T, X)
    db = np.mean(dY, axis=0)  # 평균
    return {"W": dW, "b": db}
