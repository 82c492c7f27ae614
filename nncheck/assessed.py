"""What an assignment would catch, before it is released: frozen records; their JSON is schema nncheck/assess/1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nncheck.grades import Status
from nncheck.record import jsonable

SCHEMA = "nncheck/assess/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One known mistake, handed in and marked.

    Attributes
    ----------
    id, text : str
        Of the catalogue; ``edit`` and no text for a slip that has no name.
    equals : str
        The lines as they are written with it.
    lost : float
        Points.
    checks : tuple of str
        Which checks it failed.
    said : tuple of str
        The ids that were named in its feedback.
    named : bool
        Whether it is among them, or what it is written as.
    status : Status
    why : str
        Why it loses nothing; empty if it does.
    seen : bool
        Whether it changes any value at the probes.
    """

    id: str
    text: str
    equals: str
    lost: float
    checks: tuple[str, ...]
    said: tuple[str, ...]
    named: bool
    status: Status
    why: str = ""
    seen: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct:
    """One of the case's own correct files, marked.

    Attributes
    ----------
    file : str
    lost : float
        Points; anything but 0 is to be looked into before a student loses them.
    checks : tuple of (check, verdict, why)
        Those that it failed.
    reason : str
        Why it was not graded, where it was not.
    """

    file: str
    lost: float
    checks: tuple[tuple[str, str, str], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAssessed:
    """One case of an assignment.

    Attributes
    ----------
    of : float
        Points there are.
    mistakes : tuple of Planted
        Those of the catalogue that can be made in it.
    slips : tuple of Planted
        Some small edits of its lines that change a value.
    correct : tuple of Correct
    idle : tuple of str
        Checks that none of the mistakes fails.
    """

    case: str
    of: float
    mistakes: tuple[Planted, ...]
    slips: tuple[Planted, ...]
    correct: tuple[Correct, ...]
    idle: tuple[str, ...]

    @property
    def caught(self) -> tuple[Planted, ...]:
        """Mistakes that lose points."""
        return tuple(one for one in self.mistakes if one.lost > 0)

    @property
    def missed(self) -> tuple[Planted, ...]:
        """Mistakes that pass with all points."""
        return tuple(one for one in self.mistakes if one.lost <= 0)

    @property
    def named(self) -> int:
        """How many mistakes are named rightly."""
        return sum(one.named for one in self.mistakes)

    @property
    def slips_caught(self) -> int:
        """How many slips lose points."""
        return sum(one.lost > 0 for one in self.slips)

    @property
    def mean_cost(self) -> float:
        """Mean share of the points that one caught mistake costs."""
        caught = self.caught
        return sum(one.lost for one in caught) / (len(caught) * self.of) if caught and self.of else 0.0

    @property
    def costing_all(self) -> tuple[Planted, ...]:
        """Mistakes that cost every point."""
        return tuple(one for one in self.mistakes if self.of and one.lost >= self.of - 1e-9)

    @property
    def wronged(self) -> tuple[Correct, ...]:
        """Correct files that lose points."""
        return tuple(one for one in self.correct if one.lost > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """What an assignment would catch.

    Attributes
    ----------
    title, digest : str
        Of the assignment.
    follow_through : bool
    """

    title: str
    digest: str
    follow_through: bool
    parts: tuple[PartAssessed, ...]

    @property
    def fair(self) -> bool:
        """Whether every correct file has all points."""
        return not any(part.wronged for part in self.parts)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, with the counts."""
        result: dict[str, Any] = jsonable(self)
        for part, own in zip(result["parts"], self.parts):
            part.update(
                caught=len(own.caught),
                missed=[one.equals for one in own.missed],
                named=own.named,
                slips_caught=own.slips_caught,
                mean_cost=round(own.mean_cost, 6),
                costing_all=[one.equals for one in own.costing_all],
            )
        return {"schema": SCHEMA, **result, "fair": self.fair}


def equal_reasons(missed: Iterable[Planted]) -> dict[str, list[Planted]]:
    """Return mistakes that lose nothing by why they do not."""
    found: dict[str, list[Planted]] = {}
    for one in missed:
        found.setdefault(one.why, []).append(one)
    return found
