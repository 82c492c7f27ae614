"""A whole grading run: what was handed in, what the journal knows of it, the rest graded and stored as it arrives."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

from nncheck.errors import InputError
from nncheck.grades import AssignmentFacts, Grade, Graded, GroundFacts, Status
from nncheck.grading.assignment import Assignment
from nncheck.grading.assignment_file import read
from nncheck.grading.crew import Crew, Task, default_jobs
from nncheck.grading.journal import Again, Entry, Journal, Tally, key_of
from nncheck.grading.late import late_penalty
from nncheck.grading.member import opening_of
from nncheck.grading.progress import Progress, Standing
from nncheck.grading.submissions import Collected, Submission, collect
from nncheck.language import phrase, reason_of
from nncheck.listing import Listing
from nncheck.shown import Shown
from nncheck.summary import AlikeGroup, Summary

#: How often the rest is looked through for files that have changed while they were being graded.
_ROUNDS = 3
#: What a file is called that is all of a submission.
_NAMELESS = "submission"


class Graders(Protocol):
    """Who grades: judging processes here, or a cluster."""

    @property
    def grounds(self) -> list[GroundFacts]:
        """The isolations that were worked under."""
        ...

    def grade(self, work: Iterable[Task]) -> Iterator[tuple[str, Grade]]:
        """Grade submissions, given with their keys; key and grade come as they are ready."""
        ...


@dataclass(frozen=True, kw_only=True)
class GradeRun(Shown):
    """A grading run that has come to its end; a context manager, as it holds the journal open.

    Attributes
    ----------
    told : Assignment
    collected : Collected
        Where the submissions lie, and notes on how they were read.
    known : int
        How many of those that count the journal could answer from the start.
    fresh : int
        How many contents were graded now.
    seconds : float
        For the grading alone.
    interrupted : bool
        Whether Ctrl-C ended it early: the results are those there are.
    """

    journal: Journal
    told: Assignment
    collected: Collected
    known: int
    fresh: int
    seconds: float
    interrupted: bool

    @property
    def assignment(self) -> AssignmentFacts:
        """What reports need to know of the assignment."""
        return self.told.facts()

    @property
    def notes(self) -> tuple[str, ...]:
        """On how the submissions were read."""
        return self.collected.notes

    def __enter__(self) -> GradeRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Graded]:
        """Go through the submissions that count, in order, read one by one; can be done again and again."""
        return self.journal.results(own=self._named)

    def ended(self, status: Status) -> Iterator[Graded]:
        """Go through those that ended in one way."""
        return self.journal.results(status, self._named)

    def _named(self, position: int, grade: Grade) -> Grade:
        """Give the sole file of a submission the name again under which this student handed it in."""
        names = [PurePosixPath(name) for name, _ in self.collected.places[position].files]
        nameless = {_NAMELESS + name.suffix.lower() for name in names}
        files = {part.file for part in grade.parts} - {""}
        return grade.renamed(nameless.pop(), names[0].name) if len(names) == 1 and files <= nameless else grade

    def listings(self, graded: Graded) -> Mapping[str, Listing]:
        """Read once more what one of those that count handed in, to show it; nothing if it has changed since."""
        from nncheck.grading.own_files import listings

        position = self._positions.get((graded.label, graded.student))
        if position is None:
            return {}
        submission = _loaded(self.collected, self.told, position)
        return listings(submission, graded.grade) if submission.content_digest == graded.grade.content else {}

    @cached_property
    def _positions(self) -> dict[tuple[str, str], int]:
        return {(place.label, place.student): at for at, place in enumerate(self.collected.places)}

    def alike(self) -> tuple[AlikeGroup, ...]:
        """Read the code of those that count once more, and point out which are near-identical."""
        from nncheck.grading.likeness import alike

        submissions = self.collected.submissions
        return alike((submissions[position] for position in self.journal.counting()), self.told)

    @property
    def tally(self) -> Tally:
        """How they ended, counted."""
        return self.journal.tally()

    def summary(self) -> Summary:
        """Return what an instructor is told of them all, but for whose code is alike, which `alike` reads it for."""
        from nncheck.grading.summary import Tally as Counts

        return Counts(self.assignment).add_all(self).summary(self.ground)

    @property
    def language(self) -> str:
        """In which a notebook shows it: the assignment's."""
        return self.told.language

    @property
    def ground(self) -> GroundFacts | None:
        """The weakest isolation that one of them ran under; None if none was graded."""
        return self.journal.ground()

    def close(self) -> None:
        """Give the folder free."""
        self.journal.close()


def grade(
    paths: Sequence[str | Path],
    assignment: Assignment | str | Path,
    output: str | Path,
    *,
    layout: str | None = None,
    trust: bool = False,
    jobs: int | None = None,
    cluster: str | None = None,
    regrade: bool = False,
    progress: Progress | None = None,
) -> GradeRun:
    """Grade many submissions; what was graded before, in this folder and of this content, is not graded again.

    Parameters
    ----------
    paths : sequence of path
        Files, folders, archives.
    assignment : Assignment or path
    output : path
        Folder of the journal and of the reports; made if it is not there.
    layout : str, optional
        Whose naming the submissions follow; guessed by default.
    trust : bool
        Grade even where the self-test finds that submissions could read files or reach the network.
    jobs : int, optional
        Judging processes; one more than there are cores by default, at most 8.
    cluster : str, optional
        ``tcp://host:port`` of a dask scheduler, or ``local:N``; see `nncheck.grading.cluster`.
    regrade : bool
        Grade anew what the journal has too.
    progress : callable, optional
        Called with a `Standing` at the start, after each grade and at the end.

    Returns
    -------
    GradeRun
        After Ctrl-C too, with what is done.

    Raises
    ------
    InputError
        If the paths, the assignment, the folder, its journal or the isolation cannot be used.
    ProcessFailure
        If no judging process can be kept alive; what was graded is kept.
    """
    if jobs is not None and jobs < 1:
        raise InputError(phrase("jobs: got {jobs}, expected 1 or more.", jobs=jobs))
    told = assignment if isinstance(assignment, Assignment) else read(assignment)
    folder = _made(Path(output), paths)
    collected = collect([Path(path) for path in paths], told, layout)
    journal = Journal(folder)
    try:
        run = _Run(journal, told, collected, progress)
        again: Again = "all" if regrade else "faults"
        run.enrol()
        if run.begin(again):
            with _graders(told, trust, jobs or default_jobs(), cluster, run.total) as graders:
                run.work(graders)
        return run.end()
    except BaseException:
        journal.close()
        raise


class _Run:
    """The work of one run."""

    def __init__(
        self, journal: Journal, assignment: Assignment, collected: Collected, progress: Progress | None
    ) -> None:
        self._journal = journal
        self._assignment = assignment
        self._digest = assignment.digest
        self._collected = collected
        self._progress = progress
        self._began = time.monotonic()
        self._statuses: Counter[Status] = Counter()
        self._counting = self._known = self._done = self.total = 0
        self._interrupted = False

    def enrol(self) -> None:
        """Write the roster; of submissions that do not count, the files are not read."""
        submissions = self._collected.submissions
        counting = _counting(self._collected, self._assignment)
        self._journal.enrol(self._entry(k, k in counting) for k in range(len(submissions)))

    def begin(self, again: Again) -> int:
        """Look up what the journal knows, and return how many contents are left to grade."""
        self.total = self._journal.collect_pending(again)
        self._known = self._journal.known()
        self._counting = self._journal.tally().counting
        self._began = time.monotonic()
        self._tell()
        return self.total

    def work(self, graders: Graders) -> None:
        """Grade what is left, and store each grade before the next is looked at."""
        stored: set[GroundFacts] = set()
        try:
            for _ in range(_ROUNDS):
                for key, found in graders.grade(self._tasks()):
                    for ground in graders.grounds:
                        if ground not in stored:
                            self._journal.put_ground(ground)
                            stored.add(ground)
                    self._journal.put(replace(found, key=key))
                    self._statuses[found.status] += 1
                    self._done += 1
                    self._tell()
                if not self._journal.collect_pending("nothing"):
                    break
        except KeyboardInterrupt:
            self._interrupted = True

    def end(self) -> GradeRun:
        """Return what came of it."""
        if self._assignment.multiple == "best":
            self._journal.choose_best()
        self._tell()
        return GradeRun(
            journal=self._journal,
            told=self._assignment,
            collected=self._collected,
            known=self._known,
            fresh=self._done,
            seconds=time.monotonic() - self._began,
            interrupted=self._interrupted,
        )

    def _entry(self, position: int, counts: bool) -> Entry:
        place = self._collected.places[position]
        late, penalty = late_penalty(self._assignment, place.submitted, place.late)
        return Entry(
            student=place.student,
            label=place.label,
            counts=counts,
            key=self._key(self._load(position)) if counts else "",
            name=place.name,
            submitted=place.submitted.isoformat() if place.submitted else "",
            late=late,
            late_penalty=penalty,
        )

    def _tasks(self) -> Iterator[Task]:
        for position, key in self._journal.pending():
            submission = self._load(position)
            now = self._key(submission)
            if now != key:  # the file has changed since it was enrolled
                self._journal.rekey(position, now)
            yield now, submission

    def _load(self, position: int) -> Submission:
        return _loaded(self._collected, self._assignment, position)

    def _key(self, submission: Submission) -> str:
        return key_of(submission.content_digest, self._digest)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(
                Standing(
                    done=self._done,
                    total=self.total,
                    submissions=self._counting,
                    known=self._known,
                    seconds=time.monotonic() - self._began,
                    statuses=self._statuses,
                )
            )


def _loaded(collected: Collected, assignment: Assignment, position: int) -> Submission:
    """Read a submission; the name of a sole file says nothing, so that what is handed in twice is graded once."""
    submission = collected.submissions[position]
    if len(submission.files) != 1 or any(part.file for part in assignment.parts):
        return submission
    (file,) = submission.files
    return replace(submission, files=(replace(file, name=_NAMELESS + PurePosixPath(file.name).suffix.lower()),))


def _counting(collected: Collected, assignment: Assignment) -> set[int]:
    """Return the positions of the submissions that count, as far as that can be told before they are graded.

    One that came too late to be accepted gives way to one that did not.
    """
    if assignment.multiple == "best":
        return set(range(len(collected.places)))
    chosen: dict[object, int] = {}
    refused: dict[object, int] = {}
    for position, place in enumerate(collected.places):  # those of one student from the first to the last
        late, _ = late_penalty(assignment, place.submitted, place.late)
        held = refused if late and assignment.late.policy == "refuse" else chosen
        whose: object = place.student or position
        if assignment.multiple == "last" or whose not in held:
            held[whose] = position
    return set({**refused, **chosen}.values())


def _graders(
    assignment: Assignment, trust: bool, jobs: int, cluster: str | None, total: int
) -> AbstractContextManager[Graders]:
    if cluster is not None:
        from nncheck.grading.cluster import Cluster

        return Cluster(cluster, opening_of(assignment, trust))
    return Crew(opening_of(assignment, trust, tested(assignment, trust)), min(jobs, total))


def tested(assignment: Assignment, trust: bool) -> GroundFacts:
    """Choose the isolation of this machine by its self-test, once for all judging processes.

    Raises
    ------
    InputError
        If what holds is too weak to run other people's code without ``trust``.
    """
    from nncheck.sandbox.sandbox import prepare

    with prepare(assignment.limits, trust=trust, imports=assignment.imports) as ground:
        return ground.facts


def _made(folder: Path, paths: Sequence[str | Path]) -> Path:
    for path in map(Path, paths):
        if path.is_dir() and path.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise InputError(
                phrase(
                    "{folder}: lies in {path}, whose files are submissions; name a folder outside of it.",
                    folder=folder,
                    path=path,
                )
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError(phrase("{folder}: is a file; name a folder for the results.", folder=folder)) from None
    except OSError as error:
        raise InputError(
            phrase("{folder}: cannot be made ({reason}).", folder=folder, reason=reason_of(error))
        ) from None
    return folder
