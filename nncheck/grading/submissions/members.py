"""What is found in an archive: its members, and the sentences for archives that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from nncheck.grading.submissions import caps, names
from nncheck.grading.submissions.caps import Unreadable
from nncheck.language import phrase


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive; of a tar it can be read only until the next one is asked for."""

    path: str
    problem: str
    folder: bool
    key: object
    modified: float | None
    stream: IO[bytes] | None = None


def broken(name: str, error: Exception) -> Unreadable:
    """Return what is raised for an archive that its bytes do not make one."""
    return Unreadable(
        phrase(
            "{file} cannot be unpacked ({reason}); expected a whole zip or tar archive. Pack the files again and hand "
            "that in.",
            file=names.visible(name),
            reason=names.visible(str(error))[:120] or type(error).__name__,
        )
    )


def foreign(name: str, kind: str) -> str:
    """Return the sentence for an archive of a kind that is not read."""
    return phrase(
        "{file} is a {kind} archive; expected the files themselves, or a zip or tar. Pack them again as zip.",
        file=name,
        kind=kind,
    )


def too_many(name: str) -> Unreadable:
    """Return what is raised for an archive of very many entries."""
    return Unreadable(
        phrase(
            "{file} holds more than {limit} entries; expected a few files. Hand in only your own work.",
            file=name,
            limit=caps.ENTRIES,
        )
    )
