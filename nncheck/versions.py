"""Versions of what a result was made with, read from package metadata, so that torch is not imported for it."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

__version__ = "0.1.0"


def versions() -> dict[str, str]:
    """Return the versions of nncheck, Python, NumPy and torch."""
    return {
        "nncheck": __version__,
        "python": platform.python_version(),
        "numpy": _of("numpy"),
        "torch": _of("torch"),
        "platform": platform.platform(),
    }


@cache
def _of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
