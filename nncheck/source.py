"""Reads text that people wrote: UTF-8 with or without BOM, a declared encoding, or cp949 of Korean Windows."""

from __future__ import annotations

import io
import sys
import tokenize
from pathlib import Path
from types import ModuleType
from typing import Any

from nncheck.errors import InputError


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
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from None
    for encoding in (_declared(raw), "utf-8-sig", "cp949"):
        try:
            return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except (UnicodeDecodeError, LookupError):
            continue
    raise InputError(f"{path}: is neither UTF-8 nor cp949 text; save it as UTF-8.")


def load_module(path: Path, name: str) -> ModuleType:
    """Run a Python file and return it as a module of the given name, leaving no ``__pycache__`` behind.

    Raises
    ------
    InputError
        If the file cannot be read or compiled, or raises while it runs; the text names the line.
    """
    return run_module(read_text(path), path, name)


def run_module(text: str, path: Path, name: str) -> ModuleType:
    """Run the text of a Python file as `load_module` does."""
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        exec(compile(text, str(path), "exec", dont_inherit=True), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a file may call exit(); that is its fault, not ours
        raise InputError(f"{describe(error, path)}\nThe file must run by itself before nncheck can use it.") from None
    return module


def describe(error: BaseException, path: Path) -> str:
    """Return ``file, line N: Kind: message`` for an exception, N being its last line inside ``path``."""
    line: Any = None
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line = error.lineno
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    place = f"{path}, line {line}" if line else str(path)
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # an exception may be hand-written too
        message = "its message cannot be read"
    return f"{place}: {type(error).__name__}: {message}" if message else f"{place}: {type(error).__name__}"


def _declared(raw: bytes) -> str:
    try:
        return tokenize.detect_encoding(io.BytesIO(raw).readline)[0]
    except SyntaxError:
        return "utf-8-sig"
