"""Two linear layers, one after the other, in torch as the document writes it."""

from torch import nn


def network(n_in: int, n_hidden: int, n_out: int) -> nn.Sequential:
    """Y = H W2^T + B2 of H = X W^T + B."""
    return nn.Sequential(nn.Linear(n_in, n_hidden), nn.Linear(n_hidden, n_out))


loss = nn.MSELoss()
