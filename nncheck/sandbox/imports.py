"""Which modules a submission may import, found in its text, or in what its run said."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator

from nncheck import source
from nncheck.manual.scripts.standins import REPLACED

_CATCHING = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
_MISSING = re.compile(rf"(?:{source.LINE}: )?(?:ModuleNotFoundError|ImportError): No module named '([\w.]+)'")


def forbidden_import(text: str, own: Collection[str], imports: Collection[str]) -> tuple[str, int] | None:
    """Return the first module that a file imports as it is loaded and must not, and its line; None if there is none.

    What stands in a function, behind a main guard or in a ``try`` that expects it to be missing is left to the run.

    Parameters
    ----------
    text : str
        Python; what cannot be parsed imports nothing.
    own : collection of str
        Names of the submission's files, relative with ``/``.
    imports : collection of str
        Modules that are allowed beside the standard library and NumPy.
    """
    try:
        tree = source.parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    allowed = {"numpy", *REPLACED, *sys.stdlib_module_names, *(name.split(".")[0] for name in imports)}
    allowed |= {name.split("/")[0].removesuffix(".py") for name in own}
    for module, line in _imported(tree.body):
        if module.split(".")[0] not in allowed:
            return module, line
    return None


def missing_module(text: str) -> tuple[str, int] | None:
    """Return the module that a run did not find, and the line (0 if it is not said); None if that was not the problem.

    Parameters
    ----------
    text : str
        Of the problem: ``submission.py, line 3: ModuleNotFoundError: No module named 'torch'``.
    """
    found = _MISSING.search(text)
    return (found[2], int((found[1] or "0")[:9])) if found else None


def _imported(body: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    """Yield what statements import when they are run as a module is loaded."""
    waiting = body[::-1]  # a chain of elif is as deep as it is long: no call for each
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.Import):
            yield from ((alias.name, statement.lineno) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            if statement.module and not statement.level:
                yield statement.module, statement.lineno
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        elif isinstance(statement, ast.If):
            waiting += statement.orelse[::-1]
            if not _skipped(statement.test):
                waiting += statement.body[::-1]
        elif isinstance(statement, ast.Try):
            waiting += [*statement.orelse, *statement.finalbody][::-1]
            if not any(_expects(handler.type) for handler in statement.handlers):
                waiting += statement.body[::-1]
        else:
            for name in ("orelse", "body"):
                waiting += getattr(statement, name, [])[::-1]


def _skipped(test: ast.expr) -> bool:
    """Whether a condition is a main guard or only for type checkers."""
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}
    return bool(names & {"__name__", "TYPE_CHECKING"})


def _expects(caught: ast.expr | None) -> bool:
    """Whether a handler catches a module that is missing."""
    if caught is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in _CATCHING for node in ast.walk(caught))
