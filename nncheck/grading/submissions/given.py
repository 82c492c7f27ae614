"""What was given on the command line: files, folders and archives, as roots whose layout can be told."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from nncheck.errors import InputError
from nncheck.grading.submissions import archives, folders, kinds
from nncheck.grading.submissions.caps import Unreadable
from nncheck.grading.submissions.folders import Found
from nncheck.grading.submissions.layouts import plain
from nncheck.grading.submissions.layouts.owner import Root
from nncheck.grading.submissions.record import Entry

# in a folder with more archives than this they are the students'
_EXPORTS = 8


def roots(
    paths: Sequence[Path], pattern: re.Pattern[str] | None, is_export: Callable[[Root], bool], packed: bool
) -> list[Root]:
    """Find everything that lies in the paths.

    An archive is opened if it is all that was given, or if what it holds is named as a platform's export names it;
    else it is one student's, and is unpacked when that one is read.

    Parameters
    ----------
    paths : sequence of Path
    pattern : compiled regular expression or None
        Finds the student in a name.
    is_export : callable
        Whether a root follows the naming of a platform.
    packed : bool
        Whether archives are exports for certain, because the layout was named.

    Raises
    ------
    InputError
        If a path is not there, or is neither file nor folder.
    """
    given = _unique(paths)
    found: list[Root] = []
    beside: dict[Path, list[Path]] = {}
    for path in given:
        whole = _whole(path)
        if whole.is_file() and kinds.is_archive(path.name):
            root = _export(whole, path, pattern, is_export, packed, alone=len(given) == 1)
            if root is not None:
                found.append(root)
                continue
        beside.setdefault(whole.parent, []).append(path)
    for parent, those in beside.items():
        if len(those) == 1 and those[0].is_dir():
            found += _folder(_whole(those[0]), is_export)
            continue
        inside = Found()
        for path in those:  # files and folders side by side are as good as the folder around them
            if not path.is_dir():
                inside.entries.append(folders.file(path))
                continue
            below = folders.walk(path)
            name = folders.file(path).path
            inside.entries += [
                Entry(f"{name}/{e.path}", e.source, e.key, e.problem, e.hollow) for e in below.entries
            ] or [Entry(name, folders.Folder(), str(path), hollow=True)]
            inside.repositories |= {f"{name}/{inner}".rstrip("/") for inner in below.repositories}
        found.append(Root(name=parent.name, found=inside))
    _name_apart(found)
    return found


def _unique(paths: Sequence[Path]) -> list[Path]:
    seen: dict[str, Path] = {}
    for path in paths:
        path = Path(path)
        try:
            there = path.exists()
        except (OSError, ValueError):  # a name that no file can have
            there = False
        if not there:
            raise InputError(
                f"{str(path)!r}: there is no such file or folder; expected submissions: a folder, files or an archive."
            )
        if len(paths) > 1 and kinds.is_junk(path.name):
            continue  # a shell's * takes everything
        if not path.is_dir() and not path.is_file():
            raise InputError(
                f"{path}: is a pipe or a device; expected a folder of submissions, files or a zip or tar archive."
            )
        seen.setdefault(os.path.normcase(os.path.realpath(path)), path)
    if not seen:
        raise InputError("No submissions were given; expected a folder, files or a zip or tar archive.")
    return list(seen.values())


def _whole(path: Path) -> Path:
    return Path(os.path.abspath(path))


def _export(
    whole: Path,
    path: Path,
    pattern: re.Pattern[str] | None,
    is_export: Callable[[Root], bool],
    packed: bool,
    alone: bool,
) -> Root | None:
    """Return an archive as the root of many submissions, or None if it is one student's."""
    try:
        root = Root(name=kinds.stem(whole.name), found=archives.index(whole), archive=True)
    except Unreadable as problem:
        if alone:
            raise InputError(f"{path}: {problem}") from None
        return None
    if packed or is_export(root):
        return root
    return root if alone and not (pattern and plain.identify(pattern, whole.name)) else None


def _folder(folder: Path, is_export: Callable[[Root], bool]) -> list[Root]:
    """Return a folder as a root, or the exports that it holds packed, as they are downloaded."""
    found = folders.walk(folder)
    entries = found.entries
    if 0 < len(entries) <= _EXPORTS and all(
        "/" not in entry.path and kinds.is_archive(entry.path) and not entry.problem and not entry.hollow
        for entry in entries
    ):
        opened = [_export(Path(str(entry.key)), Path(entry.path), None, is_export, False, False) for entry in entries]
        exports = [root for root in opened if root is not None]
        if exports:
            rest = [entry for entry, root in zip(entries, opened) if root is None]
            return exports + ([Root(name=folder.name, found=Found(rest))] if rest else [])
    return [Root(name=folder.name, found=found)]


def _name_apart(found: list[Root]) -> None:
    """Put a name before the labels of each root where there are several."""
    if len(found) == 1:
        return
    taken: set[str] = set()
    for root in found:
        name, count = root.name, 2
        while name in taken:
            name, count = f"{root.name} ({count})", count + 1
        taken.add(name)
        root.prefix = name + "/"
