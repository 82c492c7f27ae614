"""The inputs of a layer as they were handed in: arrays with a gradient, arrays without one, and settings."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncheck.errors import InputError
from nncheck.language import phrase

#: Names of one thing: a layer says W where torch says weight.
SYNONYMS = (
    {"x", "input", "inputs"},
    {"w", "weight", "weights", "kernel"},
    {"b", "bias", "biases"},
    {"gamma", "weight"},
    {"beta", "bias"},
)
#: Inputs that usually have no gradient although they are numbers.
CONSTANTS = {"t", "target", "targets", "y_true", "label", "labels", "yt", "mask", "onehot", "one_hot", "t_onehot"}


@dataclass(frozen=True)
class Given:
    """One input.

    Attributes
    ----------
    name : str
    value : float64 array if ``differentiable``, else whatever was handed in
    differentiable : bool
        Whether backward is to give its gradient.
    """

    name: str
    value: Any
    differentiable: bool

    def fresh(self) -> Any:
        """Return a copy of the value; of a setting too, which may be a dict that forward writes into."""
        return copy.deepcopy(self.value)

    @property
    def gradient(self) -> str:
        """Name of its gradient: dx."""
        return f"d{self.name}"


def read_inputs(
    inputs: Mapping[str, Any] | Sequence[Any], forward: Callable[..., Any], wrt: Sequence[str] | None
) -> tuple[Given, ...]:
    """Name the inputs and tell which of them have a gradient.

    Raises
    ------
    InputError
        If there is nothing to differentiate, or ``wrt`` names what is not there.
    """
    if isinstance(inputs, Mapping):
        named = {str(name): value for name, value in inputs.items()}
    elif isinstance(inputs, Sequence) and not isinstance(inputs, (str, bytes)):
        names = positional_names(forward) or []
        named = {names[i] if i < len(names) else f"input{i}": value for i, value in enumerate(inputs)}
    else:
        raise InputError(
            phrase(
                "inputs is {kind}, expected a dict of arrays, or a list in the order of forward.",
                kind=type(inputs).__name__,
            )
        )
    unknown = sorted(set(wrt or ()) - set(named))
    if unknown:
        raise InputError(
            phrase("wrt names {unknown}; the inputs are {named}.", unknown=", ".join(unknown), named=", ".join(named))
        )
    given = tuple(_given(name, value, wrt) for name, value in named.items())
    if not any(g.differentiable for g in given):
        raise InputError(
            phrase("none of the inputs is an array of floating-point numbers: there is nothing to differentiate.")
        )
    return given


def _given(name: str, value: Any, wrt: Sequence[str] | None) -> Given:
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu().numpy()
    if isinstance(value, (list, np.generic)):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        return Given(name, value, False)  # a setting, such as stride=2
    if not np.issubdtype(value.dtype, np.floating):
        if name in (wrt or ()):
            raise InputError(
                phrase("{name} holds {dtype}, which has no gradient; make it float64.", name=name, dtype=value.dtype)
            )
        return Given(name, value.copy(), False)
    array = value.astype(np.float64)
    if not np.isfinite(array).all() or not array.size:
        what = phrase("is empty") if not array.size else phrase("holds numbers that are not finite")
        raise InputError(phrase("the input {name} {what}; no gradient can be compared there.", name=name, what=what))
    return Given(name, array, wrt is None or name in wrt)


def positional_names(function: Callable[..., Any]) -> list[str] | None:
    """Return the names of the positional parameters; None if it takes any number, or does not tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def same_name(a: str, b: str) -> bool:
    """Whether two names mean one thing: w, W and weight."""
    a, b = a.lower(), b.lower()
    return a == b or any(a in group and b in group for group in SYNONYMS)


def find_name(name: str, names: Sequence[str]) -> str | None:
    """Return the one of the names that means the same: the very name, in other case, or its only synonym."""
    if name in names:
        return name
    for same in (lambda n: n.lower() == name.lower(), lambda n: same_name(n, name)):
        found = [n for n in names if same(n)]
        if len(found) == 1:
            return found[0]
    return None


def shape_of(value: Any) -> tuple[int, ...]:
    """Return the shape of a number or an array."""
    return tuple(np.shape(value))
