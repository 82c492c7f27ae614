"""What the text of a script says before it runs: its loops, numbered, and its number literals."""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from nncheck.language import phrase

#: So many nodes may stand in each other; what walks a tree needs up to five calls for each, of Python's thousand.
_DEEPEST = 150
_Loops = (ast.For, ast.While, ast.AsyncFor)
_Scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Loop:
    """One for or while loop of the file.

    Attributes
    ----------
    id : int
        Its place among the loops, from the top of the file.
    line : int
        Where it begins.
    parent : int or None
        The loop around it in the same function.
    function : str
        The function that holds it; empty at the top level.
    """

    id: int
    line: int
    parent: int | None
    function: str
    node: ast.For | ast.While | ast.AsyncFor = field(compare=False, repr=False)


@dataclass(frozen=True)
class Literal:
    """One number in the text, its sign included.

    Attributes
    ----------
    line, column : int
        Of the number itself, as ``ast`` counts them.
    in_loop : bool
        Whether a loop of the file holds it.
    targets : frozenset of str
        Names that the statement around it assigns: ``w1`` in ``w1, w2 = .15, .20``.
    listed : bool
        Whether it stands in a list, tuple or dict display.
    keyword : str
        The keyword it is the argument of, the parameter whose default it is, or its key in a dict.
    beside : frozenset of float
        All numbers of the list or tuple display that holds it, this one included; empty where there is none.
    """

    line: int
    column: int
    value: float
    in_loop: bool
    targets: frozenset[str]
    listed: bool
    keyword: str
    beside: frozenset[float] = frozenset()


def parse(text: str, path: str = "<script>") -> ast.Module:
    """Return the syntax tree of a file, lists that call a function over and over as loops.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        If there is none, or it is nested too deeply for whoever walks it.
    """
    plain = ast.parse(text, filename=path)
    level: list[ast.AST] = [plain]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise RecursionError(phrase("it is nested too deeply"))
    tree: ast.Module = _Unrolled(plain).visit(plain)
    return tree


class _Unrolled(ast.NodeTransformer):
    """Writes ``losses = [step() for _ in range(100)]``, a training in one statement of the file itself, as a loop."""

    def __init__(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        self._functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        self._uses = Counter(node.id for node in nodes if isinstance(node, ast.Name))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Leave functions as they are: a list in them is a sum over units, say."""
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Leave classes as they are."""
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        """Leave loops as they are."""
        return node

    def visit_While(self, node: ast.While) -> ast.While:
        """Leave loops as they are."""
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        """Take a list apart that one name gets."""
        first = node.targets[0]
        if len(node.targets) > 1 or not isinstance(first, ast.Name) or not self._trains(node.value):
            return node
        empty = ast.Assign([first], ast.List([], ast.Load()))
        return [_placed(empty, node), _placed(_loop_of(node.value, first.id), node)]

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Take a list apart that nothing gets."""
        return _placed(_loop_of(node.value, ""), node) if self._trains(node.value) else node

    def _trains(self, node: ast.expr) -> bool:
        """Whether an expression is a list of what one function of the file gives time after time."""
        if not isinstance(node, ast.ListComp) or len(node.generators) != 1 or not isinstance(node.elt, ast.Call):
            return False
        over, called = node.generators[0], node.elt.func
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        if name not in self._functions or over.ifs or over.is_async:
            return False
        counts = isinstance(over.iter, ast.Call) and ast.unparse(over.iter.func) == "range"
        inside = Counter(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        # as a loop's variable a name of the list's own would be the file's as well
        own = [name for name in names_of(over.target) if name == "_" or inside[name] == self._uses[name]]
        return counts and len(own) == len(names_of(over.target))


def _loop_of(node: ast.expr, name: str) -> ast.For:
    assert isinstance(node, ast.ListComp)
    body: ast.expr = node.elt
    if name:
        body = ast.Call(ast.Attribute(ast.Name(name, ast.Load()), "append", ast.Load()), [node.elt], [])
    return ast.For(node.generators[0].target, node.generators[0].iter, [ast.Expr(body)], [])


def _placed(statement: ast.stmt, place: ast.stmt) -> ast.stmt:
    for node in ast.walk(statement):
        if not hasattr(node, "lineno"):
            ast.copy_location(node, place)
    return statement


def loops(tree: ast.Module) -> tuple[Loop, ...]:
    """Return every loop of a file, in the order of the text."""
    found: list[Loop] = []

    def visit(node: ast.AST, parent: int | None, function: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _Loops):
                here = len(found)
                found.append(Loop(here, child.lineno, parent, function, child))
                visit(child, here, function)
            elif isinstance(child, _Scopes):
                visit(child, None, getattr(child, "name", "lambda"))
            else:
                visit(child, parent, function)

    visit(tree, None, "")
    return tuple(found)


def reassigned(scope: ast.AST) -> frozenset[str]:
    """Return the variables that the loops of a file or a function, not of functions in it, assign more than once."""
    found: Counter[str] = Counter()

    def visit(node: ast.AST, in_loop: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if in_loop and isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name):
                found[child.targets[0].id] += 1
            if not isinstance(child, (*_Scopes, ast.ClassDef)):
                visit(child, in_loop or isinstance(child, _Loops))

    visit(scope, False)
    return frozenset(name for name, count in found.items() if count > 1)


def literals(tree: ast.Module) -> tuple[Literal, ...]:
    """Return every finite number that a file writes, with where it stands."""
    return tuple(_literals(tree, _Place()))


@dataclass(frozen=True)
class _Place:
    in_loop: bool = False
    targets: frozenset[str] = frozenset()
    listed: bool = False
    keyword: str = ""
    beside: frozenset[float] = frozenset()


def _literals(node: ast.AST, place: _Place) -> Iterator[Literal]:
    sign = 1.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and is_number(node.operand):
        sign, node = -1.0, node.operand
    if isinstance(node, ast.Constant):
        if is_number(node):
            value = sign * float(node.value)  # type: ignore[arg-type]
            yield Literal(node.lineno, node.col_offset, value, **vars(place))
        return
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield from _defaults(node, place)
        for statement in node.body:
            yield from _literals(statement, place)
        return
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets: list[ast.expr] = [*node.targets] if isinstance(node, ast.Assign) else [node.target]
        if node.value is not None:
            yield from _assigned(node.value, targets, place)
        return
    for child in ast.iter_child_nodes(node):
        yield from _literals(child, _inside(node, child, place))


def _inside(node: ast.AST, child: ast.AST, place: _Place) -> _Place:
    in_loop = place.in_loop or (isinstance(node, _Loops) and child is not getattr(node, "iter", None))
    listed = place.listed or isinstance(node, (ast.List, ast.Tuple, ast.Dict))
    if isinstance(node, (ast.Subscript, ast.BinOp)):
        listed = False
    keyword = node.arg or "" if isinstance(node, ast.keyword) else place.keyword
    beside = place.beside
    if isinstance(node, ast.Dict):
        keyword = next((_key(k) for k, v in zip(node.keys, node.values) if v is child), keyword)
        beside = frozenset()
    elif isinstance(node, (ast.List, ast.Tuple)):
        beside = frozenset(number for number in map(_number, node.elts) if number is not None)
    return _Place(in_loop, place.targets, listed, keyword, beside)


def _key(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _number(node: ast.expr) -> float | None:
    """Return the number that an expression is, its sign included."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and is_number(node.operand):
        return -float(node.operand.value)  # type: ignore[attr-defined]
    return float(node.value) if is_number(node) else None  # type: ignore[attr-defined]


def _assigned(value: ast.expr, targets: list[ast.expr], place: _Place) -> Iterator[Literal]:
    """Walk the right side of an assignment; ``w1, w2 = .15, .20`` is taken apart."""
    pairs = (ast.Tuple, ast.List)
    first = targets[0]
    both = len(targets) == 1 and isinstance(first, pairs) and isinstance(value, pairs)
    if both and len(first.elts) == len(value.elts):  # type: ignore[attr-defined]
        for target, part in zip(first.elts, value.elts):  # type: ignore[attr-defined]
            yield from _assigned(part, [target], place)
        return
    names = frozenset(name for target in targets for name in names_of(target))
    yield from _literals(value, replace(place, targets=names))


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef, place: _Place) -> Iterator[Literal]:
    arguments = [*node.args.posonlyargs, *node.args.args]
    given = [*zip(arguments[len(arguments) - len(node.args.defaults) :], node.args.defaults)]
    given += [(a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults) if d is not None]
    for argument, default in given:
        yield from _literals(default, _Place(place.in_loop, frozenset(), False, argument.arg))


def is_number(node: ast.AST) -> bool:
    """Whether a node is a finite number literal."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
        return False
    try:
        return math.isfinite(float(node.value))
    except OverflowError:
        return False


def names_of(target: ast.expr) -> tuple[str, ...]:
    """Return the variables that a target assigns: names, and ``self.W`` for attributes, without subscripts."""
    if isinstance(target, ast.Name):
        return (target.id,)
    if isinstance(target, ast.Attribute):
        base = names_of(target.value)
        return (f"{base[0]}.{target.attr}",) if base else (target.attr,)
    if isinstance(target, (ast.Subscript, ast.Starred)):
        return names_of(target.value)
    if isinstance(target, (ast.Tuple, ast.List)):
        return tuple(name for part in target.elts for name in names_of(part))
    return ()
