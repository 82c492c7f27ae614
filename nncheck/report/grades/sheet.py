"""What a student may see of a grade, and nothing else: every format for students is a function of this record alone.

`Mistake` records, seeds, keys, the ground, labels and what other students did have no field here, so that no format can
give them away.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from nncheck.grades import AssignmentFacts, CheckVerdict, Graded, Mark, PartGrade, Status
from nncheck.language import N_, phrase, translate
from nncheck.listing import Listing
from nncheck.report.grades.clean import clean, ends
from nncheck.report.grades.points import millionths

SIGNS: dict[CheckVerdict, str] = {"pass": "✓", "wrong": "✗", "not-reached": "—", "cannot-tell": "?"}
FAULT = N_("The grader failed; your points are not affected; ask your instructor.")

#: So much of what a program printed goes on a page, in characters: its head and its tail.
_OUTPUT = 8000
_SENTENCE = 4000
_HAPPENED: dict[Status, str] = {
    "grader-fault": FAULT,
    "unreadable": N_("Your submission could not be read."),
    "forbidden-import": N_("Your code imports something that is not allowed here."),
    "crashed": N_("Your code ended with an error."),
    "timed-out": N_("Your code was stopped because it took too long."),
    "too-much-memory": N_("Your code was stopped because it needed too much memory."),
    "too-much-output": N_("Your code was stopped because it printed too much."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check: points in millionths, or None where the grader failed."""

    name: str
    verdict: CheckVerdict
    points: int | None
    of: int
    why: str

    @property
    def passed(self) -> bool:
        """Whether it has its points; what cannot be told is the grader's limit and counts."""
        return self.points is not None and self.verdict in ("pass", "cannot-tell")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPart:
    """One case of the assignment.

    Attributes
    ----------
    listing : Listing or None
        The student's own file, where it was read once more to be shown.
    line : int or None
        Which of its lines the hints speak of, as far as they may say so.
    """

    case: str
    file: str
    happened: str
    rows: tuple[Row, ...]
    hints: tuple[str, ...]
    remarks: tuple[str, ...]
    output: str
    listing: Listing | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """Points taken off the sum of the checks, and what for."""

    name: str
    why: str
    points: int
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One student's result.

    Attributes
    ----------
    score : int or None
        Millionths: exactly the rows' points less the deductions. None where the grader failed.
    of : int
        Millionths.
    happened : str
        What stopped the code, in words; empty if nothing did.
    others : int
        How many more submissions the student made, which do not count.
    """

    student: str
    name: str
    title: str
    status: Status
    happened: str
    parts: tuple[SheetPart, ...]
    deductions: tuple[Deduction, ...]
    score: int | None
    of: int
    late: bool
    submitted: str
    others: int
    seconds: float

    @property
    def rows(self) -> tuple[Row, ...]:
        """All checks."""
        return tuple(row for part in self.parts for row in part.rows)

    @property
    def is_fault(self) -> bool:
        """Whether the grader itself failed."""
        return self.score is None


def sheet(graded: Graded, assignment: AssignmentFacts, listings: Mapping[str, Listing] | None = None) -> Sheet:
    """Return what the student may see, in the language that is spoken now.

    Parameters
    ----------
    graded : Graded
    assignment : AssignmentFacts
    listings : mapping of file name to Listing, optional
        The student's own files, to be shown.
    """
    grade = graded.grade
    failed = grade.status == "grader-fault"
    parts = tuple(_parts(graded, assignment, listings or {}))
    earned = sum(row.points or 0 for part in parts for row in part.rows)
    deductions = () if failed else tuple(_deductions(graded, earned))
    return Sheet(
        student=clean(graded.student),
        name=clean(graded.name),
        title=clean(assignment.title),
        status=grade.status,
        happened=_happened(grade.status, "" if failed else grade.reason),
        parts=parts,
        deductions=deductions,
        score=None if failed else earned - sum(one.points for one in deductions),
        of=sum(row.of for part in parts for row in part.rows),
        late=graded.late,
        submitted=clean(graded.submitted),
        others=len(graded.also),
        seconds=sum(part.seconds for part in grade.parts),
    )


def columns(assignment: AssignmentFacts) -> tuple[str, ...]:
    """Return a name for each check, in order: with its case where there are several, numbered where it comes twice."""
    several = len({case for case, _, _ in assignment.checks}) > 1
    used: set[str] = set()
    names = []
    for case, check, _ in assignment.checks:
        plain = f"{case}: {check}" if several else check
        name = next(one for n in count(1) if (one := plain if n == 1 else f"{plain} ({n})") not in used)
        used.add(name)
        names.append(clean(name))
    return tuple(names)


def _parts(graded: Graded, assignment: AssignmentFacts, listings: Mapping[str, Listing]) -> list[SheetPart]:
    """Return every case of the assignment with all its checks, also where the record has fewer."""
    waiting: dict[str, deque[PartGrade]] = defaultdict(deque)
    for part in graded.grade.parts:
        waiting[part.case].append(part)
    failed = graded.grade.status == "grader-fault"
    parts = []
    for case, checks in _cases(assignment):
        found = waiting[case].popleft() if waiting[case] else None
        marks = {mark.check: mark for mark in found.marks} if found else {}
        lost = failed and (found is None or found.status == "grader-fault" or not marks)
        said = found.reason if found else ""
        rows = tuple(
            _row(name, marks.get(check), millionths(of), lost, assignment.hints, said) for name, check, of in checks
        )
        parts.append(_part(case, found, rows, assignment.hints, listings))
    return parts


def _cases(assignment: AssignmentFacts) -> list[tuple[str, list[tuple[str, str, float]]]]:
    """Group the checks by case as they stand; a case that comes twice begins again where a check does."""
    groups: list[tuple[str, list[tuple[str, str, float]]]] = []
    for name, (case, check, of) in zip(columns(assignment), assignment.checks):
        if not groups or groups[-1][0] != case or check in [known for _, known, _ in groups[-1][1]]:
            groups.append((case, []))
        groups[-1][1].append((name, check, of))
    return groups


def _part(
    case: str, found: PartGrade | None, rows: tuple[Row, ...], level: int, listings: Mapping[str, Listing]
) -> SheetPart:
    if found is None:
        return SheetPart(case=clean(case), file="", happened="", rows=rows, hints=(), remarks=(), output="")
    failed = found.status == "grader-fault"  # what went wrong inside the grader is not for students
    shown = ends(clean(found.output), _OUTPUT, phrase("[... the middle is left out ...]"))
    hints = () if failed or level == 0 else tuple(_short(hint) for hint in found.hints)
    listing = listings.get(found.file)
    return SheetPart(
        case=clean(case),
        file=clean(found.file),
        happened=_happened(found.status, "" if failed else found.reason),
        rows=rows,
        hints=hints,
        remarks=() if failed else tuple(_short(remark) for remark in (*found.read_as, *found.notes)),
        output="" if failed else shown.strip("\n"),
        listing=listing,
        line=_line(found, listing) if listing and hints else None,
    )


def _line(found: PartGrade, listing: Listing) -> int | None:
    """Return the line that the hints speak of: that of the first mistake."""
    first = found.mistakes[0] if found.mistakes else None
    return listing.at(first.line, first.cell) if first and first.line is not None else None


def _row(name: str, mark: Mark | None, of: int, lost: bool, level: int, said: str) -> Row:
    if lost:
        return Row(name=name, verdict="cannot-tell", points=None, of=of, why=translate(FAULT))
    if mark is None:
        return Row(name=name, verdict="not-reached", points=0, of=of, why=phrase("was not reached"))
    return Row(
        name=name,
        verdict=mark.verdict,
        points=millionths(mark.points),
        of=millionths(mark.of),
        why=_short(_why(mark, level, said)),
    )


def _why(mark: Mark, level: int, said: str) -> str:
    """Say why a verdict is what it is: in the judge's words, unless they stand above or are more than may be told."""
    told = mark.verdict not in ("pass", "wrong") or level > 0  # level 0 tells which checks passed, and no quantity else
    if mark.why and told and mark.why != said:
        return mark.why
    if mark.verdict == "not-reached":
        return phrase("was not reached")
    if mark.verdict == "cannot-tell":
        return phrase("cannot be told here, so it counts in full")
    if mark.follows and told:
        return phrase("follows rightly from your {quantity}, so it counts", quantity=mark.follows)
    return phrase("follows rightly from the value before it, so it counts") if mark.follows else ""


def _deductions(graded: Graded, earned: int) -> list[Deduction]:
    """Return what was taken off: never more than there was."""
    convention = min(millionths(graded.grade.convention_cost), earned)
    late = min(millionths(graded.late_penalty), earned - convention)
    found = []
    if convention > 0:
        why = phrase("the loss and the gradients agree with each other by another convention than the assignment's")
        found.append(Deduction(name=phrase("another convention"), why=why, points=convention))
    if late > 0:
        found.append(Deduction(name=phrase("handed in late"), why=phrase("after the due time"), points=late, late=True))
    return found


def _happened(status: Status, reason: str) -> str:
    if status == "graded":
        return ""
    return " ".join(part for part in (translate(_HAPPENED[status]), _short(reason)) if part)


def _short(text: str) -> str:
    return ends(clean(text), _SENTENCE, "[...]").strip()
