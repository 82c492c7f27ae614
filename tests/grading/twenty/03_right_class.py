"""Right, as a class with an update in place."""

import numpy as np


class Network:
    """Two layers."""

    def forward(self, params, X):
        """Return the output and what backward needs."""
        self.calls = getattr(self, "calls", 0) + 1
        z1 = X @ params["W1"].T + params["b1"]
        a1 = z1 * (z1 > 0)
        y = 1 / (1 + np.exp(-(a1 @ params["W2"].T + params["b2"])))
        return y, (X, a1, y)

    def loss(self, Y, YT):
        """Return the mean squared error."""
        return ((Y - YT) ** 2).sum() / Y.size

    def backward(self, params, cache, YT):
        """Return a tuple."""
        X, a1, y = cache
        delta2 = (y - YT) * 2 / y.size * (y - y**2)
        delta1 = delta2 @ params["W2"] * (a1 > 0)
        dW1 = np.einsum("nj,ni->ji", delta1, X)
        db1 = np.einsum("nj->j", delta1)
        dW2 = np.einsum("nk,nj->kj", delta2, a1)
        db2 = np.einsum("nk->k", delta2)
        return dW1, db1, dW2, db2

    def update(self, params, grads, lr):
        """Change the parameters in place."""
        for name in params:
            params[name] -= lr * grads[name]
