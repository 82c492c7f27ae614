"""Every line of a derivation by torch, in float64 on the CPU: forward as written, gradients by autograd alone.

A line dQ is not computed: it is the derivative of E with respect to Q that torch.autograd.grad gives. What is no
gradient and stands after E, such as P = softmax(Y), is computed by torch from the values that it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nncheck.autograd.arithmetic import TorchArithmetic
from nncheck.autograd.training import optimizer_of
from nncheck.formula import Derivation, evaluate
from nncheck.formula.evaluate import value_of
from nncheck.formula.plain import Array
from nncheck.optimizers import Optimizer

# What torch.optim calls the states that `optimizers` calls M and V.
_STATES = {
    "momentum": {"M": "momentum_buffer"},
    "nesterov": {"M": "momentum_buffer"},
    "rmsprop": {"V": "square_avg"},
    "adam": {"M": "exp_avg", "V": "exp_avg_sq"},
    "adamw": {"M": "exp_avg", "V": "exp_avg_sq"},
}


def lines_by_autograd(derivation: Derivation, inputs: Mapping[str, Array], parameters: tuple[str, ...]) -> Any:
    """Return the value of every line at one point.

    Parameters
    ----------
    derivation : Derivation
        Its lines up to E are the forward pass, those after it the backward pass.
    inputs : mapping
        X, YT and the parameters.
    parameters : tuple of str
        Which of them are parameters.

    Returns
    -------
    dict of line name to array
    """
    import torch

    arithmetic = TorchArithmetic()
    leaves = {name: torch.tensor(array, dtype=torch.float64) for name, array in inputs.items()}
    for name in ("X", *parameters):
        leaves[name].requires_grad_()
    place = derivation.names.index("E") + 1
    forward = evaluate(Derivation(derivation.lines[:place]), leaves, arithmetic)
    wanted = [name for name, tensor in forward.items() if tensor.requires_grad]
    gradients = torch.autograd.grad(forward["E"].sum(), [forward[name] for name in wanted], allow_unused=True)
    known = {f"d{name}": torch.zeros_like(tensor) for name, tensor in forward.items()}
    known.update({f"d{name}": gradient for name, gradient in zip(wanted, gradients) if gradient is not None})
    values = {name: tensor.detach() for name, tensor in forward.items()}
    for line in derivation.lines[place:]:
        values[line.name] = known[line.name] if line.name in known else value_of(line, values, arithmetic)
    return {name: _array(values[name]) for name in derivation.names}


def update_by_optim(
    optimizer: Optimizer, lr: float, t: int, W: Array, dW: Array, states: Mapping[str, Array]
) -> dict[str, Array]:
    """Return what torch.optim makes of one parameter in step t (from 1 on), by the names of the optimizer's lines.

    Parameters
    ----------
    W, dW : arrays
        Parameter and gradient.
    states : mapping of str to array
        M and V before the step; torch makes its own at t = 1.

    Returns
    -------
    dict
        ``W_`` and the states after the step as torch.optim has them, the lines between them by torch from these.
    """
    import torch

    parameter = torch.nn.Parameter(torch.tensor(W, dtype=torch.float64))
    parameter.grad = torch.tensor(dW, dtype=torch.float64)
    torchs = optimizer_of(optimizer.name, optimizer.settings, [parameter], lr)
    names = _STATES.get(optimizer.name, {})
    if t > 1:
        kept = {names[state]: torch.tensor(array, dtype=torch.float64) for state, array in states.items()}
        if optimizer.name in ("rmsprop", "adam", "adamw"):
            kept["step"] = torch.tensor(float(t - 1))
        torchs.state[parameter].update(kept)
    torchs.step()
    after = {f"{state}_": torchs.state[parameter][own] for state, own in names.items()}
    after["W_"] = parameter.detach()
    numbers = {**optimizer.numbers, "lr": lr, "t": float(t)}
    values = {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
    values |= {name: torch.tensor(array, dtype=torch.float64) for name, array in {**states, "W": W, "dW": dW}.items()}
    arithmetic = TorchArithmetic()
    for line in optimizer.lines.lines:
        values[line.name] = after[line.name] if line.name in after else value_of(line, values, arithmetic)
    return {name: _array(values[name]) for name in optimizer.lines.names}


def _array(tensor: Any) -> Array:
    return np.array(tensor.detach().numpy(), dtype=np.float64)
