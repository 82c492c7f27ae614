"""One step of training traced to its operators, and replayed by TorchScript without Python in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def traced(
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
    # for these TorchScript makes none, and to be told so would cost half a step more at each
    if start[0].device.type not in ("cpu", "privateuseone"):
        _keep_kernels_apart()
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


def _keep_kernels_apart() -> None:
    """Forbid kernels that TorchScript makes of several operators on a GPU, once it has seen a step or two.

    They round in another way (a multiplication and an addition become one), and from some call on: the same steps would
    give other bits when they are done again.
    """
    import torch

    torch._C._jit_set_texpr_fuser_enabled(False)


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
