"""The ground of native Windows: a fresh process for each submission, in a job object that limits and ends it.

A job stops what eats the machine. It does not keep a submission from files or from the network.
"""

from __future__ import annotations

import importlib
import shutil
import time
from collections.abc import Mapping
from typing import Any

from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.client import LIMIT, Ended, Kind
from nncheck.process import Process, ProcessFailure
from nncheck.sandbox import clean
from nncheck.sandbox.faults import SandboxError
from nncheck.sandbox.limits import Limits
from nncheck.sandbox.lodger import OUT_OF_MEMORY, letter

_MOST_BYTES = 1 << 26
_START = 60.0
_PROCESS_SET_QUOTA, _PROCESS_TERMINATE = 0x0100, 0x0001
#: Functions of a submission, as its process calls them when it says which one it has come to.
_STAGES = ("forward", "loss", "backward", "update")


class Jobs:
    """Starts a process in a job for each submission.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: list[JobSeat] = []

    @property
    def pids(self) -> tuple[int, ...]:
        """No process of its own."""
        return ()

    def seat(self, limits: Limits) -> JobSeat:
        """Start the process of a submission; what it prints goes nowhere."""
        self._open = [JobSeat(limits)]
        return self._open[0]

    def close(self) -> None:
        """End what was started last."""
        for seat in self._open:
            seat.close()


class JobSeat:
    """The process of one submission.

    Parameters
    ----------
    limits : Limits
    """

    output = ""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.seconds
        what = phrase("the process of your code")
        self._process = Process("nncheck.sandbox.fresh", what, True, _MOST_BYTES, octets=True)
        self._job: Any = None
        self._folder = ""
        try:
            # a launcher of a virtual environment is not the process itself, which says here who it is
            hello, _ = self._process.ask("hello", limit=_START)
            self._folder = str(hello["folder"])
            self._job = in_job(int(hello["pid"]), limits)
        except (ProcessFailure, KeyError, ValueError) as failure:
            self._process.close()
            raise SandboxError(
                phrase("the process for a submission did not start ({failure}).", failure=failure)
            ) from None

    def ask(
        self, request: str, arrays: Mapping[str, Array] | None = None, limit: float = LIMIT, **header: Any
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """Ask for something and wait for the answer; raises Ended."""
        begun = time.monotonic()
        sent, whole = letter(header, arrays or {})
        sent["stage"] = "forward" if request == "step" else request
        try:
            reply, replies = self._process.ask(request, whole, limit=max(min(limit, self._left), 0.01), **sent)
            answer = clean.value(reply) if isinstance(reply, dict) else {}
        except ProcessFailure as failure:
            kind, reason = self._said(failure, limit)
            stage = failure.stage if failure.stage in _STAGES else request
            raise Ended(kind, stage, reason, clean.value(failure.part), failure.arrays) from None
        except Exception as error:  # whatever strange answer there was
            reason = phrase(
                "the process of your code sent something that is not an answer ({error}).", error=type(error)
            )
            raise Ended("crashed", request, reason, {}, {}) from None
        finally:
            self._left -= time.monotonic() - begun
        problem = answer.get("problem")
        if isinstance(problem, dict) and "MemoryError" in str(problem.get("text")):
            raise Ended("too-much-memory", request, str(problem["text"]), answer, replies)
        return answer, replies

    def close(self) -> None:
        """End the process and all that it started."""
        if self._job is not None:
            self._job.Close()
            self._job = None
        self._process.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _said(self, failure: ProcessFailure, limit: float) -> tuple[Kind, str]:
        if failure.silent:
            return "timed-out", phrase(
                "the file did not come to an end within {limit:g} seconds: an endless loop?",
                limit=min(limit, max(self._left, 0.0)),
            )
        if failure.code == OUT_OF_MEMORY:
            return "too-much-memory", phrase("there are {limit} MB of memory in all.", limit=self._limits.memory)
        return "crashed", clean.text(failure.reason, 500)


def in_job(pid: int, limits: Limits, win32job: Any = None, win32api: Any = None) -> Any:
    """Put a process into a new job that ends with its handle; None where pywin32 is not installed.

    Parameters
    ----------
    pid : int
    limits : Limits
    win32job, win32api : modules, optional
        Of pywin32.
    """
    try:
        win32job = win32job or importlib.import_module("win32job")
        win32api = win32api or importlib.import_module("win32api")
    except ImportError:
        return None
    job = win32job.CreateJobObject(None, "")
    kind = win32job.JobObjectExtendedLimitInformation
    win32job.SetInformationJobObject(
        job, kind, limited(win32job.QueryInformationJobObject(job, kind), limits, win32job)
    )
    process = win32api.OpenProcess(_PROCESS_SET_QUOTA | _PROCESS_TERMINATE, False, pid)
    win32job.AssignProcessToJobObject(job, process)
    return job


def limited(information: dict[str, Any], limits: Limits, win32job: Any) -> dict[str, Any]:
    """Return a job's limits with those of a submission.

    Parameters
    ----------
    information : dict
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION as pywin32 has it.
    limits : Limits
    win32job : module
    """
    basic = dict(information["BasicLimitInformation"])
    for name in ("KILL_ON_JOB_CLOSE", "ACTIVE_PROCESS", "PROCESS_MEMORY", "JOB_TIME", "DIE_ON_UNHANDLED_EXCEPTION"):
        basic["LimitFlags"] |= getattr(win32job, f"JOB_OBJECT_LIMIT_{name}")
    basic["ActiveProcessLimit"] = limits.processes + 1
    basic["PerJobUserTimeLimit"] = int((limits.seconds + 2) * 1e7)  # in steps of 100 ns
    memory = limits.memory << 20
    return {**information, "BasicLimitInformation": basic, "ProcessMemoryLimit": memory}
