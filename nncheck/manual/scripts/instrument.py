"""A script's syntax tree with calls put in that tell where an iteration begins and ends, and what was printed."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, TypeVar

from nncheck.manual.scripts import syntax

#: Names by which the changed script reaches the one who watches it.
WATCHER, LOCALS = "__nncheck__", "__nncheck_locals__"

_MAX_EXPRESSION = 80
_Def = TypeVar("_Def", ast.FunctionDef, ast.AsyncFunctionDef)


def instrument(
    tree: ast.Module, literals: Mapping[tuple[int, int], float] | None = None
) -> tuple[ast.Module, dict[str, int]]:
    """Put the calls in, and other numbers in place of literals.

    Returns
    -------
    tree : ast.Module
        The same tree, changed; lines stay where they were.
    lines : dict
        Text and line of each expression whose value is seen although no variable holds it.
    """
    transformer = _Instrument({id(loop.node): loop.id for loop in syntax.loops(tree)}, literals or {})
    changed = transformer.visit(tree)
    ast.fix_missing_locations(changed)
    return changed, transformer.lines


class _Instrument(ast.NodeTransformer):
    def __init__(self, ids: Mapping[int, int], literals: Mapping[tuple[int, int], float]) -> None:
        self._ids = ids
        self._literals = literals
        self._inside: list[int] = []  # loops around the node, in its own function
        self._function: list[str] = []
        self._again: frozenset[str] = frozenset()  # what the loops of the node's own function assign more than once
        self.lines: dict[str, int] = {}

    # numbers ------------------------------------------------------------------------------------------------------

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Replace a negated number, its sign with it."""
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return self._number(node.operand, node)
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Replace a number."""
        return self._number(node, node)

    def _number(self, node: ast.Constant, whole: ast.expr) -> ast.AST:
        new = self._literals.get((node.lineno, node.col_offset))
        if new is None or not syntax.is_number(node):
            return whole
        return ast.copy_location(ast.Constant(float(new)), whole)

    # loops --------------------------------------------------------------------------------------------------------

    def _loop(self, node: ast.For | ast.While | ast.AsyncFor) -> list[ast.stmt]:
        number = self._ids[id(node)]
        self._inside.append(number)
        self.generic_visit(node)
        self._inside.pop()
        node.body = [
            _at(_snapshot("begin", "before", number), node.body[0]),
            *node.body,
            _at(_snapshot("end", "after", number), node.body[-1]),
        ]
        return [node, _at(ast.Expr(_call("leave", ast.Constant(number), _locals())), node)]

    def visit_For(self, node: ast.For) -> list[ast.stmt]:
        """Watch a loop."""
        return self._loop(node)

    def visit_While(self, node: ast.While) -> list[ast.stmt]:
        """Watch a loop."""
        return self._loop(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> list[ast.stmt]:
        """Watch a loop."""
        return self._loop(node)

    def visit_Continue(self, node: ast.Continue) -> list[ast.stmt]:
        """End the iteration here as well."""
        return [_at(_snapshot("end", "after", self._inside[-1]), node), node]

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """Watch the loops of the file itself."""
        self._again = syntax.reassigned(node)
        self.generic_visit(node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        """See what a variable is given each time that a loop assigns it, where it does so more than once."""
        self.generic_visit(node)
        target = node.targets[0]
        if (
            not self._inside
            or len(node.targets) > 1
            or not isinstance(target, ast.Name)
            or target.id not in self._again
        ):
            return node
        text = f"{target.id} (line {node.lineno})"
        self.lines.setdefault(text, node.lineno)
        return [node, _at(ast.Expr(_call("shown", ast.Constant(text), ast.Name(target.id, ast.Load()))), node)]

    # functions ----------------------------------------------------------------------------------------------------

    def _scope(self, node: _Def) -> _Def:
        outer, self._inside = (self._inside, self._again), []
        self._again = syntax.reassigned(node)
        self._function.append(node.name)
        self.generic_visit(node)
        self._function.pop()
        self._inside, self._again = outer
        left = ast.Return(_call("returned", ast.Constant(node.name), _locals(), ast.Constant(None)))
        if not any(isinstance(child, (ast.Yield, ast.YieldFrom)) for child in ast.walk(node)):
            node.body.append(_at(left, node.body[-1]))
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Watch what a function held when it returned."""
        return self._scope(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        """Watch what a function held when it returned."""
        return self._scope(node)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """See the value that is returned, and the local variables."""
        self.generic_visit(node)
        value = node.value or ast.Constant(None)
        node.value = _call("returned", ast.Constant(self._function[-1]), _locals(), value)
        return node

    # what is printed or kept in a list -----------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """See the expressions that a print or an append is given."""
        prints = isinstance(node.func, ast.Name) and node.func.id == "print"
        appends = isinstance(node.func, ast.Attribute) and node.func.attr == "append"
        texts = [self._text(argument) for argument in node.args]
        self.generic_visit(node)
        if prints or appends:
            node.args = [self._printed(argument, text) for argument, text in zip(node.args, texts)]
        return node

    def _text(self, node: ast.expr) -> Any:
        """Return the text of an expression, or of the parts of a formatted string, before anything is put in."""
        if isinstance(node, ast.JoinedStr):
            return [self._text(part.value) if isinstance(part, ast.FormattedValue) else "" for part in node.values]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.right, ast.Tuple):
            return [self._text(part) for part in node.right.elts]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return self._text(node.right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return [self._text(part) for part in node.args]
        return ast.unparse(node)[:_MAX_EXPRESSION]

    def _printed(self, node: ast.expr, text: Any) -> ast.expr:
        if isinstance(node, ast.JoinedStr):
            for part, words in zip(node.values, text):
                if isinstance(part, ast.FormattedValue):
                    part.value = self._printed(part.value, words)
            return node
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            if isinstance(node.right, ast.Tuple):
                node.right.elts = [self._printed(part, words) for part, words in zip(node.right.elts, text)]
            else:
                node.right = self._printed(node.right, text)
            return node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            node.args = [self._printed(part, words) for part, words in zip(node.args, text)]
            return node
        if isinstance(node, (ast.Name, ast.Constant, ast.Starred)) or not isinstance(text, str):
            return node
        self.lines.setdefault(text, node.lineno)
        return ast.copy_location(_call("shown", ast.Constant(text), node), node)


def _call(method: str, *arguments: ast.expr) -> ast.Call:
    function = ast.Attribute(ast.Name(WATCHER, ast.Load()), method, ast.Load())
    return ast.Call(function, list(arguments), [])


def _locals() -> ast.Call:
    return ast.Call(ast.Name(LOCALS, ast.Load()), [], [])


def _snapshot(asks: str, takes: str, number: int) -> ast.Expr:
    """``watcher.begin(3) and watcher.before(3, locals())``: locals() is called only for iterations that are kept."""
    wanted = _call(asks, ast.Constant(number))
    return ast.Expr(ast.BoolOp(ast.And(), [wanted, _call(takes, ast.Constant(number), _locals())]))


def _at(statement: ast.stmt, place: ast.AST) -> Any:
    for node in ast.walk(statement):
        if not hasattr(node, "lineno"):
            ast.copy_location(node, place)
    return statement
