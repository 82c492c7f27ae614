"""Every one-token edit of a function in Python source: another name, operator, constant or axis, a transpose too many.

Knows Python's grammar and nothing of nncheck, so that what nncheck is tried on is not what it was built from.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult, ast.Pow)
_COMPARISONS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq, ast.NotEq)
_METHODS = ("sum", "mean", "max", "min", "prod")
_FUNCTIONS = ("exp", "log", "tanh", "sqrt", "abs", "sign", "square")


@dataclass(frozen=True)
class Slip:
    """One edit: what kind it is, and the whole source with it."""

    kind: str
    line: str
    source: str


def slips(source: str, function: str = "backward") -> Iterator[Slip]:
    """Yield the source with each one-token edit of one function, each only once."""
    tree = ast.parse(source)
    body = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == function)
    seen = {ast.unparse(tree)}
    places = [(statement, path) for statement in body.body for path in _paths(statement)]
    for statement, path in places:
        known = _known(body, statement)
        for kind, new in _edits(_at(statement, path), known, _at(statement, path[:-1]) if path else None):
            changed = copy.deepcopy(tree)
            again = next(n for n in ast.walk(changed) if isinstance(n, ast.FunctionDef) and n.name == function)
            place = again.body[body.body.index(statement)]
            _put(place, path, copy.deepcopy(new))
            text = ast.unparse(changed)
            if text not in seen:
                seen.add(text)
                yield Slip(kind, ast.unparse(place), text)


def _paths(
    node: ast.AST, path: tuple[tuple[str, int | None], ...] = ()
) -> Iterator[tuple[tuple[str, int | None], ...]]:
    """Yield the way to every expression below a statement that is read: targets and docstrings are left out."""
    for field, value in ast.iter_fields(node):
        if field in ("targets", "target", "op", "ops", "ctx") or (isinstance(node, ast.Expr) and path == ()):
            continue
        children = value if isinstance(value, list) else [value]
        for i, child in enumerate(children):
            if isinstance(child, (ast.expr, ast.keyword, ast.stmt)):
                step = (*path, (field, i if isinstance(value, list) else None))
                if isinstance(child, ast.expr):
                    yield step
                yield from _paths(child, step)


def _at(node: ast.AST, path: tuple[tuple[str, int | None], ...]) -> ast.AST:
    for field, i in path:
        node = getattr(node, field) if i is None else getattr(node, field)[i]
    return node


def _put(node: ast.AST, path: tuple[tuple[str, int | None], ...], new: ast.AST) -> None:
    parent = _at(node, path[:-1])
    field, i = path[-1]
    if i is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[i] = new


def _known(function: ast.FunctionDef, statement: ast.stmt) -> tuple[list[str], list[str]]:
    """Return the variables that have a value before a statement, and the keys that are looked up anywhere."""
    names = [argument.arg for argument in function.args.args if argument.arg not in ("self", "params", "cache")]
    for earlier in function.body[: function.body.index(statement)]:
        for node in ast.walk(earlier):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.append(node.id)
    keys = [
        node.slice.value
        for node in ast.walk(function)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    ]
    return list(dict.fromkeys(names)), list(dict.fromkeys(keys))


def _edits(node: ast.AST, known: tuple[list[str], list[str]], parent: ast.AST | None) -> Iterator[tuple[str, ast.expr]]:
    names, keys = known
    if isinstance(node, ast.Name) and node.id not in ("np", "params", "cache", "self", "len"):
        if not (isinstance(parent, ast.Call) and parent.func is node):
            yield from (("name", ast.Name(name, ast.Load())) for name in names if name != node.id)
            yield "transpose", ast.Attribute(node, "T", ast.Load())
            yield "sign", ast.UnaryOp(ast.USub(), node)
    elif isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            for key in keys:
                if key != node.slice.value:
                    yield "name", ast.Subscript(node.value, ast.Constant(key), node.ctx)
            yield "transpose", ast.Attribute(node, "T", ast.Load())
    elif isinstance(node, ast.BinOp):
        for operator in _OPERATORS:
            if not isinstance(node.op, operator):
                yield "operator", ast.BinOp(node.left, operator(), node.right)
        yield "dropped", node.left
        yield "dropped", node.right
        yield "order", ast.BinOp(node.right, node.op, node.left)
    elif isinstance(node, ast.Compare):
        for comparison in _COMPARISONS:
            if not isinstance(node.ops[0], comparison):
                yield "operator", ast.Compare(node.left, [comparison()], node.comparators)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", node.operand
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transpose", node.value
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float) and not isinstance(parent, ast.keyword):
        for value in (0, 1, 2, 3, node.value + 1, node.value - 1, -node.value, 2 * node.value, node.value / 2):
            if value != node.value:
                yield "constant", ast.Constant(value)
    elif isinstance(node, ast.Call):
        yield from _calls(node)


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in _METHODS:
        for attr in _METHODS:
            if attr != function.attr:
                yield "function", ast.Call(ast.Attribute(function.value, attr, ast.Load()), node.args, node.keywords)
        yield "dropped", function.value
    elif isinstance(function, ast.Attribute) and function.attr in _FUNCTIONS:
        for attr in _FUNCTIONS:
            if attr != function.attr:
                yield "function", ast.Call(ast.Attribute(function.value, attr, ast.Load()), node.args, node.keywords)
        yield "dropped", node.args[0]
    elif isinstance(function, ast.Name) and function.id == "len":
        yield "function", ast.Attribute(node.args[0], "size", ast.Load())
    for i, keyword in enumerate(node.keywords):
        without = [*node.keywords[:i], *node.keywords[i + 1 :]]
        yield "axis", ast.Call(function, node.args, without)
        if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
            for axis in (0, 1):
                if axis != keyword.value.value:
                    other = ast.keyword("axis", ast.Constant(axis))
                    yield "axis", ast.Call(function, node.args, [*without[:i], other, *without[i:]])
