"""The judge's end of one submission: asks its process, with deadlines, and never trusts what comes back.

It takes the place of `nncheck.process.Process` in a `Guest`. Reading frames, it also takes in what is printed, and
ends the process when it is late, prints too much, or sends something that is not an answer.
"""

from __future__ import annotations

import contextlib
import json
import re
import select
import signal
import time
from collections.abc import Mapping
from typing import Any

from nncheck import frames
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.client import Ended
from nncheck.sandbox import clean
from nncheck.sandbox.faults import SandboxError
from nncheck.sandbox.limits import Limits
from nncheck.sandbox.lodger import OUT_OF_MEMORY, letter
from nncheck.sandbox.printed import Printed
from nncheck.sandbox.started import Ends, Zygote

#: Of one answer, bytes; probes are small.
MOST_BYTES = 1 << 26
#: Signs of life within one request: one for each function that is called, or for each point.
_MOST_SIGNS = 256
#: Seconds that the sandbox's own processes have for what takes them a millisecond.
_PATIENCE = 10.0
_CHUNK = 1 << 16
_STAGES = ("forward", "loss", "backward", "update")
_FIRST = {"step": "forward"}
_MEMORY = re.compile(r"\b_?\w*MemoryError\b|bad_alloc|[Cc]annot allocate memory|out of memory")


class _Late(Exception):
    """A deadline has passed; whether that of the whole submission."""


class _Loud(Exception):
    """Too much was printed."""


class Seat:
    """The process of one submission.

    Parameters
    ----------
    zygote : Zygote
    limits : Limits

    Raises
    ------
    SandboxError
        If the sandbox itself is at fault.
    """

    def __init__(self, zygote: Zygote, limits: Limits) -> None:
        self._zygote, self._limits = zygote, limits
        self._ends: Ends = zygote.lodge()
        self._poll = select.poll()
        self._printed = Printed(limits.output * 1024)
        self._closed = False
        self._ahead, self._behind = memoryview(b""), bytearray()
        self._listen(True)
        self._spent = 0.0
        self._deadline = self._end = 0.0
        self._stage = "open"
        #: How the process ended, as the one who watched it says; empty while it runs.
        self.report: dict[str, Any] = {}

    @property
    def output(self) -> str:
        """What was printed: head and tail."""
        return self._printed.text()

    @property
    def seconds(self) -> float:
        """Seconds that were spent on waiting for it."""
        return self._spent

    def ask(
        self, request: str, arrays: Mapping[str, Array] | None = None, limit: float = 0.0, **header: Any
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """Ask for something and wait for the answer.

        Parameters
        ----------
        request : str
        arrays : mapping of str to array
        limit : float
            Seconds for each function that is called; 0 takes the limits' own.

        Raises
        ------
        Ended
            If the process ended or had to be ended; it holds what came before that.
        SandboxError
            If the sandbox itself is at fault.
        """
        begun = time.monotonic()
        self._stage = _FIRST.get(request, request)
        self._limit = limit or self._limits.check
        self._end = begun + self._limits.seconds - self._spent
        self._deadline = min(begun + self._limit, self._end)
        part: dict[str, Any] = {}
        parts: dict[str, Array] = {}
        try:
            self._send(request, dict(arrays or {}), header)
            left = MOST_BYTES  # for all that comes before the answer too
            for _ in range(_MOST_SIGNS):
                reply, replies = frames.read(self, left)  # type: ignore[arg-type]
                left -= sum(array.nbytes for array in replies.values())
                reply = clean.value(reply)
                if "stage" not in reply:
                    answer, arrays = self._answer(reply, {**parts, **replies})
                    return {**part, **answer}, arrays
                part.update(reply["part"] if isinstance(reply.get("part"), dict) else {})
                parts.update(replies)
                self._stage = reply["stage"] if reply["stage"] in _STAGES else self._stage
                self._deadline = min(time.monotonic() + self._limit, self._end)
            raise frames.FrameError(phrase("signs of life without an end"))
        except Ended as ended:
            ended.part, ended.arrays = {**part, **ended.part}, {**parts, **ended.arrays}
            raise
        except _Late:
            raise Ended("timed-out", self._stage, self._lateness(), part, parts) from None
        except _Loud:
            reason = phrase("more than {limit} KB were printed.", limit=self._limits.output)
            raise Ended("too-much-output", self._stage, reason, part, parts) from None
        except (frames.FrameError, ArithmeticError, ValueError, TypeError, MemoryError, RecursionError) as error:
            kind, reason = self._how_it_ended(error)
            raise Ended(kind, self._stage, reason, part, parts) from None
        finally:
            self._spent += time.monotonic() - begun

    def close(self) -> None:
        """End the process and all that it started.

        Raises
        ------
        SandboxError
            If the zygote could not say that it has ended; then it was ended as a whole.
        """
        if not self._closed:
            self._closed = True
            try:
                self._finish()
                self._drain()
            finally:
                self._ends.close()

    def _answer(self, reply: dict[str, Any], arrays: dict[str, Array]) -> tuple[dict[str, Any], dict[str, Array]]:
        answer = reply.get("answer")
        if not isinstance(answer, dict):
            raise frames.FrameError(phrase("no answer in it"))
        problem = answer.get("problem")
        text = problem.get("text") if isinstance(problem, dict) else None
        self._drain()
        if isinstance(text, str) and re.search(r": _?\w*MemoryError\b", text):
            reason = self._memory_words()
            raise Ended("too-much-memory", self._stage, f"{text}\n{reason}", answer, arrays)
        return answer, arrays

    def _send(self, request: str, arrays: dict[str, Array], header: dict[str, Any]) -> None:
        sent, whole = letter(header, arrays)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended: reading will tell how
            frames.write(self, {"request": request, **sent}, whole, octets=True)  # type: ignore[arg-type]

    # A stream for `frames`, whose every wait has a deadline.

    def readinto(self, view: memoryview) -> int:
        """Read what there is, waiting for it until the deadline."""
        while not self._ahead:
            try:
                if len(view) >= _CHUNK:
                    return self._ends.frames.recv_into(view)
                self._ahead = memoryview(self._ends.frames.recv(_CHUNK))
                if not self._ahead:
                    return 0
            except BlockingIOError:
                self._wait(select.POLLIN)
            except ConnectionResetError:
                return 0
        count = min(len(view), len(self._ahead))
        view[:count] = self._ahead[:count]
        self._ahead = self._ahead[count:]
        return count

    def write(self, data: bytes | memoryview) -> None:
        """Keep it until there is much or it is flushed."""
        self._behind += data
        if len(self._behind) > _CHUNK:
            self.flush()

    def flush(self) -> None:
        """Send all that was written, taking in what is printed meanwhile."""
        left, self._behind = memoryview(self._behind), bytearray()
        while left:
            try:
                left = left[self._ends.frames.send(left) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)

    def _listen(self, output: bool) -> None:
        self._poll.register(self._ends.frames, select.POLLIN)
        if output:
            self._poll.register(self._ends.output, select.POLLIN)

    def _wait(self, event: int) -> None:
        """Wait until the process can be read from or written to; take in what it prints."""
        self._poll.modify(self._ends.frames, event)
        while True:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise _Late
            ready = [descriptor for descriptor, _ in self._poll.poll(left * 1000)]
            if self._ends.output in ready:
                self._drain()
            if self._ends.frames.fileno() in ready:
                return

    def _drain(self) -> None:
        """Take in what was printed until now."""
        while self._printed.open:
            try:
                if not self._printed.take(self._ends.output):
                    with contextlib.suppress(KeyError):
                        self._poll.unregister(self._ends.output)
            except BlockingIOError:
                return
            if self._printed.too_much and not self._closed:
                raise _Loud

    def _finish(self) -> None:
        """Pull the leash and wait for the report."""
        if self.report:
            return
        with contextlib.suppress(OSError):
            self._ends.leash.send(b"end")
        self._take_report(_PATIENCE)
        if not self.report:
            self._zygote.close()
            raise SandboxError(
                phrase("the sandbox's own process does not say that a submission has ended; it was ended.")
            )

    def _take_report(self, patience: float) -> None:
        self.report = self._reported(patience)
        if "fault" in self.report:
            self._zygote.close()
            raise SandboxError(phrase("the sandbox failed: {fault}.", fault=self.report["fault"]))

    def _reported(self, patience: float) -> dict[str, Any]:
        """Return what the watching process says at its end; nothing if it says nothing in this time."""
        waiting = select.poll()
        waiting.register(self._ends.leash, select.POLLIN)
        end = time.monotonic() + patience
        text = b""
        while True:
            if not waiting.poll(max(0.0, end - time.monotonic()) * 1000):
                return {}
            try:
                chunk = self._ends.leash.recv(4096)
            except OSError:
                chunk = b""
            text += chunk
            if not chunk:
                return {"fault": phrase("its own process has come to an end")}
            if text.endswith(b"}"):
                break
        said: dict[str, Any] = json.loads(text.replace(b"}{", b"}\n").splitlines()[0])
        return said

    def _how_it_ended(self, error: Exception) -> tuple[Any, str]:
        """Return kind and words for a process that gave no answer."""
        ended = self._ends.frames.fileno() >= 0 and isinstance(error, frames.StreamEnded)
        if ended and not self.report:  # by itself, or about to
            self._take_report(0.5)
        with contextlib.suppress(_Loud):
            self._drain()
        if self._printed.too_much:
            return "too-much-output", phrase("more than {limit} KB were printed.", limit=self._limits.output)
        if not self.report or self.report.get("killed"):
            if ended:
                return "crashed", phrase("the process of your code stopped answering.")
            return "crashed", phrase(
                "the process of your code sent something that is not an answer ({error}).",
                error=clean.text(str(error), 200),
            )
        return self._death()

    def _death(self) -> tuple[Any, str]:
        number, code = self.report.get("signal"), self.report.get("code")
        if float(self.report.get("cpu", 0.0)) > self._limits.seconds:
            return "timed-out", self._lateness(whole=True)
        full = int(self.report.get("memory", 0)) > 0.8 * self._limits.memory
        if code == OUT_OF_MEMORY or (number and full) or _MEMORY.search(self._printed.text()[-2000:]):
            return "too-much-memory", self._memory_words()
        if number == getattr(signal, "SIGSEGV", 11):
            return "crashed", phrase(
                "the process of your code was ended by SIGSEGV: it touched memory that is not its own, or calls itself "
                "without an end."
            )
        if number:
            return "crashed", phrase("the process of your code was ended by {name}.", name=_signal(number))
        return "crashed", phrase(
            "your code ended its process (exit code {code}) instead of returning what was asked for.", code=code
        )

    def _lateness(self, whole: bool = False) -> str:
        if whole or self._deadline >= self._end:
            return phrase("everything together took longer than {limit:g} seconds.", limit=self._limits.seconds)
        if self._stage in _STAGES:
            return phrase(
                "{function} did not come to an end within {limit:g} seconds: an endless loop?",
                function=self._stage,
                limit=self._limit,
            )
        if self._stage == "train":
            return phrase("training did not come to an end within {limit:g} seconds.", limit=self._limit)
        return phrase("the file did not come to an end within {limit:g} seconds: an endless loop?", limit=self._limit)

    def _memory_words(self) -> str:
        return phrase("there are {limit} MB of memory in all.", limit=self._limits.memory)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return phrase("signal {number}", number=number)
