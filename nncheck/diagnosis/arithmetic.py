"""Float64 arithmetic with what mistakes need besides a derivation's own functions, and an evaluator that remembers."""

from __future__ import annotations

import numpy as np

from nncheck.formula import Plain, PlainArithmetic

#: Functions of a mistake's rewrite that no right derivation has, and how many values each takes.
SPECIAL = {
    "last_row": 1,
    "first_row": 1,
    "first_column": 1,
    "next_column": 1,
    "previous_column": 1,
    "label": 1,
    "softmax_all": 1,
    "softmax_axis0": 1,
}


class MistakenArithmetic(PlainArithmetic):
    """`PlainArithmetic` with the functions of `SPECIAL`."""

    def last_row(self, a: Plain) -> Plain:
        """Keep the last row, zeros elsewhere: what a sum over the batch is that assigns instead of adding."""
        return Plain(a.array * _unit(a.shape[-2], -1)[:, None], a.rank)

    def first_row(self, a: Plain) -> Plain:
        """Keep the first row, zeros elsewhere."""
        return Plain(a.array * _unit(a.shape[-2], 0)[:, None], a.rank)

    def first_column(self, a: Plain) -> Plain:
        """Return a[:, 0]."""
        return Plain(a.array[..., 0], a.rank - 1)

    def next_column(self, a: Plain) -> Plain:
        """Return the columns shifted by one: labels that are one too high."""
        return Plain(np.roll(a.array, 1, axis=-1), a.rank)

    def previous_column(self, a: Plain) -> Plain:
        """Return the columns shifted back by one: labels that are one too low."""
        return Plain(np.roll(a.array, -1, axis=-1), a.rank)

    def label(self, a: Plain) -> Plain:
        """Return the number of each row's largest column, as a column."""
        return Plain(np.argmax(a.array, axis=-1)[..., None].astype(float), a.rank)

    def softmax_all(self, a: Plain) -> Plain:
        """exp(a) / sum(exp(a)) over everything."""
        e = self.exp(self.subtract(a, self.max(a)))
        return self.divide(e, self.sum(e))

    def softmax_axis0(self, a: Plain) -> Plain:
        """exp(a) / sum(exp(a)) along the batch."""
        e = self.exp(self.subtract(a, self.max(a, axis=0, keepdims=True)))
        return self.divide(e, self.sum(e, axis=0, keepdims=True))


def _unit(length: int, index: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    unit = np.zeros(length)
    unit[index] = 1.0
    return unit
