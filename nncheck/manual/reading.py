"""In which form something was handed in: functions, a script, a notebook, numbers or formulas."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Literal

from nncheck import formula, source
from nncheck.errors import FormulaError, InputError
from nncheck.language import N_, phrase, translate
from nncheck.manual.scripts import syntax

Form = Literal["functions", "script", "notebook", "numbers", "formulas"]

#: What each form needs, in words.
NEEDS: dict[str, str] = {
    "functions": N_("forward(params, X) and backward(params, cache, YT) in a Python file"),
    "script": N_("a Python file with a loop that runs forward, backward and update"),
    "notebook": N_("a Jupyter notebook (.ipynb) with code in one of these forms"),
    "numbers": N_("a table (CSV, NPZ) with step, E or parameters, or printed lines  step loss"),
    "formulas": N_("lines  NAME = expression  such as  dW = dZ.T @ X"),
}
_STATEMENT = re.compile(r"^[ \t]*(?:def|class|import|from|for|while|if|return|with|try|print)\b", re.MULTILINE)
#: A number as in any table, with a decimal comma too; nothing in it can be read in two ways.
_ONE_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)", re.IGNORECASE)
#: Characters of a line that are looked at.
_LOOKED_AT = 2_000
_TABLES = (".csv", ".tsv", ".dat", ".log", ".npz", ".npy")


def recognise(text: str | None, path: Path | str, insist: str | None = None) -> Form:
    """Tell the form of a file.

    Parameters
    ----------
    text : str or None
        None for a file that holds no text (NPZ).
    path : Path or str
        Only its ending is looked at.
    insist : str, optional
        The form that a person says it is (``--as``); only its name is checked.

    Raises
    ------
    InputError
        If it has none of the forms, saying what each needs.
    """
    path = Path(path)
    if insist is not None:
        if insist not in NEEDS:
            raise InputError(
                phrase(
                    "--as {form}: there is no such form; expected one of {forms}.",
                    form=insist,
                    forms=", ".join(NEEDS),
                )
            )
        for form in NEEDS:
            if form == insist:
                return form  # type: ignore[return-value]
    suffix = path.suffix.lower()
    if text is None or suffix in (".npz", ".npy"):
        return "numbers"
    if suffix == ".ipynb" or _is_notebook(text):
        return "notebook"
    if suffix in _TABLES:
        return "numbers"
    if _is_formulas(text):
        return "formulas"
    if suffix != ".py" and _is_numbers(text):
        return "numbers"
    return _python(text, path)


def _python(text: str, path: Path) -> Form:
    try:
        if _is_functions(text):
            return "functions"
        tree = syntax.parse(text, str(path))
    except (RecursionError, MemoryError):
        raise InputError(_too_deep(path)) from None
    except (SyntaxError, ValueError) as error:
        if path.suffix.lower() in (".py", ".ipynb"):
            raise InputError(source.describe(error, path)) from None
        raise InputError(_none_fits(path)) from None
    has_loop = any(_assigns(loop) for loop in syntax.loops(tree))
    if not has_loop and _has_instance(tree):
        return "functions"
    if has_loop:
        return "script"
    if _names(tree) & {"forward", "backward"}:
        missing = sorted({"forward", "backward"} - _names(tree))
        if missing:
            raise InputError(
                phrase("{path}: defines no {name}; {needs}.", path=path, name=missing[0], needs=_needs("functions"))
            )
        return "functions"
    raise InputError(_none_fits(path))


def _is_functions(text: str) -> bool:
    try:
        tree = source.parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _has_functions(tree) or _has_methods(tree)


def _has_functions(tree: ast.Module) -> bool:
    """Whether forward and backward take parameters and data, as the contract says, or are bound to some callable."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    bound = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    if not {"forward", "backward"} <= functions.keys() | bound:
        return False
    return all(len(functions[n].args.args) >= 2 for n in ("forward", "backward") if n in functions)


def _has_instance(tree: ast.Module) -> bool:
    """Whether the file defines a class that has forward and backward."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
            if {"forward", "backward"} <= methods:
                return True
    return False


def _has_methods(tree: ast.Module) -> bool:
    """Whether a class has forward, loss and backward that take parameters and data, as the contract says."""
    needed = {"forward": 3, "loss": 3, "backward": 4}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {part.name: len(part.args.args) for part in node.body if isinstance(part, ast.FunctionDef)}
            if all(methods.get(name, 0) >= count for name, count in needed.items()):
                return True
    return False


def trains_too(text: str) -> bool:
    """Whether a file of functions also has a loop of its own outside of them."""
    try:
        tree = syntax.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, (ast.For, ast.While)) for node in tree.body)


def _names(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _assigns(loop: syntax.Loop) -> bool:
    kinds = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Call)
    return any(isinstance(node, kinds) for node in ast.walk(loop.node))


def _is_notebook(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        content = json.loads(text)
    except (ValueError, RecursionError, MemoryError):
        return False
    return isinstance(content, dict) and ("cells" in content or "worksheets" in content)


def _is_formulas(text: str) -> bool:
    if _STATEMENT.search(text):  # most files of code are told by their first lines
        return False
    try:
        derivation = formula.read(text)
    except (FormulaError, RecursionError, MemoryError):
        return False
    # w1 = 0.15 alone is a beginning of a script, not a derivation
    return any(isinstance(line.expression, formula.Apply) for line in derivation.lines)


def _is_numbers(text: str) -> bool:
    lines = [line.strip() for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    rows = [line for line in lines if _is_row(line)]
    return len(rows) >= 1 and (2 * len(rows) >= len(lines) or any(re.fullmatch(r"\d+ \S+", row) for row in rows))


def _is_row(line: str) -> bool:
    """Whether a line holds numbers alone; of a long one its beginning is looked at."""
    parts = re.split(r"[\s;,]+", line[:_LOOKED_AT].lstrip(";,"))
    if len(line) > _LOOKED_AT or not parts[-1]:
        parts.pop()  # it may be cut off
    return bool(parts) and all(_ONE_NUMBER.fullmatch(part) for part in parts)


def refuse_deep(text: str, path: Path) -> None:
    """Refuse Python that is nested too deeply to be parsed; raises InputError."""
    try:
        source.parsed(text)
    except (RecursionError, MemoryError):
        raise InputError(_too_deep(path)) from None
    except (SyntaxError, ValueError):
        return


def _too_deep(path: Path) -> str:
    return phrase(
        "{path}: is nested too deeply to be read; expected statements and expressions as a person writes them.",
        path=path,
    )


def _needs(form: str) -> str:
    return phrase("the form {form} needs {needs}", form=form, needs=translate(NEEDS[form]))


def _none_fits(path: Path) -> str:
    listed = "\n".join(f"  {form}: {translate(words)}" for form, words in NEEDS.items())
    return phrase(
        "{path}: it cannot be told what this is. Expected one of\n{listed}\nor say which it is with --as FORM.",
        path=path,
        listed=listed,
    )
