"""Whether the updates of a script subtract or add, as its text says."""

from __future__ import annotations

import ast

from nncheck.manual.scripts import flow, syntax
from nncheck.manual.scripts.observed import Observed


def subtracts(text: str, observed: Observed) -> bool:
    """Whether every update of a parameter is written as a difference: ``W -= lr * dW``, ``w1 = w1 - lr * g1``."""
    tree = syntax.parse(text)
    loop = next(loop for loop in syntax.loops(tree) if loop.id == observed.loop)
    parameters = {name.split("[")[0] for names in observed.sources.values() for name in names}
    updates = [
        statement
        for statement in flow.iteration(tree, loop)
        if any(flow.touches(written, name) for written in statement.writes for name in parameters)
    ]
    return bool(updates) and all(_is_difference(statement.text) for statement in updates)


def _is_difference(text: str) -> bool:
    try:
        statement = ast.parse(text).body[0]
    except (SyntaxError, IndexError):
        return False
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, ast.Sub)
    value = statement.value if isinstance(statement, ast.Assign) else None
    if isinstance(value, ast.ListComp):
        value = value.elt
    return isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub)
