"""The torch side of a run: a worker on the device, or another one in its place, and the reason for that."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

from nncheck.autograd import device as devices
from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.errors import DeviceError
from nncheck.language import phrase
from nncheck.process import ProcessFailure, Reply
from nncheck.record import DeviceUsed, Fallback


class Session:
    """A torch process that is replaced where it fails.

    Parameters
    ----------
    device : str
        As given to ``--device``.

    Attributes
    ----------
    used : DeviceUsed
        What the torch side runs on now.
    versions : dict
        Of torch and what it was loaded with.
    """

    def __init__(self, device: str) -> None:
        self._wanted = device
        self._opening: Future[Reply] | None = None
        self._open_notes: list[str] = []
        self.used = DeviceUsed(kind="cpu", name="", fallback=None)
        self.versions: dict[str, str] = {}
        self.worker = self._start(device)

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
            self.versions = opened["versions"]
            self._open_notes = self.worker.take_notes()

    def notes(self) -> list[str]:
        """Return what the worker noted of its device, and since this was last asked."""
        return [*self._open_notes, *self.worker.take_notes()]

    def fall_back(self, failure: ProcessFailure) -> None:
        """Put another worker in place of the one that failed: on the CPU, or on the next device if DirectML has none.

        Raises
        ------
        DeviceError
            If the device was asked for by name.
        """
        self.worker.close()
        kind = devices.parse(self._wanted)[0]
        if kind not in ("auto", "cpu"):
            how = phrase("is not there") if failure.missing else phrase("failed at {stage}", stage=failure.stage)
            raise DeviceError(
                phrase("--device {wanted} {how}: {reason}.", wanted=self._wanted, how=how, reason=failure.reason),
                failure.stage,
            )
        fallback = Fallback(stage=failure.stage, reason=failure.reason)
        self.used = DeviceUsed(kind="cpu", name="", fallback=fallback)
        # a process that imported torch_directml is not used again, even if that only found no device
        self.worker = self._start("auto", skip=["directml"]) if failure.missing else self._start("cpu")

    def _start(self, device: str, skip: list[str] | None = None) -> Worker:
        worker = Worker(device)
        self._opening = worker.submit("open", device=device, skip=skip or [])
        return worker
