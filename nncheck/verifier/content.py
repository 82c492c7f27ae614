"""Reads a person's file: which form it has, and of a notebook its code."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from nncheck import source
from nncheck.errors import InputError
from nncheck.language import phrase
from nncheck.manual.notebook import Cells, code_of
from nncheck.manual.reading import recognise, trains_too


@dataclass(frozen=True)
class Content:
    """What a file holds, and how it is to be read.

    Attributes
    ----------
    form : str
        ``functions``, ``script`` or ``numbers``.
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


def read(path: Path, form: str | None = None) -> Content:
    """Read a file in the form that it has, or in the one that is insisted on.

    Raises
    ------
    InputError
        If it cannot be read, or its form cannot be told.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it.")
    if form == "numbers" or path.suffix.lower() in (".npz", ".npy"):
        return Content("numbers")
    text = source.read_text(path)
    try:
        told = recognise(text, path, form)
    except InputError:
        if path.suffix.lower() != ".py" or _parses(text):
            raise
        return Content("functions", text)  # a slip of the pen is a finding
    if told == "formulas":
        raise InputError(f"{path}: holds formulas; judge them with  nncheck derive {path.name} --case CASE")
    if told != "notebook":
        read_as = _alone() if told == "functions" and trains_too(text) else ()
        return Content(told, "" if told == "numbers" else text, read_as=read_as)
    code, cells = code_of(text)
    inner = recognise(code, path.with_suffix(".py"))
    if inner not in ("functions", "script"):
        raise InputError(f"{path}: its code cells hold neither functions nor a training loop.")
    return Content(inner, code, cells, (phrase("the code cells of a notebook, one after the other"),))


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _alone() -> tuple[str, ...]:
    return (phrase("the functions are judged, not the file's own training loop (--as script judges that)"),)
