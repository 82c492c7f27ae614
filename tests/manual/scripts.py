"""Training scripts as students write them, each a right one for a case of the document."""

from __future__ import annotations

_HEAD = """import math

# 학습률과 데이터
lr = 0.01
x1, x2 = 0.05, 0.10
t1, t2 = {targets}

w1, w2, w3, w4 = 0.15, 0.20, 0.25, 0.30
b1, b2 = 0.35, 0.35
w5, w6, w7, w8 = 0.40, 0.45, 0.50, 0.55
b3, b4 = 0.60, 0.60

for epoch in range(1000):
    # forward
    z1 = w1 * x1 + w2 * x2 + b1
    z2 = w3 * x1 + w4 * x2 + b2
    h1 = max(z1, 0)
    h2 = max(z2, 0)
    net1 = w5 * h1 + w6 * h2 + b3
    net2 = w7 * h1 + w8 * h2 + b4
"""
_TAIL = """
    dw5 = {d}1 * h1
    dw6 = {d}1 * h2
    dw7 = {d}2 * h1
    dw8 = {d}2 * h2
    db3 = {d}1
    db4 = {d}2
    dh1 = {d}1 * w5 + {d}2 * w7
    dh2 = {d}1 * w6 + {d}2 * w8
    dz1 = dh1 * (z1 > 0)
    dz2 = dh2 * (z2 > 0)
    dw1 = dz1 * x1
    dw2 = dz1 * x2
    dw3 = dz2 * x1
    dw4 = dz2 * x2
    db1 = dz1
    db2 = dz2

    # update
    w1 = w1 - lr * dw1
    w2 = w2 - lr * dw2
    w3 = w3 - lr * dw3
    w4 = w4 - lr * dw4
    w5 = w5 - lr * dw5
    w6 = w6 - lr * dw6
    w7 = w7 - lr * dw7
    w8 = w8 - lr * dw8
    b1 = b1 - lr * db1
    b2 = b2 - lr * db2
    b3 = b3 - lr * db3
    b4 = b4 - lr * db4
    if epoch % 100 == 99:
        print(epoch, E)
    if E < 1e-12:
        break

print(w1, w2, w3, w4)
"""

#: Sixty lines of single numbers; the loop is left early if the loss is small.
SCALAR_SIGMOID = (
    _HEAD.format(targets="0.01, 0.99")
    + """    y1 = 1 / (1 + math.exp(-net1))
    y2 = 1 / (1 + math.exp(-net2))
    E = ((y1 - t1) ** 2 + (y2 - t2) ** 2) / 2

    # backward
    dy1 = y1 - t1
    dy2 = y2 - t2
    dnet1 = dy1 * y1 * (1 - y1)
    dnet2 = dy2 * y2 * (1 - y2)"""
    + _TAIL.format(d="dnet")
)
SCALAR_SOFTMAX = (
    _HEAD.format(targets="0, 1")
    + """    e1 = math.exp(net1)
    e2 = math.exp(net2)
    total = e1 + e2
    p1 = e1 / total
    p2 = e2 / total
    E = -(t1 * math.log(p1) + t2 * math.log(p2))

    # backward
    dy1 = p1 - t1
    dy2 = p2 - t2"""
    + _TAIL.format(d="dy")
)

ARRAYS = """import numpy as np
import matplotlib.pyplot as plt

X = np.array([[.05, .10]])
YT = np.array([[.01, .99]])
W = np.array([[.15, .20], [.25, .30]])
B = np.array([.35, .35])
W2 = np.array([[.40, .45], [.50, .55]])
B2 = np.array([.60, .60])

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

losses = []
for epoch in range(1000):
    Z = X @ W.T + B
    H = np.maximum(Z, 0)
    Z2 = H @ W2.T + B2
    Y = sigmoid(Z2)
    losses.append(np.mean((Y - YT) ** 2))

    dY = 2 * (Y - YT) / Y.size
    dZ2 = dY * Y * (1 - Y)
    dW2 = dZ2.T @ H
    dB2 = dZ2.sum(axis=0)
    dH = dZ2 @ W2
    dZ = dH * (Z > 0)
    dW = dZ.T @ X
    dB = dZ.sum(axis=0)

    W -= 0.01 * dW
    B -= 0.01 * dB
    W2 -= 0.01 * dW2
    B2 -= 0.01 * dB2
    if epoch % 100 != 99:
        continue
    print(f"{epoch} {losses[-1]:.6f}")

plt.plot(losses)
plt.show()
"""

#: Weights as (n_in, n_out), one target in a row, softmax; the biases are (1, n).
TRANSPOSED = """import numpy as np
x = np.array([[0.05, 0.1]])
t = np.array([[0., 1.]])
W1 = np.array([[0.15, 0.25], [0.20, 0.30]])
b1 = np.full((1, 2), 0.35)
W2 = np.array([[0.40, 0.50], [0.45, 0.55]])
b2 = np.full((1, 2), 0.60)
learning_rate = 0.01
for i in range(300):
    a1 = np.dot(x, W1) + b1
    z1 = np.where(a1 > 0, a1, 0)
    a2 = np.dot(z1, W2) + b2
    c = np.max(a2)
    exp_a = np.exp(a2 - c)
    y = exp_a / np.sum(exp_a)
    loss = -np.sum(t * np.log(y + 1e-300))
    delta2 = y - t
    grad_W2 = np.dot(z1.T, delta2)
    grad_b2 = np.sum(delta2, axis=0, keepdims=True)
    delta1 = np.dot(delta2, W2.T)
    delta1[a1 <= 0] = 0
    grad_W1 = np.dot(x.T, delta1)
    grad_b1 = np.sum(delta1, axis=0, keepdims=True)
    W1 = W1 - learning_rate * grad_W1
    b1 = b1 - learning_rate * grad_b1
    W2 = W2 - learning_rate * grad_W2
    b2 = b2 - learning_rate * grad_b2
"""

#: Lists and inner loops, no NumPy.
LISTS = """x = [0.05, 0.10]
target = [0.01, 0.99]
w = [[0.15, 0.20], [0.25, 0.30]]
b = [0.35, 0.35]
v = [[0.40, 0.45], [0.50, 0.55]]
c = [0.60, 0.60]
eta = 0.01
for epoch in range(1, 1001):
    h = [0.0, 0.0]
    for j in range(2):
        h[j] = b[j]
        for i in range(2):
            h[j] += w[j][i] * x[i]
    y = [0.0, 0.0]
    for k in range(2):
        y[k] = c[k]
        for j in range(2):
            y[k] += v[k][j] * h[j]
    error = 0
    for k in range(2):
        error += (y[k] - target[k]) ** 2 / 2
    dy = [y[k] - target[k] for k in range(2)]
    dh = [sum(dy[k] * v[k][j] for k in range(2)) for j in range(2)]
    for k in range(2):
        for j in range(2):
            v[k][j] -= eta * dy[k] * h[j]
        c[k] -= eta * dy[k]
    for j in range(2):
        for i in range(2):
            w[j][i] -= eta * dh[j] * x[i]
        b[j] -= eta * dh[j]
    if epoch % 100 == 0:
        print("%d %.6f" % (epoch, error))
"""

IN_A_FUNCTION = """import numpy as np

def forward(x, w, b):
    return x @ w.T + b

def train(x, t, w, b, lr=0.01, epochs=1000):
    for epoch in range(epochs):
        y = forward(x, w, b)
        e = np.mean((y - t) ** 2)
        dy = 2 * (y - t) / y.size
        dw = dy.T @ x
        db = dy.sum(axis=0)
        w = w - lr * dw
        b = b - lr * db
        if epoch % 100 == 99:
            print(epoch, e)
    return w, b

if __name__ == "__main__":
    w, b = train(np.array([[2., 3.]]), np.array([[27., -30.]]), np.array([[3., 4.], [5., 6.]]), np.array([1., 2.]))
    print(w, b)
"""

WHILE_TRUE = """x1 = 2
x2 = 3
yt = 27
w1 = 3
w2 = 4
b = 1
step = 0
while True:
    y = x1 * w1 + x2 * w2 + b
    E = (y - yt) ** 2
    if E < 1e-10:
        break
    dy = 2 * (y - yt)
    w1 -= 0.01 * dy * x1
    w2 -= 0.01 * dy * x2
    b -= 0.01 * dy
    step += 1
    if step > 1000:
        break
print(step, w1, w2, b)
"""

CLASS = """import numpy as np

class Network:
    def __init__(self):
        self.W1 = np.array([[0.15, 0.20], [0.25, 0.30]])
        self.b1 = np.array([0.35, 0.35])
        self.W2 = np.array([[0.40, 0.45], [0.50, 0.55]])
        self.b2 = np.array([0.60, 0.60])
        self.lr = 0.01

    def forward(self, X):
        self.X = X
        self.z1 = X @ self.W1.T + self.b1
        self.h = np.maximum(0, self.z1)
        self.z2 = self.h @ self.W2.T + self.b2
        self.y = 1 / (1 + np.exp(-self.z2))
        return self.y

    def backward(self, T):
        dy = 2 * (self.y - T) / T.size
        dz2 = dy * self.y * (1 - self.y)
        dz1 = (dz2 @ self.W2) * (self.z1 > 0)
        self.dW2 = dz2.T @ self.h
        self.db2 = dz2.sum(axis=0)
        self.dW1 = dz1.T @ self.X
        self.db1 = dz1.sum(axis=0)

    def step(self):
        self.W1 -= self.lr * self.dW1
        self.b1 -= self.lr * self.db1
        self.W2 -= self.lr * self.dW2
        self.b2 -= self.lr * self.db2

X = np.array([[0.05, 0.10]])
T = np.array([[0.01, 0.99]])
net = Network()
for epoch in range(1000):
    y = net.forward(X)
    loss = ((y - T) ** 2).mean()
    net.backward(T)
    net.step()
"""

KOREAN = """# 1 입력 1 출력
입력 = 2
정답 = 10
가중치 = 3
편향 = 1
학습률 = 0.01
for 세대 in range(1000):
    출력 = 입력 * 가중치 + 편향
    오차 = (출력 - 정답) ** 2
    기울기 = 2 * (출력 - 정답)
    가중치 = 가중치 - 학습률 * 기울기 * 입력
    편향 = 편향 - 학습률 * 기울기
    if 세대 % 100 == 99:
        print("세대", 세대, "오차", 오차)
"""

DICTIONARY = """import numpy as np
params = {"W1": np.array([[.15, .20], [.25, .30]]), "b1": np.array([.35, .35]),
          "W2": np.array([[.40, .45], [.50, .55]]), "b2": np.array([.60, .60])}
X, T = np.array([[.05, .10]]), np.array([[.01, .99]])
lr = 0.01
for it in range(1000):
    H = X @ params["W1"].T + params["b1"]
    Y = H @ params["W2"].T + params["b2"]
    dY = Y - T
    grads = {"W2": dY.T @ H, "b2": dY.sum(0)}
    dH = dY @ params["W2"]
    grads["W1"] = dH.T @ X
    grads["b1"] = dH.sum(0)
    for key in params:
        params[key] -= lr * grads[key]
"""

#: Columns for samples, a loop over the samples inside the one over the epochs.
SAMPLE_LOOP = """import numpy as np
data = [([.05, .10], [.01, .99])]
W1 = np.array([[.15, .20], [.25, .30]])
b1 = np.array([[.35], [.35]])
W2 = np.array([[.40, .45], [.50, .55]])
b2 = np.array([[.60], [.60]])
lr = 0.01
for epoch in range(1000):
    total = 0
    for sample, label in data:
        x = np.array(sample).reshape(2, 1)
        t = np.array(label).reshape(2, 1)
        z1 = W1 @ x + b1
        a1 = np.maximum(z1, 0)
        z2 = W2 @ a1 + b2
        a2 = 1 / (1 + np.exp(-z2))
        total += np.mean((a2 - t) ** 2)
        d2 = (a2 - t) * a2 * (1 - a2)
        d1 = (W2.T @ d2) * (z1 > 0)
        W2 = W2 - lr * d2 @ a1.T
        b2 = b2 - lr * d2
        W1 = W1 - lr * d1 @ x.T
        b1 = b1 - lr * d1
    print(epoch, total)
"""

#: After Mazur: lists of weights, one bias a layer that is never updated.
SHARED_BIAS = """i1, i2 = 0.05, 0.10
o1t, o2t = 0.01, 0.99
w = [0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55]
b1 = 0.35
b2 = 0.60
lr = 0.01
for n in range(100):
    h1 = w[0] * i1 + w[1] * i2 + b1
    h2 = w[2] * i1 + w[3] * i2 + b1
    o1 = w[4] * h1 + w[5] * h2 + b2
    o2 = w[6] * h1 + w[7] * h2 + b2
    E_total = 0.5 * (o1t - o1) ** 2 + 0.5 * (o2t - o2) ** 2
    d1 = -(o1t - o1)
    d2 = -(o2t - o2)
    g = [0] * 8
    g[4], g[5], g[6], g[7] = d1 * h1, d1 * h2, d2 * h1, d2 * h2
    dh1 = d1 * w[4] + d2 * w[6]
    dh2 = d1 * w[5] + d2 * w[7]
    g[0], g[1], g[2], g[3] = dh1 * i1, dh1 * i2, dh2 * i1, dh2 * i2
    for k in range(8):
        w[k] = w[k] - lr * g[k]
"""

LAYER_OBJECTS = """import numpy as np

class Dense:
    def __init__(self, W, b):
        self.W = np.array(W)
        self.b = np.array(b)
    def forward(self, x):
        self.x = x
        return x @ self.W.T + self.b
    def backward(self, dout, lr):
        dx = dout @ self.W
        self.W = self.W - lr * dout.T @ self.x
        self.b = self.b - lr * dout.sum(axis=0)
        return dx

class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, dout, lr):
        return dout * self.mask

layers = [Dense([[.15, .20], [.25, .30]], [.35, .35]), ReLU(), Dense([[.40, .45], [.50, .55]], [.60, .60])]
x = np.array([[.05, .10]])
t = np.array([[0, 1]])
for epoch in range(200):
    out = x
    for layer in layers:
        out = layer.forward(out)
    p = np.exp(out) / np.exp(out).sum()
    loss = -np.log(p[0, 1])
    grad = p - t
    for layer in reversed(layers):
        grad = layer.backward(grad, 0.01)
"""

GLOBALS = """import numpy as np
W = np.array([[3.]]); B = np.array([1.])
X = np.array([[2.]]); YT = np.array([[10.]])
def one_step():
    global W, B
    Y = X @ W.T + B
    dY = 2 * (Y - YT) / Y.size
    W = W - 0.01 * (dY.T @ X)
    B = B - 0.01 * dY.sum(axis=0)
    return ((Y - YT) ** 2).mean()
for epoch in range(1000):
    E = one_step()
    if epoch % 100 == 99: print(epoch, E)
"""

#: Starts from numbers of its own, row vectors, targets with a minus.
OWN_NUMBERS = """import numpy as np
np.random.seed(1)
X = np.array([[0.05, 0.10]])
T = np.array([[0.01, 0.99]])
W1 = np.random.randn(2, 2)
b1 = np.array([0.3, -0.2])
W2 = np.random.randn(2, 2)
b2 = np.array([0.1, 0.4])
lr = 0.1
for epoch in range(100):
    H = X @ W1.T + b1
    Y = H @ W2.T + b2
    E = np.mean((Y - T) ** 2)
    dY = (Y - T)
    dW2, db2 = dY.T @ H, dY[0]
    dH = dY @ W2
    dW1, db1 = dH.T @ X, dH[0]
    W1, b1, W2, b2 = W1 - lr * dW1, b1 - lr * db1, W2 - lr * dW2, b2 - lr * db2
"""

#: The bias as a third weight beside a column of ones; targets minus output, added.
AUGMENTED = """import numpy as np
X = np.array([[2., 3., 1.]])
T = np.array([[27., -30.]])
W = np.array([[3., 4., 1.], [5., 6., 2.]])
for k in range(100):
    Y = X @ W.T
    err = T - Y
    loss = (err ** 2).mean()
    W += 0.01 * err.T @ X
"""

FUNCTIONS_OF_NUMBERS = """w1 = .15; w2 = .20; w3 = .25; w4 = .30; b1 = .35; b2 = .35
w5 = .40; w6 = .45; w7 = .50; w8 = .55; b3 = .6; b4 = .6

def forward(x1, x2):
    h1 = w1 * x1 + w2 * x2 + b1
    h2 = w3 * x1 + w4 * x2 + b2
    return h1, h2, w5 * h1 + w6 * h2 + b3, w7 * h1 + w8 * h2 + b4

def update(x1, x2, t1, t2, lr):
    global w1, w2, w3, w4, w5, w6, w7, w8, b1, b2, b3, b4
    h1, h2, y1, y2 = forward(x1, x2)
    d1 = y1 - t1; d2 = y2 - t2
    dh1 = d1 * w5 + d2 * w7; dh2 = d1 * w6 + d2 * w8
    w5 -= lr * d1 * h1; w6 -= lr * d1 * h2; w7 -= lr * d2 * h1; w8 -= lr * d2 * h2
    b3 -= lr * d1; b4 -= lr * d2
    w1 -= lr * dh1 * x1; w2 -= lr * dh1 * x2; w3 -= lr * dh2 * x1; w4 -= lr * dh2 * x2
    b1 -= lr * dh1; b2 -= lr * dh2

for i in range(1000):
    update(.05, .10, .01, .99, .01)
"""

VECTORS = """import numpy as np
x = np.array([.05, .10]); t = np.array([.01, .99])
W1 = np.array([[.15, .20], [.25, .30]]); b1 = np.array([.35, .35])
W2 = np.array([[.40, .45], [.50, .55]]); b2 = np.array([.60, .60])
sig = lambda z: 1 / (1 + np.exp(-z))
for k in range(1000):
    z1 = W1 @ x + b1; h = z1 * (z1 > 0)
    y = sig(W2 @ h + b2)
    d2 = (y - t) * y * (1 - y)
    d1 = (W2.T @ d2) * (z1 > 0)
    W2 = W2 - .01 * np.outer(d2, h); b2 = b2 - .01 * d2
    W1 = W1 - .01 * np.outer(d1, x); b1 = b1 - .01 * d1
"""

LIST_OF_ARRAYS = """import numpy as np
Ws = [np.array([[.15, .20], [.25, .30]]), np.array([[.40, .45], [.50, .55]])]
bs = [np.array([.35, .35]), np.array([.60, .60])]
x = np.array([[.05, .10]]); t = np.array([[.01, .99]])
for k in range(100):
    a = [x]
    for W, b in zip(Ws, bs):
        a.append(a[-1] @ W.T + b)
    d = a[-1] - t
    for l in (1, 0):
        gW = d.T @ a[l]; gb = d.sum(0)
        d = d @ Ws[l]
        Ws[l] = Ws[l] - .01 * gW
        bs[l] = bs[l] - .01 * gb
"""

#: Every right script: name, text, case.
RIGHT = [
    ("scalar sigmoid", SCALAR_SIGMOID, "relu_sigmoid"),
    ("scalar softmax", SCALAR_SOFTMAX, "softmax_cross_entropy"),
    ("arrays", ARRAYS, "relu_sigmoid"),
    ("transposed", TRANSPOSED, "softmax_cross_entropy"),
    ("lists", LISTS, "hidden"),
    ("in a function", IN_A_FUNCTION, "two_to_two"),
    ("while true", WHILE_TRUE, "two_to_one"),
    ("class", CLASS, "relu_sigmoid"),
    ("korean", KOREAN, "one_to_one"),
    ("dictionary", DICTIONARY, "hidden"),
    ("sample loop", SAMPLE_LOOP, "relu_sigmoid"),
    ("shared bias", SHARED_BIAS, "hidden"),
    ("layer objects", LAYER_OBJECTS, "softmax_cross_entropy"),
    ("globals", GLOBALS, "one_to_one"),
    ("own numbers", OWN_NUMBERS, "hidden"),
    ("augmented", AUGMENTED, "two_to_two"),
    ("functions of numbers", FUNCTIONS_OF_NUMBERS, "hidden"),
    ("vectors", VECTORS, "relu_sigmoid"),
    ("list of arrays", LIST_OF_ARRAYS, "hidden"),
]
