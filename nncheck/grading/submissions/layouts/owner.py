"""Whose a file is, as the naming of a layout tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from nncheck.grading.submissions.folders import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose a file is and which submission it belongs to.

    Attributes
    ----------
    label : str
        Path of the submission; files with one label are one submission.
    student, name : str
        Id and display name.
    inside : str
        Name of the file in the submission.
    folder : bool
        Whether the label is a folder.
    number : int
        Of a resubmission.
    ignored : bool
        The file is no work, but tells that there was a submission: an online text.
    people : tuple of (student, name)
        Of a group; each has the same submission. Empty for one person.
    """

    label: str
    student: str
    inside: str
    name: str = ""
    folder: bool = True
    number: int = 0
    late: bool | None = None
    submitted: datetime | None = None
    ignored: bool = False
    people: tuple[tuple[str, str], ...] = ()


@dataclass(kw_only=True)
class Root:
    """One thing that was given: a folder, an archive, or files that lie side by side.

    Attributes
    ----------
    name : str
        Of the folder or archive, without its ending.
    archive : bool
        Packing a folder often puts its name before all others.
    """

    name: str
    found: Found
    archive: bool = False
    prefix: str = ""
    notes: list[str] = field(default_factory=list)
