"""Forms in which the right tensor may have been written: transposed, in reverse, in another shape, added up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import N_


@dataclass(frozen=True)
class Form:
    """The right tensor written another way.

    Attributes
    ----------
    written : str
        With ``{}`` for the quantity: ``{}.T``.
    words : str
        The same in words, as a message.
    make : callable
        From the right tensor and the shape of the wrong one; None where it has no such form.
    """

    written: str
    words: str
    make: Callable[[Array, tuple[int, ...]], Array | None]


def _transposed(e: Array, shape: tuple[int, ...]) -> Array | None:
    return e.T if e.ndim == 2 and min(e.shape) > 1 else None


def _reversed(axis: int) -> Callable[[Array, tuple[int, ...]], Array | None]:
    return lambda e, shape: np.flip(e, axis) if e.ndim > axis and e.shape[axis] > 1 else None


def _reshaped(e: Array, shape: tuple[int, ...]) -> Array | None:
    return e.reshape(shape) if e.size == np.prod(shape) and e.shape != shape else None


def _reduced(reduction: Callable[..., Array], axis: int | None) -> Callable[[Array, tuple[int, ...]], Array | None]:
    def make(e: Array, shape: tuple[int, ...]) -> Array | None:
        if e.size < 2 or (axis is not None and (e.ndim < 2 or e.shape[axis] < 2)):
            return None
        for keep in (False, True):
            reduced = np.asarray(reduction(e, axis=axis, keepdims=keep))
            if reduced.shape == shape:
                return reduced
        # the same number, or row, in the place of every element
        return np.broadcast_to(reduced, shape) if shape == e.shape else None

    return make


def _cumulated(e: Array, shape: tuple[int, ...]) -> Array | None:
    return np.cumsum(e, axis=0) if e.ndim and e.shape[0] > 1 else None


FORMS = (
    Form("{}", N_("what it should be"), lambda e, shape: e),
    Form("{}.T", N_("the transpose of what it should be"), _transposed),
    Form("{}[::-1]", N_("the rows, in reverse, of what it should be"), _reversed(0)),
    Form("{}[:, ::-1]", N_("the columns, in reverse, of what it should be"), _reversed(1)),
    Form("{} in another shape", N_("the elements, in another shape, of what it should be"), _reshaped),
    Form("{}.sum()", N_("the sum of all elements of what it should be"), _reduced(np.sum, None)),
    Form("{}.mean()", N_("the mean of all elements of what it should be"), _reduced(np.mean, None)),
    Form("{}.sum(axis=0)", N_("the sum over axis 0 of what it should be"), _reduced(np.sum, 0)),
    Form("{}.sum(axis=1)", N_("the sum over axis 1 of what it should be"), _reduced(np.sum, 1)),
    Form("{}.mean(axis=0)", N_("the mean over axis 0 of what it should be"), _reduced(np.mean, 0)),
    Form("{}.mean(axis=1)", N_("the mean over axis 1 of what it should be"), _reduced(np.mean, 1)),
    Form("{}.cumsum(axis=0)", N_("the running sums over axis 0 of what it should be"), _cumulated),
)
