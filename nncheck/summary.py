"""What an instructor is told of a whole batch: frozen records; their JSON is schema nncheck/summary/1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from nncheck.grades import Status
from nncheck.record import jsonable
from nncheck.shown import Shown

SCHEMA = "nncheck/summary/1"

#: How alike submissions are: the same bytes; the same program but for names, comments and layout; most of its pieces.
Likeness = Literal["bytes", "program", "pieces"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Some of the students that something is true of.

    Attributes
    ----------
    students : tuple of str
        The first few.
    more : int
        How many others.
    """

    students: tuple[str, ...]
    more: int = 0

    @property
    def count(self) -> int:
        """How many in all."""
        return len(self.students) + self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikeGroup:
    """Near-identical submissions: a fact about files, which says nothing of how they came to be.

    Attributes
    ----------
    students, labels : tuple of str
        In the order in which they were added, one label for each student.
    likeness : str
        What holds for the whole group.
    share : float
        Of the pieces of a submission that are rare in the class, how many it has in common with another one of the
        group: the least over the group, 0 to 1.
    pieces : int
        How many rare pieces that are, at least.
    why : str
        A sentence.
    """

    students: tuple[str, ...]
    labels: tuple[str, ...]
    likeness: Likeness
    share: float
    pieces: int
    why: str

    @property
    def identical(self) -> bool:
        """Whether the files are the same, byte by byte."""
        return self.likeness == "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCount:
    """How many submissions ended so, and whose they are where something stopped them."""

    status: Status
    whose: Whose

    @property
    def count(self) -> int:
        """How many."""
        return self.whose.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The distribution of the scores; grader faults, which have none, are left out.

    Attributes
    ----------
    histogram : tuple of int
        Ten bins of equal width from 0 to the points there are; the last one holds its upper end too.
    """

    count: int
    of: float
    least: float
    quartiles: tuple[float, float, float]
    most: float
    mean: float
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCount:
    """One check over all submissions.

    Attributes
    ----------
    passed, wrong, not_reached, cannot_tell : int
    follows : int
        How many of those that passed did so by follow-through.
    """

    case: str
    check: str
    of: float
    passed: int
    wrong: int
    not_reached: int
    cannot_tell: int
    follows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakeCount:
    """One mistake over all submissions, each counted once.

    Attributes
    ----------
    text : str
        What is done, in the words of the catalogue.
    """

    case: str
    id: str
    text: str
    convention: bool
    whose: Whose

    @property
    def count(self) -> int:
        """How many made it."""
        return self.whose.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Shown):
    """Everything that an instructor is told of a batch.

    Attributes
    ----------
    submissions : int
    statuses : tuple of StatusCount
        The grader's own faults first; those that nobody had are left out.
    mistakes : tuple of MistakeCount
        The most frequent first.
    other_mistakes : int
        How many more kinds there are.
    alike : tuple of AlikeGroup
    ground : tuple of str
        What is to be said of the isolation.
    late, refused : int
        How many were late; how many of those score nothing for it.
    several : int
        How many students handed in more than one.
    """

    title: str
    submissions: int
    statuses: tuple[StatusCount, ...]
    scores: Scores | None
    checks: tuple[CheckCount, ...]
    mistakes: tuple[MistakeCount, ...]
    other_mistakes: int
    alike: tuple[AlikeGroup, ...]
    ground: tuple[str, ...]
    late: int
    refused: int
    several: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        result: dict[str, Any] = jsonable(self)
        for status, own in zip(result["statuses"], self.statuses):
            status["count"] = own.count
        for mistake, kind in zip(result["mistakes"], self.mistakes):
            mistake["count"] = kind.count
        return {"schema": SCHEMA, **result}
