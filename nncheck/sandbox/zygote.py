"""The process that is forked once for each submission: NumPy and nncheck are loaded, nothing of anybody else's.

It runs behind the walls of the ground, started with ``python -I -S``, and is told one thing only: three descriptors for
each submission, of frames, of printed output and of a leash. It makes a namespace of processes and forks; it kills that
process when the leash is pulled or let go of (the judge is gone), and says over the leash how it ended. One submission
at a time.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nncheck.sandbox import calls, lodger, syscalls, walls
from nncheck.sandbox.limits import Limits
from nncheck.sandbox.walls import Walls

#: What submissions use most: loaded once, before anything is forked.
_LOADED = """
    ast base64 bisect cmath collections contextlib copy csv ctypes dataclasses datetime decimal enum fractions
    functools itertools json math numbers operator os pathlib pprint queue random re statistics string struct
    textwrap threading time timeit traceback typing unittest warnings
    numpy numpy.fft numpy.linalg numpy.random numpy.polynomial numpy.typing
    nncheck.manual.scripts.script nncheck.manual.scripts.watched
"""
_TRIAL = """
import numpy as np
def forward(params, X): return X @ params["W"].T, X
def loss(Y, YT): return float(np.mean((Y - YT) ** 2))
def backward(params, cache, YT): return {"W": np.zeros_like(params["W"])}
"""
_POLL = 0.002

_namespace = -1


def main(config: dict[str, Any]) -> None:
    """Run the zygote.

    Parameters
    ----------
    config : dict
        ``control`` (descriptor), ``search`` (paths to import from afterwards), ``imports``, ``limits``, ``walls``
        (``namespaces`` or ``plain``), ``inside`` (of bubblewrap), ``user`` (a number to become, or None), ``folder``,
        ``readable``.
    """
    control = socket.socket(fileno=config["control"])
    try:
        alone: tuple[str, ...] = ()
        user = config["user"]
        if user is not None and config["inside"]:
            os.chmod(config["folder"], 0o1777)
            walls.become(user)
        elif user is not None:
            alone = _alone() if sys.platform == "linux" else ()
            if not _works(lambda: _readable(user)):
                raise PermissionError(f"{os.__file__} cannot be read")
        walls_ = _prepared(config)
        if walls_.namespaces:
            _rise()
        said = {"ready": True, "pid": os.getpid(), "namespaces": walls_.namespaces, "alone": alone}
        said.update({"filter": walls_.filter is not None, "confined": walls_.confine is not None})
    except BaseException as error:
        control.send(json.dumps({"ready": False, "why": f"{type(error).__name__}: {error}"[:500]}).encode())
        os._exit(1)
    gc.collect()
    gc.freeze()
    control.send(json.dumps(said).encode())
    while True:
        try:
            data, descriptors, _, _ = socket.recv_fds(control, 16, 3)
        except OSError:
            os._exit(0)
        if not data or len(descriptors) != 3:
            os._exit(0)
        frames, output, line = descriptors
        leash = socket.socket(fileno=line)
        report = _kept(walls_, frames, output, leash)
        with contextlib.suppress(OSError):
            leash.send(json.dumps(report).encode())
        leash.close()


def _alone() -> tuple[str, ...]:
    """Leave the network, and the memory that processes share, where the kernel allows it to root."""
    left = []
    for flag, name in ((calls.NEWNET, "network"), (calls.NEWIPC, "memory")):
        with contextlib.suppress(OSError):
            calls.unshare(flag)
            left.append(name)
    return tuple(left)


def _readable(user: int) -> None:
    """Read, as the user, what is imported later."""
    walls.become(user)
    with open(os.__file__, "rb") as file:
        file.read(1)


def _prepared(config: dict[str, Any]) -> Walls:
    """Load what submissions need, and find out what this kernel allows."""
    for name in (*_LOADED.split(), *config["imports"]):
        importlib.import_module(name)
    _warm_up()
    confine = _second_layer(config["readable"])
    sys.path[:] = config["search"]
    sys.dont_write_bytecode = True
    limits = Limits(**config["limits"])
    linux = sys.platform == "linux"
    if linux:
        calls.dumpable(False)
    filter_ = syscalls.packed(limits.processes > 0) if linux and syscalls.available() else None
    namespaces = config["walls"] == "namespaces" and linux and _works(walls.above)
    if filter_ is not None and not _works(_filtered):
        filter_ = None
    if confine is not None and not _works(lambda: confine(config["folder"])):
        confine = None
    user = None if config["inside"] else config["user"]
    # the one that waits for the zygote, the zygote, and the process of the submission; or that alone
    others = 3 if namespaces else 1 if user is not None else None
    return Walls(
        limits=limits,
        namespaces=namespaces,
        user=user,
        folder=config["folder"],
        others=others,
        filter=filter_,
        confine=confine,
    )


def _warm_up() -> None:
    """Do once what is slow only the first time."""
    import numpy as np

    from nncheck.language import phrase, use
    from nncheck.manual.layouts import Layout
    from nncheck.manual.loading import load

    for language in ("en", "ko"):
        with use(language):
            phrase("{path} is too large", path="")
    person = load(Path("submission.py"), _TRIAL)
    X, YT, W = np.ones((2, 3)), np.ones((2, 1)), np.ones((1, 3))
    person.step(X, YT, {"W": W}, Layout())
    del sys.modules["nncheck_person"]


def _second_layer(readable: list[str]) -> Any:
    """Return a function that confines this process by landlock, if the package sandlock is there."""
    try:
        sandlock = importlib.import_module("sandlock")
    except Exception:
        return None

    def confine(writable: str) -> None:
        try:
            sandlock.confine(sandlock.Sandbox(fs_readable=readable, fs_writable=[writable]))
        except Exception as error:
            raise OSError(f"landlock: {error}") from None

    return confine


def _filtered() -> None:
    calls.no_new_privileges()
    syscalls.install(syscalls.packed(False))


def _works(wall: Any) -> bool:
    """Whether a process can put this wall up around itself."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            wall()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def _rise() -> None:
    """Go on as the first process of new namespaces; the process that did so far waits for its end."""
    global _namespace
    walls.above()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        os._exit(0)
    calls.die_with_parent()
    _namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)


def _kept(walls_: Walls, frames: int, output: int, leash: socket.socket) -> dict[str, Any]:
    """Start the process of one submission, wait for its end, end it if told to, and return how it was."""
    folder = os.path.join(walls_.folder, "here")
    try:
        if walls_.namespaces:
            calls.unshare(calls.NEWPID)
        else:
            folder = tempfile.mkdtemp(prefix="own", dir=walls_.folder)
            if walls_.user is not None:
                os.chown(folder, walls_.user, walls_.user)
            if sys.platform == "linux":
                calls.adopt_orphans()
        child = os.fork()
        if child == 0:
            try:
                _lodge(walls_, folder, frames, output, leash)
            finally:
                os._exit(1)
        if walls_.namespaces:
            calls.enter(_namespace, calls.NEWPID)  # so that the next one can be made
    except OSError as error:
        return {"fault": str(error)[:500]}
    finally:
        os.close(frames)
        os.close(output)
    try:
        report = _watched(child, leash)
        if not walls_.namespaces:
            _clear(folder)
    except OSError as error:
        return {"fault": str(error)[:500]}
    return report


def _watched(child: int, line: socket.socket) -> dict[str, Any]:
    """Wait until the process has ended or the leash is pulled; return how it ended."""
    waiting = select.poll()
    waiting.register(line, select.POLLIN)
    pause: float | None = _POLL * 1000
    descriptor = -1
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(child)
            waiting.register(descriptor, select.POLLIN)
            pause = None
    begun, killed = time.monotonic(), False
    while True:
        events = waiting.poll(pause)
        if any(number == line.fileno() for number, _ in events):
            killed = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        done, status, usage = os.wait4(child, 0 if killed else os.WNOHANG)
        if done:
            break
    if descriptor >= 0:
        os.close(descriptor)
    code = os.waitstatus_to_exitcode(status)
    return {
        "code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "killed": killed,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10),
        "seconds": time.monotonic() - begun,
    }


def _clear(folder: str) -> None:
    """End whatever the submission left behind, as far as it can be seen, and remove its folder."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            left = [int(number) for number in children.read_text().split()]
        except (OSError, ValueError):
            break
        for number in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG if left else 0)[0]:
                pass
        except ChildProcessError:
            break
    for parent, folders, _ in os.walk(folder):
        for name in (".", *folders):
            with contextlib.suppress(OSError):
                os.chmod(os.path.join(parent, name), 0o700, follow_symlinks=name == ".")
    shutil.rmtree(folder, ignore_errors=True)


def _lodge(walls_: Walls, folder: str, frames: int, output: int, line: socket.socket) -> None:
    """Become the process of the submission."""
    try:
        if hasattr(os, "setsid"):
            os.setsid()
        if sys.platform == "linux":
            calls.die_with_parent()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor, number in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(descriptor, number)
        calls.close_all_but({0, 1, 2, frames, line.fileno()})
        os.environ["HOME"] = os.environ["TMPDIR"] = folder
        walls.shut_in(walls_, folder)
        _print_to_output()
        reading, writing = os.fdopen(frames, "rb"), os.fdopen(os.dup(frames), "wb")
    except BaseException as error:
        line.send(json.dumps({"fault": f"{type(error).__name__}: {error}"[:500]}).encode())
        os._exit(1)
    line.close()
    lodger.serve(reading, writing)


def _print_to_output() -> None:
    for name, number in (("stdout", 1), ("stderr", 2)):
        raw = io.FileIO(number, "wb", closefd=False)
        stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
