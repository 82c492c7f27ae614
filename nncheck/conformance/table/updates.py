"""Steps of torch.optim, each optimizer that a case may name, held against its own lines."""

from __future__ import annotations

from nncheck.conformance.rules import Steps
from nncheck.conformance.sample import Draw, Operator, Sample, operator
from nncheck.hyperparameters import SETTINGS
from nncheck.optimizers import Optimizer

_CLASSES = {"sgd": "SGD", "momentum": "SGD", "nesterov": "SGD", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW"}
_CALL = "w.requires_grad_(); o = torch.optim.{made}; {steps}; y = w.detach()"
_LR = 0.07
_STEPS = 3
_DECAYING = Optimizer("sgd", {"weight_decay": 0.01})


def rows() -> list[Operator]:
    """Return the rows of this family."""
    return [*(_row(name, Optimizer(name)) for name in SETTINGS), _row("sgd, weight_decay", _DECAYING)]


def _row(name: str, optimizer: Optimizer) -> Operator:
    draw = Draw(name)
    settings = {key: value for key, value in optimizer.settings.items() if value != 0}
    given = [f"{key}={value!r}" for key, value in {"lr": _LR, **settings}.items()]
    given += ["nesterov=True"] if optimizer.name == "nesterov" else []
    made = f"{_CLASSES[optimizer.name]}([w], {', '.join(given)})"
    steps = "; ".join(f"w.grad = g{t}.clone(); o.step()" for t in range(1, _STEPS + 1))
    call, rule = _CALL.format(made=made, steps=steps), Steps(optimizer, _LR)
    samples = []
    for shape in ((1,), (3, 5)):
        operands = {"w": draw.real(*shape, grad=False)}
        operands |= {f"g{t}": draw.real(*shape, grad=False) for t in range(1, _STEPS + 1)}
        samples.append(Sample(call=call, operands=operands, rule=rule))
    return operator(name, *samples)
