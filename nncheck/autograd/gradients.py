"""Loss and gradients in float64 on the CPU, at many points at once: the witness that judges the other two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import phrase

# The most multiplications of one pass through a dense network that are done without a sign of life, at all points.
_AT_ONCE = 2_000_000_000


def _unheard() -> None:
    """Tell nobody."""


def at_points(
    model: Any,
    loss: Callable[..., Any],
    X: Array,
    YT: Array,
    points: list[Array],
    batched: bool = True,
    alive: Callable[[], None] = _unheard,
) -> tuple[Array, list[Array]]:
    """Differentiate the loss at S points by torch autograd.

    Parameters
    ----------
    model : nn.Module in float64 on the CPU
        Its own parameter values are not used.
    loss : callable of (Y, YT)
    X, YT : (N, n_in), (N, n_out)
    points : list of (S, ...)
        Each parameter of the model, in order, at every point; one that is not finite gives NaN.
    batched : bool
        All points at once, where `batching_is_exact`; else one after the other.
    alive : callable
        Called now and then: a sign of life.

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

    names = [name for name, _ in model.named_parameters()]
    E = _loss_at(model, loss, X, YT)
    finite = np.logical_and.reduce([np.isfinite(p).reshape(len(p), -1).all(axis=1) for p in points])
    stack = {name: torch.tensor(point[finite], dtype=torch.float64) for name, point in zip(names, points)}
    losses, gradients = np.full(len(finite), np.nan), [np.full(point.shape, np.nan) for point in points]
    if finite.any():
        _check_loss(E({name: point[0] for name, point in stack.items()}))
        losses[finite], own = _batched(E, stack, len(X), alive) if batched else _one_by_one(E, stack, alive)
        for gradient, values in zip(gradients, own):
            gradient[finite] = values
    return losses, gradients


def output_at(model: Any, X: Array, params: list[Array]) -> Array:
    """Return the output Y of a float64 model at other parameters than its own, in their order."""
    import torch
    from torch.func import functional_call

    names = [name for name, _ in model.named_parameters()]
    stack = {name: torch.tensor(array, dtype=torch.float64) for name, array in zip(names, params)}
    with torch.no_grad():
        Y: Array = functional_call(model, stack, (torch.tensor(X, dtype=torch.float64),)).numpy()
    return Y


def batching_is_exact(
    model: Any,
    loss: Callable[..., Any],
    X: Array,
    YT: Array,
    params: list[Array],
    alive: Callable[[], None] = _unheard,
) -> bool:
    """Whether torch gives all points at once what it gives at each; it takes some losses apart, which may cancel.

    Tried at random points up to large ones: there the parts of BCEWithLogitsLoss cancel to nothing.
    """
    import torch

    generator = np.random.default_rng(0)
    scales = (1.0, 3.0, 10.0, 30.0)
    drawn = [np.stack([scale * generator.normal(size=p.shape) for scale in scales for _ in range(3)]) for p in params]
    names = [name for name, _ in model.named_parameters()]
    stack = {name: torch.tensor(point, dtype=torch.float64) for name, point in zip(names, drawn)}
    E = _loss_at(model, loss, X, YT)
    try:
        together = _batched(E, stack, len(X), alive)[1]
    except Exception:  # a module that vmap cannot batch; what is wrong with it shows when it is used
        return False
    alone = _one_by_one(E, stack, alive)[1]
    return all(np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True) for a, b in zip(together, alone))


def _loss_at(model: Any, loss: Callable[..., Any], X: Array, YT: Array) -> Callable[[dict[str, Any]], Any]:
    import torch
    from torch.func import functional_call

    x, yt = torch.tensor(X, dtype=torch.float64), torch.tensor(YT, dtype=torch.float64)
    return lambda params: loss(functional_call(model, params, (x,)), yt)


def _batched(
    E: Callable[[dict[str, Any]], Any], stack: dict[str, Any], rows: int, alive: Callable[[], None]
) -> tuple[Array, list[Array]]:
    """Differentiate at all points at once, or at as many as take a moment: by their size, so that bits do not vary."""
    from torch.func import grad_and_value, vmap

    count = len(next(iter(stack.values())))
    block = max(1, _AT_ONCE // max(1, rows * sum(point[0].numel() for point in stack.values())))
    parts = []
    for s in range(0, count, block):
        alive()
        gradients, losses = vmap(grad_and_value(E))({name: point[s : s + block] for name, point in stack.items()})
        parts.append([losses.detach().numpy(), *(gradient.detach().numpy() for gradient in gradients.values())])
    losses, *gradients = parts[0] if len(parts) == 1 else (np.concatenate(column) for column in zip(*parts))
    return losses, gradients


def _check_loss(E: Any) -> None:
    """Refuse a loss that is no number, or that was rounded to a shorter type on its way."""
    import torch

    if not isinstance(E, torch.Tensor) or E.ndim != 0:
        got = phrase("shape {shape}", shape=tuple(E.shape)) if isinstance(E, torch.Tensor) else type(E).__name__
        raise TypeError(phrase("the loss gives {got}, expected one number (a reduction such as the mean)", got=got))
    if E.dtype != torch.float64:
        raise TypeError(
            phrase("the loss gives {dtype} for float64 data; remove the cast, it rounds the witness", dtype=E.dtype)
        )


def _one_by_one(
    E: Callable[[dict[str, Any]], Any], stack: dict[str, Any], alive: Callable[[], None] = _unheard
) -> tuple[Array, list[Array]]:
    import torch

    count = len(next(iter(stack.values())))
    losses, gradients = [], []
    for s in range(count):
        alive()
        leaves = {name: point[s].clone().requires_grad_() for name, point in stack.items()}
        value = E(leaves)
        gradients.append(torch.autograd.grad(value, list(leaves.values())))
        losses.append(value.detach())
    return torch.stack(losses).numpy(), [torch.stack(column).numpy() for column in zip(*gradients)]
