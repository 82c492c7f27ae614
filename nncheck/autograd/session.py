"""The torch side of a run: a worker on the device, or another one in its place, and the reason for that.

A device that failed is passed over by ``auto`` for a day (`nncheck.autograd.remembered`), once what took its place has
done the same case: else the device is not to blame. After a failure the CPU takes its place in this run; the next runs
pass over it to the next kind there is.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

from nncheck.autograd import device as devices
from nncheck.autograd import remembered
from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.errors import DeviceError
from nncheck.language import phrase
from nncheck.process import ProcessFailure, Reply
from nncheck.record import DeviceUsed, Fallback

# Seconds for a device that refused a case to show in one step that it works.
_AGAIN_LIMIT = 20.0


class Session:
    """A torch process that is replaced where it fails.

    Parameters
    ----------
    device : str
        As given to ``--device``.
    reprobe : bool
        Whether ``auto`` asks devices again that failed in the last day.

    Attributes
    ----------
    used : DeviceUsed
        What the torch side runs on now.
    versions : dict
        Of torch and what it was loaded with.
    """

    def __init__(self, device: str, reprobe: bool = False) -> None:
        self._wanted = device
        self._opening: Future[Reply] | None = None
        self._open_notes: list[str] = []
        self._earlier: list[str] = []  # failures beside the one that ``used`` tells
        self._blamed: list[tuple[str, ProcessFailure]] = []  # to be remembered if what took their place does the case
        self._lost: ProcessFailure | None = None
        self.used = DeviceUsed(kind="cpu", name="", fallback=None)
        self.versions: dict[str, str] = {}
        self._skip = self._passed_over() if devices.parse(device)[0] == "auto" and not reprobe else []
        self.worker = self._start(device, self._skip)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.close()

    def ready(self) -> None:
        """Wait until the device is open.

        Raises
        ------
        ProcessFailure
            If it cannot be opened.
        """
        if self._opening is not None:
            opening, self._opening = self._opening, None
            opened, _ = self.worker.result(opening, START_LIMIT)
            self.used = replace(self.used, kind=opened["kind"], name=opened["name"])
            self.versions |= opened["versions"]
            self._open_notes = opened["notes"]  # and not those of a case that is answered already

    def notes(self) -> list[str]:
        """Return what failed before, what the worker noted of its device, and since this was last asked."""
        since = [note for note in self.worker.take_notes() if note not in self._open_notes]
        return [*self._earlier, *self._open_notes, *since]

    def begin(self) -> None:
        """Make ready for the next case: put another worker in place of one that was lost after the last.

        Raises
        ------
        DeviceError
            If the device was asked for by name.
        """
        self._blamed = []
        if self._lost is not None:
            self.fall_back(self._lost)

    def lose(self, failure: ProcessFailure) -> None:
        """Note that the worker failed when a case was done already; what that was, is known to be the device's."""
        self._lost = failure
        kind = self._at_fault(failure)
        if kind:
            remembered.remember(kind, failure.stage, failure.reason, failure.missing)

    def succeeded(self) -> None:
        """Remember which devices failed at a case that was now done without them, and forget of the used one that."""
        for kind, failure in self._blamed:
            remembered.remember(kind, failure.stage, failure.reason, failure.missing)
        self._blamed = []
        if self.used.kind != "cpu" and self._lost is None:
            remembered.forget(self.used.kind)

    def fall_back(self, failure: ProcessFailure) -> None:
        """Put another worker in place of the one that failed: on the CPU, or on the next device if DirectML has none.

        Raises
        ------
        DeviceError
            If the device was asked for by name.
        """
        at_fault = "" if self._lost is failure else self._at_fault(failure)
        self._lost = None
        self.worker.close()
        kind = devices.parse(self._wanted)[0]
        if kind not in ("auto", "cpu"):
            how = phrase("is not there") if failure.missing else phrase("failed at {stage}", stage=failure.stage)
            raise DeviceError(
                phrase("--device {wanted} {how}: {reason}.", wanted=self._wanted, how=how, reason=failure.reason),
                failure.stage,
            )
        if at_fault:
            self._blamed.append((at_fault, failure))
        self._tell(Fallback(kind=failure.device or None, stage=failure.stage, reason=failure.reason))
        # a process that imported torch_directml is not used again, even if that only found no device
        self.worker = self._start("auto", ["directml", *self._skip]) if failure.missing else self._start("cpu")

    def _start(self, device: str, skip: list[str] | None = None) -> Worker:
        worker = Worker(device)
        self._opening = worker.submit("open", device=device, skip=skip or [])
        return worker

    def _passed_over(self) -> list[str]:
        """Return the kinds that failed in the last day; what is free to ask is asked each time."""
        passed = []
        for kind in devices.kinds().values():
            failure = None if kind.name == "cpu" or kind.missing() else remembered.recall(kind.name)
            if failure is not None:
                passed.append(kind.name)
                stage, reason, when = failure.stage, failure.reason, failure.when
                self._tell(Fallback(kind=kind.name, stage=stage, reason=reason, remembered=when))
        return passed

    def _tell(self, fallback: Fallback) -> None:
        """Let the result tell this failure, and the one that it told until now among its notes."""
        before, self.used = self.used.fallback, DeviceUsed(kind="cpu", name="", fallback=fallback)
        if before is not None:
            device = before.kind or phrase("the device")
            said = phrase(
                "{device} failed at {stage}: {reason}", device=device, stage=before.stage, reason=before.reason
            )
            again = phrase("on {when}; --reprobe asks it again", when=before.remembered)
            self._earlier.append(f"{said} ({again})" if before.remembered else said)

    def _at_fault(self, failure: ProcessFailure) -> str:
        """Return the kind of device that is to be remembered for a failure; empty if it may be the case, or chance.

        Exhausted memory belongs to one large case: the next may fit. So does a refusal (an operator that the device
        lacks), if the device still does the step of its self-test.
        """
        if failure.proven:
            return failure.device
        if failure.device in ("", "cpu") or failure.by_chance:
            return ""
        if failure.missing:  # of the others too there may be none, but then nothing failed
            return failure.device if failure.device == "directml" else ""
        opened = self._opening is None and self.used.kind == failure.device
        if opened and failure.code is None and not failure.silent and self._still_works():
            return ""
        return failure.device

    def _still_works(self) -> bool:
        self.worker.drop_queued()
        try:
            self.worker.ask("again", limit=_AGAIN_LIMIT)
        except ProcessFailure:
            return False
        return True
