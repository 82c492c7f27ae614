# 입력 2, 은닉 2, 출력 2를 스칼라로
import numpy as np

i1, i2 = 0.05, 0.10
t1, t2 = 0.01, 0.99
w1, w2, w3, w4 = 0.15, 0.20, 0.25, 0.30
w5, w6, w7, w8 = 0.40, 0.45, 0.50, 0.55
b1, b2 = 0.35, 0.35
b3, b4 = 0.60, 0.60
lr = 0.01


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


for epoch in range(30):
    # forward
    z1 = w1 * i1 + w2 * i2 + b1
    z2 = w3 * i1 + w4 * i2 + b2
    h1 = z1 if z1 > 0 else 0
    h2 = z2 if z2 > 0 else 0
    z3 = w5 * h1 + w6 * h2 + b3
    z4 = w7 * h1 + w8 * h2 + b4
    y1 = sigmoid(z3)
    y2 = sigmoid(z4)
    E = ((y1 - t1) ** 2 + (y2 - t2) ** 2) / 2
    # backward
    e1 = y1 - t1
    e2 = y2 - t2
    d3 = e1 * y1 * (1 - y1)
    d4 = e2 * y2 * (1 - y2)
    g5 = d3 * h1
    g6 = d3 * h2
    g7 = d4 * h1
    g8 = d4 * h2
    eh1 = d3 * w5 + d4 * w7
    eh2 = d3 * w6 + d4 * w8
    d1 = eh1 if z1 > 0 else 0
    d2 = eh2 if z2 > 0 else 0
    g1 = d1 * i1
    g2 = d1 * i2
    g3 = d2 * i1
    g4 = d2 * i2
    # update
    w1 = w1 - lr * g1
    w2 = w2 - lr * g2
    w3 = w3 - lr * g3
    w4 = w4 - lr * g4
    w5 = w5 - lr * g5
    w6 = w6 - lr * g6
    w7 = w7 - lr * g7
    w8 = w8 - lr * g8
    b1 = b1 - lr * d1
    b2 = b2 - lr * d2
    b3 = b3 - lr * d3
    b4 = b4 - lr * d4
    if epoch % 10 == 9:
        print(epoch, E)
    if E < 1e-6:
        break
