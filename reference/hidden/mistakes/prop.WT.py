"""은닉층으로 되돌아갈 때 W2 대신 W2의 전치를 곱함. 은닉과 출력의 크기가 같으면 오류 없이 지나감."""


def forward(params, X):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    H = X @ W1.T + b1
    Y = H @ W2.T + b2
    return Y, (X, H, Y)


def loss(Y, YT):
    return ((Y - YT) ** 2).mean()


def backward(params, cache, YT):
    X, H, Y = cache
    dY = 2 * (Y - YT) / Y.size
    dW2 = dY.T @ H
    db2 = dY.sum(axis=0)
    dH = dY @ params["W2"].T
    dW1 = dH.T @ X
    db1 = dH.sum(axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
