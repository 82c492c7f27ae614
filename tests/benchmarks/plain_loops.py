"""The document's six programs as it writes them, one to a process: ``python plain_loops.py NUMBER``."""

from __future__ import annotations

import sys

import torch
from torch import nn, optim

HIDDEN = (
    [[0.15, 0.20], [0.25, 0.30]],
    [0.35, 0.35],
    [[0.40, 0.45], [0.50, 0.55]],
    [0.60, 0.60],
)
PROGRAMS = (
    (nn.Sequential(nn.Linear(1, 1)), nn.MSELoss(), [[2]], [[10]], ([[3]], [1]), 1000),
    (nn.Sequential(nn.Linear(2, 1)), nn.MSELoss(), [[2, 3]], [[27]], ([[3, 4]], [1]), 1000),
    (nn.Sequential(nn.Linear(2, 2)), nn.MSELoss(), [[2, 3]], [[27, -30]], ([[3, 4], [5, 6]], [1, 2]), 1000),
    (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), nn.MSELoss(), [[0.05, 0.10]], [[0.01, 0.99]], HIDDEN, 1000),
    (
        nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.Sigmoid()),
        nn.MSELoss(),
        [[0.05, 0.10]],
        [[0.01, 0.99]],
        HIDDEN,
        1000,
    ),
    (
        nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)),
        nn.CrossEntropyLoss(),
        [[0.05, 0.10]],
        [[0, 1]],
        HIDDEN,
        100_000,
    ),
)


def main(number: int) -> None:
    """Train one of the six, and print every 100th loss and the final parameters."""
    model, loss_fn, X_, YT_, params, steps = PROGRAMS[number]
    X, YT = torch.FloatTensor(X_), torch.FloatTensor(YT_)
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer, weight, bias in zip(layers, params[0::2], params[1::2]):
            layer.weight = nn.Parameter(torch.FloatTensor(weight))
            layer.bias = nn.Parameter(torch.FloatTensor(bias))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(steps):
        Y = model(X)
        E = loss_fn(Y, YT)
        optimizer.zero_grad()
        E.backward()
        optimizer.step()
        if epoch % 100 == 99:
            print(epoch, E.item())
    for layer in layers:
        print(f"W = {layer.weight.data}\nB = {layer.bias.data}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
