"""Optimizers as data: the update of one parameter as formula lines, which `nncheck.formula` reads as any other.

In the lines of every optimizer ``W`` is a parameter before the step, ``dW`` its gradient, ``lr`` the learning rate,
``t`` the number of the step, from 1 on; ``M`` and ``V`` are what the optimizer keeps of earlier steps, zeros before
the first. A name with ``_`` after it is the same quantity after the step. All of them act element by element.

References
----------
The documentation of torch.optim (SGD, RMSprop, Adam, AdamW), whose definitions and defaults these are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

import numpy as np

from nncheck.formula import Bounded, Derivation, Plain, PlainArithmetic, evaluate, plain, read
from nncheck.formula.plain import Array
from nncheck.hyperparameters import SETTINGS, TITLES, Value
from nncheck.language import phrase, translate

States = Mapping[str, Mapping[str, Array]]  # of every parameter each state

_SGD = "W_ = W - lr * dW"
_MOMENTUM = """
M_ = momentum * M + dW
W_ = W - lr * M_
"""
_NESTEROV = """
M_ = momentum * M + dW
W_ = W - lr * (dW + momentum * M_)
"""
_RMSPROP = """
V_ = alpha * V + (1 - alpha) * dW ** 2
W_ = W - lr * dW / (sqrt(V_) + eps)
"""
_ADAM = """
M_ = beta1 * M + (1 - beta1) * dW
V_ = beta2 * V + (1 - beta2) * dW ** 2
MH = M_ / (1 - beta1 ** t)
VH = V_ / (1 - beta2 ** t)
W_ = W - lr * MH / (sqrt(VH) + eps)
"""
_ADAMW = _ADAM.replace("W_ = W -", "D = W - lr * weight_decay * W\nW_ = D -")
_LINES = {
    "sgd": _SGD,
    "momentum": _MOMENTUM,
    "nesterov": _NESTEROV,
    "rmsprop": _RMSPROP,
    "adam": _ADAM,
    "adamw": _ADAMW,
}

# Each state and the setting that it shrinks by in a step: every state line is  S_ = a S + (what dW gives).
_STATES = {
    "sgd": {},
    "momentum": {"M": "momentum"},
    "nesterov": {"M": "momentum"},
    "rmsprop": {"V": "alpha"},
    "adam": {"M": "beta1", "V": "beta2"},
    "adamw": {"M": "beta1", "V": "beta2"},
}


@dataclass(frozen=True)
class Optimizer:
    """One optimizer with its settings.

    Attributes
    ----------
    name : str
        A key of `hyperparameters.SETTINGS`.
    settings : mapping of str to number or pair
        By torch's names; those that are not given have torch's defaults.

    Raises
    ------
    ValueError
        If there is no such optimizer, or it has no such setting.
    """

    name: str = "sgd"
    settings: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = SETTINGS.get(self.name)
        if known is None:
            raise ValueError(f"optimizer: got {self.name!r}, expected {', '.join(SETTINGS)}")
        for setting in self.settings:
            if setting not in known:
                raise ValueError(f"{setting} is no setting of {self.name}, which has {', '.join(known)}")
        object.__setattr__(self, "settings", MappingProxyType({**known, **self.settings}))

    @property
    def title(self) -> str:
        """What a person calls it: ``SGD with momentum``."""
        return translate(TITLES[self.name])

    @property
    def described(self) -> str:
        """Return the title with the settings that are not 0: ``RMSprop (alpha = 0.99, eps = 1e-08)``."""
        shown = ", ".join(f"{key} = {_shown(value)}" for key, value in self.settings.items() if value != 0)
        return f"{self.title} ({shown})" if shown else self.title

    @property
    def update(self) -> str:
        """The update as findings put it: ``W - lr dW``, or the lines of the new parameter and what it is made of."""
        if self.is_plain:
            return "W - lr dW"
        return phrase(
            "that of {title}: {lines}", title=self.title, lines="; ".join(line.text for line in self.lines.lines)
        )

    @property
    def is_plain(self) -> bool:
        """Whether this is SGD and nothing else, W - lr dW."""
        return self.name == "sgd" and not self.decays

    @property
    def decays(self) -> bool:
        """Whether the weights decay."""
        return self.settings["weight_decay"] != 0

    @property
    def numbers(self) -> Mapping[str, float]:
        """Settings by their names in the lines, in which betas are beta1 and beta2."""
        numbers: dict[str, float] = {}
        for name, value in self.settings.items():
            if isinstance(value, tuple):
                numbers.update((f"{name.removesuffix('s')}{k}", number) for k, number in enumerate(value, start=1))
            else:
                numbers[name] = value
        return numbers

    @property
    def states(self) -> Mapping[str, float]:
        """What is kept from step to step, as M or V, and the factor by which it shrinks in each."""
        return {state: self.numbers[setting] for state, setting in _STATES[self.name].items()}

    @property
    def lines(self) -> Derivation:
        """The update of one parameter; it ends with ``W_``."""
        return _read(self.name, self.decays)

    @property
    def parts(self) -> tuple[Derivation, Derivation]:
        """The lines up to the last state, and the lines after it."""
        lines = self.lines.lines
        after = [f"{state}_" for state in self.states]
        last = max((k for k, line in enumerate(lines, start=1) if line.name in after), default=0)
        return Derivation(lines[:last]), Derivation(lines[last:])

    def zeros(self, params: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
        """Return the states before the first step, of every parameter."""
        return {name: {state: np.zeros(array.shape) for state in self.states} for name, array in params.items()}

    def step(
        self, params: Mapping[str, Array], gradients: Mapping[str, Array], states: States, t: int, lr: float
    ) -> tuple[dict[str, Array], dict[str, dict[str, Array]]]:
        """Do step t (from 1 on) on every parameter by the lines, in float64.

        Returns
        -------
        params : dict of arrays
        states : dict of dict of arrays
            Of every parameter.
        """
        common = {name: plain(value) for name, value in {**self.numbers, "lr": lr, "t": t}.items()}
        # all parameters as one vector: a line costs the same for one number as for a hundred
        inputs = {"W": _flat(params[name] for name in params), "dW": _flat(gradients[name] for name in params)}
        inputs |= {state: _flat(states[name][state] for name in params) for state in self.states}
        values = evaluate(self.lines, {**common, **inputs}, PlainArithmetic())
        after = _unflat(values["W_"], params)
        kept = {state: _unflat(values[f"{state}_"], params) for state in self.states}
        return after, {name: {state: kept[state][name] for state in self.states} for name in params}

    def rounded(self, lr: float) -> dict[str, Bounded]:
        """Return settings and lr with the radius of one rounding each.

        Their rounding to the type of the parameters is in it, and what follows from the ways to write them: 1 - 0.999
        or 0.001, beta ** t or a product kept from step to step.
        """
        numbers = {**self.numbers, "lr": lr}
        return {name: Bounded(plain(value), plain(abs(value)) if value else None) for name, value in numbers.items()}


SGD = Optimizer()


@cache
def _read(name: str, decays: bool) -> Derivation:
    text = _LINES[name]
    if decays and name != "adamw":  # as torch: the decay is added to the gradient; AdamW keeps the two apart
        text = "G = dW + weight_decay * W\n" + text.replace("dW", "G")
    return read(text, f"update of {name}")


def _flat(arrays: Iterable[Array]) -> Plain:
    return plain(np.concatenate([np.ravel(array) for array in arrays]))


def _unflat(vector: Plain, like: Mapping[str, Array]) -> dict[str, Array]:
    arrays, start = {}, 0
    for name, array in like.items():
        arrays[name] = vector.array[start : start + array.size].reshape(array.shape)
        start += array.size
    return arrays


def _shown(value: Value) -> str:
    return f"[{', '.join(f'{number:g}' for number in value)}]" if isinstance(value, tuple) else f"{value:g}"
