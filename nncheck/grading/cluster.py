"""Grading on several machines with dask distributed: shares of the submissions are tasks, graded again if one is lost.

Nothing has to lie on the workers but nncheck in the same version, and NumPy: the assignment travels with its case
files, each share with its submissions. Every worker judges as one machine does, in judging processes of its own behind
the isolation that its own self-test finds. The share of a worker that is gone is graded again by another one; what is
stored is stored once, by its key. The assignment holds the secret of the probes: a network that others listen on wants
``tls://`` and dask's own settings for it.
"""

from __future__ import annotations

import json
import logging
import queue
import signal
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from types import TracebackType
from typing import Any

from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.grades import Grade, GroundFacts
from nncheck.grading.carried import ground_facts
from nncheck.grading.crew import Task
from nncheck.grading.judging_process import submission_from_frame, submission_to_frame
from nncheck.grading.member import Member, Opening, faulted
from nncheck.language import N_, phrase, translate
from nncheck.process import ProcessFailure
from nncheck.versions import __version__

#: A share is at most so many submissions, and about so many bytes.
_SHARE, _SHARE_BYTES = 8, 1 << 22
#: Seconds to reach the scheduler in, and to wait for a first worker, or for another when all are gone.
_CONNECT, _WORKERS = 15.0, 60.0
_AGAIN = N_("What was graded so far is kept; the same command goes on from there.")


class Cluster:
    """A dask cluster that grades; a context manager.

    Parameters
    ----------
    address : str
        ``tcp://host:port`` of a scheduler, or ``local:N`` for N worker processes here. The latter starts processes
        that import the main script again: in a script of one's own, call it under ``if __name__ == "__main__":``.
    opening : Opening

    Raises
    ------
    InputError
        On entering: if dask is not installed, the address is wrong, or a worker has another nncheck or none.
    """

    def __init__(self, address: str, opening: Opening) -> None:
        self._address = address
        self._opening = opening
        self._local = _local_workers(address)
        self._held = ExitStack()
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._grounds: dict[str, GroundFacts] = {}
        self._alone = 0.0  # since when there is no worker

    def __enter__(self) -> Cluster:
        try:
            self._dask = _dask()
            self._held.enter_context(_quiet())
            self._client = self._connected()
            self._compare_versions()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):
            if self._client.status == "running":
                self._client.run(_release, json.dumps(asdict(self._opening), sort_keys=True), on_error="ignore")
        self._held.close()

    @property
    def grounds(self) -> list[GroundFacts]:
        """The isolations of the workers that have sent results."""
        return list(self._grounds.values())

    def grade(self, work: Iterable[Task]) -> Iterator[tuple[str, Grade]]:
        """Grade submissions, given with their keys; key and grade come as they are ready.

        Raises
        ------
        InputError
            If the cluster is lost, or a worker cannot use the assignment or its isolation.
        ProcessFailure
            If a worker cannot keep a judging process alive.
        """
        shares = _shares(work)
        flying: dict[Any, list[Task]] = {}  # by future
        drained = False
        try:
            while True:
                while not drained and len(flying) < 2 * self._threads():
                    share = next(shares, None)
                    if share is None:
                        drained = True
                    else:
                        flying[self._submit(share)] = share
                if not flying:
                    return
                future = self._next()
                share = flying.pop(future)
                yield from self._taken(future, share, flying)
        finally:
            for future in flying:
                with suppress(Exception):
                    future.cancel()

    def _taken(self, future: Any, share: list[Task], flying: dict[Any, list[Task]]) -> Iterator[tuple[str, Grade]]:
        if future.status in ("cancelled", "lost"):
            raise InputError(
                phrase(
                    "{address}: the connection to the cluster was lost. {again}",
                    address=self._address,
                    again=translate(_AGAIN),
                )
            )
        try:
            answer = future.result()
        except InputError:
            raise
        except self._dask.KilledWorker:  # whoever worked at it was gone, again and again: which of them is it?
            if len(share) == 1:
                key, submission = share[0]
                yield key, faulted(self._opening, submission, "", phrase("every worker that graded it was gone"))
            for task in share if len(share) > 1 else ():
                flying[self._submit([task])] = [task]
            return
        except Exception as error:
            text = f"{type(error).__name__}: {error}"[:500]
            raise ProcessFailure(phrase("a worker of {address}", address=self._address), text) from None
        if "failure" in answer:
            raise ProcessFailure(
                phrase("{stage} on {worker}", stage=answer["stage"], worker=answer["worker"]), answer["failure"]
            )
        for record in answer["grounds"]:
            self._grounds.setdefault(json.dumps(record), ground_facts(record))
        for key, record in answer["grades"]:
            yield key, Grade.from_dict(record)

    def _submit(self, share: list[Task]) -> Any:
        packed = [(key, submission_to_frame(submission)) for key, submission in share]
        future = self._client.submit(_graded, __version__, asdict(self._opening), packed, pure=False)
        future.add_done_callback(self._done.put)
        return future

    def _next(self) -> Any:
        while True:
            try:
                return self._done.get(timeout=1.0)
            except queue.Empty:
                self._threads()

    def _threads(self) -> int:
        """Return how many tasks the workers do at a time; raises if there has been no worker for long."""
        try:
            threads = int(sum(self._client.nthreads().values()))
        except (OSError, ValueError, RuntimeError, TimeoutError):  # being reconnected, or lost
            threads = 0
        if threads:
            self._alone = 0.0
            return threads
        self._alone = self._alone or time.monotonic()
        if time.monotonic() - self._alone > _WORKERS:
            raise InputError(
                phrase(
                    "{address}: no worker has been there for {seconds:.0f} seconds. {again}",
                    address=self._address,
                    seconds=_WORKERS,
                    again=translate(_AGAIN),
                )
            )
        return 1

    def _connected(self) -> Any:
        address: Any = self._address
        try:
            if self._local:
                with _deaf():
                    address = self._dask.LocalCluster(
                        n_workers=self._local,
                        threads_per_worker=1,
                        processes=True,
                        memory_limit=0,
                        dashboard_address=None,
                        silence_logs=logging.CRITICAL,
                    )
                self._held.callback(address.close)
            client = self._dask.Client(address, timeout=_CONNECT)
            self._held.callback(client.close)
            client.wait_for_workers(1, timeout=_WORKERS)
        except (OSError, ValueError, TypeError, RuntimeError, TimeoutError) as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise InputError(
                phrase(
                    "{address}: no dask cluster with workers answers there ({reason}). Start them with  dask scheduler "
                    " and  dask worker ADDRESS , or let nncheck start them with  --cluster local:4",
                    address=self._address,
                    reason=said[0][:200],
                )
            ) from None
        return client

    def _compare_versions(self) -> None:
        found = self._client.get_versions(packages=["nncheck"])["workers"]
        others = {worker: about["packages"].get("nncheck") for worker, about in found.items()}
        wrong = [
            phrase("{worker} has {version}", worker=worker, version=version or phrase("none"))
            for worker, version in others.items()
            if version != __version__
        ]
        if wrong:
            raise InputError(
                phrase(
                    "{address}: every worker must have nncheck {version}; {wrong}. Install it there with  pip install "
                    "nncheck=={version}",
                    address=self._address,
                    version=__version__,
                    wrong=", ".join(wrong[:5]),
                )
            )


def _dask() -> Any:
    """Return dask's package, which makes its loggers when it is imported.

    Raises
    ------
    InputError
    """
    try:
        return import_module("distributed")
    except ImportError:
        raise InputError(
            phrase(
                "--cluster needs dask distributed, which is not installed; mend it with  pip install nncheck[cluster]"
            )
        ) from None


def _local_workers(address: str) -> int:
    """Return N of ``local:N``, 0 for an address.

    Raises
    ------
    InputError
    """
    kind, _, rest = address.partition(":")
    if kind == "local" and rest.isdecimal() and 1 <= int(rest) <= 256:
        return int(rest)
    if kind == "local" or not rest.startswith("//") or len(rest) == 2:
        raise InputError(
            phrase(
                "cluster: got {address!r}, expected tcp://host:port of a dask scheduler, or local:4.", address=address
            )
        )
    return 0


def _shares(work: Iterable[Task]) -> Iterator[list[Task]]:
    share: list[Task] = []
    size = 0
    for task in work:
        share.append(task)
        size += sum(len(file.content) for file in task[1].files)
        if len(share) == _SHARE or size >= _SHARE_BYTES:
            yield share
            share, size = [], 0
    if share:
        yield share


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep dask's own messages from the terminal: what matters of them is said in our words."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for name, level in before.items():
                logging.getLogger(name).setLevel(level)


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: they are ended in good order by whoever it does reach."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# What follows runs on the workers.


@dataclass
class _Bench:
    """The judging processes of one opening that are waiting for work, and what their isolation is."""

    idle: list[Member]
    ground: GroundFacts | None = None


_benches: dict[str, _Bench] = {}
_lock = threading.Lock()


def _graded(version: str, opening: Mapping[str, Any], share: list[tuple[str, dict[str, Array]]]) -> dict[str, Any]:
    """Grade a share on a worker; plain values come in and go out."""
    if version != __version__:
        raise InputError(
            phrase(
                "A worker has nncheck {own}, but {other} is grading; they must be the same.",
                own=__version__,
                other=version,
            )
        )
    name = json.dumps(opening, sort_keys=True)
    with _lock:
        bench = _benches.setdefault(name, _Bench([]))
        known = asdict(bench.ground) if bench.ground else opening["ground"]
        member = bench.idle.pop() if bench.idle else Member(replace(Opening(**opening), ground=known))
    try:
        grades = [(key, member.grade(submission_from_frame(arrays)).to_dict()) for key, arrays in share]
    except ProcessFailure as failure:
        member.close()
        return {"failure": failure.reason, "stage": failure.stage, "worker": _here()}
    except BaseException:
        member.close()
        raise
    assert member.ground is not None
    with _lock:
        bench.ground = member.ground
        wanted = _benches.get(name) is bench
        if wanted:
            bench.idle.append(member)
    if not wanted:  # the run has ended meanwhile
        member.close()
    return {"grades": grades, "grounds": [asdict(member.ground)]}


def _release(name: str) -> None:
    """End the judging processes of an opening."""
    with _lock:
        bench = _benches.pop(name, _Bench([]))
    for member in bench.idle:
        member.close()


def _here() -> str:
    return str(_dask().get_worker().address)
