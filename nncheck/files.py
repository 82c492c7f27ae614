"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nncheck.errors import InputError
from nncheck.language import phrase, reason_of


def check_writable(path: Path) -> None:
    """Make sure before long work that a file can be written.

    Raises
    ------
    InputError
        If its folder is missing or closed, or the path is a folder.
    """
    folder = path.parent
    if path.is_dir():
        raise InputError(phrase("{path}: is a folder; name a file to write.", path=path))
    if path.exists() and not path.is_file():
        return  # a pipe or a device
    if not folder.is_dir():
        raise InputError(phrase("{path}: the folder {folder} does not exist; make it first.", path=path, folder=folder))
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(phrase("{path}: cannot be written ({reason}).", path=path, reason=reason_of(error))) from None


def write_whole(path: Path, content: str | bytes, encoding: str = "utf-8") -> None:
    """Write text or bytes to a file beside it first, then put that in its place; a pipe is written to as it is.

    Raises
    ------
    InputError
        If it cannot be written; what stood there before stays.
    """
    data = content if isinstance(content, bytes) else content.encode(encoding)
    path = path.resolve()  # a link stays a link
    temporary = None
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)  # mkstemp makes files that nobody else may read
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise InputError(phrase("{path}: cannot be written ({reason}).", path=path, reason=reason_of(error))) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
