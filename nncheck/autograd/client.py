"""The parent's end of the torch process, opened for one device."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from nncheck.autograd.precision import ENVIRONMENT
from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.language import current, phrase
from nncheck.process import Process, Reply

#: Seconds in which torch must be imported; from a cold disk under a virus scanner that has taken a minute.
START_LIMIT = 180.0


class Worker(Process):
    """A torch process with one device.

    Parameters
    ----------
    device : str
        As given to ``--device``.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        super().__init__("nncheck.autograd.worker", phrase("the torch process"), environment=ENVIRONMENT)

    def submit(self, request: str, arrays: Mapping[str, Array] | None = None, **header: Any) -> Future[Reply]:
        """Ask for something, to be answered in the language that is spoken here."""
        return super().submit(request, arrays, language=current(), **header)

    def load_case(self, case: Case, seed: int = 0) -> None:
        """Build the network of a case, as a witness in float64, with torch's random numbers from a seed on.

        Raises
        ------
        CaseError
            If its autograd.py is at fault.
        ProcessFailure
        """
        arrays = {"X": case.X, "YT": case.YT, **case.params}
        optimizer = [case.optimizer.name, dict(case.optimizer.settings)]
        self.ask(
            "load",
            arrays,
            folder=str(case.folder),
            sizes=case.sizes,
            names=list(case.params),
            lr=case.lr,
            optimizer=optimizer,
            seed=seed,
        )
