"""The result of explain: one step of one case with all its numbers; its JSON is schema nncheck/explain/1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nncheck.language import current
from nncheck.network import Network
from nncheck.record import SHOWN_ALONE, jsonable
from nncheck.shown import Shown
from nncheck.verdicts import Verdict
from nncheck.worked import WorkedStep

SCHEMA = "nncheck/explain/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained(Shown):
    """One step worked out.

    Attributes
    ----------
    case, title : str
    file : str or None
        The person's file, as it was given; None where the case's own manual.py was trained.
    form : str
        ``functions``, ``script``, ``numbers`` or ``formulas``.
    read_as : tuple of str
        How the file was read, a sentence for each thing that was not as the contract says.
    judged_by : str
        ``autograd``; ``certified derivation`` of the case where torch cannot be had.
    steps : int
        How many the case has.
    lr : float
        Learning rate of the step.
    optimizer : str
        With its settings, as people call it.
    network : Network or None
        None where the derivation describes no chain of layers.
    worked : WorkedStep
    verdict : str
        ``differ`` if any line does; ``agree`` if every line does; else ``cannot-tell``.
    notes : tuple of str
        What is worth knowing besides.
    language : str
        Of its texts; it stands in no JSON.
    """

    schema: str = SCHEMA
    versions: Mapping[str, str]
    case: str
    title: str
    file: str | None
    form: str
    read_as: tuple[str, ...]
    judged_by: str
    steps: int
    lr: float
    optimizer: str
    network: Network | None
    worked: WorkedStep
    verdict: Verdict
    notes: tuple[str, ...] = ()
    language: str = field(default_factory=current, repr=False, compare=False, metadata=SHOWN_ALONE)

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        return self.worked.differs

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and text, ready for JSON (schema nncheck/explain/1)."""
        result: dict[str, Any] = jsonable(self)
        return result
