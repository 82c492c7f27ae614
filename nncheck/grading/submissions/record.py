"""A submission: whose it is, where it came from, its files; and the places of many, which are read one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, overload


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedFile:
    """One file of a submission.

    Attributes
    ----------
    name : str
        Relative to the submission, parts separated by ``/``, in Unicode's composed form (NFC).
    content : bytes
    """

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What one student handed in at one time.

    Attributes
    ----------
    student : str
        Id, as the pattern or the layout gives it.
    label : str
        Where it came from: path in the folder or archive that was given.
    files : tuple of SubmittedFile
        Sorted by name; empty if there is a problem.
    name : str
        The student's name where the layout has one.
    submitted : datetime or None
        With a time zone, where it is known.
    late : bool or None
        What the layout itself says.
    problem : str
        Why it cannot be read, in a sentence; empty otherwise.
    """

    student: str
    label: str
    files: tuple[SubmittedFile, ...]
    name: str = ""
    submitted: datetime | None = None
    late: bool | None = None
    problem: str = ""

    @property
    def content_digest(self) -> str:
        """SHA-256 of names, contents and problem, in hexadecimal: equal for equal work, whoever handed it in."""
        digest = hashlib.sha256()
        for part in (self.problem.encode(), *(p for f in self.files for p in (f.name.encode(), f.content))):
            digest.update(len(part).to_bytes(8, "big"))  # so that no two lists of parts give the same bytes
            digest.update(part)
        return digest.hexdigest()


class Source(Protocol):
    """Where bytes are kept: a folder or an archive."""

    def read(self, key: object, limit: int) -> bytes:
        """Return at most ``limit`` bytes of one file; raises `nncheck.grading.submissions.caps.Unreadable`."""

    def modified(self, key: object) -> float | None:
        """Return the time of the last change in seconds since 1970, where there is one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, found but not read.

    Attributes
    ----------
    path : str
        Cleaned, relative to what was given.
    source, key
        What keeps its bytes, and under which key.
    problem : str
        Why it must not be read: a link, a device, a name that leads elsewhere.
    hollow : bool
        Only a folder's being there: it holds no file.
    """

    path: str
    source: Source
    key: object
    problem: str = ""
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a submission lies: all that is known of it before its files are read.

    Attributes
    ----------
    student, label, name, submitted, late, problem
        As in `Submission`.
    number : int
        Of a resubmission, as its name tells it; 0 otherwise.
    files : tuple of (name, Entry)
        Names relative to the submission.
    """

    student: str
    label: str
    name: str = ""
    submitted: datetime | None = None
    late: bool | None = None
    problem: str = ""
    number: int = 0
    files: tuple[tuple[str, Entry], ...] = ()


class Submissions(Sequence[Submission]):
    """Submissions in order, each read when it is asked for and not kept, so that memory does not grow with them.

    Parameters
    ----------
    places : sequence of Place
    load : callable
        Reads one of them.
    """

    def __init__(self, places: Sequence[Place], load: Callable[[Place], Submission]) -> None:
        self.places = tuple(places)
        self.load = load

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Submission: ...

    @overload
    def __getitem__(self, index: slice) -> Submissions: ...

    def __getitem__(self, index: int | slice) -> Submission | Submissions:
        if isinstance(index, slice):
            return Submissions(self.places[index], self.load)
        return self.load(self.places[index])

    def __iter__(self) -> Iterator[Submission]:
        return map(self.load, self.places)


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What was found in the paths that were given.

    Attributes
    ----------
    submissions : Submissions
        In the order of their labels, those of one student from the first to the last.
    layout : str
        Whose naming it follows: ``plain``, ``moodle``, ``canvas``, ``gradescope`` or ``classroom``.
    notes : tuple of str
        What the instructor should know of how it was read.
    """

    submissions: Submissions
    layout: str
    notes: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        """Student and label of each, with nothing read."""
        return self.submissions.places

    def load(self, place: Place) -> Submission:
        """Read one; what is wrong with it becomes its problem. Safe in several threads."""
        return self.submissions.load(place)
