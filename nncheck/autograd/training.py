"""Trains a network on the device, in chunks of steps, recording loss and parameters at every one of them.

The rule is the document's loop, ``zero_grad(); E.backward(); optimizer.step()`` with torch's SGD. Because its cost is
Python between small operators, one step is traced to its operators once and replayed by TorchScript. In every chunk
the first and the last replayed step are done again by the real loop: unless both are equal bit by bit, the whole chunk
and all after it are done by the real loop. With another optimizer than plain SGD, which keeps a state or lets weights
decay, every step is done by the real loop.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from nncheck.autograd.device import Device
from nncheck.formula.plain import Array
from nncheck.language import phrase

# Steps between two signs of life.
_SIGN_OF_LIFE = 500


@dataclass(frozen=True)
class Recorded:
    """What a chunk of n steps gave, on the host.

    Attributes
    ----------
    losses : (n,)
        Loss of each step, before its update.
    states : list of (n + 1, ...)
        Each parameter before the first step and after every step.
    gradients : list of arrays
        Gradient of each parameter at the first step, by a real backward pass.
    """

    losses: Array
    states: list[Array]
    gradients: list[Array]


class Trainer:
    """Training of one model on one device, continued chunk by chunk.

    Parameters
    ----------
    model, loss : nn.Module and callable
        The network with its initial parameters, already on the device.
    X, YT : tensors on the device
    lr : float
        Learning rate.
    stage : callable
        Told from time to time how far the training is: a sign of life.
    optimizer : str
        As in `nncheck.hyperparameters`.
    settings : mapping
        Its settings by torch's names.
    """

    def __init__(
        self,
        model: Any,
        loss: Callable[..., Any],
        X: Any,
        YT: Any,
        lr: float,
        device: Device,
        stage: Callable[[str], None] | None = None,
        optimizer: str = "sgd",
        settings: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._model, self._loss, self._X, self._YT, self._lr, self._device = model, loss, X, YT, lr, device
        self._done = 0
        self._stage = stage or (lambda _: None)
        self._optimizer = optimizer_of(optimizer, settings, model.parameters(), lr)
        self._replay: Callable[[list[Any], int], list[Any]] | None = None
        self._untraced = optimizer == "sgd" and not settings.get("weight_decay")
        # why the real loop is used for every step, if it is
        own_loop = phrase("with {optimizer} every step is done by torch's own loop", optimizer=optimizer)
        self.why_plain = "" if self._untraced else own_loop

    def train(self, steps: int) -> Recorded:
        """Do the next steps and return what they gave; the device is read once, at the end."""
        import torch

        with torch.autograd.set_multithreading_enabled(False):  # 1.7 times faster on DirectML, and avoids its assert
            recorded = self._train(steps)
        self._done += steps
        return recorded

    def _train(self, steps: int) -> Recorded:
        start = self._parameters()
        first = self._real_step()
        gradients = [p.grad.detach().clone() for p in self._model.parameters()]
        if self._untraced:
            self._untraced = False
            self._replay = self._trace(start)
        if self._replay is not None:
            recorded = self._collect(self._replayed(start, steps), steps, start, gradients)
            if self._confirmed(recorded, first):
                return recorded
            self._replay = None
            self.why_plain = phrase("replayed steps are not bit-equal to real ones on this device")
            self._restore([value.cpu() for value in start])
            first = self._real_step()
        tensors = first
        for step in range(1, steps):
            if step == 1 or step % _SIGN_OF_LIFE == 0:
                self._say_where(step)
            tensors.extend(self._real_step())
        return self._collect(tensors, steps, start, gradients)

    def _replayed(self, params: list[Any], steps: int) -> list[Any]:
        assert self._replay is not None
        recorded: list[Any] = []
        for done in range(0, steps, _SIGN_OF_LIFE):
            self._say_where(done)
            recorded.extend(self._replay(params, min(_SIGN_OF_LIFE, steps - done)))
            params = recorded[-len(params) :]
        return recorded

    def _say_where(self, step: int) -> None:
        self._stage(phrase("train from step {step}", step=self._done + step))

    def _real_step(self) -> list[Any]:
        """One step as the document writes it; returns the loss and copies of the new parameters."""
        E = self._loss(self._model(self._X), self._YT)
        self._optimizer.zero_grad()
        E.backward()
        self._optimizer.step()
        return [E.detach(), *self._parameters()]

    def _parameters(self) -> list[Any]:
        return [p.detach().clone() for p in self._model.parameters()]

    def _restore(self, values: list[Any]) -> None:
        """Set the parameters from the host: copies from device to device are not to be trusted on DirectML."""
        import torch

        with torch.no_grad():
            for parameter, value in zip(self._model.parameters(), values):
                parameter.copy_(value)

    def _confirmed(self, recorded: Recorded, first: list[Any]) -> bool:
        """Whether the first and the last replayed step equal real ones; leaves the model after the last."""
        n = len(recorded.losses)
        ours = [recorded.losses[0], *(state[1] for state in recorded.states)]
        if not all(_same_bits(a, b) for a, b in zip(ours, _to_host(first))):
            return False
        import torch

        self._restore([torch.from_numpy(state[n - 1].copy()) for state in recorded.states])
        ours = [recorded.losses[n - 1], *(state[n] for state in recorded.states)]
        return all(_same_bits(a, b) for a, b in zip(ours, _to_host(self._real_step())))

    def _collect(self, tensors: list[Any], steps: int, start: list[Any], gradients: list[Any]) -> Recorded:
        import torch

        width = 1 + len(start)
        with torch.no_grad():
            losses = torch.stack(tensors[0::width]).reshape(steps).cpu().numpy()
            states = [torch.stack([start[k], *tensors[k + 1 :: width]]).cpu().numpy() for k in range(len(start))]
        return Recorded(losses, states, _to_host(gradients))

    def _trace(self, start: list[Any]) -> Callable[[list[Any], int], list[Any]] | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.filterwarnings("always", message=".*fall back to run on the CPU")  # becomes a note
                return _traced(self._model, self._loss, self._X, self._YT, self._lr, start)
        except Exception as error:  # whatever tracing dislikes, the real loop does
            text = str(error).strip()
            said = f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"
            self.why_plain = phrase("the step cannot be traced ({error})", error=said)
            return None


def optimizer_of(name: str, settings: Mapping[str, Any], parameters: Iterable[Any], lr: float) -> Any:
    """Return torch's optimizer of a name in `nncheck.hyperparameters`, one parameter after the other (no foreach)."""
    from torch import optim

    if name == "sgd" and not settings.get("weight_decay"):
        return optim.SGD(parameters, lr=lr)
    options = {**settings, "lr": lr, "foreach": False}
    if name in ("sgd", "momentum", "nesterov"):
        return optim.SGD(parameters, nesterov=name == "nesterov", **options)
    classes = {"rmsprop": optim.RMSprop, "adam": optim.Adam, "adamw": optim.AdamW}
    return classes[name](parameters, **options)


def _traced(
    model: Any, loss: Callable[..., Any], X: Any, YT: Any, lr: float, start: list[Any]
) -> Callable[[list[Any], int], list[Any]]:
    """Trace one step (forward, torch.autograd.grad, update) to its operators, and return a loop that replays it."""
    import torch
    from torch.func import functional_call
    from torch.fx.experimental.proxy_tensor import make_fx

    names = [name for name, _ in model.named_parameters()]

    def step(params: list[Any]) -> list[Any]:
        leaves = [p.detach().requires_grad_() for p in params]
        E = loss(functional_call(model, dict(zip(names, leaves)), (X,)), YT)
        gradients = torch.autograd.grad(E, leaves)
        return [E.detach(), *torch._foreach_add([p.detach() for p in leaves], gradients, alpha=-lr)]

    graph = make_fx(step)(start)
    _drop_idle_operators(graph)
    _fold_constants(graph, start[0].device)
    with torch.no_grad():
        one = torch.jit.trace(graph, (start,), check_trace=False, strict=False)
    loop = torch.jit.script(_loop_of(one))
    # DirectML refuses inference_mode, which spares every operator its bookkeeping for autograd
    without_autograd = torch.no_grad if start[0].device.type == "privateuseone" else torch.inference_mode

    def replay(params: list[Any], steps: int) -> list[Any]:
        with without_autograd():
            recorded: list[Any] = loop(params, steps)
        return recorded

    return replay


def _loop_of(step: Any) -> Any:
    """Return a module that TorchScript can compile: the step again and again, without Python in between."""
    import torch

    class Loop(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.step = step

        def forward(self, params: list[torch.Tensor], steps: int) -> list[torch.Tensor]:
            recorded: list[torch.Tensor] = []
            for _ in range(steps):
                result = self.step(params)
                recorded.extend(result)
                params = result[1:]
            return recorded

    return Loop()


def _drop_idle_operators(graph: Any) -> None:
    """Remove what computes nothing outside autograd: detach, and a transpose of a transpose."""
    import torch

    aten = torch.ops.aten
    for node in list(graph.graph.nodes):
        if node.target is aten.detach.default:
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
    for node in graph.graph.nodes:
        if node.target is aten.t.default and getattr(node.args[0], "target", None) is aten.t.default:
            node.replace_all_uses_with(node.args[0].args[0])
    graph.graph.eliminate_dead_code()
    graph.recompile()


def _fold_constants(graph: Any, place: Any) -> None:
    """Compute once what no parameter enters: the gradient of the loss with respect to itself, and what follows."""
    import torch

    known: dict[Any, Any] = {}
    for node in graph.graph.nodes:
        if node.op == "get_attr":
            known[node] = getattr(graph, node.target)
        elif node.target is torch.ops.aten.ones_like.default:
            facts = node.meta["tensor_meta"]
            known[node] = torch.ones(facts.shape, dtype=facts.dtype).to(place)
        elif node.op == "call_function" and node.all_input_nodes and all(n in known for n in node.all_input_nodes):
            arguments, options = torch.fx.node.map_arg((node.args, node.kwargs), known.__getitem__)
            known[node] = node.target(*arguments, **options)
    for number, (node, value) in enumerate(known.items()):
        if node.op == "call_function" and any(user not in known for user in node.users):
            graph.register_buffer(f"constant_{number}", value)
            with graph.graph.inserting_before(node):
                node.replace_all_uses_with(graph.graph.get_attr(f"constant_{number}"))
    graph.graph.eliminate_dead_code()
    graph.recompile()


def _to_host(tensors: list[Any]) -> list[Array]:
    return [tensor.cpu().numpy() for tensor in tensors]


def _same_bits(a: Array, b: Array) -> bool:
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()
