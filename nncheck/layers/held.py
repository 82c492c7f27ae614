"""Parameters that an object holds and gives a gradient of, although they were not handed in."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from nncheck.layers.calling import Code, functions_of
from nncheck.layers.given import Given, find_name
from nncheck.layers.returned import gradient_on


def own_parameters(forward: Any, backward: Any, given: Sequence[Given]) -> tuple[Given, ...]:
    """Return the float arrays on an object for which its backward leaves a gradient; none if that cannot be tried."""
    owner, function, _ = functions_of(forward, backward)
    try:
        twin = copy.deepcopy(owner)
        before = {name: value.copy() for name, value in _arrays(twin).items()}
        method = getattr(backward, "__name__", "backward")
        code = Code(getattr(twin, function.__name__), getattr(twin, method), given)
        done = code.forward({g.name: g.fresh() for g in given})
        code.backward(done, [np.ones(np.shape(out)) for out in done.outputs])
    except KeyboardInterrupt:
        raise
    except BaseException:  # what is wrong with it shows when it is run in earnest
        return ()
    names = [g.name for g in given]
    return tuple(
        Given(name, value.astype(np.float64), True)
        for name, value in before.items()
        if find_name(name, names) is None and not _is_gradient(name, before) and gradient_on(twin, name) is not None
    )


def _arrays(owner: Any) -> dict[str, Any]:
    """Return the float arrays among an object's attributes and its ``params``."""
    params = getattr(owner, "params", None)
    every = {**(params if isinstance(params, dict) else {}), **getattr(owner, "__dict__", {})}
    return {
        str(name): value
        for name, value in every.items()
        if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)
    }


def _is_gradient(name: str, names: Sequence[str] | dict[str, Any]) -> bool:
    """Whether a name is that of the gradient of another: dW beside W."""
    low = name.lower()
    return any(low in (f"d{n}".lower(), f"d_{n}".lower(), f"grad_{n}".lower(), f"{n}_grad".lower()) for n in names)
