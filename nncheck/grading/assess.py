"""Assesses an assignment before it is released: every known mistake is handed in, and marked like a student's file.

The mistakes are our own lines, so that nothing has to be walled off; everything else is the way that marks take.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nncheck.assessed import Assessed, Correct, PartAssessed, Planted
from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.grades import PartGrade
from nncheck.grading import mutants
from nncheck.grading.assignment import Assignment, Part
from nncheck.grading.checks import TRAJECTORY, UPDATE, quantity_of
from nncheck.grading.judge import Judge
from nncheck.grading.mutants import Mutant
from nncheck.grading.own_code import OwnCode
from nncheck.grading.standing import Standing
from nncheck.grading.submissions import Submission, SubmittedFile
from nncheck.language import current, phrase, translate

#: So many slips of each case are tried: enough to tell 80 % from 95 %.
SLIPS = 40

Progress = Callable[[str, int, int], None]


def assess(assignment: Assignment, progress: Progress | None = None, slips: int = SLIPS) -> Assessed:
    """Return how many of the known mistakes an assignment's probes and points would catch.

    Everything is said in the language that is spoken now, for the instructor, and not in that of the assignment.

    Parameters
    ----------
    assignment : Assignment
    progress : callable, optional
        Called with the case, the number of files marked and that of all.
    slips : int
        How many small edits without a name are tried of each case.

    Raises
    ------
    InputError
        If it takes no functions, in which mistakes are written here.
    """
    if "functions" not in assignment.forms:
        raise InputError(
            phrase(
                "{path}: forms: got {forms}; mistakes are handed in as functions, so that only an assignment that "
                "takes functions can be assessed.",
                path=assignment.path,
                forms=", ".join(assignment.forms),
            )
        )
    parts = []
    for part in assignment.parts:
        one = replace(assignment, parts=(replace(part, file=""),), language=current())
        parts.append(_part(one, one.parts[0], progress, slips))
    return Assessed(
        title=assignment.title,
        digest=assignment.digest,
        follow_through=assignment.follow_through,
        parts=tuple(parts),
    )


def _part(assignment: Assignment, part: Part, progress: Progress | None, slips: int) -> PartAssessed:
    checks, seen = tuple(part.points), _Seen(part)
    known = list(mutants.named(part.case, checks))
    some = list(seen.first(mutants.slips(part.case, checks), slips))
    files = list(_correct_files(part))
    total, done = len(known) + len(some) + len(files) + 1, 0

    def told() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(part.case.name, done, total)

    planted: dict[str, list[Planted]] = {"known": [], "some": []}
    correct = []
    with Judge(assignment, OwnCode()) as judge:

        def grade(name: str, content: bytes) -> PartGrade:
            file = SubmittedFile(name=name, content=content)
            with contextlib.redirect_stderr(io.StringIO()):  # what the files print is nobody's concern
                graded = judge.grade(Submission(student="assess", label=name, files=(file,)))
            told()
            return graded.parts[0]

        right = grade(f"{part.case.name}.py", mutants.right(part.case, checks).source.encode())
        correct.append(_marked_right("derivation.txt", right))
        correct += [_marked_right(name, grade(f"{Path(name).stem}.py", content)) for name, content in files]
        for kind, listed in (("known", known), ("some", some)):
            for mutant in listed:
                graded = grade(f"{part.case.name}.py", mutant.source.encode())
                if graded.status == "grader-fault":
                    raise InputError(f"{mutant.edit.equals}: {graded.reason}")
                planted[kind].append(_marked(part, mutant, graded, right, seen.changed(mutant), assignment))
    failed = {check for one in (*planted["known"], *planted["some"]) for check in one.checks}
    return PartAssessed(
        case=part.case.name,
        of=round(sum(part.points.values()), 6),
        mistakes=tuple(planted["known"]),
        slips=tuple(planted["some"]),
        correct=tuple(correct),
        idle=tuple(check for check, of in part.points.items() if of > 0 and check not in failed),
    )


def _marked(
    part: Part, mutant: Mutant, graded: PartGrade, right: PartGrade, changed: Sequence[str], assignment: Assignment
) -> Planted:
    edit = mutant.edit
    lost = right.points - graded.points  # what nobody can earn in this form is no merit of the mistake
    convention = any(said.convention for said in graded.mistakes)
    if convention:
        lost = min(right.points, lost + assignment.convention_cost)
    named = any((said.id == edit.id and edit.text) or said.equals == edit.equals for said in graded.mistakes)
    pairs = zip(graded.marks, right.marks)
    return Planted(
        id=edit.id,
        text=translate(edit.text),
        equals=edit.equals,
        lost=round(lost, 6),
        checks=tuple(mark.check for mark, own in pairs if mark.points < own.points),
        said=tuple(dict.fromkeys(said.id for said in graded.mistakes)),
        named=named,
        status=graded.status,
        why="" if lost > 0 else _why(part, graded, changed, convention),
        seen=bool(changed),
    )


def _why(part: Part, graded: PartGrade, changed: Sequence[str], convention: bool) -> str:
    """Say why a mistake loses nothing."""
    if not changed:
        return phrase("it changes nothing at the probes")
    if convention:
        return phrase("a convention, which costs nothing here")
    worth = [check for check, of in part.points.items() if of > 0]
    touched = [check for check in worth if quantity_of(check) in changed or check in changed]
    if not touched:
        return phrase("no points on what it changes: {quantities}", quantities=", ".join(changed))
    followed = [mark.check for mark in graded.marks if mark.follows]
    if followed:
        return phrase("counted as following from what comes before it: {checks}", checks=", ".join(followed))
    return phrase("{checks} should have failed, and did not", checks=", ".join(touched))


def _marked_right(name: str, graded: PartGrade) -> Correct:
    return Correct(
        file=name,
        lost=round(graded.of - graded.points, 6),
        checks=tuple((mark.check, mark.verdict, mark.why) for mark in graded.marks if mark.points < mark.of),
        reason=graded.reason if graded.status != "graded" else "",
    )


def _correct_files(part: Part) -> Iterator[tuple[str, bytes]]:
    """Yield the case's own correct files of functions."""
    folder = part.case.folder
    for path in (folder / "manual.py", *sorted((folder / "correct").glob("*.py"))):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if b"def backward" in content or b"class " in content:  # not a script
            yield path.relative_to(folder).as_posix(), content


class _Seen:
    """Which quantities a mistake changes at the probes that are the same for everybody."""

    def __init__(self, part: Part) -> None:
        self._groups = Standing(part.case).groups
        self._params = [f"d{name}" for name in part.case.params]
        self._update = [check for check in (UPDATE, TRAJECTORY) if check in part.points]

    def changed(self, mutant: Mutant) -> tuple[str, ...]:
        """Return the quantities that differ at any probe, in the order of the chain; what cannot be computed does."""
        if mutant.in_update:
            return tuple(self._update)
        lines = {line.name: line for line in mutant.edit.lines}
        differing: dict[str, None] = {}
        for group in self._groups:
            with np.errstate(all="ignore"):
                values = group.values(lines)
            for name, right in group.truth.items():
                if name not in values or not _same(values[name], right):
                    differing[name] = None
        return tuple(differing)

    def first(self, candidates: Iterator[Mutant], count: int) -> Iterator[Mutant]:
        """Yield the first so many that change the output, the loss or a gradient, and can be computed."""
        for mutant in candidates:
            if count <= 0:
                return
            if self._computable(mutant) and {"Y", "E", *self._params} & set(self.changed(mutant)):
                count -= 1
                yield mutant

    def _computable(self, mutant: Mutant) -> bool:
        lines = {line.name: line for line in mutant.edit.lines}
        values: Mapping[str, Array] = self._groups[0].values(lines)
        return all(name in values for name in self._params)


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=1e-14, equal_nan=True))
