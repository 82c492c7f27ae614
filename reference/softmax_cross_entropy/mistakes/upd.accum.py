# 소프트맥스와 교차 엔트로피: 기울기를 매번 0으로 되돌리지 않은 학습
import numpy as np

X = np.array([[0.05, 0.10]])
T = np.array([[0.0, 1.0]])
W1 = np.array([[0.15, 0.20], [0.25, 0.30]])
b1 = np.array([0.35, 0.35])
W2 = np.array([[0.40, 0.45], [0.50, 0.55]])
b2 = np.array([0.60, 0.60])
lr = 0.01

dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)

for epoch in range(1000):
    Z1 = X @ W1.T + b1
    A1 = np.maximum(0, Z1)
    Z2 = A1 @ W2.T + b2
    P = np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True)
    loss = -(T * np.log(P)).sum()

    d2 = P - T
    dW2 += d2.T @ A1
    db2 += d2.sum(axis=0)
    d1 = (d2 @ W2) * (Z1 > 0)
    dW1 += d1.T @ X
    db1 += d1.sum(axis=0)

    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    if epoch % 100 == 99:
        print(epoch, loss)
