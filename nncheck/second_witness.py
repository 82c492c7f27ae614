"""A second witness: what float64 autograd says in a process that holds no device.

The first one shares its process with the device's driver, which may have spoilt torch on the CPU too. Before a
derivation is called wrong on its word, it is asked again where nothing can have been spoilt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.judging import Judge
from nncheck.rounding import Precision


@dataclass(frozen=True, kw_only=True)
class Claim:
    """That a quantity differs at one step, on the witness's word.

    Attributes
    ----------
    step : int
    name : str
        E, dW, dB, ...
    params : mapping of str to array
        Before the step.
    held : array
        What was held against the witness: the hand's own, or the value of a line of derivation.txt.
    radius : array or None
        Of its bound.
    precision : Precision
    of_line : bool
        Whether the line's value was expected, and the witness's judged by it.
    """

    step: int
    name: str
    params: Mapping[str, Array]
    held: Array
    radius: Array | None
    precision: Precision
    of_line: bool = False

    def stands(self, said: Array) -> bool:
        """Whether it differs from what another witness said as well."""
        judge = Judge("", self.name, self.precision)
        got, expected = (said, self.held) if self.of_line else (self.held, said)
        with np.errstate(all="ignore"):
            judge.add(
                np.array([self.step]), got[None], expected[None], None if self.radius is None else self.radius[None]
            )
        return judge.differing > 0


def contradicted(case: Case, claims: Iterable[Claim], seed: int) -> Claim | None:
    """Return the first claim that does not stand without the device; None if all do.

    A network that gives two answers to one question (it draws random numbers) contradicts itself, and nobody else.

    Parameters
    ----------
    case : Case
        With X and YT as they were asked about.
    claims : iterable of Claim
    seed : int
        Of torch's random numbers, as in the first witness's process.

    Raises
    ------
    CaseError
        If the case's autograd.py is at fault.
    ProcessFailure
    """
    with Worker("cpu") as worker:
        worker.ask("open", limit=START_LIMIT, device="cpu")
        worker.load_case(case, seed)
        for claim in claims:
            points = {name: array[None] for name, array in claim.params.items()}
            key = claim.name if claim.name == "E" else claim.name[1:]
            first, second = (worker.ask("witness", points)[1][key][0] for _ in range(2))
            if not claim.stands(first) and np.array_equal(first, second, equal_nan=True):
                return claim
    return None
