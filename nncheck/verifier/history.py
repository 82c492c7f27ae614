"""A history that keeps one and the same array: ``history.append(W)`` of a W that is changed in place (traj.alias)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nncheck.language import phrase
from nncheck.manual.scripts import syntax
from nncheck.manual.scripts.observed import Observed


def aliased(text: str, observed: Observed) -> Iterator[str]:
    """Yield a note for each parameter that a script appends to a list and then changes in place."""
    parameters = {name.split("[")[0] for names in observed.sources.values() for name in names if "[" in name}
    tree = syntax.parse(text)
    changed = {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append"):
            continue
        for argument in node.args:
            if isinstance(argument, ast.Name) and argument.id in parameters & changed:
                yield phrase(
                    "Line {line} keeps {name} itself, which is changed in place later: every entry of the list will be "
                    "the last one. Keep {name}.copy().",
                    line=node.lineno,
                    name=argument.id,
                )
