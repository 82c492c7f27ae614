"""What to hand to a person's backward: upstream gradients, the cache, inputs, as its parameters say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nncheck.language import phrase
from nncheck.layers.given import find_name

_CACHE = {"cache", "caches", "ctx", "context", "saved", "memory", "mem", "tape", "residuals"}
_OUTPUT = {"out", "output", "y", "a", "h", "probs", "p", "s"}


class Misfit(Exception):
    """Backward has parameters of which it is not known what they take."""


@dataclass(frozen=True)
class Layout:
    """The arguments of backward, in order.

    Attributes
    ----------
    slots : tuple of str
        ``dout`` the next upstream gradient, ``douts`` all of them in a tuple, ``cache``, ``out``, and ``=x`` for the
        input x.
    """

    slots: tuple[str, ...]

    @property
    def cached(self) -> bool:
        """Whether backward takes a cache."""
        return "cache" in self.slots

    def words(self) -> str:
        """Write it as a call."""
        return f"backward({', '.join(slot.lstrip('=') for slot in self.slots)})"


def layout_of(
    backward: Callable[..., Any], inputs: Sequence[str], outputs: int, *, scalar: bool, cached: bool
) -> Layout:
    """Decide what backward is called with.

    Parameters
    ----------
    backward : callable
    inputs : sequence of str
        What forward was called with.
    outputs : int
        How many outputs have an upstream gradient.
    scalar : bool
        Whether the output is one number, a loss: its upstream gradient may be left out.
    cached : bool
        Whether forward left a cache to hand on.

    Raises
    ------
    Misfit
        If no layout fits its parameters.
    """
    required, most, names = _parameters(backward)
    by_name = _by_name(names[: len(required)] if most is not None else [], inputs, outputs, cached, scalar)
    if by_name is not None:
        return by_name
    douts = ("dout",) * outputs
    every = tuple(f"={name}" for name in inputs)
    if cached:
        layouts = [(*douts, "cache"), ("douts", "cache"), *([("cache",)] if scalar else []), (*douts, *every)]
    else:
        layouts = [(*douts, *every), *([every, ()] if scalar else []), ("douts", *every), douts, ("douts",)]
    for slots in layouts:
        if len(required) <= len(slots) and (most is None or len(slots) <= most):
            return Layout(slots)
    raise Misfit(
        phrase(
            "backward takes {count} argument(s) ({own}); expected (dout, cache) where forward returns out and cache, "
            "or (dout, {inputs})",
            count=len(required),
            own=", ".join(required),
            inputs=", ".join(inputs),
        )
    )


def bindable_without_cache(backward: Callable[..., Any], inputs: Sequence[str]) -> int | None:
    """Return how many upstream gradients backward takes beside inputs, told by names alone; None if it is not so."""
    required, most, _ = _parameters(backward)
    if most is None:
        return None
    slots = [_slot(name, inputs, cached=False) for name in required]
    if None in slots or not any(slot and slot.startswith("=") for slot in slots):
        return None
    return slots.count("dout")


def _parameters(function: Callable[..., Any]) -> tuple[list[str], int | None, list[str]]:
    """Return the parameters without default, how many positional ones there may be, and the names of all."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [], None, []
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p.name for p in positional if p.default is p.empty]
    any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return required, None if any_number else len(positional), [p.name for p in positional]


def _by_name(names: Sequence[str], inputs: Sequence[str], outputs: int, cached: bool, scalar: bool) -> Layout | None:
    slots = [_slot(name, inputs, cached) for name in names]
    if not slots or None in slots:
        return None
    douts = slots.count("dout")
    if douts not in (0, outputs) or (douts == 0 and not scalar):
        return None
    return Layout(tuple(slot for slot in slots if slot))


def _slot(name: str, inputs: Sequence[str], cached: bool) -> str | None:
    if name in inputs:
        return f"={name}"
    low = name.lower()
    if low in _CACHE:
        return "cache" if cached else None
    # dout, dy, d_out, grad_output, upstream, but not data: that is an input by its name
    if low.startswith(("d", "grad", "g_")) or low in ("g", "upstream", "delta"):
        return "dout"
    found = find_name(name, inputs)
    if found:
        return f"={found}"
    return "out" if low in _OUTPUT else None
