"""The torch process that answers samples: put a new one in place of one that was lost, and say how it was lost."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.conformance.judging import Answer
from nncheck.conformance.rules import Equal
from nncheck.conformance.sample import Draw, Operand, Sample
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.process import WORK_LIMIT, ProcessFailure

#: So many processes lost one after the other, with no sample answered between them, are the end of a check.
_PATIENCE = 5

#: Seconds in which one sample is answered.
_LIMIT = WORK_LIMIT

_OPERATOR = re.compile(r"aten::[\w.]+")


class Lost(Exception):
    """No answer to a sample: the process ended or hung; the text says how."""


class Gone(Exception):
    """The device cannot be opened again; the text says why."""


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
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._losses = 0
        self._worker: Worker | None = None
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
            If the process ended or hung.
        Gone
            If there is none, and no other could be had.
        """
        worker = self._worker or self._open_again()
        values = {name: own.values for name, own in sample.operands.items()} | dict(operands or {})
        described = [
            {"name": name, "dtype": own.dtype, "grad": own.grad, "layout": own.layout}
            for name, own in sample.operands.items()
        ]
        try:
            header, arrays = worker.ask(
                "operator",
                {**values, "upstream": upstream},
                _LIMIT,
                place=place,
                dtype=sample.dtype if place == "device" else "float64",
                call=sample.call,
                results=list(sample.results),
                operands=described,
            )
        except ProcessFailure as failure:
            self._close()
            self._losses += 1
            raise Lost(failure.reason) from None
        if "refused" in header:
            return Answer({}, {}, header["refused"])
        self._losses = 0
        return Answer(arrays, header["dtypes"])

    def fallbacks(self) -> tuple[str, ...]:
        """Return the operators of torch that fell back to the CPU since this was last asked."""
        notes = self._worker.take_notes() if self._worker is not None else []
        return tuple(dict.fromkeys(name for note in notes for name in _OPERATOR.findall(note)))

    def still_works(self) -> bool:
        """Whether the device still adds after it has refused something; if not, the next question has a new process.

        One that was removed refuses everything from then on, and what comes after is not to be blamed for it.
        """
        x = Draw("still works").real(3)
        sample = Sample(call="y = x + x", operands={"x": Operand(values=x.values)}, rule=Equal())
        try:
            if not self.ask(sample, "device", x.values).refused:
                return True
        except Lost:
            return False
        self._close()
        self._losses += 1  # a device that refuses everything from the start is not to be opened for each operator
        return False

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
        if self._losses >= _PATIENCE:
            raise Gone(phrase("the last {count} processes were all lost", count=self._losses))
        try:
            return self._open()
        except ProcessFailure as failure:
            self._losses = _PATIENCE
            raise Gone(phrase("at {stage}: {reason}", stage=failure.stage, reason=failure.reason)) from None

    def _close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
