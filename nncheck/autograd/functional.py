"""A torch function or module as the reference of a layer: its outputs and gradients in float64, in this process.

The caller hands over torch objects, so torch is here already; nothing of a person's hand-written code runs in it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase


def is_module(reference: Any) -> bool:
    """Whether something is a torch module, told without importing torch."""
    return callable(getattr(reference, "named_parameters", None)) and callable(getattr(reference, "state_dict", None))


class TorchReference:
    """Outputs and gradients of a torch function at any values of its inputs.

    Parameters
    ----------
    function : callable of tensors, or nn.Module
        A module is copied, put into float64 and into the mode it is in; inputs called as its parameters take their
        place, the others are handed to its forward in order.
    names : sequence of str
        Inputs to differentiate with respect to.
    find_name : callable
        Which of some names means the same as a name, or None.
    """

    judged_by = "autograd"
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        function: Callable[..., Any],
        values: Mapping[str, Any],
        names: Sequence[str],
        find_name: Callable[[str, Sequence[str]], str | None],
    ) -> None:
        self.values, self.names = dict(values), tuple(names)
        self._function = _module(function, self.values, find_name) if is_module(function) else _plain(function)
        outputs = self._outputs(self._leaves(self.values))
        self.outputs: list[Array] = [out.detach().numpy().copy() for out in outputs]

    def gradients(self, douts: Sequence[Sequence[Array]]) -> dict[str, tuple[list[Array], Array]]:
        """Return each input's gradients, one for each set of upstream gradients, and zeros: autograd has no error.

        Raises
        ------
        InputError
            If the reference cannot be differentiated.
        """
        columns = [self._at(self.values, dout) for dout in douts]
        return {name: ([column[name] for column in columns], np.zeros(self.values[name].shape)) for name in self.names}

    def one_sided(self, name: str, index: tuple[int, ...], dout: Sequence[Array]) -> tuple[float, float] | None:
        """Return the derivatives just below and just above the point, by one element."""
        value = self.values[name]
        step = 1e-7 * max(abs(float(value[index])), 1e-1 * float(np.abs(value).max()), 1e-6)
        sides = []
        for sign in (-1.0, 1.0):
            moved = value.copy()
            moved[index] += sign * step
            sides.append(float(self._at({**self.values, name: moved}, dout)[name][index]))
        return (sides[0], sides[1]) if np.isfinite(sides).all() else None

    def _at(self, values: Mapping[str, Any], dout: Sequence[Array]) -> dict[str, Array]:
        import torch

        leaves = self._leaves(values)
        outputs = self._outputs(leaves)
        wanted = [leaves[name] for name in self.names]
        pairs = [(out, torch.tensor(d, dtype=torch.float64)) for out, d in zip(outputs, dout) if out.requires_grad]
        if not pairs:
            raise InputError(
                phrase("the reference's output depends on none of the inputs: does it detach, or cast to NumPy?")
            )
        heads, weights = zip(*pairs)
        try:
            found = torch.autograd.grad(heads, wanted, weights, allow_unused=True)
        except RuntimeError as error:  # a change in place of what autograd needs
            raise InputError(phrase("the reference cannot be differentiated: {error}", error=error)) from None
        return {
            name: np.zeros(values[name].shape) if gradient is None else gradient.detach().numpy().copy()
            for name, gradient in zip(self.names, found)
        }

    def _outputs(self, leaves: Mapping[str, Any]) -> list[Any]:
        import torch

        found = _flat(self._function(leaves))
        outputs = [out for out in found if isinstance(out, torch.Tensor) and out.is_floating_point()]
        if not outputs:
            got = ", ".join(type(out).__name__ for out in found)
            raise TypeError(
                phrase(
                    "the reference gives {got}, expected a tensor of floating-point numbers",
                    got=got or phrase("nothing"),
                )
            )
        short = next((out.dtype for out in outputs if out.dtype != torch.float64), None)
        if short is not None:
            raise InputError(
                phrase(
                    "the reference gives {short} for float64 inputs; remove the cast, it rounds the witness.",
                    short=short,
                )
            )
        return outputs

    def _leaves(self, values: Mapping[str, Any]) -> dict[str, Any]:
        import torch

        leaves = {}
        for name, value in values.items():
            leaves[name] = torch.tensor(value) if isinstance(value, np.ndarray) else value
            if name in self.names:
                leaves[name].requires_grad_()
        return leaves


def _plain(function: Callable[..., Any]) -> Callable[[Mapping[str, Any]], Any]:
    return lambda leaves: function(*leaves.values())


def _module(
    module: Any, values: Mapping[str, Any], find_name: Callable[[str, Sequence[str]], str | None]
) -> Callable[[Mapping[str, Any]], Any]:
    """Return a function of all inputs that runs the module with those that are its parameters in their place."""
    from torch.func import functional_call

    own = copy.deepcopy(module).double()
    parameters = dict(own.named_parameters())
    placed: dict[str, str] = {}
    for name, value in values.items():
        # the first input is data, even where a parameter goes by the same name
        match = find_name(name, list(parameters)) if placed or name != next(iter(values)) else None
        if match is None or not isinstance(value, np.ndarray):
            continue
        if tuple(parameters[match].shape) != value.shape:
            raise InputError(
                phrase(
                    "the input {name} has shape {shape}, the reference's {match} {torch_shape}. Hand in a function "
                    "that brings them together: reference=lambda ...: f(x, {name}.T).",
                    name=name,
                    shape=value.shape,
                    match=match,
                    torch_shape=tuple(parameters[match].shape),
                )
            )
        placed[name] = match

    def call(leaves: Mapping[str, Any]) -> Any:
        replaced = {match: leaves[name] for name, match in placed.items()}
        return functional_call(own, replaced, tuple(v for name, v in leaves.items() if name not in placed))

    return call


def _flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, (tuple, list)) else [value]
