"""Everything that a right script may hold at a step: the derivation's lines, their parts, customary partial results.

Scripts name their own steps: ``out = 1 / (1 + exp(-net))``, ``delta = error * out * (1 - out)``, one product of a sum.
A value that equals one of these at every step of every run is confirmed, whatever its name is.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from nncheck.case import Case
from nncheck.formula import Apply, Derivation, Plain, PlainArithmetic, evaluate, plain, text_of
from nncheck.formula.lines import Line, Node, Number
from nncheck.formula.plain import Array
from nncheck.language import phrase

_MAX_TERMS = 256


def truths(case: Case, X: Array, YT: Array, params: Mapping[str, Array]) -> dict[str, Array]:
    """Return true values by name, (S, ...): each line (``dZ2``), then parts (``Y * (1 - Y)``) and terms of sums.

    Parameters
    ----------
    X, YT : (S, N, n_in), (S, N, n_out)
    params : mapping of str to (S, ...)
        As they were before each step.
    """
    inputs = {"X": plain(X, stacked=True), "YT": plain(YT, stacked=True)}
    inputs.update({name: plain(array, stacked=True) for name, array in params.items()})
    derivation = case.derivation()
    values = evaluate(derivation, inputs, PlainArithmetic())
    found = {name: _stacked(values[name], len(X)) for name in (*inputs, *derivation.names)}
    known = {array.tobytes() for array in found.values()}
    with np.errstate(all="ignore"):
        parts = _parts(derivation, values)
    for text, value in parts:
        if value.array.ndim == value.rank:  # one number at all steps: Y.size
            continue
        stacked = _stacked(value, len(X))
        if 0 < stacked[0].size <= _MAX_TERMS and stacked.tobytes() not in known:
            known.add(stacked.tobytes())
            found.setdefault(text, stacked)
    return found


def _parts(derivation: Derivation, values: Mapping[str, Plain]) -> list[tuple[str, Plain]]:
    parts: list[tuple[str, Plain]] = []
    for line in derivation.lines:
        for node in _nodes(line.expression):
            parts.append((text_of(node), _value(node, values)))
            parts += _products(node, values)
            parts += _inside(node, values)
            parts += _terms(node, values)
    return parts


def _nodes(node: Node) -> list[Apply]:
    if not isinstance(node, Apply):
        return []
    return [node, *(below for operand in node.operands for below in _nodes(operand))]


def _value(node: Node, values: Mapping[str, Plain]) -> Plain:
    line = Derivation((Line("?", node, text_of(node), "a part of a line"),))
    return evaluate(line, dict(values), PlainArithmetic())["?"]


def _products(node: Apply, values: Mapping[str, Plain]) -> list[tuple[str, Plain]]:
    """Return products of some factors of ``dY * Y * (1 - Y)``: Y * (1 - Y) is the derivative by itself."""
    factors = _factors(node)
    if not 3 <= len(factors) <= 5:
        return []
    found = []
    for count in range(2, len(factors)):
        for chosen in itertools.combinations(factors, count):
            product: Node = chosen[0]
            for factor in chosen[1:]:
                product = Apply("multiply", (product, factor))
            found.append((text_of(product), _value(product, values)))
    return found


def _factors(node: Node) -> list[Node]:
    if isinstance(node, Apply) and node.op == "multiply":
        return [*_factors(node.operands[0]), *_factors(node.operands[1])]
    return [node]


def _inside(node: Apply, values: Mapping[str, Plain]) -> list[tuple[str, Plain]]:
    """Return what is computed on the way to a sigmoid, a softmax or a logarithm of one."""
    if node.op not in ("sigmoid", "softmax", "log_softmax"):
        return []
    a = node.operands[0]

    def apply(op: str, *operands: Node, **options: bool | int | None) -> Apply:
        return Apply(op, operands, tuple(options.items()))

    if node.op == "sigmoid":
        small = apply("exp", apply("negative", a))
        steps = [apply("negative", a), small, apply("add", Number(1.0), small)]
    else:
        shifted = apply("subtract", a, apply("max", a, axis=-1, keepdims=True))
        steps = [shifted]
        for inner in (a, shifted):
            steps += [apply("exp", inner), apply("sum", apply("exp", inner), axis=-1, keepdims=True)]
        steps += [apply("max", a, axis=-1, keepdims=True), apply("softmax", a), apply("log", apply("softmax", a))]
    return [(text_of(step), _value(step, values)) for step in steps]


def _terms(node: Apply, values: Mapping[str, Plain]) -> list[tuple[str, Plain]]:
    """Return the products that a matrix product adds up, and, for two terms and a bias, the sums on the way."""
    if node.op == "add" and isinstance(node.operands[0], Apply) and node.operands[0].op == "matmul":
        terms = _terms(node.operands[0], values)
        bias = _value(node.operands[1], values)
        return [(f"{text} + {text_of(node.operands[1])}", _plus(value, bias)) for text, value in terms]
    if node.op != "matmul":
        return []
    a, b = (_value(operand, values) for operand in node.operands)
    if a.rank != 2 or b.rank != 2 or a.shape[0] * a.shape[1] * b.shape[1] > _MAX_TERMS or a.shape[1] < 2:
        return []
    product = a.array[..., :, :, None] * b.array[..., None, :, :]
    left, right = (text_of(operand) for operand in node.operands)
    return [(phrase("a term of {left} @ {right}", left=left, right=right), Plain(np.swapaxes(product, -1, -2), 3))]


def _plus(value: Plain, bias: Plain) -> Plain:
    return Plain(value.array + bias.array[..., None, :, None], value.rank) if bias.rank == 1 else value


def _stacked(value: Plain, points: int) -> Array:
    array: Array = value.array
    if array.ndim == value.rank:
        array = np.broadcast_to(array, (points, *value.shape))
    return np.ascontiguousarray(array, dtype=np.float64)
