"""What a process does to itself before a person's code runs in it: folders, limits, rights."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nncheck.sandbox import calls, syscalls
from nncheck.sandbox.limits import Limits

_FILES = 64
_STACK = 8 << 20
_MEGABYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Walls:
    """How submissions are shut in.

    Attributes
    ----------
    limits : Limits
    namespaces : bool
        Whether each gets namespaces of its own; its end is then the end of all that it started.
    folder : str
        Where a submission's folder is made; with namespaces, on a file system of its own.
    user : int or None
        Which user each becomes.
    others : int or None
        Processes that count against the limit beside those of the submission; None if it cannot be counted.
    filter : object or None
        The filter of system calls.
    confine : callable or None
        The second layer (landlock), taking the folder that may be written to.
    """

    limits: Limits
    namespaces: bool
    folder: str
    user: int | None = None
    others: int | None = None
    filter: Any = None
    confine: Callable[[str], None] | None = None


def above() -> None:
    """Make the namespaces in which the zygote is root over nothing but its own submissions.

    The next process that is forked is the first of them.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    calls.dumpable(True)  # else /proc/self belongs to root and takes no map
    user, group = os.geteuid(), os.getegid()
    calls.unshare(calls.NEWUSER | calls.NEWPID)
    calls.map_ids(user, group)
    calls.dumpable(False)


def shut_in(walls: Walls, folder: str) -> None:
    """Shut this process in for good.

    Parameters
    ----------
    walls : Walls
    folder : str
        The submission's own; made here if it has a file system of its own.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    if walls.namespaces:
        # the network is the zygote's own and empty; nothing can be left behind in it
        calls.unshare(calls.NEWNS if walls.filter is not None else calls.NEWNS | calls.NEWIPC)  # the filter has no IPC
        size = f"size={walls.limits.disk}m,nr_inodes=4096,mode=0700"
        calls.mount_tmpfs(walls.folder, size)
        os.mkdir(folder, 0o700)
        calls.mount_tmpfs("/proc", "size=4k,nr_inodes=1,mode=0555", calls.NOSUID | calls.NODEV | calls.READ_ONLY)
    os.chdir(folder)
    _set_limits(walls)
    if walls.user is not None:
        become(walls.user)
    if sys.platform == "linux":
        calls.drop_capabilities()
        calls.no_new_privileges()
        if walls.confine is not None:
            walls.confine(walls.folder if walls.namespaces else folder)
        if walls.filter is not None:
            syscalls.install(walls.filter)
        calls.dumpable(False)
        calls.die_with_parent()  # which becoming another user undoes


def become(user: int) -> None:
    """Become an ordinary user for good."""
    if sys.platform != "win32":
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def _set_limits(walls: Walls) -> None:
    limits = walls.limits
    seconds = int(limits.seconds) + 2
    _limit("RLIMIT_CPU", seconds, seconds + 1)  # behind the clock of the parent, which counts waiting too
    _limit("RLIMIT_FSIZE", limits.disk * _MEGABYTE)
    _limit("RLIMIT_NOFILE", _FILES)
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_STACK", _STACK)
    _limit("RLIMIT_MEMLOCK", 0)
    _limit("RLIMIT_MSGQUEUE", 0)
    if walls.others is not None:
        _limit("RLIMIT_NPROC", limits.processes + walls.others)
    _limit("RLIMIT_AS", limits.memory * _MEGABYTE)


def _limit(name: str, soft: int, hard: int | None = None) -> None:
    import resource  # not there on Windows, where this module is read too

    number = getattr(resource, name, None)
    if number is None:
        return
    _, most = resource.getrlimit(number)
    wanted = [value if most == resource.RLIM_INFINITY else min(value, most) for value in (soft, hard or soft)]
    with contextlib.suppress(OSError, ValueError):  # macOS refuses some: the self-test says what holds
        resource.setrlimit(number, (wanted[0], wanted[1]))
