"""Gradescope's "Download Submissions": a folder for each submission and one YAML file that says whose it is.

``assignment_8046601_export/submission_123456789/file.py`` beside ``submission_metadata.yml``, which has under the name
of each folder ``:submitters:`` (a list of ``:name:``, ``:sid:``, ``:email:``) and ``:created_at:``. Ruby writes it:
keys begin with a colon. The output of autograders stands in it too, so only keys at their own depth are believed.

Sources: public programs that read it, such as one that renames by ``record[':submitters'][0][':sid']``, and the test
data of an importer ("assignment_8046601_export"); gradescope-autograders.readthedocs.io has only the JSON of its
autograders.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from nncheck.grading.submissions import names
from nncheck.grading.submissions.caps import MEGABYTE, Unreadable
from nncheck.grading.submissions.layouts import tops
from nncheck.grading.submissions.layouts.owner import Owner, Root
from nncheck.grading.submissions.record import Entry
from nncheck.language import phrase

METADATA = "submission_metadata.yml"
_FOLDER = re.compile(r"(?:^|(?<=/))submission_(?P<id>\w+)(?:/|$)")
_NUMBERED = re.compile(r"submission_\d+/")
_LINE = re.compile(r"(?P<indent> *)(?P<item>- +)?(?P<key>:?[\w.\-]+|\"[^\"]*\"|'[^']*'):(?: +(?P<value>.*))?$")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\s*(?:(Z|UTC)|([+-])(\d\d):?(\d\d))?", re.IGNORECASE
)
# with the output of every autograder in it; beyond that it is not what it says
_LARGEST = 512 * MEGABYTE


@dataclass
class Meta:
    """What the YAML says of one submission."""

    people: list[dict[str, str]] = field(default_factory=list)
    created: str = ""


def follows(name: str) -> bool:
    """Whether a name at the top is Gradescope's: a folder ``submission_N``, ended by a slash."""
    return _NUMBERED.fullmatch(name) is not None


def reader(root: Root) -> Callable[[str], Owner | None]:
    """Return what tells whose a file is."""
    said: dict[str, Meta] = {}
    lies = tops.within(root, follows)
    own = _own(root)
    for entry in own or _of_all(root):
        folder = entry.path.rpartition("/")[0]
        try:
            text = entry.source.read(entry.key, _LARGEST).decode("utf-8-sig", "replace")
        except Unreadable as problem:
            root.notes.append(str(problem))
            continue
        for name, meta in parse(text.splitlines()).items():
            if own and name not in ("", folder.rpartition("/")[2]):
                continue  # a student's own folder tells of nobody else
            name = "" if own else name
            said["/".join(filter(None, (folder, names.clean(name)[0] if name else "")))] = meta

    def owner(path: str) -> Owner | None:
        match = _FOLDER.search(path) if lies(path) else None
        label = path[: match.end()].rstrip("/") if match else ""
        if match is None and path.rpartition("/")[2] != METADATA:
            # a folder of another name that the YAML knows
            label = next((path[:at] for at in _slashes(path) if path[:at] in said), "")
        if not label:
            return None
        meta = said.get(label, Meta())
        people = tuple(
            (names.visible(sid), names.visible(person.get(":name", "")))
            for person in meta.people
            if (sid := person.get(":sid") or person.get(":email") or person.get(":name", ""))
        )
        number = match["id"] if match else label.rpartition("/")[2]
        student, name = people[0] if people else (number, "")
        inside = path[len(label) :].lstrip("/")
        return Owner(
            label=label,
            student=student,
            name=name,
            inside=inside,
            submitted=_time(meta.created),
            ignored=inside == METADATA,
            people=people,
        )

    return owner


def _of_all(root: Root) -> list[Entry]:
    """Return the files that say whose all submissions are: beside the folders of the submissions, in none of them."""
    level = tops.top(root, follows, deep=True)
    here = any(map(follows, level.names))
    return [
        entry
        for entry in _metadata(root)
        if (entry.path == level.around + METADATA if here else not _FOLDER.search(entry.path.rpartition("/")[0]))
    ]


def _own(root: Root) -> list[Entry]:
    """Return the files in the folders of the submissions, each about its own.

    They are believed only where nothing is said of all and most folders have one: else a student put it there.
    """
    level = tops.top(root, follows, deep=True)
    folders = [level.around + name for name in level.names if follows(name)]
    paths = {folder + METADATA for folder in folders}
    own = [entry for entry in _metadata(root) if entry.path in paths]
    return [] if _of_all(root) or 2 * len(own) <= len(folders) else own


def _metadata(root: Root) -> list[Entry]:
    return [e for e in root.found.entries if e.path.rpartition("/")[2] == METADATA and not e.problem and not e.hollow]


def parse(lines: Iterable[str]) -> dict[str, Meta]:
    """Read as much of the YAML as is needed: under each folder's name its submitters and time.

    Returns
    -------
    dict of str to Meta
        By folder; the key is empty for a file that is about its own folder alone.
    """
    found: dict[str, Meta] = {}
    folder, key, depth = "", "", 0  # of the lines above: the folder, its key that is open, the depth of such keys
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        indent, name, value = len(match["indent"]), match["key"], _scalar(match["value"] or "")
        if indent == 0 and not match["item"]:
            own = name in (":submitters", ":created_at", ":id")
            folder, key, depth = ("" if own else _scalar(name)), "", 0 if own else -1
            found.setdefault(folder, Meta())
            if not own:
                continue
        if depth < 0 and not match["item"]:
            depth = indent
        meta = found.get(folder)
        if meta is None:
            continue
        if indent == depth and not match["item"]:
            key = name
            if key == ":created_at":
                meta.created = value
        elif key == ":submitters" and match["item"] and indent <= depth + 2:
            meta.people.append({name: value})
        elif key == ":submitters" and meta.people and indent <= depth + 4:
            meta.people[-1].setdefault(name, value)
    return found


def _slashes(path: str) -> list[int]:
    return [at for at, sign in enumerate(path) if sign == "/"]


def _scalar(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return "" if text in ("~", "null") else text


def _time(text: str) -> datetime | None:
    match = _TIME.match(text)
    if match is None:
        return None
    day, clock, fraction, _, sign, hours, minutes = match.groups()
    zone = f"{sign}{hours}:{minutes}" if sign else "+00:00"  # Ruby writes UTC without one
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{zone}").astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def unknown(count: int) -> str:
    """Return the note for submissions that the YAML does not name."""
    return phrase(
        "Not every submission is named in submission_metadata.yml: the folders' numbers stand for the students of the "
        "others ({count}).",
        count=count,
    )
