"""What a call does beside its answer: inputs and parameters that it changes, memory that it shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.layers.calling import Code, where
from nncheck.layers.given import Given
from nncheck.layers.returned import Gradients

#: Two runs of one code differ by no more than this part of the largest element; the order of a sum may change.
SAME = 1e-11


def changed_inputs(values: Mapping[str, Any], given: Sequence[Given]) -> list[str]:
    """Return the inputs that are not what was handed in."""
    return [g.name for g in given if isinstance(g.value, np.ndarray) and not same(values[g.name], g.value)]


def changed_parameters(code: Code, given: Sequence[Given]) -> list[str]:
    """Return the parameters that stand on the object with another value than was put there."""
    updated = []
    for order, name in enumerate(code.held):
        found = where(code.object, name, order)
        if found is None:
            continue
        container, key = found
        now = getattr(container, key) if container is code.object else container[key]
        value = next(g.value for g in given if g.name == name)
        if isinstance(value, np.ndarray) and now is not None and not same(now, value):
            updated.append(name)
    return updated


def inputs_shared(gradients: Gradients, values: Mapping[str, Any]) -> list[str]:
    """Say which gradients share memory with an input."""
    return [
        phrase(
            "{gradient} shares memory with the input {other}: an update of {other} in place changes the gradient too",
            gradient=f"d{name}",
            other=other,
        )
        for name, value in _arrays(gradients).items()
        for other, data in values.items()
        if isinstance(data, np.ndarray) and np.shares_memory(value, data)
    ]


def handed_out_again(first: Gradients, later: Gradients) -> list[str]:
    """Say which returned gradients stand in the memory of those that an earlier call returned."""
    before, now = _arrays(first), _arrays(later)
    return [
        phrase(
            "{gradient} is the same array at every call: a later call changes what an earlier one returned",
            gradient=f"d{name}",
        )
        for name in before
        # what stands on the object is overwritten by every call, and everybody knows
        if name not in first.attributes and name in now and np.shares_memory(before[name], now[name])
    ]


def views(gradients: Gradients, douts: Sequence[Array]) -> list[str]:
    """Say which gradients are views of dout, or of each other: harmless, until one is changed in place."""
    arrays = _arrays(gradients)
    notes = [
        phrase("{gradient} is a view of dout: right as long as neither is changed in place.", gradient=f"d{name}")
        for name, value in arrays.items()
        if any(np.shares_memory(value, dout) for dout in douts)
    ]
    pairs = [pair for pair in combinations(arrays, 2) if np.shares_memory(arrays[pair[0]], arrays[pair[1]])]
    return notes + [
        phrase(
            "{one} and {other} share memory: right as long as neither is changed in place.", one=f"d{a}", other=f"d{b}"
        )
        for a, b in pairs
    ]


def _arrays(gradients: Gradients) -> dict[str, Any]:
    return {name: value for name, value in gradients.values.items() if isinstance(value, np.ndarray)}


def same(a: Any, b: Any) -> bool:
    """Whether two values are one, but for the rounding of a sum in another order."""
    try:
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            return False
        scale = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
        return bool(np.allclose(a, b, rtol=0, atol=SAME * scale, equal_nan=True))
    except (TypeError, ValueError):
        return bool(a is b)
