"""Slips in a single entry, as code with scalar variables has them: one number of one line, computed from a wrong one.

Each line is taken apart into its elements, ``dH[0] = dZ2[0] * W2[0, 0] + dZ2[1] * W2[1, 0]``; then every small edit of
every element is tried, carried on through the lines below, and held against what was observed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncheck.diagnosis.edits import small_variants
from nncheck.diagnosis.points import Group, Observation, equal
from nncheck.errors import FormulaError
from nncheck.formula import Apply, Derivation, Line, Name, Number, Plain, PlainArithmetic, text_of
from nncheck.formula.evaluate import value_of
from nncheck.formula.lines import Node
from nncheck.formula.plain import Array

#: Elements of a line beyond which code is hardly written one by one.
MAX_ELEMENTS = 64


@dataclass(frozen=True)
class Slip:
    """One entry of one line that is computed in another way.

    Attributes
    ----------
    line : str
        Name of the line.
    index : tuple of int
        Of the entry, without the sample if there is only one.
    right, written : expressions over single entries, ``Name("W2[0, 1]")``
    """

    line: str
    index: tuple[int, ...]
    right: Node
    written: Node


def entry(name: str, index: Sequence[int]) -> str:
    """Name one entry: ``W2[0, 1]``."""
    return f"{name}[{', '.join(map(str, index))}]" if len(index) else name


class ElementwiseArithmetic:
    """Every operation of a formula on arrays of expressions: what each element of a line is made of."""

    def begin(self, line: Line) -> None:
        """Take notice of the line whose operations follow."""

    def end(self, value: Array) -> Array:
        """Return the elements of a line as they are."""
        return value

    def number(self, value: float) -> Array:
        """Return a literal."""
        return _single(Number(value))

    def transpose(self, a: Array) -> Array:
        """Return a.T."""
        turned: Array = a.T
        return turned

    def size(self, a: Array) -> Array:
        """Return the number of elements."""
        return self.number(float(a.size))

    def shape(self, a: Array, axis: int) -> Array:
        """Return the length of an axis."""
        return self.number(float(a.shape[axis]))

    def matmul(self, a: Array, b: Array) -> Array:
        """Return sums of products, element by element."""
        rows, columns = np.atleast_2d(a), b if b.ndim == 2 else b[:, None]
        product = np.empty((rows.shape[0], columns.shape[1]), dtype=object)
        for i, j in np.ndindex(product.shape):
            product[i, j] = _sum([Apply("multiply", (x, y)) for x, y in zip(rows[i], columns[:, j])])
        return product.reshape(a.shape[:-1] + b.shape[1:])

    def sum(self, a: Array, axis: int | None = None, keepdims: bool = False) -> Array:
        """Return sums along an axis."""
        return _reduced(a, axis, keepdims, _sum)

    def mean(self, a: Array, axis: int | None = None, keepdims: bool = False) -> Array:
        """Return means along an axis."""
        return _reduced(a, axis, keepdims, lambda terms: Apply("divide", (_sum(terms), Number(float(len(terms))))))

    def softmax(self, a: Array) -> Array:
        """Return exp(a_k) / sum of exp(a) along the last axis."""
        e = _each("exp", a)
        return _each("divide", e, np.broadcast_to(self.sum(e, axis=-1, keepdims=True), e.shape))

    def log_softmax(self, a: Array) -> Array:
        """Return log(softmax(a))."""
        return _each("log", self.softmax(a))

    def __getattr__(self, op: str) -> Callable[..., Array]:  # whatever else a formula may hold goes element by element
        if op in ("max", "min", "outer", "dot"):
            raise AttributeError(op)
        return lambda *operands: _each(op, *operands)


def find_slips(
    group: Group, derivation: Derivation, observed: Mapping[str, Observation], wrong: Sequence[str]
) -> list[Slip]:
    """Return the slips in one entry of one line that give just what was observed.

    Parameters
    ----------
    group : Group
        Stacked points.
    derivation : Derivation
    observed : mapping of line names to observations
    wrong : sequence of str
        Which of them differ.
    """
    assert group.stack is not None
    scalars = _scalars(group)
    found: list[Slip] = []
    for line in derivation.lines:
        if not _reaches(derivation, line.name, wrong):
            continue
        for index, right in _elements(line, group):
            others = (Name(name) for name in scalars)
            for written in (Number(0.0), *others, *small_variants(right, list(scalars))):
                values = _valued(written, scalars, group.stack)
                if values is not None and _explains(group, line.name, index, values, observed, wrong):
                    found.append(Slip(line.name, _short(index, group, line.name), right, written))
        if found:
            return found
    return found


def shown(node: Node, names: Mapping[str, str]) -> str:
    """Return an expression over entries as text, by the person's own names where these are known."""
    return text_of(_renamed(node, names))


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    if isinstance(node, Name):
        return Name(names.get(node.id, node.id))
    if isinstance(node, Apply):
        return Apply(node.op, tuple(_renamed(operand, names) for operand in node.operands), node.options)
    return node


def _reaches(derivation: Derivation, line: str, wrong: Sequence[str]) -> bool:
    """Whether a line's value is in that of every wrong quantity."""
    from nncheck.formula.lines import walk

    needs = {x.name: {n.id for n in walk(x.expression) if isinstance(n, Name)} for x in derivation.lines}

    def depends(name: str) -> bool:
        return name == line or any(depends(other) for other in needs.get(name, ()) if other != name)

    return all(depends(name) for name in wrong)


def _elements(line: Line, group: Group) -> Iterator[tuple[tuple[int, ...], Node]]:
    """Yield every element of a line with its full index and the expression that gives it."""
    leaves = {name: _leaves(name, shape) for name, shape in _shapes(group).items()}
    try:
        elements = value_of(line, leaves, ElementwiseArithmetic())
    except (FormulaError, AttributeError):
        return
    true = group.truth[line.name]
    if elements.shape != true.shape[1:] or elements.size > MAX_ELEMENTS:
        return
    for index in np.ndindex(elements.shape):
        yield index, elements[index]


def _shapes(group: Group) -> dict[str, tuple[int, ...]]:
    shapes = {name: value.shape for name, value in group.inputs.items()}
    return {**shapes, **{name: array.shape[1:] for name, array in group.truth.items()}}


def _leaves(name: str, shape: tuple[int, ...]) -> Array:
    leaves = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        leaves[index] = Name(entry(name, index[1:] if len(index) == 2 and shape[0] == 1 and _is_data(name) else index))
    return leaves


def _is_data(name: str) -> bool:
    """Whether the first axis counts samples, which goes without saying if there is one."""
    return name[:1] not in "WB" and not name.startswith(("dW", "dB"))


def _short(index: tuple[int, ...], group: Group, name: str) -> tuple[int, ...]:
    samples = group.truth[name].shape[1:2]
    return index[1:] if len(index) == 2 and samples == (1,) and _is_data(name) else index


def _scalars(group: Group) -> dict[str, Plain]:
    """Return every single entry of every quantity, stacked over the points."""
    assert group.stack is not None
    scalars: dict[str, Plain] = {}
    inputs = {name: value.array for name, value in group.inputs.items()}
    for name, array in {**inputs, **group.truth}.items():
        stacked = array if array.ndim and len(array) == group.stack else np.broadcast_to(array, (group.stack,))
        for index in np.ndindex(stacked.shape[1:]):
            leaf = _leaves(name, stacked.shape[1:])[index]
            place = (slice(None), *index)
            scalars[leaf.id] = Plain(np.ascontiguousarray(stacked[place]), 0)
    return scalars


def _valued(node: Node, scalars: Mapping[str, Plain], points: int) -> Array | None:
    try:
        with np.errstate(all="ignore"):
            value = value_of(Line("Q", node, "", ""), scalars, PlainArithmetic())
    except (FormulaError, ValueError, IndexError):
        return None
    return np.broadcast_to(value.array, (points,)) if value.rank == 0 else None


def _explains(
    group: Group,
    name: str,
    index: tuple[int, ...],
    values: Array,
    observed: Mapping[str, Observation],
    wrong: Sequence[str],
) -> bool:
    """Whether everything observed is what one gets with these values in one entry of a line."""
    changed = group.truth[name].copy()
    place = (slice(None), *index)
    changed[place] = values
    if np.array_equal(changed, group.truth[name]):
        return False
    if name in observed and not equal(changed, observed[name]):
        return False
    computed = group.values({}, {name: changed})
    order = [*wrong, *(other for other in observed if other not in wrong)]
    return all(other in computed and equal(computed[other], observed[other]) for other in order)


def _single(node: Node) -> Array:
    array = np.empty((), dtype=object)
    array[()] = node
    return array


def _each(op: str, *operands: Array) -> Array:
    arrays = np.broadcast_arrays(*operands)
    result = np.empty(arrays[0].shape, dtype=object)
    for index in np.ndindex(result.shape):
        result[index] = Apply(op, tuple(array[index] for array in arrays))
    return result


def _sum(terms: Sequence[Any]) -> Node:
    total: Node = terms[0]
    for term in terms[1:]:
        total = Apply("add", (total, term))
    return total


def _reduced(a: Array, axis: int | None, keepdims: bool, reduce: Callable[[Sequence[Any]], Node]) -> Array:
    if axis is None:
        result = _single(reduce(list(a.reshape(-1))))
        return result.reshape((1,) * a.ndim) if keepdims else result
    moved = np.moveaxis(a, axis, -1)
    result = np.empty(moved.shape[:-1], dtype=object)
    for index in np.ndindex(result.shape):
        result[index] = reduce(list(moved[index]))
    return np.expand_dims(result, axis) if keepdims else result
