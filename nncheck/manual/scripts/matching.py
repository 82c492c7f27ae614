"""Which of a script's variables equal which true quantities, and which line is the first that does not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncheck.formula.plain import Array
from nncheck.manual.scripts.evidence import SAME
from nncheck.manual.scripts.observed import Observed
from nncheck.manual.scripts.pool import layouts


@dataclass(frozen=True)
class Held:
    """A true value that a variable holds at every step of every run.

    Attributes
    ----------
    quantity : str
        ``dZ2``, or a part of a line, ``Y * (1 - Y)``.
    index : tuple of int
        Of the element, without the sample if there is only one; empty for a whole array.
    factor : str
        What the true value is multiplied with: nothing, ``-``, ``2 ``, ``1/2 ``, ``lr ``.
    transposed : bool
        Whether an array lies in the variable column by column.
    """

    quantity: str
    index: tuple[int, ...] = ()
    factor: str = ""
    transposed: bool = False

    @property
    def text(self) -> str:
        """``dZ2[0]``, ``-dY[1]``, ``lr dW2[0, 1]``."""
        if not self.index:
            return f"{self.factor}{self.quantity}"
        places = ", ".join(map(str, self.index))
        name = self.quantity if re.fullmatch(r"\w+", self.quantity) else f"({self.quantity})"
        return f"{self.factor}{name}[{places}]"


@dataclass(frozen=True)
class Match:
    """What one variable holds.

    Attributes
    ----------
    variable : str
    line : int or None
    whole : tuple of Held
        Quantities that the variable equals as an array, in any layout.
    elements : tuple of tuple of Held
        For each of its elements, row by row.
    at_times : bool
        Whether a single number equals some true value at some steps and not at others.
    """

    variable: str
    line: int | None
    whole: tuple[Held, ...]
    elements: tuple[tuple[Held, ...], ...]
    at_times: bool = False

    @property
    def held(self) -> tuple[Held, ...]:
        """What the variable is, as far as that is one thing."""
        return self.whole or (self.elements[0] if len(self.elements) == 1 else ())


def match(observed: Observed, truth: Mapping[str, Array]) -> dict[str, Match]:
    """Hold every variable, element by element, against every true value.

    Parameters
    ----------
    truth : mapping of str to (S, ...)
        True values at the steps of ``observed``: `truths.truths`.
    """
    factors, same = _factors(observed), SAME[observed.precision]
    finite = np.logical_and.reduce([np.isfinite(a.reshape(len(a), -1)).all(axis=1) for a in truth.values()])
    if finite.sum() >= 2:  # what has overflowed says nothing
        truth = {name: array[finite] for name, array in truth.items()}
    else:
        finite = np.ones(len(observed.step), dtype=bool)
    columns, labels = _columns(truth, observed.X.shape[1])
    return {
        v.name: _matched(v.name, v.line, v.values[finite], truth, columns, labels, factors, same)
        for v in observed.variables
    }


def _factors(observed: Observed) -> dict[str, float]:
    factors = {"": 1.0, "-": -1.0, "2 ": 2.0, "1/2 ": 0.5, "-2 ": -2.0, "-1/2 ": -0.5}
    outputs = observed.YT.shape[1] * observed.YT.shape[2]
    if outputs not in (1, 2):
        factors.update({f"{outputs} ": float(outputs), f"{outputs}/2 ": outputs / 2, f"-{outputs}/2 ": -outputs / 2})
    if observed.lr not in (None, 0.0, *map(abs, factors.values())):
        factors.update({"lr ": float(observed.lr or 0), "-lr ": -float(observed.lr or 0)})
    return factors


def _columns(truth: Mapping[str, Array], samples: int) -> tuple[Array, list[tuple[str, tuple[int, ...]]]]:
    parts, labels = [], []
    for name, array in truth.items():
        flat = array.reshape(len(array), -1)
        for place, index in enumerate(np.ndindex(array.shape[1:])):
            if (flat[:, place] != 0).any() and np.isfinite(flat[:, place]).all():
                parts.append(flat[:, place])
                short = index[1:] if samples == 1 and len(index) > 1 and array.shape[1] == 1 else index
                labels.append((name, short))
    return np.stack(parts, axis=1), labels


def _matched(
    name: str,
    line: int | None,
    values: Array,
    truth: Mapping[str, Array],
    columns: Array,
    labels: Sequence[tuple[str, tuple[int, ...]]],
    factors: Mapping[str, float],
    same: float,
) -> Match:
    flat = values.reshape(len(values), -1)
    elements: list[tuple[Held, ...]] = []
    for place in range(min(flat.shape[1], 64)):
        held = []
        for word, factor in factors.items():
            for column in np.flatnonzero(_equal(flat[:, place, None], factor * columns, same)).tolist():
                quantity, index = labels[column]
                held.append(Held(quantity, index, word))
        elements.append(tuple(held))
    whole = []
    if flat.shape[1] > 1:
        for quantity, array in truth.items():
            true = array.reshape(len(array), -1)
            for layout, places in layouts(array.shape[1:], values.shape[1:]):
                for word, factor in factors.items():
                    if _equal(flat[:, list(places)], factor * true, same).all() and (true != 0).any():
                        whole.append(Held(quantity, (), word, layout == "transposed"))
    at_times = flat.shape[1] == 1 and not elements[0] and _equal_at_times(flat, columns, same)
    return Match(name, line, tuple(dict.fromkeys(whole)), tuple(elements), at_times)


def _equal_at_times(got: Array, columns: Array, same: float) -> bool:
    """Whether a number is a true one at a fifth of the steps at least: a slip that only closed units show."""
    with np.errstate(invalid="ignore"):
        near = (np.abs(got - columns) <= same * np.abs(columns)) & (columns != 0)
    return bool((near.sum(axis=0) >= max(2, 0.2 * len(got))).any())


def _equal(got: Array, true: Array, same: float) -> Array:
    """Whether columns are equal wherever the variable had a number, at two steps at least."""
    seen = np.isfinite(got)
    scale = np.abs(true).max(axis=0, keepdims=True)
    with np.errstate(invalid="ignore"):
        near = np.abs(got - true) <= same * np.maximum(np.abs(true), 1e-6 * scale) + 1e-300
    enough = seen.sum(axis=0) >= min(2, len(got))
    result: Array = (near | ~seen).all(axis=0) & enough
    return result
