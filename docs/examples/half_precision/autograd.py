"""Two linear layers on a stand-in for a faulty device: it is asked for float32 and multiplies in bfloat16.

GPUs can be told to do this to be faster, and some do it unasked. Computed here by hand, so that any machine shows it.
"""

import torch
from torch import nn


class Linear(nn.Linear):
    """As torch's own in float64, in which nncheck judges; in float32, in which devices train, with 8 bits of 24."""

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Y = X W^T + B."""
        if X.dtype == torch.float64:
            return super().forward(X)
        return nn.functional.linear(X.bfloat16(), self.weight.bfloat16()).float() + self.bias


def network(n_in: int, n_hidden: int, n_out: int) -> nn.Sequential:
    """Y = H W2^T + B2 of H = X W^T + B."""
    return nn.Sequential(Linear(n_in, n_hidden), Linear(n_hidden, n_out))


loss = nn.MSELoss()
