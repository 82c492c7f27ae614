"""Calls of the Linux kernel that Python 3.10 has no function for."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

NEWNS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
NOSUID, NODEV, READ_ONLY = 2, 4, 1
_PDEATHSIG, _SET_DUMPABLE, _SET_SECCOMP, _SUBREAPER, _NO_NEW_PRIVS = 1, 4, 22, 36, 38
_CAPABILITIES_V3 = 0x20080522

_libc: Any = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def unshare(flags: int) -> None:
    """Leave namespaces for new ones.

    Raises
    ------
    OSError
        As each of these does, if the kernel refuses.
    """
    _done(_libc.unshare(flags), "unshare")


def enter(descriptor: int, flags: int) -> None:
    """Enter the namespace that a descriptor stands for.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    _done(_libc.setns(descriptor, flags), "setns")


def mount_tmpfs(where: str, options: str, flags: int = NOSUID | NODEV) -> None:
    """Put an empty file system in memory over a folder."""
    _done(_libc.mount(b"tmpfs", where.encode(), b"tmpfs", flags, options.encode()), f"mount on {where}")


def map_ids(user: int, group: int) -> None:
    """Let a user and a group, those of before, mean the same inside a user namespace that was just made."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        file = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


def dumpable(value: bool) -> None:
    """Say whether other processes of the user may look into this one."""
    _done(_libc.prctl(_SET_DUMPABLE, int(value), 0, 0, 0), "PR_SET_DUMPABLE")


def die_with_parent() -> None:
    """Be killed when the parent ends."""
    _done(_libc.prctl(_PDEATHSIG, 9, 0, 0, 0), "PR_SET_PDEATHSIG")


def adopt_orphans() -> None:
    """Become the parent of what descendants leave behind."""
    _done(_libc.prctl(_SUBREAPER, 1, 0, 0, 0), "PR_SET_CHILD_SUBREAPER")


def no_new_privileges() -> None:
    """Never gain anything by executing a program."""
    _done(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")


def drop_capabilities() -> None:
    """Give up every capability."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    _done(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def set_filter(program: Any) -> None:
    """Install a seccomp filter, a ``sock_fprog``."""
    _done(_libc.prctl(_SET_SECCOMP, 2, ctypes.byref(program), 0, 0), "PR_SET_SECCOMP")


def close_all_but(kept: set[int]) -> None:
    """Close every file descriptor but these."""
    low = 0
    for number in [*sorted(kept), None]:
        high = number if number is not None else 1 << 16
        if low < high:  # an empty range would be taken for everything
            os.closerange(low, high)
        low = high + 1


def _done(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
