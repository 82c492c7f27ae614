"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from pathlib import Path

from nncheck.errors import InputError
from nncheck.language import phrase, reason_of

#: Seconds to wait before each new try, where Windows refuses: a virus scanner looks at every file that is new.
_PAUSES = (0.01, 0.05, 0.2, 0.5)
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\..*)?", re.IGNORECASE)


def is_device_of_windows(name: str) -> bool:
    """Whether Windows takes a file name, with whatever ending, for one of its devices."""
    return _DEVICES.fullmatch(name) is not None


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
        if os.name == "posix":  # elsewhere rights come from the folder, and a mode can only make files read-only
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
            os.chmod(temporary, mode)  # mkstemp makes files that nobody else may read
        put_in_place(temporary, path)
        temporary = None
    except OSError as error:
        raise InputError(phrase("{path}: cannot be written ({reason}).", path=path, reason=reason_of(error))) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def put_in_place(new: str | Path, path: str | Path) -> None:
    """Put a file or folder in the place of another; on Windows whoever has one of them open for a moment is waited for.

    Raises
    ------
    OSError
    """
    for pause in _PAUSES if sys.platform == "win32" else ():
        try:
            os.replace(new, path)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(new, path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
