"""What network a derivation describes: of each layer the lines that hold its pre-activation and its output.

Found in the formulas alone: ``Z = X @ W.T + B`` is a layer, ``H = maximum(Z, 0)`` its activation, and the last output
is the Y that the loss is taken of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nncheck.case import Case
from nncheck.formula import Apply, Derivation, Line, Name, Number
from nncheck.formula.lines import Node, walk

#: What an activation is called where it is none of those below.
OTHER = "other"
_NAMED = ("relu", "sigmoid", "tanh", "exp", "abs", "softmax", "log_softmax")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of a network.

    Attributes
    ----------
    weight : str
        Its parameter (n_out, n_in).
    bias : str or None
        Its parameter (n_out,).
    source : str
        What it is fed: X, or the output of the layer before.
    pre : str
        The line of its pre-activation (N, n_out).
    out : str
        The line of its output (N, n_out); the same line where it has no activation.
    activation : str
        Empty where it has none; ``relu``, ``sigmoid``, ``tanh``, ... by the formula, else ``other``.
    """

    weight: str
    bias: str | None
    source: str
    pre: str
    out: str
    activation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A chain of layers from X to Y.

    Attributes
    ----------
    sizes : tuple of int
        Widths, from n_in to n_out: one more than there are layers.
    layers : tuple of Layer
    """

    sizes: tuple[int, ...]
    layers: tuple[Layer, ...]


def network_of(case: Case, derivation: Derivation) -> Network | None:
    """Return the network that the lines of a case describe, None where they are no chain of layers."""
    found = _Chain(case, derivation)
    layers = tuple(found.layers())
    used = {layer.weight for layer in layers} | {layer.bias for layer in layers if layer.bias}
    if used != set(case.params) or not layers or layers[-1].out != "Y":
        return None
    return Network(sizes=case.sizes, layers=layers)


class _Chain:
    """The forward lines of a derivation, read as one layer after the other."""

    def __init__(self, case: Case, derivation: Derivation) -> None:
        self._weights = [name for name, array in case.params.items() if array.ndim == 2]
        self._biases = [name for name, array in case.params.items() if array.ndim == 1]
        names = derivation.names
        self._forward = derivation.lines[: names.index("E")] if "E" in names else derivation.lines

    def layers(self) -> Iterator[Layer]:
        """Yield the layers from X on, as far as they follow each other."""
        source = "X"
        while source != "Y":
            fed = [(line, *parts) for line in self._forward if (parts := self._affine(line.expression, source))]
            if len(fed) != 1:
                return
            line, weight, bias = fed[0]
            after = self._activation(line.name)
            out, activation = (after[0].name, after[1]) if after else (line.name, "")
            yield Layer(weight=weight, bias=bias, source=source, pre=line.name, out=out, activation=activation)
            source = out

    def _affine(self, node: Node, source: str) -> tuple[str, str | None] | None:
        """Return the weight and the bias of ``source @ W.T + B``, in either order; None if it is something else."""
        if isinstance(node, Apply) and node.op == "add":
            for product, bias in (node.operands, node.operands[::-1]):
                parts = self._affine(product, source)
                if isinstance(bias, Name) and bias.id in self._biases and parts and parts[1] is None:
                    return parts[0], bias.id
            return None
        if not isinstance(node, Apply):
            return None
        if node.op in ("matmul", "dot") and node.operands[0] == Name(source):
            weight = _turned(node.operands[1])
            return (weight, None) if weight in self._weights else None
        if node.op == "transpose" and isinstance(node.operands[0], Apply):  # (W @ X.T).T
            inner = node.operands[0]
            if inner.op in ("matmul", "dot") and _turned(inner.operands[1]) == source:
                first = inner.operands[0]
                return (first.id, None) if isinstance(first, Name) and first.id in self._weights else None
        return None

    def _activation(self, pre: str) -> tuple[Line, str] | None:
        """Return the line that is made of a pre-activation alone and goes on, and what it does to it."""
        if pre == "Y":
            return None
        own = [line for line in self._forward if _names(line.expression) == [pre] and not _reduces(line.expression)]
        on = [line for line in own if line.name == "Y" or self._feeds(line.name)]
        return (on[0], _called(on[0].expression, pre)) if len(on) == 1 else None

    def _feeds(self, name: str) -> bool:
        """Whether some layer is fed a line."""
        return any(self._affine(line.expression, name) for line in self._forward)


def _turned(node: Node) -> str:
    """Return the name in ``W.T``, empty if it is something else."""
    if isinstance(node, Apply) and node.op == "transpose" and isinstance(node.operands[0], Name):
        return node.operands[0].id
    return ""


def _names(node: Node) -> Sequence[str]:
    return list(dict.fromkeys(found.id for found in walk(node) if isinstance(found, Name)))


def _reduces(node: Node) -> bool:
    """Whether it holds an operation that changes the shape of what it is given."""
    changing = ("sum", "mean", "max", "min", "size", "shape", "transpose", "matmul", "dot", "outer")
    return any(isinstance(found, Apply) and found.op in changing for found in walk(node))


def _called(node: Node, pre: str) -> str:
    """Return what an activation is called: ``maximum(Z, 0)`` is relu, however it is written."""
    Z, zero, one = Name(pre), Number(0.0), Number(1.0)
    positive = [Apply(op, (Z, zero)) for op in ("greater", "greater_equal")]
    relus = [Apply("maximum", (Z, zero)), Apply("maximum", (zero, Z))]
    relus += [Apply("where", (test, Z, zero)) for test in positive]
    relus += [Apply("multiply", (Z, test)) for test in positive] + [Apply("multiply", (test, Z)) for test in positive]
    if node in relus:
        return "relu"
    shrunk = Apply("exp", (Apply("negative", (Z,)),))
    if node in [Apply("divide", (one, Apply("add", pair))) for pair in ((one, shrunk), (shrunk, one))]:
        return "sigmoid"
    return node.op if isinstance(node, Apply) and node.op in _NAMED and node.operands == (Z,) else OTHER
