"""No platform's naming: one file for each student, or one folder, the id being its name or what the pattern finds."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable

from nncheck.grading.submissions import kinds
from nncheck.grading.submissions.layouts.owner import Owner, Root

# what browsers and people put behind the name of a second file: (1), -2, _v2
_AGAIN = re.compile(r"(?: ?\((\d{1,3})\)|-(\d{1,2})|[-_ ][vV](\d{1,3}))$")


def reader(root: Root, pattern: re.Pattern[str] | None = None) -> Callable[[str], Owner | None]:
    """Return what tells whose a file is.

    Parameters
    ----------
    root : Root
    pattern : compiled regular expression, optional
        With the group ``student``; tells folders of students from folders of files.
    """
    paths = [entry.path for entry in root.found.entries]
    hollow = {entry.path for entry in root.found.entries if entry.hollow}
    base = _base(paths, root, pattern)
    sections = _are_sections([path[len(base) :] for path in paths], pattern)
    apart = _of_many(paths, base, 1 + sections, pattern) if pattern else set()

    def owner(path: str) -> Owner | None:
        parts = path[len(base) :].split("/")
        depth = min(1 + sections, len(parts))
        label = base + "/".join(parts[:depth])
        inside = "/".join(parts[depth:])
        if (inside or path in hollow) and label not in apart:
            # a folder named x.py is a slip of whoever unpacked it
            name = kinds.stem(label) if kinds.suffix(label) in kinds.WORK else label.rpartition("/")[2]
            return Owner(label=label, student=name, inside=inside)
        name = kinds.stem(path)
        return Owner(label=path, student=name, inside=parts[-1], folder=False, number=again(name))

    return owner


def again(name: str) -> int:
    """Return the number of a second file as its name tells it, 0 if it does not."""
    match = _AGAIN.search(name)
    return int(next(filter(None, match.groups()))) if match else 0


def first_name(name: str) -> str:
    """Return a name without what makes it the second file's."""
    return _AGAIN.sub("", name)


def identify(pattern: re.Pattern[str], text: str) -> tuple[str, str] | None:
    """Return id and name that the pattern finds, or None."""
    match = pattern.search(text)
    if match is None:
        return None
    groups = match.groupdict()
    student = (groups.get("student") or "").strip()
    return (student, (groups.get("name") or "").strip()) if student else None


def _base(paths: list[str], root: Root, pattern: re.Pattern[str] | None) -> str:
    """Return the folder that is around everything and is no student's."""
    base = ""
    while True:
        inside = [path[len(base) :] for path in paths]
        tops = {path.partition("/")[0] for path in inside}
        if len(tops) != 1 or not all("/" in path for path in inside):
            return base
        top = tops.pop()
        below = [path[len(top) + 1 :] for path in inside]
        subfolders = {path.partition("/")[0] for path in below if "/" in path}
        files = [path for path in below if "/" not in path]
        matched = {found for path in files if pattern and (found := identify(pattern, path))}
        packed = root.archive and top.casefold() == root.name.casefold()
        around = packed or len(subfolders) > 1 or len(matched) > 1
        if not around or (pattern and identify(pattern, top)):
            return base
        base += top + "/"


def _are_sections(paths: list[str], pattern: re.Pattern[str] | None) -> bool:
    """Whether the first folders are groups of a course, each with folders of students."""
    inside: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        top, _, rest = path.partition("/")
        if "/" not in rest:
            return False
        inside[top].add(rest.partition("/")[0])
    if len(inside) < 2 or (pattern and any(identify(pattern, top) for top in inside)):
        return False
    students = [name for names in inside.values() for name in names]
    return len(set(students)) == len(students) >= 2 * len(inside)


def _of_many(paths: list[str], base: str, depth: int, pattern: re.Pattern[str]) -> set[str]:
    """Return the folders whose files belong to several students, as the pattern finds them in the files' names."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        parts = path[len(base) :].split("/")
        folder = parts[:depth]
        if len(parts) <= depth or identify(pattern, folder[-1]):
            continue
        one = identify(pattern, parts[-1])
        if one:
            found[base + "/".join(folder)].add(one[0])
    return {folder for folder, students in found.items() if len(students) > 1}
