"""Files of a folder, found without opening one; links are not followed, pipes and devices never opened."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from nncheck.grading.submissions import names
from nncheck.grading.submissions.caps import Unreadable
from nncheck.grading.submissions.kinds import is_junk
from nncheck.grading.submissions.record import Entry
from nncheck.language import phrase

# without these a pipe that takes a file's place between finding and reading would block, a link would be followed
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"))


@dataclass
class Found:
    """What a folder or an archive holds.

    Attributes
    ----------
    repositories : set of str
        Folders that git keeps a history in.
    alike : list of str
        Folders whose names cannot be told from another's, with a number behind them now.
    """

    entries: list[Entry] = field(default_factory=list)
    repositories: set[str] = field(default_factory=set)
    alike: list[str] = field(default_factory=list)


class Folder:
    """Files on disk; the key is the whole path."""

    def read(self, key: object, limit: int) -> bytes:
        """Return at most ``limit`` bytes of a file.

        Raises
        ------
        Unreadable
            If it is not a file, or must not be read.
        """
        path = str(key)
        try:
            handle = os.open(path, _FLAGS)
            with open(handle, "rb") as stream:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise Unreadable(not_a_file(path))
                return stream.read(limit)
        except OSError as error:
            raise Unreadable(
                phrase(
                    "{file} cannot be read ({reason}); expected a file that the grader may open. Mend its permissions.",
                    file=names.visible(os.path.basename(path)),
                    reason=error.strerror or type(error).__name__,
                )
            ) from None

    def modified(self, key: object) -> float | None:
        """Return the time of the last change; a copy may have that of the copying."""
        try:
            return os.stat(str(key), follow_symlinks=False).st_mtime
        except OSError:
            return None


def walk(top: Path) -> Found:
    """Find what a folder holds, in all folders below it, but for what systems and tools leave behind."""
    found = Found()
    source = Folder()
    waiting = [(os.fspath(top), "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                inside = list(listing)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            problem = phrase(
                "The folder {file} cannot be opened ({reason}); expected one that the grader may open. Mend its "
                "permissions.",
                file=prefix.rstrip("/") or top.name,
                reason=reason,
            )
            found.entries.append(Entry(prefix.rstrip("/") or "_", source, folder, problem))
            continue
        if prefix and any(entry.name == "pyvenv.cfg" for entry in inside):
            continue  # a virtual environment
        before = len(found.entries) + len(waiting)
        taken: set[str] = set()
        for entry in sorted(inside, key=lambda entry: entry.name):  # so that the same one has the number each time
            if entry.name == ".git":
                found.repositories.add(prefix.rstrip("/"))
            if is_junk(entry.name):
                continue
            path, problem = names.clean(prefix + entry.name)
            if _is_link(entry):
                problem = link(path)
            elif entry.is_dir(follow_symlinks=False):
                name = names.apart(path, taken)
                found.alike += [name] if name != path else []
                waiting.append((entry.path, name + "/"))
                continue
            elif not entry.is_file(follow_symlinks=False):
                problem = not_a_file(path)
            found.entries.append(Entry(path, source, entry.path, problem))
        if prefix and len(found.entries) + len(waiting) == before:
            found.entries.append(Entry(prefix.rstrip("/"), source, folder, hollow=True))
    return found


def file(path: Path) -> Entry:
    """Return the entry of one file that was named itself; a link that the instructor gives is followed."""
    name, problem = names.clean(path.name)
    whole = os.path.realpath(path)
    if not os.path.isfile(whole):
        problem = not_a_file(name)
    return Entry(name, Folder(), whole, problem)


def link(name: str) -> str:
    """Return the sentence for a link."""
    return phrase(
        "{file} is a link to another place; expected the file itself. Hand in a copy of it.", file=names.visible(name)
    )


def not_a_file(name: str) -> str:
    """Return the sentence for a pipe, a socket or a device."""
    return phrase(
        "{file} is a pipe or a device, not a file; expected a file of code. Hand in the file itself.",
        file=names.visible(name),
    )


def _is_link(entry: os.DirEntry[str]) -> bool:
    is_junction = getattr(entry, "is_junction", None)  # of Windows, from Python 3.12
    return entry.is_symlink() or bool(is_junction and is_junction())
