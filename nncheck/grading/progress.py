"""How far a grading run is: submissions graded, of how many, and the time that is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nncheck.grades import Status


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a run stands.

    Attributes
    ----------
    done, total : int
        Contents graded, of those that this run has to grade; what the journal held is not among them.
    submissions, known : int
        Submissions that count, and how many of them the journal could answer from the start.
    seconds : float
        Since grading began.
    statuses : mapping of status to int
        Of what was graded.
    """

    done: int
    total: int
    submissions: int
    known: int
    seconds: float
    statuses: Mapping[Status, int] = field(default_factory=Counter)

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at the rate so far; None before the first."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None


Progress = Callable[[Standing], None]
