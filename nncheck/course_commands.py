"""The commands of a course: grade, assess, pack. Grading and reports meet here, for neither knows the other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from nncheck.console import Bar, complain, say
from nncheck.language import N_, phrase, use
from nncheck.usage import Command, language_option

if TYPE_CHECKING:
    from nncheck.grades import Graded
    from nncheck.grading.grade import GradeRun
    from nncheck.grading.progress import Standing
    from nncheck.summary import Summary

FULL, LESS, OWN_FAULT, INTERRUPTED = 0, 1, 3, 130
#: As report.grades and grading.submissions have them, which --help should not have to import.
FORMATS = (
    "csv",
    "jsonl",
    "feedback",
    "gradescope",
    "prairielearn",
    "classroom50",
    "check50",
    "html",
    "junit",
    "nbgrader",
    "github",
)
LAYOUTS = ("auto", "plain", "moodle", "canvas", "gradescope", "classroom")

_EPILOG = N_(
    "Exit codes: 0 every submission has full points, 1 at least one has less, 2 bad use or input, 3 nncheck itself "
    "failed at a submission (it has no score; the same command tries again), 130 interrupted by Ctrl-C (reports of "
    "what is done are written; the same command goes on)."
)
#: Seconds between two lines of progress where there is no terminal.
_EVERY = 60.0


def _options(*options: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[..., Any]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return add


_language = language_option(N_("Language of what is told to you; the feedback has the assignment's."))


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH ...", type=click.Path(path_type=Path))
@_options(
    click.option(
        "--assignment", required=True, type=click.Path(path_type=Path), help=N_("The assignment's TOML file.")
    ),
    click.option(
        "-o",
        "--output",
        required=True,
        metavar="DIR",
        type=click.Path(path_type=Path),
        help=N_("Folder of the results, and of the journal that a later run goes on from."),
    ),
    click.option(
        "--layout",
        type=click.Choice(LAYOUTS),
        default="auto",
        show_default=True,
        help=N_("Whose export it is; told from the names by default."),
    ),
    click.option(
        "--format",
        "formats",
        type=click.Choice(FORMATS),
        multiple=True,
        help=N_("Write this too, beside csv, jsonl and feedback. May be given again."),
    ),
    click.option(
        "--trust", is_flag=True, help=N_("Grade even where submissions could read your files or reach the network.")
    ),
    click.option("--jobs", type=click.IntRange(min=1), help=N_("Judging processes.  [default: cores + 1, at most 8]")),
    click.option(
        "--cluster",
        metavar="ADDRESS",
        help=N_(
            "Grade on a dask cluster: tcp://host:port of its scheduler, or local:N. Workers need the same nncheck."
        ),
    ),
    click.option("--regrade", is_flag=True, help=N_("Grade anew what was graded before, too.")),
    _language,
)
def grade(
    paths: tuple[Path, ...],
    assignment: Path,
    output: Path,
    layout: str,
    formats: tuple[str, ...],
    lang: str,
    **options: Any,
) -> int:
    """Grade many submissions: files, folders, zip or tar archives, as students or a learning platform give them.

    Each runs isolated from yours and from the others. Results are kept as they come: what was graded once is not
    graded again until it, the assignment or nncheck changes, and a run that breaks off goes on where it was.
    """
    from nncheck.grading.grade import grade as grade_all

    if options["cluster"] and options["jobs"]:
        raise click.UsageError(phrase("--jobs is for this machine; with --cluster its workers decide."))
    with (
        use(lang),
        _Shown() as shown,
        grade_all(paths, assignment, output, layout=layout, progress=shown.update, **options) as run,
    ):
        tally = run.tally
        told = _report(run, output, formats) if tally.graded else ""  # written before anything is said
        shown.end()
        for note in run.notes:
            complain(note)
        if told:
            say(told)
        if run.interrupted:
            complain(
                phrase(
                    "Interrupted: {done:,} of {all:,} submissions are graded. The same command goes on from there.",
                    done=tally.graded,
                    all=tally.counting,
                )
            )
            return INTERRUPTED
    if tally.statuses.get("grader-fault"):
        return OWN_FAULT
    return FULL if tally.full == tally.counting else LESS


def _report(run: GradeRun, output: Path, formats: tuple[str, ...]) -> str:
    """Write the reports, and return what is said of them."""
    from nncheck.files import write_whole
    from nncheck.grades import GroundFacts
    from nncheck.grading.summary import Tally as Counts
    from nncheck.report import grades as reports
    from nncheck.report.grades.summary import summary_markdown

    ground = run.ground or GroundFacts(name="none", held=(), open=(), words=phrase("Nothing ran."))
    counts, tally = Counts(run.assignment), reports.Tally()

    def rows() -> Iterator[Graded]:
        for graded in run:
            counts.add(graded)
            yield graded

    wanted = tuple(dict.fromkeys((*reports.DEFAULT, *formats)))
    alike = cache(run.alike)  # for the page of the class and for the summary

    def overview() -> Summary:
        return counts.summary(ground, alike())

    written = reports.write(
        output, rows, run.assignment, ground, wanted, tally=tally, overview=overview, listings=run.listings
    )
    summary = output / "summary.md"
    write_whole(summary, summary_markdown(overview(), run.notes))
    return reports.terminal(tally, run.assignment, ground, (summary, *written))


class _Shown:
    """What is seen of a run while it goes on, on standard error: a bar, or a line now and then."""

    def __init__(self) -> None:
        self._bar = Bar(unit=N_("submissions"))
        self._last: Standing | None = None
        self._told = 0.0

    def __enter__(self) -> _Shown:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__()

    def update(self, standing: Standing) -> None:
        """Show where it stands."""
        first, self._last = self._last is None, standing
        if first:
            self._told = time.monotonic()
            new, total = standing.submissions - standing.known, standing.total
            said = [phrase("Submissions: {count:,}, to grade: {new:,}.", count=standing.submissions, new=new)]
            if total < new:
                said.append(phrase("Different ones among these: {total:,}.", total=total))
            if standing.known:
                said.append(phrase("Known from before: {known:,}.", known=standing.known))
            complain(" ".join(said))
        if self._bar.update is not None:
            if standing.total:
                self._bar.update(phrase("grading"), standing.done, standing.total)
        elif time.monotonic() - self._told >= _EVERY and standing.left is not None:
            self._told = time.monotonic()
            left = _span(standing.left)
            complain(
                phrase(
                    "{done:,} of {all:,} graded, about {left} left.", done=standing.done, all=standing.total, left=left
                )
            )

    def end(self) -> None:
        """Say what was done."""
        self._bar.__exit__()
        from nncheck.report.grades.terminal import status_words

        standing = self._last
        if standing is None or not standing.done:
            return
        complain(
            phrase(
                "Graded {done:,} in {time} ({rate:,.0f} a second): {ended}.",
                done=standing.done,
                time=_span(standing.seconds),
                rate=standing.done / max(standing.seconds, 1e-3),
                ended=", ".join(
                    f"{status_words(status)} {count:,}" for status, count in sorted(standing.statuses.items())
                ),
            )
        )


def _span(seconds: float) -> str:
    if seconds < 60:
        return phrase("{seconds} s", seconds=f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}")
    minutes = round(seconds / 60)
    if minutes < 60:
        return phrase("{minutes} min", minutes=minutes)
    return phrase("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


@click.command(cls=Command)
@click.argument("assignment", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@_language
def assess(assignment: Path, form: str, lang: str) -> int:
    """Say how many of the known mistakes an ASSIGNMENT's probes and points would catch, before it is released.

    Every known mistake is handed in and marked, and the case's own correct files too.

    Exit codes: 0 every correct file has all points, 1 one of them has not.
    """
    from nncheck.grading.assess import assess as try_out
    from nncheck.grading.assignment_file import read
    from nncheck.report.grades.assessed import assessed_text

    with use(lang):
        told = read(assignment)
        with Bar(unit=N_("files")) as bar:
            result = try_out(told, bar.update)
        say(json.dumps(result.to_dict(), indent=1) if form == "json" else assessed_text(result).rstrip("\n"))
    return FULL if result.fair else LESS


@click.command(cls=Command)
@click.argument("assignment", type=click.Path(path_type=Path))
@click.option("--gradescope", is_flag=True, required=True, help=N_("As the autograder archive that Gradescope takes."))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("autograder.zip"),
    show_default=True,
    help=N_("The archive to write."),
)
@_language
def pack(assignment: Path, gradescope: bool, output: Path, lang: str) -> int:
    """Pack an ASSIGNMENT for a platform that grades by itself. What is packed holds the secret of the probes."""
    from nncheck.grading.pack import pack_gradescope

    del gradescope  # the only one there is
    with use(lang):
        path = pack_gradescope(assignment, output)
        say(
            phrase(
                "Written to {path}. It holds the secret of the probes: upload it, and keep it from students.", path=path
            )
        )
    return FULL


def register(group: click.Group) -> None:
    """Add the commands."""
    for command in (grade, assess, pack):
        group.add_command(command)
