"""GitHub Classroom: a clone of each student's repository, named for the assignment and the account.

``assignment-submissions/assignment-username/...``, as ``gh classroom clone student-repos`` makes them; the Classroom
Assistant has the same names. A user name may hold hyphens, so the assignment is known for certain only from the folder
around them.

Source: github.com/github/gh-classroom, cmd/gh-classroom/clone/student-repos/student-repos.go (slug + "-submissions",
then the repository's name).
"""

from __future__ import annotations

from collections.abc import Callable

from nncheck.grading.submissions.layouts.owner import Owner, Root
from nncheck.language import phrase

_AROUND = "-submissions"


def base(root: Root) -> str:
    """Return the folder around all repositories, ended by a slash, or nothing."""
    tops = {entry.path.partition("/")[0] for entry in root.found.entries}
    only = next(iter(tops)) if len(tops) == 1 else ""
    return only + "/" if only.endswith(_AROUND) else ""


def share(root: Root) -> float:
    """Return how sure it is, 0 to 1: the folders' share that are repositories with a common beginning."""
    folders = _folders(root)
    if not folders:
        return 0.0
    slug = _slug(root)
    if slug and all(name.startswith(slug) for name in folders):
        return 1.0
    around = base(root)
    kept = sum(around + name in root.found.repositories for name in folders)
    return kept / len(folders) if len(folders) > 1 and _prefix(root) else 0.0


def reader(root: Root) -> Callable[[str], Owner | None]:
    """Return what tells whose a file is."""
    around, prefix = base(root), _prefix(root)
    if prefix:
        root.notes.append(
            phrase("GitHub Classroom: the students are the folders' names without {prefix}", prefix=prefix)
        )

    def owner(path: str) -> Owner | None:
        folder, _, inside = path[len(around) :].partition("/")
        if not inside and folder not in _hollow:
            return None
        student = folder[len(prefix) :] if folder.startswith(prefix) else folder
        return Owner(label=around + folder, student=student or folder, inside=inside)

    _hollow = {entry.path[len(around) :] for entry in root.found.entries if entry.hollow or entry.problem}
    return owner


def _folders(root: Root) -> list[str]:
    around = base(root)
    inside = (entry.path[len(around) :] for entry in root.found.entries)
    return sorted({path.partition("/")[0] for path in inside if "/" in path})


def _slug(root: Root) -> str:
    name = base(root).rstrip("/") or root.name
    return name[: -len(_AROUND)] + "-" if name.endswith(_AROUND) else ""


def _prefix(root: Root) -> str:
    folders = _folders(root)
    slug = _slug(root)
    if slug and any(name.startswith(slug) for name in folders):
        return slug
    if len(folders) < 2:
        return ""
    first, last = folders[0], folders[-1]  # sorted: what these two share, all share
    common = next((at for at, pair in enumerate(zip(first, last)) if pair[0] != pair[1]), min(len(first), len(last)))
    return first[: first.rfind("-", 0, common) + 1]
