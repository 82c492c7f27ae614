"""What of this machine a submission can see: Python, NumPy, what nncheck's own process needs, and nothing else."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nncheck.errors import InputError
from nncheck.language import phrase

PACKAGE = Path(__file__).resolve().parents[1]
#: Of nncheck itself: derivations, certificates, templates and everything that computes truths stay outside.
_KEPT = ("formula", "locale", "manual", "sandbox", "__pycache__")
_SYSTEM = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64")
_SINGLE = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")


@dataclass(frozen=True, kw_only=True)
class Exposed:
    """Paths, each seen by a submission where it lies outside.

    Attributes
    ----------
    python : str
        The interpreter itself, not the link of a virtual environment.
    standard : tuple of str
        Where the standard library is imported from.
    search : tuple of str
        Where everything is imported from before the first submission.
    shown : tuple of (str, str)
        In this order: ``show`` a file or folder, ``empty`` a folder inside of one that is shown, ``link``.
    """

    python: str
    standard: tuple[str, ...]
    search: tuple[str, ...]
    shown: tuple[tuple[str, str], ...]

    @property
    def readable(self) -> tuple[str, ...]:
        """Every path that is shown."""
        return tuple(path for how, path in self.shown if how == "show")


def exposed(imports: Sequence[str] = ()) -> Exposed:
    """Find the paths.

    Parameters
    ----------
    imports : sequence of str
        Modules beside the standard library and NumPy.

    Raises
    ------
    InputError
        If one of them is not installed.
    """
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    prefix = Path(sys.base_prefix)
    standard = _standard(sysconfig.get_paths(vars={"base": str(prefix), "platbase": sys.base_exec_prefix}))
    places = [*_SYSTEM, str(prefix / "lib"), str(prefix / "lib64"), *standard, *_SINGLE, python]
    outer = _outermost([path for path in places if os.path.exists(path)])
    emptied = dict.fromkeys(str(folder) for path in outer if os.path.isdir(path) for folder in _libraries(Path(path)))
    second = ("sandlock",) if _there("sandlock") else ()
    inner = list(dict.fromkeys(path for name in ("numpy", *second, *imports) for path in _located(name)))
    inner.append(str(PACKAGE))
    own = [str(folder) for folder in sorted(PACKAGE.iterdir()) if folder.is_dir() and folder.name not in _KEPT]
    inner += [path for path in _mapped() if not any(_within(path, other) for other in (*outer, *inner))]
    shown = [("link" if os.path.islink(path) and path in _SYSTEM else "show", path) for path in outer]
    shown += [("empty", path) for path in emptied]
    shown += [("show", path) for path in inner]
    shown += [("empty", path) for path in own]
    search = [
        *standard,
        *(str(Path(path).parent) for path in inner if not path.endswith(".libs") and ".so" not in path),
    ]
    return Exposed(python=python, standard=standard, search=tuple(dict.fromkeys(search)), shown=tuple(shown))


def _standard(paths: dict[str, str]) -> tuple[str, ...]:
    """Return where the standard library lies: those places of ``sys.path`` that hold no packages."""
    first = [paths["stdlib"], paths["platstdlib"]]
    found = [os.path.dirname(os.__file__), *first]
    loads = [path for path in sys.path if path.endswith((".zip", "lib-dynload"))]
    dynamic = [os.path.join(folder, "lib-dynload") for folder in found]
    return tuple(dict.fromkeys(path for path in (*loads, *found, *dynamic) if os.path.exists(path)))


def _libraries(folder: Path) -> Iterator[Path]:
    """Yield folders of installed packages in a folder of system libraries, or in that of the standard library."""
    for pattern in ("*-packages", "python*/*-packages"):
        yield from (path for path in folder.glob(pattern) if path.is_dir())


def _there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _located(name: str) -> list[str]:
    """Return where a module or package lies, with the folder of the libraries that its wheel brought."""
    name = name.split(".")[0]
    if name in sys.stdlib_module_names:
        return []
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not (spec.origin or spec.submodule_search_locations):
        raise InputError(
            phrase("imports: {name!r} is not installed here; install it or leave it out of the assignment.", name=name)
        )
    places = list(spec.submodule_search_locations or [])
    if not places:
        return [str(spec.origin)]
    libraries = [str(Path(place).parent / f"{name}.libs") for place in places]
    return [*places, *(path for path in libraries if os.path.isdir(path))]


def _mapped() -> list[str]:
    """Return the libraries that this process has loaded: some systems keep them in unusual places."""
    import numpy as np

    assert np is not None
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    names = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}
    libraries = {name for name in names if name.startswith("/") and ".so" in name and os.path.isfile(name)}
    return sorted(path for path in libraries if "-packages" not in path)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _outermost(paths: Sequence[str]) -> list[str]:
    """Drop paths that lie in others."""
    unique = list(dict.fromkeys(paths))
    return [path for path in unique if not any(_within(path, other) for other in unique if other != path)]
