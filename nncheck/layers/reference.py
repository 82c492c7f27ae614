"""The witness of a layer: a torch function or module, a NumPy function, or the person's own forward."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.layers.calling import Code
from nncheck.layers.given import Given, find_name
from nncheck.layers.numeric import Numeric


class Witness(Protocol):
    """Outputs at the inputs, and gradients for any upstream gradients."""

    outputs: list[Array]

    @property
    def judged_by(self) -> str:
        """Name the witness."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what it could not do."""

    def gradients(self, douts: Sequence[Sequence[Array]]) -> dict[str, tuple[list[Array], Array]]:
        """Return each input's gradients, one for each set of upstream gradients, and their elements' errors."""

    def one_sided(self, name: str, index: tuple[int, ...], dout: Sequence[Array]) -> tuple[float, float] | None:
        """Return the derivatives just below and just above the point, by one element."""


#: A forward is called some five times for each element.
MOST_ELEMENTS = 20_000


def own_forward(code: Code, given: Sequence[Given]) -> Numeric:
    """Differentiate the person's own forward.

    Raises
    ------
    InputError
        If there are too many elements to try each.
    """
    return _numeric(code.apart().outputs_at, given)


def witness_of(reference: Any, given: Sequence[Given]) -> Witness:
    """Make a witness of a reference: torch first where torch is there, else NumPy first.

    Raises
    ------
    InputError
        If it can be called with neither tensors nor arrays.
    """
    from nncheck.autograd.functional import TorchReference, is_module

    if not callable(reference):
        raise InputError(
            phrase(
                "reference is {kind}, expected a torch function, an nn.Module or a function.",
                kind=type(reference).__name__,
            )
        )
    values = {g.name: g.value for g in given}
    names = [g.name for g in given if g.differentiable]

    def by_torch() -> Witness:
        return TorchReference(reference, values, names, find_name)

    def by_numpy() -> Witness:
        return _numeric(_outputs_of(reference), given)

    if is_module(reference):
        ways = [("tensors", by_torch)]
    else:
        ways = [("tensors", by_torch), (phrase("NumPy arrays"), by_numpy)]
        if "torch" not in sys.modules:
            ways.reverse()
    said = []
    for what, way in ways:
        try:
            return way()
        except InputError:
            raise
        except Exception as error:
            said.append(
                phrase("with {inputs} it raises {kind}: {error}", inputs=what, kind=type(error).__name__, error=error)
            )
    raise InputError(
        phrase(
            "the reference cannot be used: {reasons}\nIt is called with the inputs in order: {inputs}.",
            reasons="; ".join(said),
            inputs=", ".join(values),
        )
    )


def _numeric(forward: Callable[[Mapping[str, Any]], list[Array]], given: Sequence[Given]) -> Numeric:
    elements = sum(g.value.size for g in given if g.differentiable)
    if elements > MOST_ELEMENTS:
        raise InputError(
            phrase(
                "the inputs have {count} elements, and without a torch reference each is tried by itself; hand "
                "in smaller arrays (at most {most} elements), or a torch function as reference.",
                count=elements,
                most=MOST_ELEMENTS,
            )
        )
    return Numeric(forward, {g.name: g.value for g in given}, [g.name for g in given if g.differentiable])


def _outputs_of(reference: Callable[..., Any]) -> Callable[[Mapping[str, Any]], list[Array]]:
    def forward(values: Mapping[str, Any]) -> list[Array]:
        copies = [value.copy() if isinstance(value, np.ndarray) else value for value in values.values()]
        returned = reference(*copies)
        outputs = [np.asarray(out) for out in (returned if isinstance(returned, tuple) else (returned,))]
        if any(out.dtype.kind not in "fc" for out in outputs):
            raise TypeError(
                phrase("it gives {got}, expected numbers", got=", ".join(str(out.dtype) for out in outputs))
            )
        return outputs

    return forward
