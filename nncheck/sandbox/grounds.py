"""The grounds that submissions can run on, and how the zygote is started on each."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nncheck.language import phrase
from nncheck.sandbox.exposed import Exposed
from nncheck.sandbox.faults import SandboxError

#: From the strongest to the weakest.
GROUNDS = ("bubblewrap", "user", "process", "job")
#: The user that everybody knows as nobody; inside bubblewrap nobody else can be met.
NOBODY = 65534
#: Where the folder of a submission lies behind bubblewrap's walls; packages may lie in /tmp.
OWN = "/own"
#: Numbers for users that exist nowhere: every process of such a user is ours.
_UNUSED = range(61184, 65520)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """How a zygote is started.

    Attributes
    ----------
    name : str
    command : tuple of str
        What stands before the interpreter.
    user : int or None
        What it becomes.
    walls : str
        ``namespaces`` or ``plain``.
    """

    name: str
    command: tuple[str, ...]
    user: int | None
    walls: str


def possible() -> tuple[str, ...]:
    """Return the grounds that this machine may have, the strongest first."""
    if sys.platform == "win32":
        return ("job",)
    found = ["bubblewrap"] if sys.platform == "linux" and shutil.which("bwrap") else []
    return (*found, "user", "process") if _root() else (*found, "process")


def ground(name: str, seen: Exposed) -> Ground:
    """Return how to start a zygote on a ground.

    Raises
    ------
    SandboxError
        If this machine does not have it.
    """
    if name == "bubblewrap":
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxError(phrase("bubblewrap (bwrap) is not installed."))
        return Ground(
            name=name,
            command=(program, *_bubblewrap(seen)),
            user=NOBODY if _root() else None,
            walls="namespaces",
        )
    if name == "user":
        if not _root():
            raise SandboxError(phrase("only root can start another user's process."))
        return Ground(name=name, command=(), user=_free_user(), walls="plain")
    return Ground(name=name, command=(), user=None, walls="plain")


def _bubblewrap(seen: Exposed) -> Sequence[str]:
    options = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    options += ["--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    if _root():  # no user namespace, which would leave it root's own: it becomes an ordinary user by itself
        options += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        options += ["--unshare-user"]
    for name, value in environment().items():
        options += ["--setenv", name, value]
    made: list[str] = []
    for how, path in seen.shown:
        for parent in [str(parent) for parent in reversed(Path(path).parents[:-1])]:
            if not any(parent == other or parent.startswith(f"{other}/") for other in made):
                options += ["--dir", parent]  # else bubblewrap makes it for root alone
        made.append(path)
        if how == "link":
            options += ["--symlink", os.readlink(path), path]
        elif how == "show":
            options += ["--ro-bind", path, path]
        else:
            options += ["--tmpfs", path]
    options += ["--proc", "/proc", "--tmpfs", OWN, "--dir", "/dev", "--chdir", "/"]
    for device in ("null", "zero", "random", "urandom"):
        options += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    for how, path in seen.shown:
        if how == "empty":
            options += ["--remount-ro", path]
    return [*options, "--remount-ro", "/"]


def environment() -> dict[str, str]:
    """Return the whole environment of a zygote."""
    threads = ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS")
    return {**{f"{name}_NUM_THREADS": "1" for name in threads}, "HOME": "/", "LANG": "C.UTF-8"}


def _root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _free_user() -> int:
    """Return the number of a user that has no process and that this user namespace knows."""
    used: set[int] = set()
    for status in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            used.add(status.stat().st_uid)
    spans = [(0, 1 << 32)]
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
        spans = [(int(line.split()[0]), int(line.split()[2])) for line in lines]
    first = _UNUSED.start + os.getpid() % 1000  # two judges at once do not take the same
    candidates: list[int] = [*range(first, _UNUSED.stop), NOBODY]
    for number in candidates:
        if number not in used and any(start <= number < start + count for start, count in spans):
            return number
    raise SandboxError(phrase("there is no user left to run submissions as."))
