"""Reads a person's file: which form it has, and of a notebook its code."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from nncheck import source
from nncheck.errors import InputError
from nncheck.frames import MAX_HEADER
from nncheck.language import phrase
from nncheck.manual.notebook import Cells, code_of
from nncheck.manual.reading import recognise, refuse_deep, trains_too

#: Bytes of the code as it is sent, with room for what is sent beside it.
_MOST = MAX_HEADER - 20_000


@dataclass(frozen=True)
class Content:
    """What a file holds, and how it is to be read.

    Attributes
    ----------
    form : str
        ``functions``, ``script``, ``numbers`` or ``formulas``.
    text : str
        Its code; of a notebook, that of its code cells; of numbers nothing.
    cells : Cells or None
        Where the lines of a notebook's code stand.
    read_as : tuple of str
    """

    form: str
    text: str = ""
    cells: Cells | None = None
    read_as: tuple[str, ...] = ()


def read(path: Path, form: str | None = None, handed_in: bool = False) -> Content:
    """Read a file in the form that it has, or in the one that is insisted on.

    Parameters
    ----------
    path : Path
    form : str, optional
        ``functions``, ``script``, ``notebook`` or ``numbers``.
    handed_in : bool
        Whether it is graded: formulas will do too, which `derive` judges, and so will a part of the functions; nothing
        is said of options of the command line.

    Raises
    ------
    InputError
        If it cannot be read, or its form cannot be told.
    """
    if path.is_dir():
        raise InputError(phrase("{path}: is a folder; name a file in it.", path=path))
    if form == "numbers" or path.suffix.lower() in (".npz", ".npy"):
        return Content("numbers")
    text = source.read_text(path)
    try:
        told = recognise(text, path, form)
    except InputError:
        refuse_deep(text, path)
        if path.suffix.lower() == ".py" and (not _parses(text) or (handed_in and _defines_some(text))):
            return Content("functions", text)  # a slip of the pen is a finding
        raise
    if told == "formulas":
        if handed_in:
            return Content("formulas", text)
        raise InputError(
            phrase(
                "{path}: holds formulas; judge them with  nncheck derive {name} --case CASE", path=path, name=path.name
            )
        )
    if told != "notebook":
        if told != "numbers":
            refuse_deep(text, path)
            _refuse_large(text, path)
        read_as = _alone() if told == "functions" and not handed_in and trains_too(text) else ()
        return Content(told, "" if told == "numbers" else text, read_as=read_as)
    code, cells = code_of(text)
    refuse_deep(code, path)
    _refuse_large(code, path)
    slip = handed_in and (not _parses(code) or _defines_some(code))
    inner = "functions" if slip else recognise(code, path.with_suffix(".py"))
    if inner not in ("functions", "script"):
        raise InputError(phrase("{path}: its code cells hold neither functions nor a training loop.", path=path))
    return Content(inner, code, cells, (phrase("the code cells of a notebook, one after the other"),))


def _refuse_large(text: str, path: Path) -> None:
    """Refuse code that does not fit into one message to the process that is to run it; raises InputError."""
    if len(text) * 12 > _MOST and len(json.dumps(text)) > _MOST:  # one sign takes 12 bytes at most
        raise InputError(
            phrase(
                "{path}: holds {count} characters of code, too many to be run; expected a program as people write it.",
                path=path,
                count=f"{len(text):,}",
            )
        )


def _parses(text: str) -> bool:
    try:
        source.parsed(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _defines_some(text: str) -> bool:
    """Whether a file defines forward or backward, as functions of the contract or in a class."""
    try:
        tree = source.parsed(text)
    except (SyntaxError, ValueError):
        return False
    bodies = (tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef)))
    functions = [node for body in bodies for node in body if isinstance(node, ast.FunctionDef)]
    return any(node.name in ("forward", "backward") and len(node.args.args) >= 2 for node in functions)


def _alone() -> tuple[str, ...]:
    return (phrase("the functions are judged, not the file's own training loop (--as script judges that)"),)
