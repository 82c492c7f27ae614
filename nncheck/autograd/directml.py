"""What DirectML needs on this machine, and what of it is missing, found out without importing torch.

torch-directml has had its last release: its wheels are for Windows and WSL on x86-64 and for CPython up to 3.12, and
each of them works with the one torch that it was built for.
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from nncheck.language import phrase

_PACKAGE = "torch-directml"
#: The last Python that there are wheels for.
_LAST = (3, 12)
_INSTALL = f"python -m pip install {_PACKAGE}"


def missing_directml() -> str:
    """Return what is missing and how to mend it, or an empty text if a device may be there."""
    if importlib.util.find_spec("torch_directml") is None:
        return _unfit() or phrase("{package} is not installed: {command}", package=_PACKAGE, command=_INSTALL)
    needed, there = _torch_needed(), _version("torch")
    if needed and there and there.split("+")[0] != needed:
        return phrase(
            "{package} {own} works with torch {needed} alone, and torch {there} is installed: {command}",
            package=_PACKAGE,
            own=_version(_PACKAGE),
            needed=needed,
            there=there,
            command=f"{_INSTALL} torch=={needed}",
        )
    if _in_wsl() and not Path("/dev/dxg").exists():
        if platform.release().endswith("-Microsoft"):  # WSL 2 has it in small letters
            return phrase("this is WSL 1, which has no GPU; in Windows: {command}", command="wsl --set-version NAME 2")
        return phrase(
            "WSL shows no GPU: /dev/dxg is missing; update WSL (wsl --update) and the Windows graphics driver"
        )
    return ""


def _unfit() -> str:
    """Say why the package cannot be installed here; nothing if it can."""
    machine, wsl = platform.machine(), _in_wsl()
    if sys.platform != "win32" and not wsl:
        return phrase("{package} exists for Windows and WSL alone", package=_PACKAGE)
    if machine.lower() not in ("amd64", "x86_64"):
        return phrase(
            "{package} exists for x86-64 processors alone, and this Python is for {machine}",
            package=_PACKAGE,
            machine=machine,
        )
    if sys.maxsize < 2**32:
        return phrase("{package} needs a Python of 64 bits, and this one has 32", package=_PACKAGE)
    if sys.implementation.name != "cpython":
        return phrase("{package} needs CPython, and this is {name}", package=_PACKAGE, name=sys.implementation.name)
    if sys.version_info[:2] > _LAST:
        last = ".".join(map(str, _LAST))
        return phrase(
            "{package} exists for Python 3.8 to {last}, and this is {here}; make an environment with {last}: {command}",
            package=_PACKAGE,
            last=last,
            here=".".join(map(str, sys.version_info[:2])),
            command=f"python{last} -m venv .venv" if wsl else f"py -{last} -m venv .venv",
        )
    return ""


def _in_wsl() -> bool:
    return "microsoft" in platform.release().lower()


def _torch_needed() -> str:
    """Return the one version of torch that the installed package names; nothing if it names none."""
    try:
        asked = [one.partition(";")[0].replace(" ", "") for one in requires(_PACKAGE) or ()]
    except PackageNotFoundError:
        return ""
    return next((one.removeprefix("torch==") for one in asked if one.startswith("torch==")), "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
