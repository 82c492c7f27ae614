"""The results of grading as files: for the instructor, for students, for the systems that courses use.

To add a format: a file here, and a line in one of the three tables. Formats in `_FOLDERS` and `_FILES` get a `Sheet`,
which holds only what its student may see; those in `_INSTRUCTOR` get the whole record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeAlias

from nncheck.errors import InputError
from nncheck.files import write_whole
from nncheck.grades import AssignmentFacts, Graded, GroundFacts
from nncheck.language import phrase, reason_of, use
from nncheck.listing import Listing
from nncheck.report.grades import check50, classroom50, feedback, gradescope, prairielearn
from nncheck.report.grades.github import Github
from nncheck.report.grades.index import Index
from nncheck.report.grades.junit import Junit
from nncheck.report.grades.lines import Lines
from nncheck.report.grades.names import Names
from nncheck.report.grades.nbgrader import Nbgrader
from nncheck.report.grades.sheet import Sheet, sheet
from nncheck.report.grades.sinks import Folder, InstructorSink, Sink
from nncheck.report.grades.table import Table
from nncheck.report.grades.tally import Tally as Tally
from nncheck.report.grades.terminal import terminal as terminal
from nncheck.summary import Summary

#: What is told of a whole batch, once all of its results have been taken.
Overview: TypeAlias = Callable[[], Summary | None]


def _class_page(folder: Path, assignment: AssignmentFacts, overview: Overview) -> InstructorSink:
    from nncheck.report.grades.class_page import ClassPage  # Jinja2 is loaded where a page is wanted

    return ClassPage(folder, assignment, overview)


def _student_page(sheet: Sheet) -> str:
    from nncheck.report.grades import student_page

    return student_page.render(sheet)


_INSTRUCTOR: dict[str, Callable[[Path, AssignmentFacts, Overview], InstructorSink]] = {
    "csv": lambda folder, assignment, _: Table(folder, assignment),
    "jsonl": lambda folder, assignment, _: Lines(folder, assignment),
    "feedback": lambda folder, assignment, _: Index(folder, assignment),  # beside the pages themselves
    "html": _class_page,
}
_FILES: dict[str, Callable[[Path, AssignmentFacts], Sink]] = {"junit": Junit, "nbgrader": Nbgrader, "github": Github}
#: One file for each student: its ending, and the function that makes it.
_FOLDERS: dict[str, tuple[str, Callable[[Sheet, AssignmentFacts], str]]] = {
    "feedback": (".md", lambda sheet, _: feedback.render(sheet)),
    "gradescope": (".json", lambda sheet, _: gradescope.render(sheet)),
    "prairielearn": (".json", lambda sheet, _: prairielearn.render(sheet)),
    "classroom50": (".json", classroom50.render),
    "check50": (".json", lambda sheet, _: check50.render(sheet)),
    "html": (".html", lambda sheet, _: _student_page(sheet)),
}

#: What is always written.
DEFAULT = ("csv", "jsonl", "feedback")
FORMATS = (*DEFAULT, *(name for name in (*_FOLDERS, *_FILES) if name not in DEFAULT))


def write(
    folder: Path,
    rows: Callable[[], Iterable[Graded]],
    assignment: AssignmentFacts,
    ground: GroundFacts,
    formats: Sequence[str] = DEFAULT,
    summary: str = "",
    tally: Tally | None = None,
    overview: Overview = lambda: None,
    listings: Callable[[Graded], Mapping[str, Listing]] | None = None,
) -> tuple[Path, ...]:
    """Write results in the formats that are named, each file or folder whole or not at all.

    Results are taken one by one and never held: memory does not grow with their number, but for a few bytes each to
    keep file names apart.

    Parameters
    ----------
    folder : Path
        Where to; it is made if it is missing.
    rows : callable
        Gives a fresh iterator over the results, one for each student.
    formats : sequence of str
        Of `FORMATS`.
    summary : str
        Markdown for the instructor, written as summary.md; what of the ground is to be said stands in it.
    tally : Tally, optional
        Is filled on the way, for `terminal`.
    overview : callable, optional
        Gives what the page of the class tells besides its students; asked for when all results have been taken.
    listings : callable, optional
        Gives the files of a student by their names, to be shown on the student's own page.

    Returns
    -------
    tuple of Path
        What was written, in the order of the formats.

    Raises
    ------
    InputError
        If a format is unknown or something cannot be written; what stood there before stays.
    """
    wanted = _known(formats)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo, use(assignment.language):
            whole, own = _open(folder, assignment, wanted, overview, undo)
            names = Names()
            for graded in rows():
                files = listings(graded) if listings and "html" in wanted else None
                page, seen = names.take(graded.student), sheet(graded, assignment, files)
                for instructors in whole:
                    instructors.add(graded, seen, page)
                for sink in own:
                    sink.add(seen, page)
                if tally is not None:
                    tally.add(graded)
            written = [*(sink.finish() for sink in whole), *(sink.finish() for sink in own)]
            undo.pop_all()
    except OSError as error:
        place = error.filename or folder
        raise InputError(
            phrase("{place}: cannot be written ({reason}).", place=place, reason=reason_of(error))
        ) from None
    if summary:
        write_whole(folder / "summary.md", summary)
        written.insert(0, folder / "summary.md")
    return tuple(written)


def single(path: Path, graded: Graded, assignment: AssignmentFacts, form: str = "gradescope") -> Path:
    """Write one student's file in one format to just this path, as an autograder needs it: results.json.

    Raises
    ------
    InputError
        If the format is none with a file for each student, or the file cannot be written.
    """
    if form not in _FOLDERS:
        raise InputError(
            phrase(
                "format: got {form!r}, expected one with a file for each student: {formats}.",
                form=form,
                formats=", ".join(_FOLDERS),
            )
        )
    with use(assignment.language):
        write_whole(path, _FOLDERS[form][1](sheet(graded, assignment), assignment))
    return path


def _known(formats: Sequence[str]) -> list[str]:
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise InputError(
            phrase(
                "formats: got {got}, expected some of {formats}.",
                got=", ".join(map(repr, unknown)),
                formats=", ".join(FORMATS),
            )
        )
    return list(dict.fromkeys(formats))


def _open(
    folder: Path, assignment: AssignmentFacts, formats: Sequence[str], overview: Overview, undo: ExitStack
) -> tuple[list[InstructorSink], list[Sink]]:
    """Open a sink for each format; `undo` drops them all if anything goes wrong."""
    whole: list[InstructorSink] = []
    own: list[Sink] = []
    for name in formats:
        if name in _INSTRUCTOR:
            whole.append(_INSTRUCTOR[name](folder, assignment, overview))
            undo.callback(whole[-1].drop)
        if name in _FOLDERS:
            ending, render = _FOLDERS[name]
            own.append(Folder(folder / name, ending, partial(_rendered, render, assignment)))
            undo.callback(own[-1].drop)
        if name in _FILES:
            own.append(_FILES[name](folder, assignment))
            undo.callback(own[-1].drop)
    return whole, own


def _rendered(render: Callable[[Sheet, AssignmentFacts], str], assignment: AssignmentFacts, sheet: Sheet) -> str:
    return render(sheet, assignment)
