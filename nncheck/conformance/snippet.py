"""A sample as a program that anybody can paste and run: what a bug report needs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nncheck.autograd.operators import upstream
from nncheck.conformance.sample import Operand, Sample
from nncheck.formula.plain import Array

#: Above so many numbers an operand is not written out.
MOST = 2000


def program(sample: Sample, device: str, quantity: str, expected: Mapping[str, Array], numbers: Array) -> str:
    """Return the program that prints one result or gradient of a sample.

    Parameters
    ----------
    sample : Sample
    device : str
        As ``--device`` takes it.
    quantity : str
        Name of a result, or ``dx`` for the gradient of x.
    expected : mapping of arrays
        All results, for their shapes.
    numbers : array
        What the gradients from above are made of.
    """
    lines = ["import torch", "import torch.nn.functional as F", *_device(device), ""]
    lines += [f"{name} = {_tensor(own, sample.dtype)}" for name, own in sample.operands.items()]
    if sample.dtype != "float32":
        lines.insert(2, f"torch.set_default_dtype(torch.{sample.dtype})")
    lines += sample.call.split("; ")
    if quantity not in sample.results and quantity[1:] in sample.operands:
        lines += _gradient(sample, quantity[1:], expected, numbers)
    lines.append(f"print({quantity}.dtype, {quantity}.detach().cpu())")
    return "\n".join(lines)


def _device(device: str) -> list[str]:
    kind, _, index = device.partition(":")
    if kind == "directml":
        return ["import torch_directml", f"device = torch_directml.device({index or 0})"]
    return [f'device = torch.device("{device}")']


def _gradient(sample: Sample, name: str, expected: Mapping[str, Array], numbers: Array) -> list[str]:
    lines, outputs, above = [], [], []
    for k, result in enumerate(sample.results):
        values = _literal(upstream(numbers, expected[result].shape, k), sample.dtype)
        lines.append(f"d{result} = torch.tensor({values}, dtype=torch.{sample.dtype}).to(device)")
        outputs.append(result)
        above.append(f"d{result}")
    if len(outputs) == 1:
        return [*lines, f"(d{name},) = torch.autograd.grad({outputs[0]}, [{name}], {above[0]})"]
    chosen = f"[r for r in ({', '.join(outputs)}) if r.requires_grad]"
    given = f"[d for r, d in zip(({', '.join(outputs)}), ({', '.join(above)})) if r.requires_grad]"
    return [*lines, f"(d{name},) = torch.autograd.grad({chosen}, [{name}], {given})"]


def _tensor(own: Operand, dtype: str) -> str:
    dtype = own.dtype or dtype
    values = np.swapaxes(own.values, 0, -1) if own.layout == "transposed" else own.values
    if own.values.size > MOST:  # the shape may be what matters
        made = f"torch.rand({list(values.shape)})"
    else:
        made = f"torch.tensor({_literal(values, dtype)}, dtype=torch.{dtype})"
    if own.layout == "transposed":
        made += ".to(device).transpose(0, -1)"
    elif own.layout == "strided":
        made = f"torch.stack([{made}] * 2, dim=-1).flatten(-2).to(device)[..., ::2]"
    else:
        made += ".to(device)"
    return f"{made}.requires_grad_()" if own.grad else made


def _literal(values: Array, dtype: str) -> str:
    if values.ndim:
        return f"[{', '.join(_literal(part, dtype) for part in values)}]"
    if dtype == "bool":
        return str(bool(values))
    if dtype == "int64":
        return str(int(values))
    if not np.isfinite(values):
        return f'float("{float(values)}")'
    # the shortest text that gives the same number in the type
    return repr(float(values)) if dtype == "float64" else str(np.float32(values))
