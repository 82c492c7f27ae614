"""Where values flow in one iteration of a loop: its statements in order, what each reads and writes, and slices.

Names are those under which a watched script shows values: ``w1``, ``W[0]``, ``net.W1``, ``params['b']``, ``f.z`` for
a local variable of the function f, ``f()`` for what it returns. Calls of the file's own functions are written out in
place; an inner loop stands twice, so that what it carries along is followed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nncheck.manual.scripts.syntax import Loop

_MAX_STATEMENTS = 3000
_MAX_CALLS = 6
_Function = ast.FunctionDef


@dataclass(frozen=True)
class Statement:
    """One assignment, or one condition, of an iteration.

    Attributes
    ----------
    certain : bool
        Whether it surely happens and gives its variables wholly new values.
    copies : bool
        Whether it only hands a value on: the argument of a call, what a call gave, ``a = b``.
    """

    line: int
    text: str
    reads: frozenset[str]
    writes: frozenset[str]
    certain: bool
    copies: bool = False


def iteration(tree: ast.Module, loop: Loop) -> tuple[Statement, ...]:
    """Return the statements of one iteration, in the order in which they happen."""
    return tuple(_Writer(tree, loop).all())


def slice_of(statements: Sequence[Statement], names: Iterable[str]) -> frozenset[int]:
    """Return which statements can have an effect on the last values of variables (a backward slice)."""
    live = set(names)
    found = set()
    for place in range(len(statements) - 1, -1, -1):
        statement = statements[place]
        if not any(touches(written, name) for written in statement.writes for name in live):
            continue
        found.add(place)
        if statement.certain:
            live = {name for name in live if not any(covers(written, name) for written in statement.writes)}
        live |= statement.reads
    return frozenset(found)


def touches(a: str, b: str) -> bool:
    """Whether two names share a value: equal, or one is a part of the other."""
    return covers(a, b) or covers(b, a)


def covers(whole: str, part: str) -> bool:
    """Whether a name is all of, or holds, another: ``W`` covers ``W[0]``."""
    return part == whole or (part.startswith(whole) and part[len(whole)] in ".[")


class _Frame:
    """Names of one function: which are its own, and what ``self`` stands for."""

    def __init__(self, function: _Function | None, receiver: str = "") -> None:
        self.prefix = f"{function.name}." if function else ""
        self.name = function.name if function else ""
        self.receiver = receiver
        self.own: set[str] = set()
        self.me = ""
        if function:
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            self.own = {argument.arg for argument in arguments}
            self.me = arguments[0].arg if receiver and arguments else ""
            inner = [node for statement in function.body for node in ast.walk(statement)]
            self.own |= {n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            self.own -= {name for n in inner if isinstance(n, (ast.Global, ast.Nonlocal)) for name in n.names}

    def named(self, name: str) -> str:
        if self.receiver and name == self.me:
            return self.receiver
        return f"{self.prefix}{name}" if name in self.own else name


class _Writer:
    """Walks the body of a loop and writes its statements down."""

    def __init__(self, tree: ast.Module, loop: Loop) -> None:
        self._methods: dict[str, list[_Function]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for part in node.body:
                    if isinstance(part, _Function):
                        self._methods.setdefault(part.name, []).append(part)
        methods = {id(function) for found in self._methods.values() for function in found}
        every = [node for node in ast.walk(tree) if isinstance(node, _Function) and id(node) not in methods]
        self._functions = {function.name: function for function in every}
        self._loop = loop
        self._out: list[Statement] = []
        self._depth = 0
        self._conditions: list[str] = []

    def all(self) -> list[Statement]:
        frame = _Frame(None)  # the loop's own variables keep their names, also inside a function
        node = self._loop.node
        if isinstance(node, (ast.For, ast.AsyncFor)):
            self._write(node, self._reads(node.iter, frame), _targets(node.target, frame), True)
        self._body(node.body, frame, True)
        return self._out

    def _write(
        self, node: ast.AST, reads: frozenset[str], writes: Iterable[str], certain: bool, copies: bool = False
    ) -> None:
        if len(self._out) < _MAX_STATEMENTS:
            text = ast.unparse(node) if not isinstance(node, (ast.For, ast.If, ast.While)) else _head(node)
            reads |= frozenset(self._conditions)
            self._out.append(Statement(getattr(node, "lineno", 0), text, reads, frozenset(writes), certain, copies))

    def _body(self, body: Sequence[ast.stmt], frame: _Frame, certain: bool) -> None:
        for node in body:
            self._statement(node, frame, certain)

    def _statement(self, node: ast.stmt, frame: _Frame, certain: bool) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(node, target, node.value, frame, certain)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node, node.target, node.value, frame, certain)
        elif isinstance(node, ast.AugAssign):
            writes = _targets(node.target, frame)
            self._write(node, self._reads(node.value, frame) | self._reads(node.target, frame), writes, certain)
        elif isinstance(node, ast.Return):
            self._return(node, frame, certain)
        elif isinstance(node, ast.Expr):
            self._reads(node.value, frame)  # for the calls in it
        elif isinstance(node, (ast.If, ast.While)):
            self._condition(node, frame, certain)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            for _ in range(2):
                self._write(node, self._reads(node.iter, frame), _targets(node.target, frame), False)
                self._body(node.body, frame, False)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            self._body(node.body, frame, certain)
        elif isinstance(node, ast.Try):
            self._body([*node.body, *node.orelse, *node.finalbody], frame, certain)

    def _condition(self, node: ast.If | ast.While, frame: _Frame, certain: bool) -> None:
        name = f"?{node.lineno}"
        for _ in range(2 if isinstance(node, ast.While) else 1):
            self._write(node, self._reads(node.test, frame), {name}, True)
            self._conditions.append(name)
            self._body(node.body, frame, False)
            self._body(node.orelse, frame, False)
            self._conditions.pop()

    def _assign(self, node: ast.stmt, target: ast.expr, value: ast.expr, frame: _Frame, certain: bool) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                for one, part in zip(target.elts, value.elts):
                    self._assign(node, one, part, frame, certain)
                return
            reads = self._reads(value, frame)
            for place, one in enumerate(target.elts):
                own = frozenset(f"{name}[{place}]" if name.endswith("()") else name for name in reads)
                self._write(node, own, _targets(one, frame), certain, _hands_on(value))
            return
        if isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys):
            for key, part in zip(value.keys, value.values):
                names = {f"{name}[{ast.unparse(key)}]" for name in _targets(target, frame)} if key else set()
                self._write(node, self._reads(part, frame), names, certain, _hands_on(part))
            return
        partly = isinstance(target, ast.Subscript) and _element(target, frame) is None
        reads = self._reads(value, frame)
        if isinstance(target, ast.Subscript):
            reads |= self._reads(target.slice, frame)
        self._write(node, reads, _targets(target, frame), certain and not partly, _hands_on(value))

    def _return(self, node: ast.Return, frame: _Frame, certain: bool) -> None:
        if node.value is None or not frame.name:
            return
        whole = f"{frame.name}()"
        parts: list[tuple[str, ast.expr]] = [(whole, node.value)]
        if isinstance(node.value, ast.Tuple):
            parts = [(f"{whole}[{i}]", part) for i, part in enumerate(node.value.elts)]
        elif isinstance(node.value, ast.Dict):
            parts = [(f"{whole}[{ast.unparse(k)}]", v) for k, v in zip(node.value.keys, node.value.values) if k]
        for name, part in parts:
            self._write(node, self._reads(part, frame), {name}, certain, _hands_on(part))

    def _reads(self, node: ast.expr, frame: _Frame) -> frozenset[str]:
        """Return the names that an expression reads; the calls in it are written out first."""
        found: set[str] = set()
        path = _path(node, frame)
        if path is not None:
            return frozenset({path})
        if isinstance(node, ast.Call):
            inlined = self._call(node, frame)
            if inlined is not None:
                return inlined
            if isinstance(node.func, ast.Attribute):  # Z.sum(), np.exp(z)
                found |= self._reads(node.func.value, frame)
            children: Iterator[ast.AST] = iter([*node.args, *(word.value for word in node.keywords)])
        else:
            children = ast.iter_child_nodes(node)
        for child in children:
            if isinstance(child, ast.expr):
                found |= self._reads(child, frame)
            elif isinstance(child, (ast.comprehension, ast.keyword)):
                found |= self._reads(child.iter if isinstance(child, ast.comprehension) else child.value, frame)
        return frozenset(found)

    def _call(self, node: ast.Call, frame: _Frame) -> frozenset[str] | None:
        function, receiver = self._called(node, frame)
        if function is None or self._depth >= _MAX_CALLS:
            return None
        inner = _Frame(function, receiver)
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        given = dict(zip(names[1:] if receiver else names, node.args))
        given.update({word.arg: word.value for word in node.keywords if word.arg})
        for name, value in given.items():
            self._write(node, self._reads(value, frame), {inner.named(name)}, True, _hands_on(value))
        self._depth += 1
        self._body(function.body, inner, True)
        self._depth -= 1
        return frozenset({f"{function.name}()"})

    def _called(self, node: ast.Call, frame: _Frame) -> tuple[_Function | None, str]:
        if isinstance(node.func, ast.Name):
            return self._functions.get(node.func.id), ""
        if isinstance(node.func, ast.Attribute):
            methods = self._methods.get(node.func.attr, [])
            receiver = _path(node.func.value, frame)
            if len(methods) == 1 and receiver is not None:
                return methods[0], receiver
        return None, ""


def _path(node: ast.expr, frame: _Frame) -> str | None:
    """Return a name, an attribute of a name or an element at a fixed place as one name; None for anything else."""
    if isinstance(node, ast.Name):
        return frame.named(node.id)
    if isinstance(node, ast.Attribute):
        if node.attr in ("T", "size", "shape", "ndim"):
            return _path(node.value, frame)
        base = _path(node.value, frame)
        return None if base is None else f"{base}.{node.attr}"
    if isinstance(node, ast.Subscript):
        return _element(node, frame)
    return None


def _element(node: ast.Subscript, frame: _Frame) -> str | None:
    base = _path(node.value, frame)
    places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if base is None or not all(isinstance(p, ast.Constant) and isinstance(p.value, (int, str)) for p in places):
        return None
    return base + "".join(f"[{ast.unparse(place)}]" for place in places)


def _targets(target: ast.expr, frame: _Frame) -> tuple[str, ...]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return tuple(name for part in target.elts for name in _targets(part, frame))
    if isinstance(target, ast.Starred):
        return _targets(target.value, frame)
    path = _path(target, frame)
    if path is None and isinstance(target, (ast.Subscript, ast.Attribute)):
        return _targets(target.value, frame)  # W[i] = ... at a place that changes: some of W
    return (path,) if path is not None else ()


def _hands_on(value: ast.expr) -> bool:
    return isinstance(value, (ast.Name, ast.Call, ast.Subscript, ast.Attribute, ast.Constant)) and not (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)
    )


def _head(node: ast.For | ast.If | ast.While) -> str:
    if isinstance(node, ast.For):
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}:"
    return f"{'if' if isinstance(node, ast.If) else 'while'} {ast.unparse(node.test)}:"


def lines_of(statements: Sequence[Statement]) -> Mapping[str, int]:
    """Return the line of the last assignment of each variable."""
    return {name: statement.line for statement in statements for name in statement.writes if name[0] != "?"}
