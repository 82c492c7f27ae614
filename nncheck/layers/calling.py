"""Calls a person's forward and backward, whichever way they are written, and says how they were read."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.layers.given import Given, find_name, positional_names
from nncheck.layers.signature import Layout, bindable_without_cache, layout_of


class BadOutput(Exception):
    """Forward gives something that is no number and no array of numbers."""


@dataclass(frozen=True)
class Pass:
    """What one call of forward left.

    Attributes
    ----------
    outputs : list of array
        As they were returned.
    cache : anything
    arguments : dict of str to anything
        The very objects that forward was called with, held parameters included.
    returned : tuple
        What stands after the loss, where forward gives loss and gradients at once.
    """

    outputs: list[Any]
    cache: Any
    arguments: dict[str, Any]
    returned: tuple[Any, ...] = ()

    @property
    def scalar(self) -> bool:
        """Whether the output is one number, a loss."""
        return len(self.outputs) == 1 and np.ndim(self.outputs[0]) == 0


class Code:
    """A person's forward and backward.

    Parameters
    ----------
    forward : callable, or object with ``forward`` and ``backward``
    backward : callable or None
        None for such an object, and for a function that returns loss and gradients at once.
    given : sequence of Given

    Raises
    ------
    InputError
        If these are no functions, or the object has no place for some input.
    """

    def __init__(self, forward: Any, backward: Any, given: Sequence[Given]) -> None:
        self.object, self._forward, self._backward = functions_of(forward, backward)
        self.given = tuple(given)
        self.layout: Layout | None = None
        self.held = self._held_names()

    @property
    def at_once(self) -> bool:
        """Whether one function returns loss and gradients."""
        return self._backward is None

    @property
    def name(self) -> str:
        """Name of the function, or of the object's class."""
        if self.object is not None:
            return type(self.object).__name__
        return str(getattr(self._forward, "__name__", type(self._forward).__name__))

    @property
    def files(self) -> tuple[str, ...]:
        """Files that forward and backward are written in, as Python knows them."""
        codes = [getattr(inspect.unwrap(f), "__code__", None) for f in (self._forward, self._backward) if f is not None]
        return tuple(str(code.co_filename) for code in codes if code is not None)

    def forward(self, values: Mapping[str, Any]) -> Pass:
        """Call forward; what it raises is the person's.

        Raises
        ------
        BadOutput
            If there is no output that can be differentiated.
        """
        positional, by_keyword = [], {}
        keywords = _keyword_only(self._forward)
        for g in self.given:
            if g.name in self.held:
                place(self.object, g.name, values[g.name], self._order(g.name))
            elif g.name in keywords:
                by_keyword[g.name] = values[g.name]
            else:
                positional.append(values[g.name])
        return self._split(self._forward(*positional, **by_keyword), dict(values))

    def backward(self, done: Pass, douts: Sequence[Array]) -> Any:
        """Call backward with what its parameters ask for."""
        if self._backward is None:
            return done.returned[0] if len(done.returned) == 1 else done.returned
        if self.layout is None:
            names = [g.name for g in self.given if g.name not in self.held]
            self.layout = layout_of(
                self._backward,
                names,
                len(done.outputs),
                scalar=done.scalar,
                cached=done.cache is not None,
            )
        upstream = iter(douts)
        arguments: list[Any] = []
        for slot in self.layout.slots:
            if slot == "dout":
                arguments.append(next(upstream))
            elif slot == "douts":
                arguments.append(tuple(douts))
            elif slot == "cache":
                arguments.append(done.cache)
            elif slot == "out":
                arguments.append(done.outputs[0])
            else:
                arguments.append(done.arguments[slot[1:]])
        return self._backward(*arguments)

    def apart(self) -> Code:
        """Return the same code with an object of its own, so that trying other values leaves no trace."""
        twin = copy.copy(self)
        if self.object is None:
            return twin
        twin.object = copy.deepcopy(self.object)
        twin._forward = getattr(twin.object, self._forward.__name__)
        if self._backward is not None:
            twin._backward = getattr(twin.object, self._backward.__name__)
        return twin

    def outputs_at(self, values: Mapping[str, Any]) -> list[Array]:
        """Return the outputs at other values, quietly; a cast that drops an imaginary part raises."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", _complex_warning())
            own = {name: copy.deepcopy(value) for name, value in values.items()}
            return [np.array(out) for out in self.forward(own).outputs]

    # ----------------------------------------------------------------------------------------------------------------

    def _held_names(self) -> tuple[str, ...]:
        """Return the inputs that forward does not take and the object holds."""
        names = positional_names(self._forward)
        if self.object is None or names is None:
            return ()
        arguments = [g.name for g in self.given if g.name in names]
        if len(self.given) <= len(names):
            return ()
        if not arguments:  # the parameters of forward are called otherwise: the first inputs are meant
            arguments = [g.name for g in self.given[: len(names)]]
        held = tuple(g.name for g in self.given if g.name not in arguments)
        for name in held:
            if where(self.object, name, held.index(name)) is None:
                raise InputError(
                    phrase(
                        "{kind}.forward takes {names}, and the object has no attribute {input} (nor params[{input!r}]) "
                        "to put the input {input} in; name it as the object does.",
                        kind=type(self.object).__name__,
                        names=", ".join(names),
                        input=name,
                    )
                )
        return held

    def _order(self, name: str) -> int:
        return self.held.index(name)

    def _split(self, returned: Any, arguments: dict[str, Any]) -> Pass:
        """Tell outputs from cache."""
        if not isinstance(returned, tuple):
            return Pass(_numbers([returned]), None, arguments)
        if self.at_once:
            return Pass(_numbers(returned[:1]), None, arguments, returned[1:])
        if self.object is not None:
            return Pass(_numbers(returned), None, arguments)
        names = [g.name for g in self.given]
        count = bindable_without_cache(self._backward, names) if self._backward else None
        if count is not None and 0 < count <= len(returned):
            return Pass(_numbers(returned[:count]), None, arguments)
        if len(returned) < 2:
            return Pass(_numbers(returned), None, arguments)
        first = returned[0]
        outputs = first if isinstance(first, (tuple, list)) and len(returned) == 2 else returned[:-1]
        return Pass(_numbers(outputs), returned[-1], arguments)


def functions_of(forward: Any, backward: Any) -> tuple[Any, Callable[..., Any], Callable[..., Any] | None]:
    """Return the object, if there is one, and its two functions.

    Raises
    ------
    InputError
        If there is no forward to call.
    """
    if isinstance(forward, type):
        raise InputError(
            phrase("forward is the class {name}; hand in an object of it: {name}(...).", name=forward.__name__)
        )
    methods = getattr(forward, "forward", None), getattr(forward, "backward", None)
    if backward is None and callable(methods[0]) and callable(methods[1]):
        return (None if isinstance(forward, ModuleType) else forward), methods[0], methods[1]
    for name, function in (("forward", forward), ("backward", backward)):
        if not callable(function) and not (name == "backward" and function is None):
            raise InputError(
                phrase(
                    "{name} is {kind}, expected a function, or an object with forward and backward.",
                    name=name,
                    kind=type(function).__name__,
                )
            )
    owner = getattr(forward, "__self__", None)
    if owner is not None and owner is getattr(backward, "__self__", None) and not isinstance(owner, ModuleType):
        return owner, forward, backward
    return None, forward, backward


def where(owner: Any, name: str, order: int) -> tuple[Any, Any] | None:
    """Return the container and key of a parameter that an object holds: attribute, ``params`` dict or list."""
    own = find_name(name, list(vars(owner))) if hasattr(owner, "__dict__") else None
    if own is not None:
        return owner, own
    params = getattr(owner, "params", None)
    if isinstance(params, dict):
        key = find_name(name, [str(k) for k in params])
        return None if key is None else (params, key)
    if isinstance(params, list) and order < len(params):
        return params, order
    return None


def place(owner: Any, name: str, value: Any, order: int) -> None:
    """Put a value where the object holds that parameter."""
    found = where(owner, name, order)
    assert found is not None
    container, key = found
    if container is owner:
        setattr(owner, key, value)
    else:
        container[key] = value


def _numbers(values: Sequence[Any]) -> list[Any]:
    for value in values:
        try:
            kind = np.asarray(value).dtype.kind
        except ValueError:
            kind = "O"
        if kind not in "fcui":
            name = type(value).__name__
            raise BadOutput(phrase("forward gives {kind} as an output, expected an array of numbers", kind=name))
    return list(values)


def _keyword_only(function: Callable[..., Any]) -> set[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return set()
    return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}


def _complex_warning() -> type[Warning]:
    """Return the warning that a cast drops an imaginary part; NumPy 2 moved it."""
    home: Any = np.exceptions if hasattr(np, "exceptions") else np
    kind: type[Warning] = home.ComplexWarning
    return kind
