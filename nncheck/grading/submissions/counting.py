"""Which of a student's submissions count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Labelled(Protocol):
    """A submission, or its place: whatever says whose it is and where it came from."""

    @property
    def student(self) -> str:
        """Id."""

    @property
    def label(self) -> str:
        """Where it came from."""


Some = TypeVar("Some", bound=Labelled)


def by_student(submissions: Iterable[Some]) -> dict[str, list[Some]]:
    """Group submissions by student, first to last, students in the order in which they come."""
    groups: dict[str, list[Some]] = {}
    for submission in submissions:
        groups.setdefault(submission.student, []).append(submission)
    return groups


def counting(submissions: Iterable[Some], policy: str) -> list[tuple[Some, tuple[str, ...]]]:
    """Return each student's submission that counts, with the labels of the others.

    Parameters
    ----------
    submissions : iterable
        `Submission` or, with nothing read, `Place`, in the order of `collect`.
    policy : str
        ``last`` or ``first``. With ``best`` all count until they are graded: each is returned, with no others.
    """
    if policy == "best":
        return [(submission, ()) for submission in submissions]
    chosen = []
    for those in by_student(submissions).values():
        one = those[0] if policy == "first" else those[-1]
        chosen.append((one, tuple(other.label for other in those if other is not one)))
    return chosen
