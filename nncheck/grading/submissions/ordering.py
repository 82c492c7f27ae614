"""The order of submissions, and single files of several parts put together to one."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from nncheck.grading.assignment import Part
from nncheck.grading.submissions import names
from nncheck.grading.submissions.record import Place


def joined(places: list[Place], parts: Sequence[Part]) -> list[Place]:
    """Put single files of one student together where each is another part's work.

    If there are several files of one part, the n-th submission has the n-th of them and the last of the other parts.
    """
    if not all(part.file for part in parts):
        return places
    by_student: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        by_student[place.student].append(place)
    result: list[Place] = []
    for those in by_student.values():
        single = len(those) > 1 and all(len(place.files) == 1 for place in those)
        of_part: dict[int, list[Place]] = defaultdict(list)
        rest: list[Place] = []
        for place in ordered(those, False) if single else ():
            part = next((n for n, p in enumerate(parts) if _matches(place.files[0][0], p.file)), None)
            (rest if part is None else of_part[part]).append(place)
        if len(of_part) < 2:
            result += those
            continue
        for turn in range(max(map(len, of_part.values()))):
            chosen = [versions[min(turn, len(versions) - 1)] for versions in of_part.values()] + rest
            newest = max(chosen, key=lambda place: place.number)
            result.append(
                replace(
                    newest,
                    label=" + ".join(sorted(place.label for place in chosen)),
                    problem=next((place.problem for place in chosen if place.problem), ""),
                    late=next((True for place in chosen if place.late), newest.late),
                    number=turn,
                    files=tuple(pair for place in chosen for pair in place.files),
                )
            )
    return result


def ordered(places: Iterable[Place], times: bool) -> list[Place]:
    """Sort by label; those of one student by number, time of handing in, time of the file, label."""
    listed = list(places)
    first: dict[str, tuple[object, ...]] = {}
    keys = [(names.natural(place.label), place.label, names.natural(place.student)) for place in listed]
    count: dict[str, int] = defaultdict(int)
    for place, key in zip(listed, keys):
        count[place.student] += 1
        first[place.student] = min(first.get(place.student, key), key)
    several = {student for student, number in count.items() if number > 1}

    def order(pair: tuple[Place, tuple[object, ...]]) -> tuple[object, ...]:
        place, key = pair
        if place.student not in several:
            return (*key, 0, 0.0, 0.0)
        handed = place.submitted.timestamp() if place.submitted else 0.0
        return (*first[place.student], place.number, handed, _modified(place) or 0.0, *key)

    in_order = [place for place, _ in sorted(zip(listed, keys), key=order)]
    return [_timed(place) for place in in_order] if times else in_order


def _matches(name: str, glob: str) -> bool:
    return fnmatch.fnmatchcase(name.casefold(), glob.casefold())


def _modified(place: Place) -> float | None:
    times = [time for _, entry in place.files if (time := entry.source.modified(entry.key)) is not None]
    return max(times, default=None)


def _timed(place: Place) -> Place:
    modified = None if place.submitted or place.problem else _modified(place)
    if modified is None:
        return place
    try:
        return replace(place, submitted=datetime.fromtimestamp(modified, timezone.utc))
    except (ValueError, OverflowError, OSError):
        return place
