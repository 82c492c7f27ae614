"""Counts over a batch, folded one result at a time."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

from nncheck.grades import Graded

#: So many of those that the grader failed on are named; all stand on top of grades.csv.
_NAMED = 20


@dataclass
class Tally:
    """What the terminal tells at the end.

    Attributes
    ----------
    statuses : Counter
        How many submissions of each status.
    shares : array of float
        Score over points, of every submission that the grader did not fail on.
    faults : list of (label, reason)
        Those it failed on, the first of them.
    late : int
    """

    statuses: Counter[str] = field(default_factory=Counter)
    shares: array[float] = field(default_factory=lambda: array("d"))
    faults: list[tuple[str, str]] = field(default_factory=list)
    late: int = 0

    def add(self, graded: Graded) -> None:
        """Count one result."""
        status = graded.grade.status
        self.statuses[status] += 1
        self.late += graded.late
        if status == "grader-fault":
            if len(self.faults) < _NAMED:
                self.faults.append((graded.label or graded.student, graded.grade.reason))
        elif graded.of:
            self.shares.append(graded.score / graded.of)

    @property
    def count(self) -> int:
        """How many submissions."""
        return sum(self.statuses.values())
