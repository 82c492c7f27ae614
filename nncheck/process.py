"""A process of its own for torch or for a person's code, seen from the parent: start, ask, notice how it fails."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextvars import copy_context
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from nncheck import frames
from nncheck.errors import CaseError, InputError
from nncheck.formula.plain import Array
from nncheck.language import N_, phrase, translate
from nncheck.replies import harmless, taken

#: Seconds without a sign of life after which a process counts as hanging.
WORK_LIMIT = 60.0
LIMIT_VARIABLE = "NNCHECK_WORKER_SECONDS"
#: Seconds after which a wait is begun anew: on Windows a Ctrl-C is not noticed before a wait is over.
_PULSE = 0.5
# Seconds for a process to be gone that was killed.
_DYING = 10.0
# Seconds for a process to end whose answers have ended, and for what one wrote that is gone to be read: at most what a
# pipe holds. The end of a pipe may never come: a process that a driver forked or started can hold it.
_LAST_WORDS = 3.0
# Signals by which somebody else ends a process: a person, or a system whose memory is full.
_FROM_OUTSIDE = {
    -number
    for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
    if (number := getattr(signal, name, None)) is not None
}
#: What Windows means by the exit codes of processes that it ended (NTSTATUS).
_WINDOWS_CODES = {
    0xC0000005: N_("it touched memory that is not its own"),
    0xC0000017: N_("there is no memory left"),
    0xC000001D: N_("this processor lacks an instruction that it uses"),
    0xC00000FD: N_("it calls itself without an end"),
    0xC0000135: N_("a DLL that it needs is missing"),
    0xC0000409: N_("it gave itself up"),
}

# Python puts the current folder first on the path for -c and -m: a student's torch.py or random.py there would be
# imported in place of the real one.
_BOOTSTRAP = """
import sys
sys.path[:] = [p for p in sys.path if p not in ("", {here!r})]
sys.path.insert(0, {root!r})  # the nncheck that asks, and not an older one that is installed
import nncheck
sys.path.remove({root!r})
from nncheck.crashing import show_no_dialog
show_no_dialog()
from {module} import main
main()
"""

Reply = tuple[dict[str, Any], dict[str, Array]]
P = TypeVar("P", bound="Process")


class ProcessFailure(Exception):
    """The process crashed, hung, or its device refused; ``stage`` says where and ``reason`` how.

    ``missing`` is True if what was asked for is simply not there, ``silent`` if nothing was heard of it in time,
    ``exhausted`` if memory did not suffice, ``proven`` if the same was done without the device; ``code`` is the exit
    code, if it ended with one; ``device`` is the kind of device that it was about, if one. What the stage and the
    reason say depends on the language. ``part`` and ``arrays`` are what had come of the answer until then.
    """

    def __init__(
        self, stage: str, reason: str, *, missing: bool = False, silent: bool = False, code: int | None = None
    ) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage, self.reason = stage, reason
        self.missing, self.silent, self.code = missing, silent, code
        self.exhausted = False
        self.proven = False
        self.device = ""
        self.part: dict[str, Any] = {}
        self.arrays: dict[str, Array] = {}

    @property
    def by_chance(self) -> bool:
        """Whether memory was short, or somebody else ended the process: the next time may be well."""
        return self.exhausted or self.code in _FROM_OUTSIDE


class Process:
    """A Python process that answers requests over its standard streams.

    They are answered in order by one thread, so that the caller can go on meanwhile.

    Parameters
    ----------
    module : str
        The one whose ``main`` the process runs.
    what : str
        What failures call it: ``the torch process``.
    own_limit : bool
        Whether the limit of a request is the caller's own affair, and not for `LIMIT_VARIABLE` to set.
    max_bytes : int
        The most that the arrays of one answer may hold.
    octets : bool
        Whether its frames may hold arrays of uint8.
    apart : bool
        Whether a Ctrl-C at the terminal is kept from it: who started it ends it in good order.
    environment : mapping
        Variables that are set for it, or with None taken away.
    """

    def __init__(
        self,
        module: str,
        what: str,
        own_limit: bool = False,
        max_bytes: int = frames.MAX_BYTES,
        octets: bool = False,
        apart: bool = False,
        environment: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        self._what = what
        self.device = ""  # the kind that its last stages were about
        self._octets = octets
        self._max_bytes = max_bytes
        self._own_limit = own_limit
        self._stage = phrase("start {what}", what=what)
        self._heard = time.monotonic()
        self._come: Reply = {}, {}  # of the answer, with signs of life
        self._ended: ProcessFailure | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the worker)
        variables = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **environment}
        here = os.getcwd()
        root = str(Path(__file__).resolve().parents[1])
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOTSTRAP.format(here=here, root=root, module=module)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={name: value for name, value in variables.items() if value is not None},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # of Windows: no console beside a notebook
            start_new_session=apart,  # without effect on Windows, where it has no console anyway
        )
        self._closed = False
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # a daemon, for which Python's own end does not wait: it may be reading from a pipe that does not end
        self._thread = threading.Thread(target=_in_turn, args=(self._tasks,), name="nncheck-process", daemon=True)
        self._thread.start()
        self._queued: list[Future[Reply]] = []
        self.notes: list[str] = []

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def submit(self, request: str, arrays: Mapping[str, Array] | None = None, **header: Any) -> Future[Reply]:
        """Ask for something; the answer comes by `result`."""
        if self._closed:
            raise RuntimeError("the process is closed")
        spoken = copy_context()  # the thread speaks the language that is spoken here
        asked: Future[Reply] = Future()
        call = partial(spoken.run, self._ask, {"request": request, **header}, arrays or {})
        self._tasks.put(partial(_fulfil, asked, call))
        self._queued = [future for future in self._queued if not future.done()] + [asked]
        return asked

    def drop_queued(self) -> None:
        """Forget what was asked and not begun."""
        for future in self._queued:
            future.cancel()

    def result(self, future: Future[Reply], limit: float = WORK_LIMIT) -> Reply:
        """Wait for an answer.

        Raises
        ------
        CaseError
            If the case's own files are at fault; it comes from a ProcessFailure that says where it was met.
        ProcessFailure
            If the process ended, the device refused, or nothing was heard for the limit (seconds); the process is
            then ended.
        """
        limit = limit if self._own_limit else limit_of(limit)
        gone = 0.0  # when it was seen to be gone
        while True:
            silent = time.monotonic() - self._heard
            try:
                return future.result(timeout=_PULSE if gone else min(max(limit - silent, 0.01), _PULSE))
            except FutureTimeout:
                now = time.monotonic()
                if self._process.poll() is not None:
                    gone = gone or now
                    if now - gone < _LAST_WORDS:
                        continue
                    raise self._lost(frames.StreamEnded()) from None
                if now - self._heard < limit:
                    continue  # a sign of life came meanwhile
                self._process.kill()
                reason = phrase("no sign of life for {seconds:.0f} seconds", seconds=limit)
                raise self._failure(reason, silent=True) from None

    def ask(
        self, request: str, arrays: Mapping[str, Array] | None = None, limit: float = WORK_LIMIT, **header: Any
    ) -> Reply:
        """Ask for something and wait for the answer; raises as `result`."""
        return self.result(self.submit(request, arrays, **header), limit)

    def take_notes(self) -> list[str]:
        """Return what was noted since this was last asked."""
        notes, self.notes = self.notes, []
        return notes

    def close(self, patience: float = 0.0) -> None:
        """End the process; with patience, by the end of its input first, and so many seconds for it to tidy up."""
        if self._closed:
            return
        self._closed = True
        self.drop_queued()
        self._tasks.put(self._close_streams)
        self._tasks.put(None)
        if patience:
            self._close_input_aside()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        self._process.kill()
        try:
            self._process.wait(_DYING)
        except subprocess.TimeoutExpired:  # it hangs inside a driver, where no signal reaches it: nobody waits for it
            return
        self._thread.join(_LAST_WORDS)
        if self._thread.is_alive():  # somebody else holds its pipe: only what is read from stays open until it ends
            self._close_input_aside()
            self._errors.close()

    def __enter__(self: P) -> P:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, header: dict[str, Any], arrays: Mapping[str, Array]) -> Reply:
        assert self._process.stdin is not None and self._process.stdout is not None
        if self._ended is not None:  # what was queued behind it says nothing of why
            raise self._ended
        self._stage = header.pop("stage", None) or self._stage
        self._heard = time.monotonic()
        part: dict[str, Any] = {}  # what came with signs of life is part of the answer
        replies: dict[str, Array] = {}
        self._come = part, replies
        try:
            frames.write(self._process.stdin, header, arrays, self._octets)  # type: ignore[arg-type]
            while True:
                read, more = frames.read(self._process.stdout, self._max_bytes, self._octets)  # type: ignore[arg-type]
                reply = taken(read)
                self._heard = time.monotonic()
                replies.update(more)
                if "stage" not in reply:
                    break
                self._stage = reply["stage"]
                self.device = reply.get("device") or self.device
                part.update(reply.get("part", {}))
        except (OSError, ValueError, frames.FrameError) as error:
            raise self._lost(error) from None
        if "error" in reply:
            if reply["kind"] == "case":
                raise CaseError(reply["error"]) from self._failure(reply["error"])  # as which it counts, if it is none
            if reply["kind"] == "input":
                raise InputError(f"{reply['error']}.")
            failure = self._failure(reply["error"], missing=reply["kind"] == "missing")
            failure.exhausted = reply["kind"] == "memory"
            raise failure
        self.notes += [note for note in reply["notes"] if note not in self.notes]
        return {**part, **reply["answer"]}, replies

    def _close_streams(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):  # unsent bytes of a request to a process that is gone
                    stream.close()

    def _close_input_aside(self) -> None:
        """Close its input without waiting: unread bytes of a request can keep that from coming to an end."""

        def close() -> None:
            with contextlib.suppress(OSError, ValueError):
                if self._process.stdin is not None:
                    self._process.stdin.close()

        threading.Thread(target=close, daemon=True).start()

    def _lost(self, error: Exception) -> ProcessFailure:
        """Return why nothing more can be asked of it."""
        reason = self._how_it_ended(error)
        self._ended = self._failure(reason, code=self._process.poll())
        return self._ended

    def _failure(self, reason: str, **how: Any) -> ProcessFailure:
        failure = ProcessFailure(self._stage, reason, **how)
        failure.part, failure.arrays = dict(self._come[0]), dict(self._come[1])
        failure.device = self.device
        return failure

    def _how_it_ended(self, error: Exception) -> str:
        try:
            code = self._process.wait(timeout=_LAST_WORDS)
        except subprocess.TimeoutExpired:
            return phrase("sent something that is not a frame ({error})", error=error)
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = phrase("signal {number}", number=-code)
            ended = phrase("{what} was ended by {name}", what=self._what, name=name)
        else:
            number = code if code < 256 else hex(code)
            ended = phrase("{what} ended with exit code {number}", what=self._what, number=number)
            if code in _WINDOWS_CODES:
                ended = f"{ended}: {translate(_WINDOWS_CODES[code])}"
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 4000))
        written = self._errors.read().decode("utf-8", "replace").splitlines()
        lines = [line for line in written if line.strip() and not line.startswith("[W")]  # as torch's C++ warns
        return f"{ended} ({harmless(lines[-1]).strip()[:200]})" if lines else ended


def _in_turn(tasks: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    """Do one task after the other, until there is None."""
    while (task := tasks.get()) is not None:
        task()
        del task  # and what it holds, while it is waited for the next


def _fulfil(asked: Future[Reply], call: Callable[[], Reply]) -> None:
    if not asked.set_running_or_notify_cancel():
        return
    try:
        asked.set_result(call())
    except BaseException as error:
        asked.set_exception(error)
        del asked  # which holds the error, whose traceback holds this frame


def limit_of(seconds: float) -> float:
    """Return the limit, or the one that the environment sets (for very slow machines, and for tests)."""
    try:
        return float(os.environ[LIMIT_VARIABLE])
    except (KeyError, ValueError):
        return seconds
