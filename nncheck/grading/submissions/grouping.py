"""Puts files together to submissions, as a layout or the pattern for the student tells whose they are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from nncheck.grading.assignment import Assignment
from nncheck.grading.submissions import kinds, names
from nncheck.grading.submissions.layouts import canvas, classroom, gradescope, moodle, plain
from nncheck.grading.submissions.layouts.owner import Owner, Root
from nncheck.grading.submissions.loading import expected
from nncheck.grading.submissions.record import Entry, Place
from nncheck.language import phrase, use

# how many of a note's examples are named
_SHOWN = 5


def places_of(
    root: Root,
    layout: str,
    assignment: Assignment,
    pattern: re.Pattern[str] | None,
    notes: list[str],
    spoken: str,
) -> list[Place]:
    """Put the files of one root together to submissions; the notes are in the language ``spoken``."""
    with use(spoken):  # of the reader only notes are heard
        owner_of = _reader(layout, root, pattern)
    groups: dict[str, list[tuple[Owner, Entry]]] = defaultdict(list)
    strays: list[tuple[Owner, Entry]] = []
    alike: list[str] = []
    passed: list[str] = []
    for entry in root.found.entries:
        owner = owner_of(entry.path)
        if owner is None:
            if entry.hollow or (layout == "gradescope" and entry.path.endswith(gradescope.METADATA)):
                continue
            if not entry.problem and not kinds.is_work(entry.path, assignment.forms):
                passed.append(entry.path)
                continue
            owner = Owner(label=entry.path, student=kinds.stem(entry.path), inside=entry.path.rpartition("/")[2])
            strays.append((owner, entry))
            continue
        if layout == "plain" and not owner.folder and not _counts(entry, assignment, pattern):
            passed.append(entry.path)
            continue
        groups[owner.label].append((owner, entry))
    if layout == "canvas":
        groups = _uploads(groups)
    if layout == "plain":
        groups, alike = _told_apart(groups)
        alike += root.found.alike
    unnamed = [owners[0][0].student for owners in groups.values() if not owners[0][0].people]
    places: list[Place] = []
    unmatched: list[str] = []
    for label, members in groups.items():
        places += _of_group(root.prefix, label, members, layout, assignment, pattern, unmatched)
    for owner, entry in strays:
        problem = entry.problem or phrase(
            "{file} is not named as {layout} names its files; expected one of its export, or --layout plain.",
            file=entry.path,
            layout=layout,
        )
        places.append(Place(student=owner.student, label=root.prefix + entry.path, problem=problem))
    with use(spoken):
        if layout == "gradescope" and unnamed:
            notes.append(gradescope.unknown(len(unnamed)))
        if alike:
            notes.append(
                phrase(
                    "These names look the same as others, so they have a number behind them here (names: {count}): "
                    "{files}",
                    count=len(alike),
                    files=few(root.prefix + name for name in alike),
                )
            )
        notes += _notes([root.prefix + path for path in passed], unmatched)
    return places


def _notes(passed: Sequence[str], unmatched: Sequence[str]) -> Iterator[str]:
    if passed:
        yield phrase(
            "Passed over as nobody's work (files: {count}): {files}",
            count=len(passed),
            files=few(passed),
        )
    if unmatched:
        yield phrase(
            "The pattern for the student finds nothing in these names, so their ids are the layout's (names: {count}): "
            "{files}",
            count=len(unmatched),
            files=few(unmatched),
        )


def few(texts: Iterable[str]) -> str:
    """Return the first of many, for a note."""
    listed = list(texts)
    return ", ".join(listed[:_SHOWN]) + (", ..." if len(listed) > _SHOWN else "")


def _reader(layout: str, root: Root, pattern: re.Pattern[str] | None) -> Callable[[str], Owner | None]:
    if layout == "plain":
        return plain.reader(root, pattern)
    readers: dict[str, Callable[[Root], Callable[[str], Owner | None]]] = {
        "moodle": moodle.reader,
        "canvas": canvas.reader,
        "gradescope": gradescope.reader,
        "classroom": classroom.reader,
    }
    return readers[layout](root)


def _of_group(
    prefix: str,
    label: str,
    members: list[tuple[Owner, Entry]],
    layout: str,
    assignment: Assignment,
    pattern: re.Pattern[str] | None,
    unmatched: list[str],
) -> list[Place]:
    """Return the submission of one label: one for each person of a group."""
    owner = members[0][0]
    files = tuple((one.inside or entry.path.rpartition("/")[2], entry) for one, entry in members if not one.ignored)
    files = tuple((name, entry) for name, entry in files if entry.problem or not entry.hollow)
    problem = next((entry.problem for _, entry in files if entry.problem), "")
    if not files:
        problem = _without_files(label, any(one.ignored for one, _ in members) and layout != "gradescope", assignment)
    elif not problem and layout == "plain" and not owner.folder:
        problem = _no_code(files[0][0], assignment)
    student, name, number = owner.student, owner.name, owner.number
    if pattern is not None:
        found = _found(pattern, label, [entry.path for _, entry in files])
        if found:
            student, name = found[0], found[1] or name
        elif layout == "plain":
            problem = problem or phrase(
                "The name {file} does not follow the pattern {pattern}, so nobody knows whose it is; expected a name "
                "with the student's id. Rename it.",
                file=label.rpartition("/")[2],
                pattern=assignment.student,
            )
        else:
            unmatched.append(prefix + label)
    people = owner.people if len(owner.people) > 1 else ((student, name),)
    return [
        Place(
            student=one or owner.student or label,
            label=prefix + label,
            name=called,
            submitted=owner.submitted,
            late=owner.late,
            problem=problem,
            number=number,
            files=files,
        )
        for one, called in people
    ]


def _counts(entry: Entry, assignment: Assignment, pattern: re.Pattern[str] | None) -> bool:
    """Whether a file that lies by itself is somebody's submission."""
    if entry.problem or kinds.is_work(entry.path, assignment.forms) or kinds.is_document(entry.path):
        return True
    return bool(pattern and plain.identify(pattern, entry.path.rpartition("/")[2]))


def _no_code(name: str, assignment: Assignment) -> str:
    ending = kinds.suffix(name)
    if kinds.is_work(name, assignment.forms) or ending in kinds.WORK:
        return ""
    return phrase(
        "{file} is no file of code; expected {expected}. Hand in the code itself.",
        file=name,
        expected=expected(assignment.forms),
    )


def _without_files(label: str, only_text: bool, assignment: Assignment) -> str:
    if only_text:
        return phrase(
            "Only a text or a link was typed into the page, no file was handed in; expected {expected}. Upload a file.",
            expected=expected(assignment.forms),
        )
    return phrase(
        "The folder {file} holds no file; expected {expected}. Hand in the code itself.",
        file=label.rpartition("/")[2],
        expected=expected(assignment.forms),
    )


def _found(pattern: re.Pattern[str], label: str, paths: Sequence[str]) -> tuple[str, str] | None:
    """Look for the student in the submission's own name, in its whole path, then in its files' names."""
    candidates = [label.rpartition("/")[2], label, *(path.rpartition("/")[2] for path in paths)]
    return next((found for text in candidates if (found := plain.identify(pattern, text))), None)


def _told_apart(
    groups: dict[str, list[tuple[Owner, Entry]]],
) -> tuple[dict[str, list[tuple[Owner, Entry]]], list[str]]:
    """Keep files of one name that lie by themselves apart: each is a submission; return the new names too."""
    taken, alike = set(groups), []
    apart: dict[str, list[tuple[Owner, Entry]]] = {}
    for label, members in groups.items():
        if members[0][0].folder:
            apart[label] = members
            continue
        for at, (owner, entry) in enumerate(members):
            if at == 0:
                apart[label] = [(owner, entry)]
                continue
            name = names.apart(label, taken)
            alike.append(name)
            apart[name] = [(replace(owner, label=name, student=kinds.stem(name)), entry)]
    return apart, alike


def _uploads(groups: dict[str, list[tuple[Owner, Entry]]]) -> dict[str, list[tuple[Owner, Entry]]]:
    """Put the files of one upload together, for Canvas names each alone.

    An export has the last attempt of a student, so files of different names are one submission; of the same name, told
    apart by Canvas's number, they are several.
    """
    by_student: dict[str, list[tuple[Owner, Entry]]] = defaultdict(list)
    for members in groups.values():
        for owner, entry in members:
            folder = entry.path.rpartition("/")[0]
            by_student[f"{folder}\0{owner.student}"].append((owner, entry))
    joined: dict[str, list[tuple[Owner, Entry]]] = {}
    for members in by_student.values():
        insides = [owner.inside.casefold() for owner, _ in members]
        if len(set(insides)) == len(insides):
            label = min(owner.label for owner, _ in members)
            late = any(owner.late for owner, _ in members)
            number = max(owner.number for owner, _ in members)
            joined[label] = [(replace(owner, label=label, late=late, number=number), entry) for owner, entry in members]
        else:
            joined.update({owner.label: [(owner, entry)] for owner, entry in members})
    return joined
