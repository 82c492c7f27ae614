"""A ReLU in the hidden layer and a sigmoid at the output, in torch as the document writes it."""

from torch import nn


def network(n_in: int, n_hidden: int, n_out: int) -> nn.Sequential:
    """Y = sigmoid(H W2^T + B2) of H = max(X W^T + B, 0)."""
    return nn.Sequential(nn.Linear(n_in, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_out), nn.Sigmoid())


loss = nn.MSELoss()
