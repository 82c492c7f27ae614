"""What was given on the command line: files, folders and archives, as roots whose layout can be told."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from nncheck.errors import InputError
from nncheck.grading.submissions import archives, folders, guessing, kinds, names
from nncheck.grading.submissions.caps import Unreadable
from nncheck.grading.submissions.folders import Found
from nncheck.grading.submissions.layouts import plain
from nncheck.grading.submissions.layouts.owner import Root
from nncheck.grading.submissions.record import Entry
from nncheck.language import phrase

# in a folder with more archives than this they are the students'
_EXPORTS = 8


def roots(
    paths: Sequence[Path], pattern: re.Pattern[str] | None, guess: Callable[[Root], str], asked: str | None
) -> list[Root]:
    """Find everything that lies in the paths.

    An archive is opened if it is all that was given, or if all that was given are archives and what each holds is named
    as a platform's export names it; else it is one student's, and is unpacked when that one is read.

    Parameters
    ----------
    paths : sequence of Path
    pattern : compiled regular expression or None
        Finds the student in a name.
    guess : callable
        Which layout a root has.
    asked : str or None
        The layout that was named; unless it is plain, archives are exports for certain.

    Raises
    ------
    InputError
        If a path is not there, or is neither file nor folder.
    """
    given = _unique(paths)
    found, doubts = _exports(given, pattern, guess, asked)
    opened = {path for path, _ in found}
    beside: dict[Path, list[Path]] = {}
    for path in given:
        if path not in opened:
            beside.setdefault(_whole(path).parent, []).append(path)
    made = [root for _, root in found]
    for parent, those in beside.items():
        if len(those) == 1 and those[0].is_dir():
            made += _folder(_whole(those[0]), guess, asked)
            continue
        inside = Found()
        taken: set[str] = set()
        for path in those:  # files and folders side by side are as good as the folder around them
            if not path.is_dir():
                inside.entries.append(folders.file(path))
                continue
            below = folders.walk(path)
            clean = folders.file(path).path
            name = names.apart(clean, taken)
            inside.alike += [name] if name != clean else []
            inside.entries += [
                Entry(f"{name}/{e.path}", e.source, e.key, e.problem, e.hollow) for e in below.entries
            ] or [Entry(name, folders.Folder(), str(path), hollow=True)]
            inside.repositories |= {f"{name}/{inner}".rstrip("/") for inner in below.repositories}
        made.append(Root(name=parent.name, found=inside))
    _name_apart(made)
    if made:
        made[0].notes += doubts
    return made


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
                phrase(
                    "{path!r}: there is no such file or folder; expected submissions: a folder, files or an archive.",
                    path=str(path),
                )
            )
        if len(paths) > 1 and kinds.is_junk(path.name):
            continue  # a shell's * takes everything
        if not path.is_dir() and not path.is_file():
            raise InputError(
                phrase(
                    "{path}: is a pipe or a device; expected a folder of submissions, files or a zip or tar archive.",
                    path=path,
                )
            )
        seen.setdefault(os.path.normcase(os.path.realpath(path)), path)
    if not seen:
        raise InputError(phrase("No submissions were given; expected a folder, files or a zip or tar archive."))
    return list(seen.values())


def _whole(path: Path) -> Path:
    return Path(os.path.abspath(path))


def _exports(
    given: Sequence[Path], pattern: re.Pattern[str] | None, guess: Callable[[Root], str], asked: str | None
) -> tuple[list[tuple[Path, Root]], list[str]]:
    """Return the archives that are roots of many submissions, and notes on those that only look like it."""
    packed = asked not in (None, "plain")
    found: list[tuple[Path, Root, str]] = []
    for path in given:
        whole = _whole(path)
        if not whole.is_file() or not kinds.is_archive(path.name):
            continue
        try:
            root = Root(name=kinds.stem(whole.name), found=archives.index(whole), archive=True)
        except Unreadable as problem:
            if len(given) == 1:
                raise InputError(f"{path}: {problem}") from None
            continue
        layout = guess(root)
        alone = len(given) == 1 and not (pattern and plain.identify(pattern, whole.name))
        if packed or alone or (layout != "plain" and asked is None):
            found.append((path, root, layout))
    if packed or len(found) == len(given):
        return [(path, root) for path, root, _ in found], []
    # one student's archive may be named as an export inside; those beside it show that it is none
    return [], _doubts((path, layout) for path, _, layout in found) if asked is None else []


def _doubts(looks: Iterable[tuple[Path, str]]) -> list[str]:
    alike: dict[str, list[str]] = {}
    for path, layout in looks:
        alike.setdefault(layout, []).append(names.clean(path.name)[0])
    return [guessing.contradiction(layout, files) for layout, files in alike.items()]


def _folder(folder: Path, guess: Callable[[Root], str], asked: str | None) -> list[Root]:
    """Return a folder as a root, or the exports that it holds packed, as they are downloaded."""
    found = folders.walk(folder)
    root = Root(name=folder.name, found=found)
    if 0 < len(found.entries) <= _EXPORTS and all(
        "/" not in entry.path and kinds.is_archive(entry.path) and not entry.problem and not entry.hollow
        for entry in found.entries
    ):
        opened: list[tuple[Path, Root, str]] = []
        for entry in found.entries:
            try:
                inside = Root(name=kinds.stem(entry.path), found=archives.index(Path(str(entry.key))), archive=True)
            except Unreadable:
                continue
            if (layout := guess(inside)) != "plain" and layout == (asked or layout):
                opened.append((Path(entry.path), inside, layout))
        # in an export of a platform, each archive is one student's
        if len(opened) == len(found.entries) and guess(root) == "plain":
            return [inside for _, inside, _ in opened]
        root.notes += _doubts((path, layout) for path, _, layout in opened) if asked is None else []
    return [root]


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
