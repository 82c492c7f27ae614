"""Keeps arrays that are costly to compute between runs; nothing fails where there is no place for them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

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
    folder = _folder()
    path = folder / f"{__version__}-{key}.npy" if folder else None
    if path is not None:
        try:
            array: Array = np.load(path, allow_pickle=False)
            if array.shape == shape and array.dtype == np.float64:
                return array
        except (OSError, ValueError, EOFError):
            pass
    array = compute()
    if path is not None:
        _keep(path, array)
    return array


def _keep(path: Path, array: Array) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as stream:
            np.save(stream, array, allow_pickle=False)
        os.replace(temporary, path)
    except OSError:
        return  # a full or read-only disk costs a few seconds next time, no more


def _folder() -> Path | None:
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE]) if os.environ[VARIABLE] else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or (str(Path.home() / ".cache") if os.environ.get("HOME") else None)
    return Path(base) / "nncheck" if base else None
