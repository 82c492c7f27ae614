"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nncheck.errors import InputError


def check_writable(path: Path) -> None:
    """Make sure before long work that a file can be written.

    Raises
    ------
    InputError
        If its folder is missing or closed, or the path is a folder.
    """
    folder = path.parent
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file to write.")
    if path.exists() and not path.is_file():
        return  # a pipe or a device
    if not folder.is_dir():
        raise InputError(f"{path}: the folder {folder} does not exist; make it first.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from None


def write_whole(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write text to a file beside it first, then put that in its place; a pipe or a device is written to as it is.

    Raises
    ------
    InputError
        If it cannot be written; what stood there before stays.
    """
    path = path.resolve()  # a link stays a link
    temporary = None
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding=encoding)
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "w", encoding=encoding, newline="\n") as stream:
            stream.write(text)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)  # mkstemp makes files that nobody else may read
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
