"""Every small edit of a line: what is left when no named mistake fits, and a slip of the pen does.

Each operand is replaced by every other quantity, each factor and term dropped, each sign, operator, transpose, axis and
constant changed; one change at a time, in the line as the case has it and in other ways to write it. And each name is
replaced in all lines of the backward pass at once, as where the wrong thing is taken out of a cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

from nncheck.diagnosis.anatomy import parts_of
from nncheck.diagnosis.mistakes import Edit, line_of, written
from nncheck.formula import Apply, Derivation, Name, Number
from nncheck.formula.lines import Node, walk

_OPERATORS = ("add", "subtract", "multiply", "divide", "power", "matmul")
_COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal")
_SWAPS = {
    **{op: tuple(other for other in _OPERATORS if other != op) for op in _OPERATORS},
    **{op: tuple(other for other in _COMPARISONS if other != op) for op in _COMPARISONS},
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "sigmoid": ("tanh", "relu", "exp"),
    "tanh": ("sigmoid", "relu"),
    "relu": ("sigmoid", "tanh"),
    "exp": ("log", "tanh", "sqrt", "abs", "sign"),
    "log": ("exp", "tanh", "sqrt", "abs"),
    "softmax": ("log_softmax", "sigmoid"),
    "log_softmax": ("softmax", "log"),
    "sum": ("mean", "max", "min"),
    "mean": ("sum", "max", "min"),
    "max": ("min", "sum", "mean"),
}
_AXES = (None, 0, 1)

#: Other ways to write the line of a part, in its letters; Q stands for what the second formula says, wherever it is.
_FORMS = (
    ("dsigmoid", "dA * sigmoid(Z) * (1 - sigmoid(Z))", ""),
    ("dsigmoid", "dA * (H - H ** 2)", ""),
    ("dtanh", "dA * (1 - tanh(Z) ** 2)", ""),
    ("drelu", "dA * (H > 0)", ""),
    ("dmse", "2 / (Y.shape[1] * len(Y)) * (Y - YT)", ""),
    ("softmax", "Q / Q.sum(axis=1, keepdims=True)", "exp(Y - Y.max(axis=1, keepdims=True))"),
    ("softmax", "Q / Q.sum(axis=1, keepdims=True)", "exp(Y)"),
)


@lru_cache(maxsize=16)
def small_edits(derivation: Derivation, inputs: tuple[str, ...]) -> tuple[Edit, ...]:
    """Return every small edit of every line.

    Parameters
    ----------
    derivation : Derivation
    inputs : tuple of str
        X, YT and the names of the parameters.
    """
    edits: list[Edit] = []
    forms = _forms(derivation)
    known = list(inputs)
    for line in derivation.lines:
        seen = {line.expression}
        for variant in _line_variants(line.expression, forms.get(line.name, ()), known):
            if variant not in seen and not _cancels(variant):
                seen.add(variant)
                edits.append(Edit("edit", "", (line_of(line, variant),)))
        known.append(line.name)
    edits += _everywhere(derivation, inputs)
    return tuple(edits)


_Form: TypeAlias = "tuple[Node, Node | None]"


def _forms(derivation: Derivation) -> dict[str, list[_Form]]:
    """Return the other ways to write each line, and what Q says in each."""
    forms: dict[str, list[_Form]] = {}
    for part in parts_of(derivation):
        for kind, form, inner in _FORMS:
            if kind == part.kind:
                said = written(inner, part.names) if inner else None
                forms.setdefault(part.line, []).append((written(form, part.names), said))
    return forms


def _line_variants(own: Node, forms: Sequence[_Form], known: Sequence[str]) -> Iterator[Node]:
    """Yield the variants of a line, then those of each other way to write it, and of what Q says in that."""
    yield from small_variants(own, known)
    for form, inner in forms:
        if inner is None:
            yield from small_variants(form, known)
            continue
        for variant in small_variants(form, (*known, "Q")):
            yield _put(variant, "Q", inner)
        for variant in small_variants(inner, known):
            yield _put(form, "Q", variant)


def _put(node: Node, name: str, value: Node) -> Node:
    """Return the expression with a value in the place of a name."""
    if isinstance(node, Name) and node.id == name:
        return value
    if isinstance(node, Apply):
        return Apply(node.op, tuple(_put(operand, name, value) for operand in node.operands), node.options)
    return node


def _everywhere(derivation: Derivation, inputs: Sequence[str]) -> Iterator[Edit]:
    """Yield the replacement of a name in every line of the backward pass that has it, if more than one has."""
    names = derivation.names
    start = names.index("E") + 1 if "E" in names else len(names)
    known = (*inputs, *(name for name in names[:start] if name != "E"))
    for name in known:
        having = [
            line
            for line in derivation.lines[start:]
            if any(isinstance(n, Name) and n.id == name for n in walk(line.expression))
        ]
        values: list[Node] = [Name(other) for other in known if other != name]
        for value in (*values, Apply("transpose", (Name(name),)), Apply("negative", (Name(name),))):
            if len(having) > 1:
                lines = (line_of(line, _put(line.expression, name, value)) for line in having)
                yield Edit("edit", "", tuple(lines))


def _cancels(node: Node) -> bool:
    """Whether a quantity is subtracted from itself or divided by itself: no slip gives that."""
    return any(
        isinstance(n, Apply) and n.op in ("subtract", "divide") and n.operands[0] == n.operands[1] for n in walk(node)
    )


def small_variants(node: Node, names: Sequence[str]) -> Iterator[Node]:
    """Yield the expression with one change in it or in one of its parts."""
    yield from _changed(node, names)
    if isinstance(node, Apply):
        for i, operand in enumerate(node.operands):
            for variant in small_variants(operand, names):
                yield Apply(node.op, (*node.operands[:i], variant, *node.operands[i + 1 :]), node.options)


def _changed(node: Node, names: Sequence[str]) -> Iterator[Node]:
    if isinstance(node, Number):
        v = node.value
        for value in (0.0, 1.0, 2.0, 3.0, 0.5, -1.0, v + 1, v - 1, 2 * v, v / 2):
            yield Number(value)
        return
    yield Apply("negative", (node,))
    if isinstance(node, Name):
        yield from (Name(name) for name in names if name != node.id)
        yield Apply("transpose", (node,))
        yield Apply("subtract", (Number(1.0), node))
        yield Apply("power", (node, Number(2.0)))
        return
    for op in _SWAPS.get(node.op, ()):
        yield Apply(op, node.operands, node.options)
    if node.op in _OPERATORS:
        yield from node.operands
    if node.op in ("subtract", "divide", "matmul", "power"):
        yield Apply(node.op, node.operands[::-1])
    if node.op in ("transpose", "negative", "exp", "log", "abs", "sqrt", "maximum", "minimum", "sum", "mean"):
        yield node.operands[0]
    if len(node.operands) == 1 and node.op in _SWAPS and node.op not in ("sum", "mean"):
        yield node.operands[0]
    if node.op in ("size", "shape"):
        for place in (0, 1):
            yield Apply("shape", node.operands, (("axis", place),))
        yield Apply("size", node.operands)
        yield Number(1.0)
    if "axis" in dict(node.options) and node.op != "shape":
        for axis in _AXES:
            for keepdims in (False, True):
                yield Apply(node.op, node.operands, (("axis", axis), ("keepdims", keepdims)))
    yield Apply("multiply", (Number(2.0), node))
