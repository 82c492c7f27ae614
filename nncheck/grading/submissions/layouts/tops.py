"""The names at the top of what was given: they alone tell a layout, for what lies deeper is the students' to name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from nncheck.grading.submissions.layouts import plain
from nncheck.grading.submissions.layouts.owner import Root


@dataclass(frozen=True, kw_only=True)
class Level:
    """One folder's names.

    Attributes
    ----------
    around : str
        Path of the folder, ended by a slash, or nothing.
    names : tuple of str
        Each once, however many files it has; a folder's ends in a slash.
    """

    around: str
    names: tuple[str, ...]


def top(
    root: Root, follows: Callable[[str], bool], pattern: re.Pattern[str] | None = None, deep: bool = False
) -> Level:
    """Return the names of a root, or of the one folder around all the rest.

    Parameters
    ----------
    root : Root
    follows : callable
        Whether a name is the layout's; a folder with such a name is around nothing.
    pattern : compiled regular expression, optional
        A folder in whose name it finds a student is the student's.
    deep : bool
        Whether any number of folders may be around: the layout is known, only its place is not.
    """
    around = ""
    left = 1 + root.archive  # packing a folder puts its name before the export's own
    paths = [(entry.path, entry.hollow) for entry in root.found.entries]
    while True:
        # Windows and zips have entries for folders as well, so a name may come both ways
        folders = {path.partition("/")[0] for path, hollow in paths if hollow or "/" in path}
        files = {path for path, hollow in paths if not hollow and "/" not in path} - folders
        level = Level(around=around, names=tuple(sorted([name + "/" for name in folders] + list(files))))
        if files or len(folders) != 1 or not any("/" in path for path, _ in paths) or not (deep or left):
            return level
        only = level.names[0]
        if follows(only) or (pattern and plain.identify(pattern, only[:-1])):
            return level
        around, left = around + only, left - 1
        paths = [(path[len(only) :], hollow) for path, hollow in paths if len(path) > len(only)]


def within(root: Root, follows: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return what tells whether a path lies where the layout's names are.

    Where names at the top follow the layout, only those do: the same deeper is somebody's own. Else everything does,
    since whoever named the layout knows of the folders around.
    """
    level = top(root, follows, deep=True)
    named = {name.rstrip("/") for name in level.names if follows(name)}
    if not named:
        return lambda path: True
    around = level.around
    return lambda path: path.startswith(around) and path[len(around) :].partition("/")[0] in named
