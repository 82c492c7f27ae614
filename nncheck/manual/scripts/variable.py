"""One thing that a training loop computed, over the steps that were seen."""

from __future__ import annotations

from dataclasses import dataclass

from nncheck.formula.plain import Array


@dataclass(frozen=True)
class Variable:
    """Something that the training loop computed.

    Attributes
    ----------
    name : str
        As the script calls it; ``f.z`` is z inside the function f, ``f()`` what it returns.
    line : int or None
        Of its last assignment in the loop.
    values : (S, ...)
        At the end of each step; NaN where it had no number.
    """

    name: str
    line: int | None
    values: Array
