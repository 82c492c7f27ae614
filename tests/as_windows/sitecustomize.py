"""Runs at the start of a process: nncheck's modules find no POSIX-only module or name, and a system called win32.

The standard library and other packages go on with what this system has: on Windows they have what is theirs.
"""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_ABSENT = json.loads(Path(__file__).with_name("absent.json").read_text(encoding="utf-8"))
_import = builtins.__import__


class _View:
    """A module as Windows has it.

    Parameters
    ----------
    module : module
    shown : dict
        What stands in for names of it.
    """

    def __init__(self, module: Any, shown: dict[str, Any]) -> None:
        vars(self).update(_module=module, _hidden=set(_ABSENT["names"].get(module.__name__, ())), _shown=shown)

    def __getattr__(self, name: str) -> Any:
        if name in self._shown:
            return self._shown[name]
        if name in self._hidden:
            raise AttributeError(f"module {self._module.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self._module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)


def _still_there(pid: int) -> int:
    """Answer as WaitForSingleObject of kernel32 does for a process: 0x102 while it runs."""
    import os

    try:
        os.kill(pid, 0)
    except OSError:
        return 0
    return 0x102


_KERNEL = SimpleNamespace(
    OpenProcess=lambda rights, inherited, pid: pid,
    WaitForSingleObject=lambda handle, patience: _still_there(handle),
    CloseHandle=lambda handle: 1,
)


def _note_mode(mode: int) -> None:
    with Path(__file__).with_name("error_modes.txt").open("a", encoding="ascii") as notes:
        notes.write(f"{mode:#x}\n")


_MSVCRT = SimpleNamespace(
    SEM_FAILCRITICALERRORS=1, SEM_NOGPFAULTERRORBOX=2, SEM_NOOPENFILEERRORBOX=0x8000, SetErrorMode=_note_mode
)
_SHOWN: dict[str, dict[str, Any]] = {
    "sys": {"platform": "win32"},
    "os": {"name": "nt"},
    "platform": {"system": lambda: "Windows", "release": lambda: "10", "machine": lambda: "AMD64"},
    "ctypes": {"windll": SimpleNamespace(kernel32=_KERNEL)},
}


def _as_windows(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    found_by = str((globals or {}).get("__name__", ""))
    if level or not found_by.startswith("nncheck") or found_by.startswith("nncheck_person"):
        return _import(name, globals, locals, fromlist, level)
    if name.split(".")[0] in _ABSENT["modules"]:
        raise ModuleNotFoundError(f"No module named {name!r} on Windows", name=name)
    if name == "msvcrt":
        return _MSVCRT
    module = _import(name, globals, locals, fromlist, level)
    known = getattr(module, "__name__", "")
    if known not in _SHOWN and known not in _ABSENT["names"]:
        return module
    return _VIEWS.setdefault(known, _View(module, _SHOWN.get(known, {})))


_VIEWS: dict[str, _View] = {}
builtins.__import__ = _as_windows
