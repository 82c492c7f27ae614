"""Which gradient is which: what backward returned, or left on its object, by name or by position, never by guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nncheck.language import phrase
from nncheck.layers.given import CONSTANTS, Given, find_name, shape_of


@dataclass
class Gradients:
    """Gradients by the names of their inputs.

    Attributes
    ----------
    values : dict of str to anything
        The very objects that backward gave.
    attributes : set of str
        Those that stand on the object, which a later call may overwrite.
    constant : set of str
        Inputs that are taken to have no gradient.
    read_as : list of str
    missing : str
        What was got instead, where it is not certain which gradient is which, or one is not there.
    """

    values: dict[str, Any] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    constant: set[str] = field(default_factory=set)
    read_as: list[str] = field(default_factory=list)
    missing: str = ""

    def absent(self, given: Sequence[Given]) -> list[Given]:
        """Return the inputs whose gradient is expected and not there."""
        return [g for g in given if g.differentiable and g.name not in self.values and g.name not in self.constant]


def assign(raw: Any, given: Sequence[Given], owner: Any = None, chosen: bool = False) -> Gradients:
    """Give each gradient to its input.

    Parameters
    ----------
    raw : anything
        What backward returned.
    given : sequence of Given
    owner : object, optional
        Where gradients may stand as dW, db or in ``grads``.
    chosen : bool
        Whether the caller said which inputs have a gradient; then none is left out for its name.
    """
    result = Gradients()
    if owner is not None:
        _from_object(result, given, owner)
    if isinstance(raw, Mapping) or hasattr(raw, "_asdict"):
        _from_names(result, raw if isinstance(raw, Mapping) else raw._asdict(), given)
    elif raw is not None:
        items = list(raw) if isinstance(raw, (tuple, list)) and _several(raw) else [raw]
        _by_position(result, items, given, chosen)
    if not chosen:
        left_out = [g.name for g in result.absent(given) if g.name.lower() in CONSTANTS]
        if left_out:
            result.constant |= set(left_out)
            names = ", ".join(left_out)
            result.read_as.append(
                phrase("{names}: read as given, without a gradient, since none is returned.", names=names)
            )
    return result


def _several(raw: Any) -> bool:
    """Whether a tuple or list is one gradient each, and not one gradient written as a list."""
    return isinstance(raw, tuple) or any(item is None or isinstance(item, np.ndarray) for item in raw)


def _from_names(result: Gradients, named: Mapping[Any, Any], given: Sequence[Given]) -> None:
    unknown = []
    for key, value in named.items():
        name = _input_of(str(key), [g.name for g in given])
        if name is None or (name in result.values and name not in result.attributes):
            unknown.append(str(key))
        elif value is not None:
            result.values[name] = value
            result.attributes.discard(name)
    if unknown:
        result.missing = phrase(
            "backward returns {every}; it is not known which input {unknown} is of",
            every=", ".join(map(str, named)),
            unknown=", ".join(unknown),
        )


def _by_position(result: Gradients, items: list[Any], given: Sequence[Given], chosen: bool) -> None:
    differentiable = [g for g in given if g.differentiable]
    arrays = [g for g in given if isinstance(g.value, np.ndarray)]
    open_ = [g for g in differentiable if g.name not in result.values]
    usual = [g for g in differentiable if chosen or g.name.lower() not in CONSTANTS]
    usual_open = [g for g in usual if g.name not in result.values]
    for targets in (differentiable, open_, usual, usual_open, arrays, list(given)):
        if targets and len(targets) == len(items):
            _take(result, targets, items)
            return
    result.missing = phrase(
        "backward returns {count} gradient(s), and {wanted} of the inputs have one ({names})",
        count=len(items),
        wanted=len(usual),
        names=", ".join(g.name for g in usual),
    )
    _by_shape(result, items, usual_open)


def _take(result: Gradients, targets: Sequence[Given], items: Sequence[Any]) -> None:
    taken = []
    for g, item in zip(targets, items):
        if item is not None and g.differentiable:
            result.values[g.name] = item
            result.attributes.discard(g.name)
            taken.append(g.gradient)
    result.read_as.append(phrase("returned by backward, in this order: {names}.", names=", ".join(taken)))


def _by_shape(result: Gradients, items: Sequence[Any], open_: Sequence[Given]) -> None:
    """Take those gradients whose shape is that of one input alone, and say so."""
    shapes = [shape_of(item) if item is not None else None for item in items]
    taken = []
    for g in open_:
        mine = [i for i, shape in enumerate(shapes) if shape == g.value.shape]
        alone = sum(other.value.shape == g.value.shape for other in open_) == 1
        if len(mine) == 1 and alone:
            result.values[g.name] = items[mine[0]]
            taken.append(g.gradient)
    if taken:
        result.read_as.append(phrase("read by its shape, which no other input has: {names}.", names=", ".join(taken)))


# gradients that an object holds -------------------------------------------------------------------------------------


def _from_object(result: Gradients, given: Sequence[Given], owner: Any) -> None:
    found = []
    for g in (g for g in given if g.differentiable):
        at = gradient_on(owner, g.name)
        if at is not None:
            result.values[g.name] = at[1]
            result.attributes.add(g.name)
            found.append(phrase("{gradient} from .{place}", gradient=g.gradient, place=at[0]))
    grads = getattr(owner, "grads", None)
    if isinstance(grads, list) and not found and grads:
        # params = [W, b] and grads = [dW, db]: the last inputs, in that order
        last = [g for g in given if g.differentiable][-len(grads) :]
        for order, (g, value) in enumerate(zip(last, grads)):
            result.values[g.name] = value
            result.attributes.add(g.name)
            found.append(phrase("{gradient} from .{place}", gradient=g.gradient, place=f"grads[{order}]"))
    if found:
        result.read_as.append(phrase("read from the object: {names}.", names=", ".join(found)))


def gradient_on(owner: Any, name: str) -> tuple[str, Any] | None:
    """Return where an object keeps the gradient of an input, and the gradient; None if it is not there."""
    attributes = {key: value for key, value in getattr(owner, "__dict__", {}).items() if value is not None}
    for key, value in attributes.items():
        if key != name and is_gradient_name(key) and _input_of(key, [name]) == name:
            return key, value
    grads = attributes.get("grads", attributes.get("gradients"))
    if isinstance(grads, Mapping):
        for key, value in grads.items():
            if value is not None and _input_of(str(key), [name]) == name:
                return f"grads[{key!r}]", value
    return None


def is_gradient_name(key: str) -> bool:
    """Whether a name says that it is a gradient: dW, d_w, grad_w, w_grad."""
    low = key.lower()
    return low.startswith(("d", "grad")) or low.endswith(("_grad", "_gradient"))


def _input_of(key: str, names: Sequence[str]) -> str | None:
    """Return the input that a gradient's name is of: dW and grad_w of W; x itself in a dict of gradients."""
    bare = [key]
    for start in ("dL_d", "dloss_d", "grad_", "gradient_", "grads_", "d_", "grad", "d"):
        if key.lower().startswith(start.lower()) and len(key) > len(start):
            bare.append(key[len(start) :])
    for end in ("_gradient", "_grad", "grad"):
        if key.lower().endswith(end) and len(key) > len(end):
            bare.append(key[: -len(end)])
    for candidate in bare:
        if candidate in names:
            return candidate
    for candidate in bare:
        found = find_name(candidate, names)
        if found is not None:
            return found
    return None
