"""Keeps between runs what is costly to compute or to find out; nothing fails where there is no place for it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nncheck.files import put_in_place
from nncheck.formula.plain import Array
from nncheck.versions import __version__

#: Names another folder for what is kept; empty keeps nothing.
VARIABLE = "NNCHECK_CACHE"


def kept(key: str, shape: tuple[int, ...], compute: Callable[[], Array]) -> Array:
    """Return the array that was kept under a key, or compute and keep it.

    Parameters
    ----------
    key : str
        Stands for everything that the array depends on, the version of nncheck apart.
    shape : tuple of int
        What the array must have, lest a damaged file be taken for it.
    compute : callable
    """
    place = folder()
    path = place / f"{__version__}-{key}.npy" if place else None
    if path is not None:
        try:
            array: Array = np.load(path, allow_pickle=False)
            if array.shape == shape and array.dtype == np.float64:
                return array
        except (OSError, ValueError, EOFError):
            pass
    array = compute()
    if path is not None:
        store(path, lambda stream: np.save(stream, array, allow_pickle=False))
    return array


def store(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all, also where two processes write it at once; that it cannot be spoils nothing."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as stream:
            write(stream)
        put_in_place(temporary, path)
    except OSError:  # a full or read-only disk costs a few seconds next time, no more
        with contextlib.suppress(OSError):
            if temporary:
                os.unlink(temporary)


def folder() -> Path | None:
    """Return the folder for what is kept, or None if nothing is to be."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE]) if os.environ[VARIABLE] else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or (str(Path.home() / ".cache") if os.environ.get("HOME") else None)
    return Path(base) / "nncheck" if base else None
