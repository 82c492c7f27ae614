"""Doubts about whose submissions are whose, told to the instructor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nncheck.grading.submissions.grouping import few
from nncheck.grading.submissions.layouts import plain
from nncheck.grading.submissions.record import Place
from nncheck.language import phrase


def doubts(places: Sequence[Place]) -> list[str]:
    """Return notes on ids that may be wrong: one id of two names, ids that differ by case, ids with a number behind."""
    called: dict[str, set[str]] = defaultdict(set)
    for place in places:
        called[place.student].add(place.name)
    notes = []
    for student, those in called.items():
        if len(those) > 1:
            notes.append(
                phrase("The id {student} has several names: {names}", student=student, names=few(sorted(those - {""})))
            )
    folded: dict[str, list[str]] = defaultdict(list)
    for student in called:
        folded[student.casefold()].append(student)
    for alike in folded.values():
        if len(alike) > 1:
            notes.append(phrase("These ids differ only in small and capital letters: {ids}", ids=", ".join(alike)))
    again = [s for s in called if plain.again(s) and plain.first_name(s) in called]
    if again:
        notes.append(
            phrase(
                "Some ids look like second files of other ids ({count}): {ids}. A pattern for the student joins them.",
                count=len(again),
                ids=few(again),
            )
        )
    return notes
