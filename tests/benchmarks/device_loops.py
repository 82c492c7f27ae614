"""Two loops over the document's last program: ``python -m tests.benchmarks.device_loops plain|nncheck PLACE STEPS``.

The last line that it prints is the number of microseconds that a step took; a first piece of training, in which torch
imports what it needs and nncheck traces the step, is not counted.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import torch

from nncheck import case as cases
from nncheck.autograd.device import Device
from nncheck.autograd.network import Network
from nncheck.autograd.training import Trainer
from nncheck.runner import _CHUNK_STEPS

# Steps that are not counted.
_BEFORE = 200


def main(loop: str, kind: str, steps: int) -> None:
    """Train by one of the loops on one of the devices."""
    torch.set_num_threads(1)
    if kind == "directml":
        import torch_directml

        place = torch_directml.device()
    else:
        place = torch.device("cpu")
    spent = {"plain": _plain, "nncheck": _nncheck}[loop](Device(kind, place, kind), steps)
    print(json.dumps(1e6 * spent / steps))


def _plain(device: Device, steps: int) -> float:
    """Train as the document writes it: the loss is printed every 100 steps, the parameters at the end."""
    model, loss_fn, X, YT = _on(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    began = time.perf_counter()
    for epoch in range(-_BEFORE, steps):
        if epoch == 0:
            began = time.perf_counter()
        Y = model(X)
        E = loss_fn(Y, YT)
        optimizer.zero_grad()
        E.backward()
        optimizer.step()
        if epoch % 100 == 99:
            print(epoch, E.item())
    for parameter in model.parameters():
        print(parameter.data.cpu())  # the device refuses to be printed
    return time.perf_counter() - began


def _nncheck(device: Device, steps: int) -> float:
    model, loss, X, YT = _on(device)
    trainer = Trainer(model, loss, X, YT, 0.01, device)
    trainer.train(_BEFORE)
    began = time.perf_counter()
    for done in range(0, steps, _CHUNK_STEPS):
        trainer.train(min(_CHUNK_STEPS, steps - done))
    spent = time.perf_counter() - began
    assert trainer.why_plain == ""
    return spent


def _on(device: Device) -> tuple[Any, Any, Any, Any]:
    case = cases.find("softmax_cross_entropy")
    network = Network(case.folder)
    model = network.build(case.sizes, tuple(case.params))
    network.set_parameters(model, case.params, device.torch, torch.float32)
    X, YT = (torch.tensor(array, dtype=torch.float32).to(device.torch) for array in (case.X, case.YT))
    return model, network.loss_on(device.torch, torch.float32), X, YT


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
