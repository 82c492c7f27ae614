"""Several judging processes at work on one machine, each with a thread here that hands it submissions."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType

from nncheck.grades import Grade, GroundFacts
from nncheck.grading.member import Member, Opening, Stopped
from nncheck.grading.submissions.record import Submission
from nncheck.process import ProcessFailure

#: More than so many gain little: the parent reads and stores on one core.
_MOST_JOBS = 8

Task = tuple[str, Submission]


def default_jobs() -> int:
    """Return one more than the cores that this process may use, at most 8: a submission that hangs keeps none busy."""
    with suppress(AttributeError):  # only Linux tells
        return min(len(os.sched_getaffinity(0)) + 1, _MOST_JOBS)
    return min((os.cpu_count() or 1) + 1, _MOST_JOBS)


class Crew:
    """Judging processes, started as they are needed; a context manager that ends them.

    Parameters
    ----------
    opening : Opening
    jobs : int
    """

    def __init__(self, opening: Opening, jobs: int) -> None:
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[tuple[str, Grade] | BaseException] = queue.SimpleQueue()
        self._members = [Member(opening) for _ in range(jobs)]
        self._threads = [
            threading.Thread(target=self._work, args=(member,), daemon=True, name="nncheck-judge")
            for member in self._members
        ]
        self._started = 0

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def grounds(self) -> list[GroundFacts]:
        """The isolation of each judging process that was started."""
        return [member.ground for member in self._members if member.ground is not None]

    def grade(self, work: Iterable[Task]) -> Iterator[tuple[str, Grade]]:
        """Grade submissions, given with their keys; key and grade come as they are ready.

        ``work`` is read only so far ahead that no judging process waits.

        Raises
        ------
        InputError
            If the assignment or the isolation cannot be used.
        ProcessFailure
            If no judging process can be kept alive.
        """
        tasks = iter(work)
        flying, drained, lost = 0, False, 0
        while True:
            while not drained and flying < 2 * len(self._members):
                task = next(tasks, None)
                if task is None:
                    drained = True
                else:
                    self._hand_out(task)
                    flying += 1
            if not flying:
                return
            outcome = self._next()
            if isinstance(outcome, ProcessFailure):  # of a thread that gave its submission back
                lost += 1
                if not self._start_another() and lost == len(self._members):
                    raise outcome
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                flying -= 1
                yield outcome

    def close(self) -> None:
        """End all judging processes, in good order as far as they let us; what they are grading is given up."""
        for _ in self._threads:
            self._tasks.put(None)
        enders = [threading.Thread(target=member.close, daemon=True) for member in self._members]
        try:
            for thread in enders:
                thread.start()
            for thread in [*enders, *self._threads[: self._started]]:
                while thread.is_alive():
                    thread.join(0.5)  # so that a Ctrl-C gets through on Windows too
        except BaseException:  # somebody is impatient
            for member in self._members:
                member.kill()
            raise

    def _hand_out(self, task: Task) -> None:
        self._tasks.put(task)
        self._start_another()

    def _start_another(self) -> bool:
        if self._started == len(self._threads):
            return False
        self._threads[self._started].start()
        self._started += 1
        return True

    def _next(self) -> tuple[str, Grade] | BaseException:
        while True:
            try:
                return self._outcomes.get(timeout=0.5)  # so that a Ctrl-C gets through on Windows too
            except queue.Empty:
                continue

    def _work(self, member: Member) -> None:
        while (task := self._tasks.get()) is not None:
            key, submission = task
            try:
                self._outcomes.put((key, member.grade(submission)))
            except Stopped:
                return
            except ProcessFailure as failure:  # it does not start: the others may have room
                self._tasks.put(task)
                self._outcomes.put(failure)
                return
            except BaseException as error:
                self._outcomes.put(error)
                return
