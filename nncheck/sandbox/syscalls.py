"""A filter of system calls (seccomp): what code that only computes never needs, refused by the kernel."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from typing import Any

from nncheck.sandbox import calls

# Numbers of the system calls, by machine: asm/unistd_64.h, asm-generic/unistd.h.
_X86 = {
    "unshare": 272, "setns": 308, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "ptrace": 101,
    "process_vm_readv": 310, "process_vm_writev": 311, "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321,
    "perf_event_open": 298, "userfaultfd": 323, "memfd_create": 319, "kexec_load": 246, "init_module": 175,
    "finit_module": 313, "shmget": 29, "semget": 64, "msgget": 68, "mq_open": 240, "open_by_handle_at": 304,
    "swapon": 167, "acct": 163,
}  # fmt: skip
_ARM = {
    "unshare": 97, "setns": 268, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "ptrace": 117,
    "process_vm_readv": 270, "process_vm_writev": 271, "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280,
    "perf_event_open": 241, "userfaultfd": 282, "memfd_create": 279, "kexec_load": 104, "init_module": 105,
    "finit_module": 273, "shmget": 194, "semget": 190, "msgget": 186, "mq_open": 180, "open_by_handle_at": 265,
    "swapon": 224, "acct": 89,
}  # fmt: skip
#: The same on both: io_uring_*, open_tree to fsmount, mount_setattr, memfd_secret, pidfd_getfd.
_BOTH = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 447)
#: Audit name of the machine; its refused calls; socket; clone; fork and vfork.
_MACHINES: dict[str, tuple[int, dict[str, int], int, int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, _X86, 41, 56, (57, 58)),
    "aarch64": (0xC00000B7, _ARM, 198, 220, ()),
}
_CLONE3 = 435
_NEW_NAMESPACES = 0x7E020080 & ~0x80  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def available() -> bool:
    """Whether the filter is known for this machine."""
    return platform.machine() in _MACHINES and struct.calcsize("P") == 8


def program(processes: bool) -> list[tuple[int, int, int, int]]:
    """Return the filter as instructions (code, jump if true, jump if false, operand).

    Parameters
    ----------
    processes : bool
        Whether processes and threads may be started at all.
    """
    machine, refused, socket, clone, forks = _MACHINES[platform.machine()]
    no, later, missing = _ERRNO | errno.EPERM, _ERRNO | errno.EAGAIN, _ERRNO | errno.ENOSYS
    lines = [
        (_LOAD, 0, 0, 4),  # the machine that the call is meant for: no 32-bit calls
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, no),
        (_LOAD, 0, 0, 0),  # number of the call
        (_AT_LEAST, 0, 1, 0x40000000),  # x32
        (_RETURN, 0, 0, no),
        # libraries then ask by clone, whose flags can be seen
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, missing),
    ]
    for number in (*refused.values(), *_BOTH):
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, no)]
    if processes:
        lines += [(_EQUAL, 0, 3, clone), (_LOAD, 0, 0, 16), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), (_RETURN, 0, 0, no)]
        lines += [(_LOAD, 0, 0, 0)]
    else:
        for number in (clone, *forks):
            lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, later)]
    # sockets of this machine's own alone (AF_UNIX is 1): no network of any kind
    lines += [(_EQUAL, 0, 3, socket), (_LOAD, 0, 0, 16), (_EQUAL, 1, 0, 1), (_RETURN, 0, 0, no)]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


class _Program(ctypes.Structure):
    kept: Any
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def packed(processes: bool) -> Any:
    """Return the filter as the kernel takes it."""
    code = b"".join(struct.pack("=HBBI", *line) for line in program(processes))
    buffer = ctypes.create_string_buffer(code, len(code))
    whole = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    whole.kept = buffer
    return whole


def install(filter_: Any) -> None:
    """Put this process under the filter for good.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    calls.set_filter(filter_)
