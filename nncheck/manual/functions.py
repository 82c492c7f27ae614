"""Hand-written functions: forward, loss, backward and perhaps update, loaded and held to their contract.

The contract (arrays vectorised over the batch)::

    def forward(params, X):             # -> Y (N, n_out), cache
    def loss(Y, YT):                    # -> float
    def backward(params, cache, YT):    # -> {"W": dW, "B": dB, ...}, perhaps also "Y", "Z2", "H", ...
    def update(params, grads, lr):      # -> new params; optional, the case's own optimizer if absent

An ``update(params, grads, lr, state)`` is also given a dict of its own, empty before the first step and kept between
steps, for the momentum and the like.
"""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nncheck import source
from nncheck.errors import CaseError, InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase


class Slip(Exception):
    """What a hand-written function did against its contract: a finding about it, never an error of nncheck."""


@dataclass(frozen=True)
class Manual:
    """A hand-written implementation of one case."""

    path: Path
    forward: Callable[..., Any]
    loss: Callable[..., Any]
    backward: Callable[..., Any]
    update: Callable[..., Any] | None

    def step(self, params: dict[str, Array], X: Array, YT: Array) -> tuple[float, dict[str, Array]]:
        """Do one forward and one backward pass.

        Parameters
        ----------
        params : dict of arrays
            Handed to the functions as it is.
        X, YT : (N, n_in), (N, n_out)

        Returns
        -------
        E : float
        gradients : dict
            dE/dW and so on for every parameter, in their shapes.

        Raises
        ------
        Slip
            If a function raises, or returns something else than the contract says.
        """
        result = self._call(self.forward, params, X)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise Slip(phrase("forward returned {kind}, expected a pair  Y, cache.", kind=type(result).__name__))
        Y, cache = result
        E = _loss_value(self._call(self.loss, Y, YT))
        gradients = self._call(self.backward, params, cache, YT)
        return E, check_arrays(gradients, params, "backward", "d")

    @cached_property
    def takes_state(self) -> bool:
        """Whether update wants a fourth argument, the dict that it keeps its states in."""
        try:
            signature = inspect.signature(self.update) if self.update is not None else None
        except (TypeError, ValueError):  # a callable that does not tell
            return False
        places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        own = [p for p in signature.parameters.values() if p.kind in places] if signature else []
        return len(own) > 3 and (own[3].default is inspect.Parameter.empty or own[3].name == "state")

    def next_params(
        self, params: dict[str, Array], gradients: dict[str, Array], lr: float, state: dict[str, Any] | None = None
    ) -> dict[str, Array]:
        """Update the parameters: by the person's own update, else SGD, W - lr dW.

        Parameters
        ----------
        params, gradients : dict of arrays
        lr : float
        state : dict, optional
            Handed to an update of four arguments; one that is not given is empty.

        Raises
        ------
        Slip
            If the person's update raises or returns something else than the contract says.
        """
        if self.update is None:
            return {name: params[name] - lr * gradients[name] for name in params}
        kept = ({} if state is None else state,) if self.takes_state else ()
        return check_arrays(self._call(self.update, params, gradients, lr, *kept), params, "update", "")

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # exit() and its like are findings too
            raise Slip(source.describe(error, self.path)) from None


def load(path: Path) -> Manual:
    """Load manual.py.

    Raises
    ------
    CaseError
        If it cannot be run, or lacks forward, loss or backward.
    """
    try:
        with prints_to_stderr():
            module = source.load_module(path, "nncheck_case_manual")
    except InputError as error:
        raise CaseError(str(error)) from None
    functions = {name: getattr(module, name, None) for name in ("forward", "loss", "backward", "update")}
    missing = [name for name in ("forward", "loss", "backward") if not callable(functions[name])]
    if missing:
        raise CaseError(
            phrase(
                "{path}: {missing} missing; expected forward(params, X) -> Y, cache; loss(Y, YT) -> float; "
                "backward(params, cache, YT) -> {{'W': dW, ...}}.",
                path=path,
                missing=", ".join(missing),
            )
        )
    return Manual(path, **functions)  # type: ignore[arg-type]


def check_arrays(got: Any, params: Mapping[str, Array], function: str, prefix: str) -> dict[str, Array]:
    """Return the arrays that a function gave for every parameter, if they are what the contract says.

    Raises
    ------
    Slip
        With the first name, shape or type that is off.
    """
    if not isinstance(got, Mapping):
        raise Slip(
            phrase(
                "{function} returned {kind}, expected a dict with the keys {names}.",
                function=function,
                kind=type(got).__name__,
                names=", ".join(params),
            )
        )
    checked: dict[str, Array] = {}
    for name, parameter in params.items():
        if name not in got:
            keys = ", ".join(map(str, got)) or phrase("none")
            raise Slip(
                phrase(
                    "{function} returned no {name!r}: its keys are {keys}, expected {names}.",
                    function=function,
                    name=name,
                    keys=keys,
                    names=", ".join(params),
                )
            )
        array = _as_array(got[name], prefix + name)
        if array.shape != parameter.shape:
            raise Slip(_shape_words(prefix + name, array.shape, parameter.shape))
        if array.dtype.kind not in "fiu":
            raise Slip(
                phrase(
                    "{prefix}{name} has dtype {dtype}, expected floating point numbers.",
                    prefix=prefix,
                    name=name,
                    dtype=array.dtype,
                )
            )
        checked[name] = array
    return checked


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Let hand-written code print to standard error: standard output is for results, which other programs read."""
    with redirect_stdout(_ToStderr()):
        yield


class _ToStderr(io.TextIOBase):
    def write(self, text: str) -> int:
        return sys.stderr.write(text) if sys.stderr is not None else len(text)


def _as_array(value: Any, name: str) -> Array:
    try:
        array = np.asarray(value)
    except Exception as error:
        raise Slip(
            phrase(
                "{name} is no array of numbers but {kind} ({error}).",
                name=name,
                kind=type(value).__name__,
                error=error,
            )
        ) from None
    return array


def _loss_value(E: Any) -> float:
    if type(E) is float or type(E) is np.float64:
        return float(E)
    array = _as_array(E, "loss")
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise Slip(phrase("loss returned {got}, expected one number.", got=_described(E, array)))
    return float(array.reshape(()))


def _described(value: Any, array: Array) -> str:
    if array.ndim and array.dtype.kind in "fiu":
        return phrase("an array of shape {shape}", shape=array.shape)
    return phrase("{value!r:.40} of type {kind}", value=value, kind=type(value).__name__)


def _shape_words(name: str, got: tuple[int, ...], expected: tuple[int, ...]) -> str:
    words = {2: "(n_out, n_in)", 1: "(n_out,)"}.get(len(expected), "")
    text = phrase(
        "{name} has shape {got}, expected {symbols}{expected}.",
        name=name,
        got=got,
        symbols=words + " = " if words else "",
        expected=expected,
    )
    if sorted(got) == sorted(expected) and got != expected:
        text += phrase(" The same sizes in another order: is a transpose missing or too many?")
    elif len(got) == 2 and len(expected) == 1 and expected[0] in got:
        text += phrase(" Is the sum over the batch missing?")
    return text
