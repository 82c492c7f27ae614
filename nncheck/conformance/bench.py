"""The torch process that answers samples: put a new one in place of one that was lost, and say how it was lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.conformance.judging import Answer
from nncheck.conformance.rules import Equal
from nncheck.conformance.sample import Draw, Sample
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.process import WORK_LIMIT, ProcessFailure, Reply

#: So many new processes in succession in which nothing works are the end of a check.
_PATIENCE = 5

#: Seconds in which one sample is answered, on a device that has not hung so many times.
_LIMIT = WORK_LIMIT
_TRUSTED = 3
#: The part of them that others are given: what answers at all does in far less, and half of a table can hang.
_BRIEFLY = 1 / 6

#: So many calls that were not answered in time are the end of a check too: they alone took ten minutes.
_HANGS = 40

#: What shows that a device is there: one that is gone answers none of it, one with a fault in some of it the rest.
_SIMPLEST = ("x + x", "x * x", "x.relu()", "x.sum()", "x[1:]")

_OPERATOR = re.compile(r"aten::[\w.]+")


class Lost(Exception):
    """No answer to a sample: the process ended or ``hung``, or answers nothing any more; the text says how."""

    def __init__(self, reason: str, hung: bool) -> None:
        super().__init__(reason)
        self.hung = hung


class Gone(Exception):
    """The device cannot be asked any more; the text says why."""


class Bench:
    """A device that is asked one sample after the other.

    Parameters
    ----------
    device : str
        As given to ``--device``.

    Raises
    ------
    ProcessFailure
        If the device cannot be opened.

    Attributes
    ----------
    kind, name : str
        Of the device.
    versions : dict
        Of torch and what it was loaded with.
    driver : dict
        What is known of the device's driver.
    notes : list of str
        What is worth knowing of it besides.
    gone : str
        Why it cannot be asked any more; empty as long as it can.
    strays : list of (str, str)
        Operators of which a call was lost and answered in a new process, and how it was lost.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._hangs = 0
        self._lost = ""  # how the last process was
        self._simplest = list(_SIMPLEST)  # what was not answered goes to the end
        self._worker: Worker | None = None
        self.gone = ""
        self.strays: list[tuple[str, str]] = []
        self.kind, self.name = "", ""
        self.versions: dict[str, str] = {}
        self.driver: dict[str, str] = {}
        self.notes: list[str] = []
        self._open()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def ask(self, sample: Sample, place: str, upstream: Array, operands: Mapping[str, Array] | None = None) -> Answer:
        """Ask for results and gradients of a sample, on the device in its own type, on the ``cpu`` in float64.

        Raises
        ------
        Lost
            If the process ended or hung, or the device answers nothing any more, as one does that was removed.
        Gone
            If there is none, and no other could be had.
        """
        worker = self._worker or self._open_again()
        refused = ""
        try:
            header, arrays = self._put(worker, sample, place, upstream, operands or {})
            refused = header.get("refused", "")
            if refused and place == "device":
                self._try(worker)
        except ProcessFailure as failure:
            self._close(failure)
            self._lost = refused or failure.reason
            raise Lost(self._lost, failure.silent) from None
        return Answer({}, {}, refused) if refused else Answer(arrays, header["dtypes"])

    def fallbacks(self) -> tuple[str, ...]:
        """Return the operators of torch that fell back to the CPU since this was last asked."""
        notes = self._worker.take_notes() if self._worker is not None else []
        return tuple(dict.fromkeys(name for note in notes for name in _OPERATOR.findall(note)))

    def _open(self) -> Worker:
        worker = Worker(self._device)
        try:
            opened, _ = worker.ask("open", limit=START_LIMIT, device=self._device, untested=True)
            self.notes += [note for note in worker.take_notes() if note not in self.notes]
            facts, _ = worker.ask("facts")
        except BaseException:
            worker.close()
            raise
        self.kind, self.name, self.versions = opened["kind"], opened["name"], opened["versions"]
        self.driver = facts["driver"]
        self._worker = worker
        return worker

    def _open_again(self) -> Worker:
        """Open a process in place of a lost one; what is asked of it is not to be blamed for a device that is gone."""
        if not self.gone and self._hangs >= _HANGS:
            self.gone = phrase("{count} calls were not answered: {reason}", count=self._hangs, reason=self._lost)
        if self.gone:
            raise Gone(self.gone)
        why = ""
        for _ in range(_PATIENCE):
            try:
                worker = self._open()
                self._try(worker)
                return worker
            except ProcessFailure as failure:
                opened = self._worker is not None
                self._close(failure)
                said = {"lost": self._lost, "stage": failure.stage, "reason": failure.reason}
                why = phrase("{lost}; no new process works after that, at {stage}: {reason}", **said)
                if failure.silent and not opened:  # minutes each time
                    break
        self.gone = why
        raise Gone(self.gone)

    def _try(self, worker: Worker) -> None:
        """Ask for the simplest there is until something is answered.

        Raises
        ------
        ProcessFailure
            If nothing is, or the process is lost.
        """
        x = Draw("simplest").real(3, grad=False)
        notes = worker.take_notes()  # what falls back here is not what was asked for
        for call in tuple(self._simplest):
            sample = Sample(call=f"y = {call}", operands={"x": x}, rule=Equal())
            self._simplest.append(self._simplest.pop(0))
            header, _ = self._put(worker, sample, "device", x.values, {}, stage=call)
            if "refused" not in header:
                self._simplest.insert(0, self._simplest.pop())
                worker.notes = notes
                return
        raise ProcessFailure(call, header["refused"])

    def _put(
        self, worker: Worker, sample: Sample, place: str, upstream: Array, operands: Mapping[str, Array], **header: Any
    ) -> Reply:
        """Put a sample to a process, with other numbers for some of its operands."""
        values = {name: own.values for name, own in sample.operands.items()} | dict(operands)
        described = [
            {"name": name, "dtype": own.dtype, "grad": own.grad, "layout": own.layout}
            for name, own in sample.operands.items()
        ]
        return worker.ask(
            "operator",
            {**values, "upstream": upstream},
            _LIMIT * (1 if self._hangs < _TRUSTED else _BRIEFLY),
            place=place,
            dtype=sample.dtype if place == "device" else "float64",
            call=sample.call,
            results=list(sample.results),
            operands=described,
            **header,
        )

    def _close(self, failure: ProcessFailure | None = None) -> None:
        self._hangs += failure is not None and failure.silent
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
