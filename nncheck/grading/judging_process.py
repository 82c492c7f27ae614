"""The process that judges: holds one assignment and its sandbox, and grades what comes over its standard streams.

It runs no student's code itself, that is the sandbox's affair. When its input ends, for which the death of its parent
is enough, it ends too, in the middle of a submission if need be, and its sandbox with it.

======== ============================================================= ===============================================
request  header and arrays                                             answer
======== ============================================================= ===============================================
open     assignment: as `carried.packed`; trust; ground: facts of its  ground: facts of the isolation
         self-test where that was made already, else nothing
grade    student, label, name, problem; octets ``record`` (names and   octets ``grade``: `Grade.to_dict` as JSON
         sizes as JSON) and ``content`` (the files, end to end)
======== ============================================================= ===============================================
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, BinaryIO, Protocol

import numpy as np

from nncheck import frames
from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.grades import Grade, GroundFacts
from nncheck.grading.carried import Unpacked, ground_facts
from nncheck.grading.submissions.record import Submission, SubmittedFile

#: Seconds that the submission at hand gets to end by itself when the input ends.
_GRACE = 0.5
#: Seconds that the sandbox then gets to close.
_LONGEST = 5.0

Answer = tuple[dict[str, Any], dict[str, Array]]
Asked = tuple[dict[str, Any], dict[str, Array]]


class Bench(Protocol):
    """What grades in this process."""

    @property
    def ground(self) -> GroundFacts:
        """The isolation that it works under."""
        ...

    def grade(self, submission: Submission) -> Grade:
        """Grade one submission."""
        ...

    def close(self) -> None:
        """End what it started."""
        ...


#: Makes a bench from what an ``open`` request holds.
Opener = Callable[[Mapping[str, Any]], Bench]


class JudgeBench:
    """The judge of an assignment in its sandbox.

    Parameters
    ----------
    request : mapping
        What ``open`` holds.
    """

    def __init__(self, request: Mapping[str, Any]) -> None:
        from nncheck.grading.judge import Judge
        from nncheck.sandbox.sandbox import prepare

        self._held = contextlib.ExitStack()
        try:
            assignment = self._held.enter_context(Unpacked(request["assignment"])).assignment
            tested = request["ground"] and ground_facts(request["ground"])
            room = prepare(assignment.limits, trust=request["trust"], imports=assignment.imports, tested=tested)
            self._held.callback(room.close)
            self.ground: GroundFacts = room.facts
            self._judge = Judge(assignment, room)
            self._held.callback(self._judge.close)
        except BaseException:
            self._held.close()
            raise

    def grade(self, submission: Submission) -> Grade:
        """Grade one submission."""
        return self._judge.grade(submission)

    def close(self) -> None:
        """End the sandbox."""
        self._held.close()


def submission_to_frame(submission: Submission) -> dict[str, Array]:
    """Return a submission as arrays of octets; what it takes to say when it was handed in stays behind."""
    record = {
        "student": submission.student,
        "label": submission.label,
        "name": submission.name,
        "problem": submission.problem,
        "files": [[file.name, len(file.content)] for file in submission.files],
    }
    content = b"".join(file.content for file in submission.files)
    return {"record": octets(json.dumps(record).encode()), "content": octets(content)}


def submission_from_frame(arrays: Mapping[str, Array]) -> Submission:
    """Return the submission that `submission_to_frame` wrote."""
    record = json.loads(arrays["record"].tobytes())
    content, at, files = arrays["content"].tobytes(), 0, []
    for name, size in record.pop("files"):
        files.append(SubmittedFile(name=name, content=content[at : at + size]))
        at += size
    return Submission(**record, files=tuple(files))


def octets(body: bytes) -> Array:
    """Return bytes as an array of uint8."""
    return np.frombuffer(body, np.uint8)


class Server:
    """State of the process: the bench, once it is open.

    Parameters
    ----------
    opener : callable
    """

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._bench: Bench | None = None

    def answer(self, request: Mapping[str, Any], arrays: Mapping[str, Array]) -> Answer:
        """Do one request."""
        if request["request"] == "open":
            self._bench = self._opener(request)
            return {"ground": asdict(self._bench.ground)}, {}
        assert self._bench is not None
        grade = self._bench.grade(submission_from_frame(arrays))
        return {}, {"grade": octets(json.dumps(grade.to_dict(), allow_nan=False).encode())}

    def close(self) -> None:
        """End the bench."""
        bench, self._bench = self._bench, None
        if bench is not None:
            bench.close()


def serve(source: BinaryIO, output: BinaryIO, opener: Opener) -> None:
    """Answer requests until the input ends."""
    server = Server(opener)
    requests: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
    done = threading.Event()
    threading.Thread(target=_listen, args=(source, requests, done, server), daemon=True).start()
    try:
        while (asked := requests.get()) is not None:
            try:
                header, replies = server.answer(*asked)
                answer: dict[str, Any] = {"answer": header, "notes": []}
            except InputError as error:
                answer, replies = {"error": str(error).removesuffix("."), "kind": "input"}, {}
            except Exception as error:
                answer, replies = {"error": f"{type(error).__name__}: {error}"[:1000], "kind": "fault"}, {}
            frames.write(output, answer, replies, octets=True)
    except OSError:  # nobody is left to answer
        pass
    finally:
        server.close()
        done.set()


def _listen(source: BinaryIO, requests: queue.SimpleQueue[Asked | None], done: threading.Event, server: Server) -> None:
    """Take requests in; at the end of the input see to it that the process ends, whatever it is doing."""
    with contextlib.suppress(frames.FrameError, OSError):
        while True:
            requests.put(frames.read(source, octets=True))
    requests.put(None)
    if done.wait(_GRACE):
        return
    last = threading.Timer(_LONGEST, os._exit, (1,))
    last.daemon = True
    last.start()
    with contextlib.suppress(Exception):
        server.close()
    os._exit(1)


def run(opener: Opener) -> None:
    """Run the process: frames on streams that nothing else writes to; what is printed goes to standard error."""
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    serve(source, output, opener)


def main() -> None:
    """Judge with the judge."""
    run(JudgeBench)


if __name__ == "__main__":
    main()
