"""How arrays may lie in a person's code: samples as rows or columns, biases with one axis or two, weights transposed.

nncheck's own layout is torch's: X (N, n_in), W (n_out, n_in), B (n_out,).
"""

from __future__ import annotations

from dataclasses import dataclass

from nncheck.formula.plain import Array
from nncheck.language import phrase


@dataclass(frozen=True)
class Layout:
    """One way of laying data, weights and biases out.

    Attributes
    ----------
    columns : bool
        Samples are columns: X is (n_in, N).
    bias : str
        ``(n,)``, ``(n, 1)`` or ``(1, n)``.
    transposed : bool
        Weights are (n_in, n_out).
    """

    columns: bool = False
    bias: str = "(n,)"
    transposed: bool = False

    def data(self, array: Array) -> Array:
        """Lay X or YT out as the person has it."""
        return array.T.copy() if self.columns else array

    def parameter(self, array: Array) -> Array:
        """Lay a weight or a bias out as the person has it."""
        if array.ndim == 2:
            return array.T.copy() if self.transposed else array
        return {"(n,)": array, "(n, 1)": array[:, None], "(1, n)": array[None, :]}[self.bias]

    def back_data(self, array: Array) -> Array:
        """Lay Y or one of its gradients out as nncheck has it."""
        return array.T if self.columns and array.ndim == 2 else array

    def back_weight(self, array: Array) -> Array:
        """Lay the gradient of a weight out as nncheck has it."""
        return array.T if self.transposed and array.ndim == 2 else array

    def words(self) -> tuple[str, ...]:
        """Say in which points it is not nncheck's own."""
        words = []
        if self.columns:
            words.append(phrase("samples are columns: X is handed over as (n_in, N)"))
        if self.transposed:
            words.append(phrase("weights are handed over as (n_in, n_out)"))
        if self.bias != "(n,)":
            words.append(phrase("biases are handed over as {bias}", bias=self.bias))
        return tuple(words)


#: In the order in which they are tried; the first is nncheck's own.
LAYOUTS = (
    Layout(),
    Layout(bias="(1, n)"),
    Layout(transposed=True),
    Layout(bias="(1, n)", transposed=True),
    Layout(bias="(n, 1)"),
    Layout(columns=True, bias="(n, 1)"),
    Layout(columns=True, bias="(n, 1)", transposed=True),
    Layout(columns=True),
)
