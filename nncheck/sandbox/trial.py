"""The self-test of a ground: real attacks, run as submissions are, judged by what they do and not by what they say."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from nncheck.grades import GroundFacts
from nncheck.language import phrase
from nncheck.manual.client import Guest
from nncheck.sandbox import attempts
from nncheck.sandbox.exposed import PACKAGE
from nncheck.sandbox.faults import SandboxError
from nncheck.sandbox.limits import Limits
from nncheck.sandbox.opened import Opened

#: Attacks, as results name them; those of the second line are for trusted code only where they are open.
CONTAINED = ("run for ever", "use all memory", "start processes", "leave processes behind")
SERIOUS = (
    "write files elsewhere",
    "read files",
    "read the answers",
    "reach the network",
    "end other processes",
    "read the environment of others",
)
#: Seconds that a loop without an end is given.
_SHORT = 0.15


def serious(facts: GroundFacts) -> tuple[str, ...]:
    """Return what is open and makes a ground unfit for people who are not trusted."""
    return tuple(name for name in facts.open if name in SERIOUS)


def tried(name: str, opened: Opened, limits: Limits) -> GroundFacts:
    """Try every attack on a ground.

    Parameters
    ----------
    name : str
    opened : Opened
    limits : Limits
        That it was opened with.

    Raises
    ------
    SandboxError
        If the ground does not run anything.
    """
    with tempfile.TemporaryDirectory(prefix="nncheck-trial-", ignore_cleanup_errors=True) as place:
        reached = _reach(name, opened, Path(place))
        held = {**_contain(opened, limits), **reached}
    return facts_of(name, held)


def facts_of(name: str, held: Mapping[str, bool]) -> GroundFacts:
    """Return the record, with its sentence in the language that is spoken now."""
    names = (*CONTAINED, *SERIOUS)
    open_ = tuple(attack for attack in names if not held.get(attack, False))
    return GroundFacts(
        name=name, held=tuple(attack for attack in names if attack not in open_), open=open_, words=words(name, open_)
    )


def words(name: str, open_: tuple[str, ...]) -> str:
    """Say on what ground submissions ran, and what they could have done there."""
    where = {
        "bubblewrap": phrase("Submissions ran behind the walls of bubblewrap"),
        "user": phrase("Submissions ran as another user of this machine"),
        "process": phrase("Submissions ran in processes of the same user"),
        "job": phrase("Submissions ran in Windows job objects, each in a process of its own"),
    }[name]
    if not open_:
        return phrase("{where}; every attack of the self-test was stopped.", where=where)
    could = {
        "run for ever": phrase("run for ever"),
        "use all memory": phrase("use all memory"),
        "start processes": phrase("start processes"),
        "leave processes behind": phrase("leave processes behind"),
        "write files elsewhere": phrase("write files elsewhere"),
        "read files": phrase("read files"),
        "read the answers": phrase("read the answers"),
        "reach the network": phrase("reach the network"),
        "end other processes": phrase("end other processes"),
        "read the environment of others": phrase("read the environment of others"),
    }
    listed = ", ".join(could[attack] for attack in open_)
    return phrase("{where}; the self-test shows that they could: {listed}.", where=where, listed=listed)


def _reach(name: str, opened: Opened, place: Path) -> dict[str, bool]:
    """Run the attack on what lies outside, and look at what it reached."""
    secret, known, written = (secrets.token_hex(16) for _ in range(3))
    hidden, outside = place / "secret", place / "written"
    hidden.write_text(secret, encoding="ascii")
    hidden.chmod(0o600)
    answers = answers_of(PACKAGE)
    place.chmod(0o700)
    decoy = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"],  # ends with us, however we end
        env={**os.environ, "NNCHECK_TRIAL": known},
        stdin=subprocess.PIPE,
    )
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            text = attempts.REACH.format(
                secret=str(hidden),
                written=str(outside),
                word=written,
                answers=[str(path) for path in answers],
                port=listener.getsockname()[1],
                pids=[decoy.pid, *opened.pids],
                decoy=decoy.pid,
                family=name == "bubblewrap",  # elsewhere the parent may be somebody who is needed
            )
            before = opened.pids
            said = _run(opened, text)
            connected = False
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                connected = True
        alive = decoy.poll() is None and attempts.SIGN in _run(opened, attempts.ALIVE) and opened.pids == before
    finally:
        decoy.kill()
        decoy.communicate()
    first = [path.read_text(encoding="utf-8", errors="replace").strip()[:60] for path in answers]
    return {
        "read files": secret not in said,
        "write files elsewhere": not outside.exists(),
        "read the answers": not any(start and start in said for start in first),
        "reach the network": not connected,
        "end other processes": alive,
        "read the environment of others": known not in said,
    }


def answers_of(package: Path) -> list[Path]:
    """Return files of the reference folder that hold what is asked for."""
    folders = (package / "reference", package.parent / "reference")
    return [path for folder in folders for path in sorted(folder.glob("*/derivation.txt"))[:1]]


def _contain(opened: Opened, limits: Limits) -> dict[str, bool]:
    """Run the attacks on the machine itself."""
    began = time.monotonic()
    guest = Guest(Path("loop.py"), attempts.LOOP, _SHORT, opened.seat(limits))
    with _ending(), guest:
        guest.open()
    stopped = guest.failure is not None and guest.failure.kind == "timed-out" and time.monotonic() - began < 3
    greedy = _run(opened, attempts.MEMORY.format(megabytes=limits.memory + 256))
    mark = secrets.token_hex(6)
    forked = _run(opened, attempts.FORK.format(mark=mark))
    return {
        "run for ever": stopped,
        "use all memory": attempts.BEGUN in greedy and attempts.SIGN not in greedy,
        "start processes": attempts.BEGUN in forked and (attempts.SIGN not in forked or limits.processes > 0),
        "leave processes behind": attempts.BEGUN in forked and not _left(mark, forked),
    }


def _left(mark: str, said: str) -> bool:
    """Whether the process that named itself so is still there; without /proc, the one of the number it gave."""
    time.sleep(0.02)
    if sys.platform == "linux":
        names = []
        for status in Path("/proc").glob("[0-9]*/comm"):
            with contextlib.suppress(OSError):
                names.append(status.read_text(errors="replace").strip())
        return mark in names
    found = re.search(r"pid (\d+)", said)
    return found is not None and _exists(int(found[1]))


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x00100000, False, pid)  # SYNCHRONIZE
        there = bool(handle) and ctypes.windll.kernel32.WaitForSingleObject(handle, 0) == 0x102  # still running
        ctypes.windll.kernel32.CloseHandle(handle)
        return there
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _run(opened: Opened, text: str) -> str:
    """Run a program as a submission; return what it printed and raised."""
    problem: dict[str, str] = {}
    guest = Guest(Path("attack.py"), text, 5.0, opened.seat(replace(Limits(), output=256)))
    with _ending(), guest:
        problem = guest.open()
    return f"{guest.output} {problem.get('text', '')}"


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """Let an attack end the sandbox itself: that is a finding."""
    with contextlib.suppress(SandboxError):
        yield
