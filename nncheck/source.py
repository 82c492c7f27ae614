"""Reads and runs files that people wrote, in UTF-8 with or without BOM, a declared encoding, or cp949 of Windows."""

from __future__ import annotations

import ast
import codecs
import io
import sys
import tokenize
import warnings
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from nncheck.errors import InputError
from nncheck.language import phrase, reason_of

#: So many statements of a file may raise before the rest of it is given up.
_MOST_RAISED = 20
#: How `describe` names a line, in any of the languages.
LINE = r", (?:line )?(\d+)(?:번째 줄)?"


def read_text(path: Path) -> str:
    """Return the text of a file, lines ended by a newline alone.

    Raises
    ------
    InputError
        If the file cannot be read, or is in none of the encodings.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(phrase("{path}: cannot be read ({reason}).", path=path, reason=reason_of(error))) from None
    text = decoded(raw)
    if text is None:
        raise InputError(phrase("{path}: is neither UTF-8 nor cp949 text; save it as UTF-8.", path=path))
    return text


def decoded(raw: bytes) -> str | None:
    """Return the text of a file's bytes, lines ended by a newline alone; None if it is in none of the encodings."""
    # PowerShell's > writes UTF-16; its mark is no text in any of the others
    marked = ("utf-16",) if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ()
    for encoding in (*marked, _declared(raw), "utf-8-sig", "cp949"):
        try:
            return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except (UnicodeError, LookupError):
            continue
    return None


@lru_cache(maxsize=8)
def parsed(text: str) -> ast.Module:
    """Return the syntax tree of a text, to be read alone: it is remembered, since a file is looked into many times.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        If there is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an invalid escape, say: it is the person's, not ours to print
        return ast.parse(text)


def definitions(text: str) -> str:
    """Return a file without the statements that do something: what it imports, defines and assigns, at its own lines.

    Calls, loops and conditions at the top of the file are left out.
    """
    lines = text.split("\n")
    for statement in parsed(text).body:
        call = isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant)
        if call or isinstance(statement, (ast.For, ast.While, ast.If, ast.With)):
            for number in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
                lines[number] = ""
    return "\n".join(lines)


def load_module(path: Path, name: str) -> ModuleType:
    """Run a Python file and return it as a module of the given name, leaving no ``__pycache__`` behind.

    Raises
    ------
    InputError
        If the file cannot be read or compiled, or raises while it runs; the text names the line.
    """
    return run_module(read_text(path), path, name)


def run_module(text: str, path: Path, name: str, may_exit: bool = False, go_on: list[str] | None = None) -> ModuleType:
    """Run the text of a Python file as `load_module` does.

    Parameters
    ----------
    text : str
    path : Path
    name : str
    may_exit : bool
        Whether a file that ends itself by ``exit()`` has simply come to its end.
    go_on : list of str, optional
        With it, statements of the file itself that raise are left out, and what they raised is put into the list.
    """
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        exec(compile(text, str(path), "exec", dont_inherit=True), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a file may call exit(); that is its fault, not ours
        if may_exit and isinstance(error, SystemExit) and error.code in (None, 0):
            return module
        if go_on is not None and isinstance(error, Exception) and not isinstance(error, SyntaxError):
            go_on.append(describe(error, path))
            _run_rest(text, path, module, error, go_on)
            return module
        more = phrase("The file must run by itself before nncheck can use it.")
        raise InputError(f"{describe(error, path)}\n{more}") from None
    return module


def _run_rest(text: str, path: Path, module: ModuleType, error: BaseException, raised: list[str]) -> None:
    """Run the statements of a file behind the one that raised, leaving out more that do."""
    statements = parsed(text).body
    while len(raised) < _MOST_RAISED:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals is not module.__dict__:
            trace = trace.tb_next
        line = trace.tb_lineno if trace is not None else len(text)
        statements = [statement for statement in statements if statement.lineno > line]
        try:
            exec(compile(ast.Module(statements, []), str(path), "exec", dont_inherit=True), module.__dict__)
            return
        except KeyboardInterrupt:
            raise
        except SystemExit:
            return
        except BaseException as another:
            raised.append(describe(another, path))
            error = another


def describe(error: BaseException, path: Path, called: str = "") -> str:
    """Return ``file, line N: Kind: message`` for an exception, N being its last line inside ``path``.

    ``called`` is what a reader knows the file as, where its path says nothing: a cell of a notebook that runs.
    """
    line: Any = None
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line = error.lineno
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    name = called or str(path)
    place = phrase("{path}, line {line}", path=name, line=line) if line else name
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # an exception may be hand-written too
        message = phrase("its message cannot be read")
    return f"{place}: {type(error).__name__}: {message}" if message else f"{place}: {type(error).__name__}"


def was_raised_in(error: BaseException, path: Path) -> bool:
    """Whether the innermost line of Python that an exception comes from stands in ``path``."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename == str(path)


def _declared(raw: bytes) -> str:
    try:
        return tokenize.detect_encoding(io.BytesIO(raw).readline)[0]
    except SyntaxError:
        return "utf-8-sig"
