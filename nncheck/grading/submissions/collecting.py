"""Collects submissions: finds what lies in the paths, tells whose it is, and leaves the reading for later.

An index of all files is made first, without opening one; `Collected.submissions` reads each when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from nncheck.errors import InputError
from nncheck.grading.assignment import Assignment
from nncheck.grading.submissions import given, guessing
from nncheck.grading.submissions.doubts import doubts
from nncheck.grading.submissions.grouping import places_of
from nncheck.grading.submissions.loading import expected, load
from nncheck.grading.submissions.ordering import joined, ordered
from nncheck.grading.submissions.record import Collected, Place, Submissions
from nncheck.language import current, phrase, use

LAYOUTS = ("plain", "moodle", "canvas", "gradescope", "classroom")
# how many of a note's examples are named
_SHOWN = 5


def collect(
    paths: Sequence[Path], assignment: Assignment, layout: str | None = None, *, times: bool = False
) -> Collected:
    """Find the submissions in files, folders and archives.

    Parameters
    ----------
    paths : sequence of Path
        The same file given twice is one.
    assignment : Assignment
        Its pattern for the student, its forms, its parts' files and its language, which problems are told in.
    layout : str, optional
        One of `LAYOUTS`; guessed from the names at the top if it is None or ``auto``.
    times : bool
        Whether the time of a file counts as that of handing in, where the layout has none. A copied file's is wrong.

    Returns
    -------
    Collected
        Nobody is left out in silence: what cannot be read or told is a submission with a problem, for the student, or
        a note for the instructor, in the language that is spoken now.

    Raises
    ------
    InputError
        If a path is not there, or there is no submission at all.
    """
    if layout not in (None, "auto", *LAYOUTS):
        raise InputError(
            phrase(
                "--layout {layout}: there is no such layout; expected auto, {layouts}.",
                layout=layout,
                layouts=", ".join(LAYOUTS),
            )
        )
    pattern = _compiled(assignment.student)
    asked = None if layout == "auto" else layout
    spoken = current()
    with use(assignment.language):  # problems are the students' to read
        roots = given.roots(paths, pattern, partial(guessing.guess, pattern=pattern), asked)
        chosen = asked or guessing.of_all(roots, pattern)
        notes: list[str] = []
        if not asked and chosen == "plain":
            with use(spoken):
                notes += guessing.contradictions(roots, pattern)
        places: list[Place] = []
        for root in roots:
            places += places_of(root, chosen, assignment, pattern, notes, spoken)
            notes += root.notes
        if len(assignment.parts) > 1:
            places = joined(places, assignment.parts)
        places = ordered(places, times)
        if not places:
            raise InputError(_none_found(paths, notes, assignment))
    notes[:0] = [] if asked else [phrase("Layout: {layout}, as the names tell.", layout=chosen)]
    notes += doubts(places)
    return Collected(
        submissions=Submissions(places, partial(load, forms=assignment.forms, language=assignment.language)),
        layout=chosen,
        notes=tuple(dict.fromkeys(notes)),
    )


def _compiled(pattern: str) -> re.Pattern[str] | None:
    if not pattern:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(
            phrase(
                "student: {pattern!r} is no regular expression ({error}); mend it in the assignment.",
                pattern=pattern,
                error=error,
            )
        ) from None
    if "student" not in compiled.groupindex:
        raise InputError(
            phrase("student: {pattern!r} has no group (?P<student>...); expected one around the id.", pattern=pattern)
        )
    return compiled


def _none_found(paths: Sequence[Path], notes: Sequence[str], assignment: Assignment) -> str:
    where = ", ".join(str(path) for path in list(paths)[:_SHOWN])
    extra = "".join(f"\n{note}" for note in notes)
    said = phrase(
        "{where}: there is no submission here; expected files ({files}), a folder for each student, or a zip or tar "
        "archive of them.",
        where=where,
        files=expected(assignment.forms),
    )
    return said + extra
