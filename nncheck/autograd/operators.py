"""One call of torch and its gradients, on the device or on the CPU, from its text and the numbers that it takes.

The texts come from nncheck's own table of operators (nncheck/conformance), never from a person's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nncheck.formula.plain import Array

#: How a tensor lies in memory: as made, with its first and last axis exchanged, or every second number of its last.
LAYOUTS = ("plain", "transposed", "strided")


def called(
    request: Mapping[str, Any], arrays: Mapping[str, Array], place: Any
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Run a call and take the gradients of its results.

    Parameters
    ----------
    request : mapping
        ``call``, statements of torch; ``results``, the names that they give; ``dtype``, that of the floating-point
        operands and of new tensors; ``operands``, of each its ``name``, ``dtype`` (empty: the one above), ``grad``
        (whether its gradient is asked for) and ``layout``.
    arrays : mapping of arrays
        The operands by name, and ``upstream``, see `upstream`.
    place : torch.device or str

    Returns
    -------
    header : dict
        ``dtypes`` of all results and gradients.
    arrays : dict of arrays
        Results by name; the gradient of operand x as ``dx``. One that torch does not give is missing.
    """
    import torch

    dtype, usual = getattr(torch, request["dtype"]), torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        operands = {own["name"]: _operand(own, arrays[own["name"]], dtype, place) for own in request["operands"]}
        space = {"torch": torch, "F": torch.nn.functional, "device": place, **operands}
        exec(request["call"], space)
        tensors = {name: torch.as_tensor(space[name]) for name in request["results"]}
        leaves = {own["name"]: operands[own["name"]] for own in request["operands"] if own["grad"]}
        tensors |= _gradients(tensors, leaves, arrays["upstream"], place)
        found = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
    finally:
        torch.set_default_dtype(usual)
    dtypes = {name: str(tensor.dtype).removeprefix("torch.") for name, tensor in found.items()}
    return {"dtypes": dtypes}, {name: tensor.to(torch.float64).numpy() for name, tensor in found.items()}


def upstream(numbers: Array, shape: tuple[int, ...], k: int) -> Array:
    """Return the gradient from above for the k-th result: the given numbers in turn, from number 101 k on."""
    return np.resize(np.roll(numbers, -101 * k), shape)


def _operand(own: Mapping[str, Any], values: Array, dtype: Any, place: Any) -> Any:
    import torch

    given = torch.tensor(values).to(getattr(torch, own["dtype"]) if own["dtype"] else dtype)
    if own["layout"] == "transposed":
        tensor = given.transpose(0, -1).contiguous().to(place).transpose(0, -1)
    elif own["layout"] == "strided":
        tensor = torch.stack([given, torch.zeros_like(given)], dim=-1).flatten(-2).to(place)[..., ::2]
    else:
        tensor = given.to(place)
    return tensor.requires_grad_() if own["grad"] else tensor


def _gradients(results: Mapping[str, Any], leaves: Mapping[str, Any], numbers: Array, place: Any) -> dict[str, Any]:
    import torch

    above = {
        name: torch.tensor(upstream(numbers, tuple(tensor.shape), k)).to(tensor.dtype).to(place)
        for k, (name, tensor) in enumerate(results.items())
        if tensor.requires_grad
    }
    if not above or not leaves:
        return {}
    outputs = [results[name] for name in above]
    with torch.autograd.set_multithreading_enabled(False):  # as in training: it avoids an assert of DirectML
        gradients = torch.autograd.grad(outputs, list(leaves.values()), list(above.values()), allow_unused=True)
    return {f"d{name}": gradient for name, gradient in zip(leaves, gradients) if gradient is not None}
