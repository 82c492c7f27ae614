"""The result of grading: frozen records, from one check to a whole batch; their JSON is schema nncheck/grade/1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from nncheck.record import jsonable

SCHEMA = "nncheck/grade/1"

#: Of one check. ``pass`` has all points, ``wrong`` and ``not-reached`` none, ``cannot-tell`` all: it is our limit.
CheckVerdict = Literal["pass", "wrong", "not-reached", "cannot-tell"]

#: Of a submission, the worst first: what stopped it, if anything did. Points that were earned before are kept.
Status = Literal[
    "grader-fault",
    "unreadable",
    "forbidden-import",
    "crashed",
    "timed-out",
    "too-much-memory",
    "too-much-output",
    "graded",
]
STATUSES: tuple[Status, ...] = (
    "grader-fault",
    "unreadable",
    "forbidden-import",
    "crashed",
    "timed-out",
    "too-much-memory",
    "too-much-output",
    "graded",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One check of one case and what it earned.

    Attributes
    ----------
    check : str
        ``forward``, ``loss``, ``dW2``, ``update``, ``trajectory``, or the name of a derivation line: ``dZ2``.
    points, of : float
        Earned, of how many.
    why : str
        A sentence for the student that gives nothing away; empty if the check passed by itself.
    follows : str
        The wrong quantity that it is computed from rightly: passed by follow-through. Empty otherwise.
    """

    check: str
    verdict: CheckVerdict
    points: float
    of: float
    why: str = ""
    follows: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong, for the instructor and for counting; a student sees of it what the hint level allows.

    Attributes
    ----------
    id : str
        Of the named mistake (``act.missing``), of the finding's kind where nothing is named (``value``, ``shape``,
        ``code``, ``state`` ...).
    quantity : str or None
    line, cell : int or None
        In the student's file; of a notebook, in its code cell.
    text : str
        Evidence and explanation.
    equals : str
        The line that was computed instead, where it is known: ``dZ = dH``.
    convention : bool
        A difference to declare rather than a mistake.
    """

    id: str
    quantity: str | None
    line: int | None
    text: str
    equals: str = ""
    cell: int | None = None
    convention: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartGrade:
    """One case of an assignment, for one submission.

    Attributes
    ----------
    case : str
    file : str
        Which of the submitted files was judged; empty if there was none.
    form : str
        ``functions``, ``script``, ``notebook``, ``numbers``, ``formulas``; empty if it was not read.
    status : Status
    reason : str
        Why, where it is not ``graded``: a sentence for the student, with the line.
    marks : tuple of Mark
        One for each check of the assignment, in its order.
    mistakes : tuple of Mistake
        The first wrong quantity of the chain first.
    hints : tuple of str
        What the student is told, as far as the assignment's level goes.
    notes, read_as : tuple of str
        How it was read and what is worth knowing, for both.
    output : str
        What the code printed: head and tail.
    seed : int
        Of the marking probes: with the content it reproduces the result.
    seconds : float
        Wall time.
    """

    case: str
    file: str
    form: str
    status: Status
    reason: str
    marks: tuple[Mark, ...]
    mistakes: tuple[Mistake, ...] = ()
    hints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    read_as: tuple[str, ...] = ()
    output: str = ""
    seed: int = 0
    seconds: float = 0.0

    @property
    def points(self) -> float:
        """Points earned."""
        return round(sum(mark.points for mark in self.marks), 6)

    @property
    def of(self) -> float:
        """Points there are."""
        return round(sum(mark.of for mark in self.marks), 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What the content of a submission earned, whoever handed it in: what the journal keeps.

    Attributes
    ----------
    key : str
        SHA-256 of content, assignment and nncheck's version.
    content : str
        SHA-256 of the submitted files alone.
    ground : str
        Name of the isolation that it ran under.
    convention_cost : float
        Points taken off for declared conventions.
    """

    key: str
    content: str
    ground: str
    parts: tuple[PartGrade, ...]
    convention_cost: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """The worst of the parts'."""
        return min((part.status for part in self.parts), key=STATUSES.index, default="graded")

    @property
    def reason(self) -> str:
        """Why the status is what it is."""
        return next((part.reason for part in self.parts if part.status == self.status), "")

    @property
    def points(self) -> float:
        """Points earned, before anything for being late."""
        return round(max(0.0, sum(part.points for part in self.parts) - self.convention_cost), 6)

    @property
    def of(self) -> float:
        """Points there are."""
        return round(sum(part.of for part in self.parts), 6)

    def renamed(self, old: str, new: str) -> Grade:
        """Return the same grade with another name of a file in everything that is said."""

        def said(text: str) -> str:
            return text.replace(old, new)

        return replace(
            self,
            parts=tuple(
                replace(
                    part,
                    file=said(part.file),
                    reason=said(part.reason),
                    marks=tuple(replace(mark, why=said(mark.why)) for mark in part.marks),
                    mistakes=tuple(replace(mistake, text=said(mistake.text)) for mistake in part.mistakes),
                    hints=tuple(map(said, part.hints)),
                    notes=tuple(map(said, part.notes)),
                    read_as=tuple(map(said, part.read_as)),
                )
                for part in self.parts
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, with the totals."""
        result: dict[str, Any] = jsonable(self)
        for part, own in zip(result["parts"], self.parts):
            part["points"], part["of"] = own.points, own.of
        return {**result, "status": self.status, "reason": self.reason, "points": self.points, "of": self.of}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Grade:
        """Return the grade that `to_dict` wrote."""
        parts = []
        for part in record["parts"]:
            fields = {name: part[name] for name in PartGrade.__slots__ if name in part}
            fields["marks"] = tuple(Mark(**mark) for mark in part["marks"])
            fields["mistakes"] = tuple(Mistake(**mistake) for mistake in part["mistakes"])
            fields.update((name, tuple(part[name])) for name in ("hints", "notes", "read_as"))
            parts.append(PartGrade(**fields))
        return cls(
            key=record["key"],
            content=record["content"],
            ground=record["ground"],
            parts=tuple(parts),
            convention_cost=record["convention_cost"],
            versions=record["versions"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """One submission of one student, with the grade of its content.

    Attributes
    ----------
    student : str
        Id, as the pattern or the layout gives it.
    name : str
        Display name where the layout has one, else empty.
    label : str
        Where it came from: path in the folder or archive that was given.
    submitted : str
        ISO 8601 time where it is known, else empty.
    late_penalty : float
        Points taken off for being late.
    also : tuple of str
        Labels of the student's other submissions, which do not count.
    """

    student: str
    label: str
    grade: Grade
    name: str = ""
    submitted: str = ""
    late: bool = False
    late_penalty: float = 0.0
    also: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """Points that count."""
        return round(max(0.0, self.grade.points - self.late_penalty), 6)

    @property
    def of(self) -> float:
        """Points there are."""
        return self.grade.of

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: one line of results.jsonl."""
        own = {name: jsonable(getattr(self, name)) for name in self.__slots__ if name != "grade"}
        return {"schema": SCHEMA, **own, "score": self.score, "of": self.of, "grade": self.grade.to_dict()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Graded:
        """Return what `to_dict` wrote."""
        own = {name: record[name] for name in cls.__slots__ if name not in ("grade", "also")}
        return cls(**own, also=tuple(record["also"]), grade=Grade.from_dict(record["grade"]))

    def to_line(self) -> str:
        """Return one line of results.jsonl, ASCII only, without its newline."""
        return json.dumps(self.to_dict(), allow_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentFacts:
    """What reports need to know of an assignment; its secret is not among it.

    Attributes
    ----------
    checks : tuple of (case, check, points)
    """

    title: str
    language: str
    hints: int
    digest: str
    checks: tuple[tuple[str, str, float], ...]

    @property
    def of(self) -> float:
        """Points there are."""
        return round(sum(points for _, _, points in self.checks), 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundFacts:
    """The isolation that submissions ran under, as its self-test found it.

    Attributes
    ----------
    name : str
        ``bubblewrap``, ``user``, ``process`` or ``job``.
    held, open : tuple of str
        Attacks of the self-test that were stopped, and those that were not.
    words : str
        A sentence for the reports.
    """

    name: str
    held: tuple[str, ...]
    open: tuple[str, ...]
    words: str
