"""What is to be verified, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nncheck.case import Case
from nncheck.formula import Derivation
from nncheck.manual.notebook import Cells


@dataclass(frozen=True, kw_only=True)
class Task:
    """One person's work, held against one case.

    Attributes
    ----------
    case, derivation : Case, Derivation
    file, form : str
        As in `VerifyResult`.
    text : str
        The code or the formulas; empty where there is none to point at.
    cells : Cells or None
        Of a notebook: where its lines stand.
    read_as : tuple of str
        How the file was read.
    mapping : mapping or None
        Which of the person's names are which parameter, as far as they said.
    hints : int
        Level of the hints.
    seed : int
        Of the probes.
    """

    case: Case
    derivation: Derivation
    file: str
    form: str
    text: str = ""
    cells: Cells | None = None
    read_as: tuple[str, ...] = ()
    mapping: Mapping[str, Sequence[str]] | None = None
    hints: int = 3
    seed: int = 0
