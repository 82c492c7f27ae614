"""Float64 tensors of torch as a kind of number for derivation lines, so that autograd can follow them."""

from __future__ import annotations

from typing import Any

from nncheck.formula import Line


class TorchArithmetic:
    """Every operation of a formula on float64 tensors; methods are named as `lines.Apply.op`.

    What torch has itself is torch's; anything else is put together from its operators, so that it is differentiated.
    """

    def begin(self, line: Line) -> None:
        """Take notice of the line whose operations follow."""

    def end(self, value: Any) -> Any:
        """Return the value of a line as it is."""
        return value

    def number(self, value: float) -> Any:
        """Return a literal."""
        import torch

        return torch.tensor(float(value), dtype=torch.float64)

    def add(self, a: Any, b: Any) -> Any:
        """Return a + b."""
        return a + b

    def subtract(self, a: Any, b: Any) -> Any:
        """Return a - b."""
        return a - b

    def multiply(self, a: Any, b: Any) -> Any:
        """Return a * b."""
        return a * b

    def divide(self, a: Any, b: Any) -> Any:
        """Return a / b."""
        return a / b

    def power(self, a: Any, b: Any) -> Any:
        """Return a ** b."""
        return a ** (float(b) if b.ndim == 0 and not b.requires_grad else b)

    def maximum(self, a: Any, b: Any) -> Any:
        """Larger of a and b; where both are equal, a constant has no gradient to take, as in torch.relu."""
        return self._chosen(a, b, a > b, b > a, "maximum")

    def minimum(self, a: Any, b: Any) -> Any:
        """Smaller of a and b; where both are equal, a constant has no gradient to take."""
        return self._chosen(a, b, a < b, b < a, "minimum")

    def negative(self, a: Any) -> Any:
        """Return -a."""
        return -a

    def relu(self, a: Any) -> Any:
        """max(a, 0)."""
        return a.relu()

    def softmax(self, a: Any) -> Any:
        """Softmax along the last axis."""
        return a.softmax(-1)

    def log_softmax(self, a: Any) -> Any:
        """Logarithm of the softmax along the last axis."""
        return a.log_softmax(-1)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Return a where the condition is not 0, b elsewhere."""
        import torch

        return torch.where(condition != 0, a, b)

    def zeros_like(self, a: Any) -> Any:
        """0 in the shape of a."""
        import torch

        return torch.zeros_like(a)

    def ones_like(self, a: Any) -> Any:
        """1 in the shape of a."""
        import torch

        return torch.ones_like(a)

    def transpose(self, a: Any) -> Any:
        """Reverse the axes."""
        return a.permute(*reversed(range(a.ndim)))

    def size(self, a: Any) -> Any:
        """Return the number of elements."""
        return self.number(a.numel())

    def shape(self, a: Any, axis: int) -> Any:
        """Return the length of one axis."""
        return self.number(a.shape[axis])

    def sum(self, a: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        """Return the sum over one axis, or over all."""
        return a.sum() if axis is None and not keepdims else a.sum(_axes(a, axis), keepdim=keepdims)

    def mean(self, a: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        """Return the mean over one axis, or over all."""
        return a.mean() if axis is None and not keepdims else a.mean(_axes(a, axis), keepdim=keepdims)

    def max(self, a: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        """Return the largest along one axis, or of all."""
        return a.amax(_axes(a, axis), keepdim=keepdims)

    def min(self, a: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        """Return the smallest along one axis, or of all."""
        return a.amin(_axes(a, axis), keepdim=keepdims)

    def matmul(self, a: Any, b: Any) -> Any:
        """Return a @ b."""
        return a @ b

    def dot(self, a: Any, b: Any) -> Any:
        """np.dot: a product with a number, otherwise a @ b."""
        return a * b if 0 in (a.ndim, b.ndim) else a @ b

    def outer(self, a: Any, b: Any) -> Any:
        """np.outer: every element of a times every element of b."""
        return a.reshape(-1, 1) * b.reshape(1, -1)

    def _chosen(self, a: Any, b: Any, takes_a: Any, takes_b: Any, op: str) -> Any:
        import torch

        if not b.requires_grad:
            return torch.where(takes_a | a.isnan(), a, b)  # no comparison holds of what is no number
        if not a.requires_grad:
            return torch.where(takes_b | b.isnan(), b, a)
        return getattr(torch, op)(a, b)

    def __getattr__(self, op: str) -> Any:  # whatever else torch calls as the formulas do
        import torch

        comparison = {"greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "equal": "eq"}
        comparison["not_equal"] = "ne"
        if op in comparison:
            compare = getattr(torch, comparison[op])
            return lambda a, b: compare(a, b).to(torch.float64)
        if op in ("abs", "sign", "exp", "log", "sqrt", "tanh", "sigmoid"):
            return getattr(torch, op)
        raise AttributeError(op)


def _axes(a: Any, axis: int | None) -> tuple[int, ...]:
    return tuple(range(a.ndim)) if axis is None else (axis,)
