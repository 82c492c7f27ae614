"""One judging process, seen from whoever hands it submissions: it is replaced when it fails, and no submission is lost.

A submission at which it dies, hangs or says that it failed is tried once more in a new process. If that fails too, its
grade is a fault of the grader, which costs no points.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nncheck.grades import Grade, GroundFacts, Mark, PartGrade
from nncheck.grading import judging_process
from nncheck.grading.assignment import Assignment
from nncheck.grading.carried import ground_facts, packed
from nncheck.grading.judging_process import submission_to_frame
from nncheck.grading.submissions.record import Submission
from nncheck.language import phrase, use
from nncheck.process import Process, ProcessFailure
from nncheck.versions import versions

#: Whose ``main`` a judging process runs.
MODULE = judging_process.__name__
#: Seconds to get ready in: NumPy, the sandbox's self-test, the truths of the cases.
_START_LIMIT = 120.0
#: Seconds for our own part of one submission, on top of what the student's code may take: many times what it takes.
_ALLOWANCE = 60.0
#: Seconds to tidy up in.
_PATIENCE = 5.0
_STARTS = 3
_MAX_BYTES = 1 << 28


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a judging process is opened with: plain values, so that they can go to other machines.

    Attributes
    ----------
    assignment : mapping
        As `carried.packed`.
    trust : bool
        Whether submissions may be run where files or the network are open.
    ground : mapping or None
        Facts of the isolation's self-test, if it was made on this machine already.
    limit : float
        Seconds for one submission, after which the judging process itself counts as hanging.
    module : str
        Whose ``main`` it runs.
    """

    assignment: Mapping[str, Any]
    trust: bool
    ground: Mapping[str, Any] | None
    limit: float
    module: str


def opening_of(assignment: Assignment, trust: bool, ground: GroundFacts | None = None) -> Opening:
    """Return what judging processes of an assignment are opened with."""
    return Opening(
        assignment=packed(assignment),
        trust=trust,
        ground=asdict(ground) if ground else None,
        limit=2 * assignment.limits.seconds + _ALLOWANCE,
        module=MODULE,
    )


class Stopped(Exception):
    """The member was closed while it was grading."""


class Member:
    """A judging process.

    Parameters
    ----------
    opening : Opening

    Attributes
    ----------
    ground : GroundFacts or None
        Under which it works, once it has been started.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._process: Process | None = None
        self._closed = False
        self._lock = threading.Lock()
        self.ground: GroundFacts | None = None

    def grade(self, submission: Submission) -> Grade:
        """Grade one submission.

        Raises
        ------
        InputError
            If the assignment or the isolation cannot be used here.
        ProcessFailure
            If no judging process can be started at all.
        Stopped
        """
        found = None
        for _ in range(2):
            found = self._try(submission)
            if found.status != "grader-fault":
                break
            self._discard()  # what has failed once, its sandbox perhaps, is not relied on
        assert found is not None
        return found

    def start(self) -> None:
        """Start the process if it is not running; raises as `grade`."""
        for left in reversed(range(_STARTS)):
            with self._lock:
                if self._closed:
                    raise Stopped
                if self._process is not None:
                    return
                with use(self._opening.assignment["language"]):
                    what = phrase("the judging process")
                process = Process(self._opening.module, what, True, _MAX_BYTES, octets=True, apart=True)
                self._process = process
            asked = {name: getattr(self._opening, name) for name in ("assignment", "trust", "ground")}
            try:
                answer, _ = process.ask("open", None, _START_LIMIT, **asked)
                self.ground = ground_facts(answer["ground"])
                return
            except ProcessFailure:
                self._discard()
                if not left:
                    raise
            except BaseException:
                self._discard()
                raise

    def close(self) -> None:
        """End the process; what it is grading is given up."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            process.close(_PATIENCE)

    def kill(self) -> None:
        """End the process at once."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _try(self, submission: Submission) -> Grade:
        self.start()
        process = self._process
        try:
            if process is None:
                raise Stopped
            _, arrays = process.ask("grade", submission_to_frame(submission), limit=self._opening.limit)
        except ProcessFailure as failure:
            return faulted(self._opening, submission, self.ground.name if self.ground else "", failure.reason)
        except Exception:
            if self._closed:  # at this very moment
                raise Stopped from None
            raise
        return Grade.from_dict(json.loads(arrays["grade"].tobytes()))

    def _discard(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()
        if self._closed:
            raise Stopped


def faulted(opening: Opening, submission: Submission, ground: str, reason: str) -> Grade:
    """Return the grade of a submission that the grader itself failed at: reports give it no score, not one of 0."""
    with use(opening.assignment["language"]):
        why = phrase("nncheck itself failed: {error}", error=reason)
    parts = tuple(
        PartGrade(
            case=part["case"],
            file="",
            form="",
            status="grader-fault",
            reason=why,
            marks=tuple(
                Mark(check=check, verdict="not-reached", points=0.0, of=points, why=why)
                for check, points in part["points"].items()
            ),
        )
        for part in opening.assignment["parts"]
    )
    return Grade(key="", content=submission.content_digest, ground=ground, parts=parts, versions=versions())
