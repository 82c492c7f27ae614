"""A second witness: what float64 autograd says in a process that holds no device.

The first one shares its process with the device's driver, which may have spoilt torch on the CPU too. Before a
derivation is called wrong on its word, it is asked again where nothing can have been spoilt.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.trajectory import Testimony

#: Two computations of float64 in one order are equal; threads may change it, and so the last digits.
_SAME = 1e-9


def contradicted(case: Case, testimonies: Iterable[Testimony]) -> tuple[Testimony, str] | None:
    """Return the first testimony that does not hold without the device, and which quantity of it; None if all hold.

    A network that gives two answers to one question (it draws random numbers) contradicts itself, and nobody else.

    Parameters
    ----------
    case : Case
        With X and YT as they were asked about.
    testimonies : iterable of Testimony

    Raises
    ------
    CaseError
        If the case's autograd.py is at fault.
    ProcessFailure
    """
    with Worker("cpu") as worker:
        worker.ask("open", limit=START_LIMIT, device="cpu")
        worker.load_case(case)
        for testimony in testimonies:
            points = {name: array[None] for name, array in testimony.params.items()}
            (_, first), (_, second) = worker.ask("witness", points), worker.ask("witness", points)
            for name, said in testimony.said.items():
                key = name if name == "E" else name[1:]
                if not _same(said, first[key][0]) and _same(first[key], second[key]):
                    return testimony, name
    return None


def _same(a: Array, b: Array) -> bool:
    size = np.abs(b[np.isfinite(b)]).max(initial=0.0)
    return bool(np.allclose(a, b, rtol=_SAME, atol=_SAME * size, equal_nan=True))
