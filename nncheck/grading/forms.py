"""Judges a part's work form by form: functions at the probes, scripts, numbers and formulas as verify and derive do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from nncheck.errors import InputError
from nncheck.grades import GroundFacts, Mark, Status
from nncheck.grading.assignment import Part
from nncheck.grading.hearing import Heard, Hearing, Visit
from nncheck.grading.standing import Standing
from nncheck.grading.work import Work
from nncheck.language import phrase
from nncheck.manual.client import Guest, Local
from nncheck.manual.notebook import Cells
from nncheck.sandbox.limits import Limits
from nncheck.verification import Finding
from nncheck.verifier.assess import Assessment, assess, coarse_of
from nncheck.verifier.derive import check_formulas
from nncheck.verifier.functions import Point, Seen
from nncheck.verifier.hints import hints_of
from nncheck.verifier.outputs import guarded, probabilities
from nncheck.verifier.result import in_cell
from nncheck.verifier.returned import return_names
from nncheck.verifier.task import Task
from nncheck.verifier.trajectories import Read, read_and_check_numbers, watch_and_check_script
from nncheck.verifier.truth import Autograd

#: The probes of a form that has no marking probes of its own.
_SEED = 0
#: At fewer points where everything runs it is not marked as if it ran.
_FEW = 3


class Walls(Protocol):
    """Where submissions run: `nncheck.sandbox.Sandbox`, or `own_code.OwnCode`."""

    @property
    def facts(self) -> GroundFacts:
        """What they hold."""
        ...

    def guest(self, path: Path, text: str, files: Mapping[str, bytes]) -> Guest | Local:
        """Return a process of the person's code."""
        ...

    def close(self) -> None:
        """End whatever runs."""
        ...


@dataclass
class Found:
    """What judging one part comes to.

    Attributes
    ----------
    work : Work or None
        From which the marks are made; None if nothing could be judged.
    form, file, status, reason, read_as, notes, hints, output
        As in `PartGrade`.
    findings : list of Finding
    cells : Cells or None
        Of a notebook.
    """

    work: Work | None = None
    form: str = ""
    file: str = ""
    status: Status = "graded"
    reason: str = ""
    read_as: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    output: str = ""
    cells: Cells | None = None

    def stop(self, status: Status, reason: str) -> None:
        """Note what stopped it."""
        self.status, self.reason = status, reason

    def tell(self, task: Task, assessment: Assessment) -> None:
        """Keep the findings, and as many hints as the assignment gives."""
        if task.cells is not None:
            assessment.findings[:] = [in_cell(finding, task.cells) for finding in assessment.findings]
        self.findings = list(assessment.findings)
        self.hints = list(hints_of(task.derivation, assessment, task.hints))


def judge_functions(
    part: Part,
    standing: Standing,
    task: Task,
    visit: Visit,
    seed: int,
    limits: Limits,
    found: Found,
) -> None:
    """Judge forward, loss, backward, and as far as there are points for them update and a training.

    Parameters
    ----------
    part : Part
    standing : Standing
        Of its case.
    task : Task
    visit : callable
        Opens a process of the person's code.
    seed : int
        Of the marking probes.
    limits : Limits
    found : Found
        To be filled in.
    """
    with Hearing(part.case, task.derivation, visit, return_names(task.text), limits.seconds) as hearing:
        found.work = _heard(part, standing, task, hearing, seed, limits, found)
    found.status, found.reason, found.output = hearing.heard.status, hearing.heard.reason, hearing.heard.output
    found.tell(task, found.work.assessment)


def _heard(
    part: Part, standing: Standing, task: Task, hearing: Hearing, seed: int, limits: Limits, found: Found
) -> Work:
    """Call the functions and judge what they give."""
    derivation, heard = task.derivation, hearing.heard
    marking, stopped = _called(standing, hearing, seed)
    points, seen = (*standing.points, *marking), heard.seen
    probabilities(derivation, seen)
    guarded(derivation, seen)
    truths = [sight.truth for sight in seen.every]
    at = {id(point.probe): place for place, point in enumerate(standing.points)}
    index = standing.index([at[id(sight.probe)] for sight in seen.sights if id(sight.probe) in at])
    assessment = assess(part.case, derivation, seen, truths, index, task.text)
    if "update" in part.points or (heard.has_update and any(q.verdict == "differ" for q in assessment.quantities)):
        hearing.update(truths, assessment)  # it may take back what the gradients are off by
    training = None
    if "trajectory" in part.points:
        training = hearing.train(part.steps, limits.check, assessment.taken_back)
        if training and training.follows and not heard.has_update:  # the steps were then ours
            training = replace(training, verdict="wrong", follows="", why=phrase("what it trains with is wrong"))
    if seen.missing:
        said = phrase("backward returned no {missing}", missing=", ".join(seen.missing))
        heard.reasons.setdefault("", said)
    by_probe = {id(sight.probe): sight for sight in (seen.sights if stopped else seen.every)}
    rows = [by_probe.get(id(point.probe)) for point in points]
    places = [place for place, row in enumerate(rows) if row or not stopped]
    found.read_as += seen.read_as
    found.notes += [*seen.notes, *assessment.notes]
    return Work(
        case=part.case,
        derivation=derivation,
        assessment=assessment,
        points=[points[place] for place in places],
        groups=lambda: [(*standing.groups, *standing.groups_of(marking))[place] for place in places],
        got=[row.got if (row := rows[place]) else {} for place in places],
        coarse=frozenset(coarse_of(seen, [checked.name for checked in assessment.quantities])),
        stateful=_stateful(seen),
        stopped=stopped,
        reasons=heard.reasons,
        trajectory=training,
    )


def _called(standing: Standing, hearing: Hearing, seed: int) -> tuple[tuple[Point, ...], str]:
    """Call the functions; return the submission's own points, and which function raised at some sizes alone."""
    marking = standing.marking(seed)
    stopped = stopped_in(hearing.call((*standing.points, *marking)), len(standing.points) + len(marking))
    if not stopped:
        return marking, ""
    marking = (*marking, *standing.square(seed))
    heard, own = hearing.call((*standing.points, *marking)), {id(point.probe) for point in marking}
    ran = any(id(sight.probe) in own for sight in heard.seen.sights)
    return marking, stopped if ran else ""  # never where nobody can have prepared for it


def stopped_in(heard: Heard, points: int) -> str:
    """Return which function raised at some sizes of the layers, while all ran at others; empty if that is not so.

    A W that should be transposed raises where the layers are of unequal widths. The sizes at which everything ran are
    marked as if they were all, and the function that raised costs a check.
    """
    seen = heard.seen
    if heard.died or not seen.problem or not _FEW <= seen.complete < points:
        return ""
    if seen.complete + len(seen.partial) < points or any("Y" not in sight.got for sight in seen.partial):
        return "forward"
    return "loss" if all("E" not in sight.got for sight in seen.partial) else "backward"


def judge_formulas(part: Part, task: Task, found: Found) -> None:
    """Judge formulas, each as a step from true values; raises InputError if none can be read."""
    with Autograd(part.case, certified_first=True) as judge:
        read_as, assessment = check_formulas(task.text, Path(task.file), part.case, task.derivation, judge, _SEED)
    _keep(part, task, Read(assessment, read_as), None, found)


def judge_numbers(part: Part, task: Task, content: bytes, folder: Path, found: Found) -> None:
    """Judge the numbers that a training left behind; raises InputError if they cannot be read."""
    path = folder / f"numbers{Path(task.file).suffix.lower()}"
    path.write_bytes(content)
    try:
        with Autograd(part.case, certified_first=True) as judge:
            result = read_and_check_numbers(replace(task, file=str(path)), judge)
    except InputError as error:
        raise InputError(str(error).replace(str(path), task.file)) from None
    finally:
        with suppress(OSError):  # the folder goes in the end; Windows may hold a file for a moment
            path.unlink()
    trained = _run_mark(result.assessment) if result.rows > 1 else None  # one row shows no step
    _keep(part, task, result, trained, found, too_coarse=True)


def judge_script(part: Part, task: Task, visit: Visit, found: Found) -> None:
    """Judge the steps of a training script; raises InputError if its variables cannot be told."""
    with visit(False) as guest, Autograd(part.case, certified_first=True) as judge:
        if not isinstance(guest, Guest):
            raise InputError(phrase("{file}: is a script; a script needs a process of its own.", file=task.file))
        result = watch_and_check_script(task, guest, judge)
        failure, found.output = guest.failure, guest.output
    if failure is not None:
        found.stop(failure.kind, failure.reason)
    _keep(part, task, result, _run_mark(result.assessment), found, too_coarse=True)


def _keep(
    part: Part, task: Task, result: Read, trajectory: Mark | None, found: Found, too_coarse: bool = False
) -> None:
    assessment = result.assessment
    found.read_as += result.read_as
    found.notes += [*result.notes, *assessment.notes]
    crashed = next((finding for finding in assessment.findings if finding.kind == "code"), None)
    if crashed and found.status == "graded" and not assessment.quantities:
        found.stop("crashed", crashed.text)
    found.work = Work(
        case=part.case,
        derivation=task.derivation,
        assessment=assessment,
        reasons={"": found.reason or phrase("it is not shown")},
        trajectory=trajectory,
        too_coarse=too_coarse,
    )
    found.tell(task, assessment)


def _stateful(seen: Seen) -> frozenset[str]:
    """Return what a second call with the same numbers gave otherwise."""
    flags = [flag.split(" ") for sight in seen.every for flag in sight.flags]
    return frozenset(words[1] for words in flags if words[0] == "state" and len(words) > 1)


def _run_mark(assessment: Assessment) -> Mark | None:
    """Return the mark of a run that was watched or read: right if everything that it shows is."""
    if not assessment.quantities:
        return None
    verdicts = {checked.verdict for checked in assessment.quantities}
    if assessment.findings or "differ" in verdicts:
        why = phrase("not every step is right")
        return Mark(check="trajectory", verdict="wrong", points=0.0, of=0.0, why=why)
    told = verdicts == {"agree"}
    why = "" if told else phrase("cannot be told from the numbers of this run")
    return Mark(check="trajectory", verdict="pass" if told else "not-reached", points=0.0, of=0.0, why=why)
