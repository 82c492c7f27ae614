"""Loss and gradients in float64 on the CPU, at many points at once: the witness that judges the other two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nncheck.formula.plain import Array


def at_points(
    model: Any, loss: Callable[..., Any], X: Array, YT: Array, points: list[Array]
) -> tuple[Array, list[Array]]:
    """Differentiate the loss at S points by torch autograd.

    Parameters
    ----------
    model : nn.Module in float64 on the CPU
        Its own parameter values are not used.
    loss : callable of (Y, YT)
    X, YT : (N, n_in), (N, n_out)
    points : list of (S, ...)
        Each parameter of the model, in order, at every point.

    Returns
    -------
    E : (S,)
    gradients : list of (S, ...)
        dE/dW and so on, in the order of ``points``.

    Raises
    ------
    TypeError
        If the loss is not one float64 number.
    """
    import torch
    from torch.func import functional_call, grad_and_value, vmap

    names = [name for name, _ in model.named_parameters()]
    x, yt = torch.tensor(X, dtype=torch.float64), torch.tensor(YT, dtype=torch.float64)
    stack = {name: torch.tensor(point, dtype=torch.float64) for name, point in zip(names, points)}

    def E(params: dict[str, Any]) -> Any:
        return loss(functional_call(model, params, (x,)), yt)

    _check_loss(E({name: point[0] for name, point in stack.items()}))
    try:
        gradients, losses = vmap(grad_and_value(E))(stack)
    except Exception:  # a module that vmap cannot batch: one point after the other
        return _one_by_one(E, stack)
    return losses.detach().numpy(), [gradients[name].detach().numpy() for name in names]


def _check_loss(E: Any) -> None:
    """Refuse a loss that is no number, or that was rounded to a shorter type on its way."""
    import torch

    if not isinstance(E, torch.Tensor) or E.ndim != 0:
        got = f"shape {tuple(E.shape)}" if isinstance(E, torch.Tensor) else type(E).__name__
        raise TypeError(f"the loss gives {got}, expected one number (a reduction such as the mean)")
    if E.dtype != torch.float64:
        raise TypeError(f"the loss gives {E.dtype} for float64 data; remove the cast, it rounds the witness")


def _one_by_one(E: Callable[[dict[str, Any]], Any], stack: dict[str, Any]) -> tuple[Array, list[Array]]:
    import torch

    count = len(next(iter(stack.values())))
    losses, gradients = [], []
    for s in range(count):
        leaves = {name: point[s].clone().requires_grad_() for name, point in stack.items()}
        value = E(leaves)
        gradients.append(torch.autograd.grad(value, list(leaves.values())))
        losses.append(value.detach())
    return torch.stack(losses).numpy(), [torch.stack(column).numpy() for column in zip(*gradients)]
