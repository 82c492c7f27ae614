"""A batch told to its instructor: counts that are kept while results stream by, and nothing of the results themselves.

What is kept of each submission is its score, eight bytes; and of every status and mistake a few names.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import TypeAlias

import numpy as np

from nncheck.diagnosis.catalogue import MISTAKES, TOGETHER
from nncheck.diagnosis.steps import named_updates
from nncheck.grades import STATUSES, AssignmentFacts, Graded, GroundFacts, Mistake, Status
from nncheck.hyperparameters import SETTINGS
from nncheck.language import N_, phrase, translate
from nncheck.optimizers import Optimizer
from nncheck.summary import AlikeGroup, CheckCount, MistakeCount, Scores, StatusCount, Summary, Whose

#: So many names are told of what stopped a submission, and of a mistake; so many kinds of mistakes.
NAMES_OF_STOPPED, NAMES_OF_MISTAKE, KINDS = 20, 5, 30
BINS = 10

Key: TypeAlias = tuple[str, str, str]  # case, id, and of what has no name the quantity

#: What is found where no mistake of the catalogue fits, by the kind of the finding.
_KINDS = {
    "value": N_("a wrong value that no known mistake explains"),
    "shape": N_("a wrong shape"),
    "code": N_("the code stops with an error"),
    "missing": N_("something is missing: a function, or a gradient"),
    "state": N_("the second call gives another result than the first"),
    "mutated": N_("what belongs to the caller is changed"),
    "aliasing": N_("two results share their memory"),
    "dtype": N_("decimals are lost: an integer type"),
    "convention": N_("another convention for the loss, gradient and loss alike"),
    "edit": N_("a slip in one line"),
    "relation": N_("a wrong value in a simple relation to the right one"),
}


class _Names:
    """How many, and the names of the first few."""

    __slots__ = ("count", "students")

    def __init__(self) -> None:
        self.students: list[str] = []
        self.count = 0

    def add(self, student: str, most: int) -> None:
        self.count += 1
        if len(self.students) < most:
            self.students.append(student)

    def whose(self) -> Whose:
        return Whose(students=tuple(self.students), more=self.count - len(self.students))


class Tally:
    """Takes results one by one and says what they come to.

    Parameters
    ----------
    facts : AssignmentFacts
    names : int
        How many names are told of each mistake.
    """

    def __init__(self, facts: AssignmentFacts, names: int = NAMES_OF_MISTAKE) -> None:
        self._facts, self._most = facts, names
        self._statuses: dict[Status, _Names] = {}
        self._scores = array("d")
        self._of = facts.of
        self._verdicts: Counter[tuple[str, str, str]] = Counter()
        self._mistakes: dict[Key, _Names] = {}
        self._first: dict[Key, Mistake] = {}
        self._late = self._refused = self._several = 0

    def add(self, graded: Graded) -> None:
        """Count one result."""
        grade = graded.grade
        most = 0 if grade.status == "graded" else NAMES_OF_STOPPED
        self._statuses.setdefault(grade.status, _Names()).add(graded.student, most)
        if grade.status != "grader-fault":
            self._scores.append(graded.score)
        self._late += graded.late
        self._refused += graded.late and graded.score == 0 < grade.points
        self._several += bool(graded.also)
        for part in grade.parts:
            for mark in part.marks:
                self._verdicts[part.case, mark.check, mark.verdict] += 1
                if mark.verdict == "pass" and mark.follows:
                    self._verdicts[part.case, mark.check, "follows"] += 1
            for key, mistake in {_key(part.case, mistake): mistake for mistake in reversed(part.mistakes)}.items():
                self._mistakes.setdefault(key, _Names()).add(graded.student, self._most)
                self._first.setdefault(key, mistake)

    def add_all(self, results: Iterable[Graded]) -> Tally:
        """Count some results, and return this."""
        for graded in results:
            self.add(graded)
        return self

    def summary(self, ground: GroundFacts | None = None, alike: Iterable[AlikeGroup] = ()) -> Summary:
        """Return what there is to tell so far, in the language that is spoken now.

        Parameters
        ----------
        ground : GroundFacts, optional
            What the submissions ran under.
        alike : iterable of AlikeGroup
            `alike.Alike.groups`.
        """
        counted = sorted(self._mistakes.items(), key=lambda item: (-item[1].count, item[0]))
        return Summary(
            title=self._facts.title,
            submissions=sum(names.count for names in self._statuses.values()),
            statuses=tuple(
                StatusCount(status=status, whose=self._statuses[status].whose())
                for status in STATUSES
                if status in self._statuses
            ),
            scores=self._distribution(),
            checks=tuple(self._check(*check) for check in self._facts.checks),
            mistakes=tuple(self._mistake(key, names) for key, names in counted[:KINDS]),
            other_mistakes=max(0, len(counted) - KINDS),
            alike=tuple(alike),
            ground=_ground(ground),
            late=self._late,
            refused=self._refused,
            several=self._several,
        )

    def _distribution(self) -> Scores | None:
        if not self._scores:
            return None
        scores = np.frombuffer(self._scores, dtype=np.float64)
        # the bin is found from rounded tenths: 0.3 of 1 point is the fourth bin's lower end and not below it
        tenths = np.floor(np.round(scores * BINS / (self._of or 1.0), 9)).astype(int)
        first, median, third = (round(float(q), 6) for q in np.percentile(scores, (25, 50, 75)))
        return Scores(
            count=len(scores),
            of=self._of,
            least=float(scores.min()),
            quartiles=(first, median, third),
            most=float(scores.max()),
            mean=round(float(scores.mean()), 6),
            histogram=tuple(map(int, np.bincount(np.clip(tenths, 0, BINS - 1), minlength=BINS))),
        )

    def _check(self, case: str, check: str, of: float) -> CheckCount:
        def count(verdict: str) -> int:
            return self._verdicts[case, check, verdict]

        return CheckCount(
            case=case,
            check=check,
            of=of,
            passed=count("pass"),
            wrong=count("wrong"),
            not_reached=count("not-reached"),
            cannot_tell=count("cannot-tell"),
            follows=count("follows"),
        )

    def _mistake(self, key: Key, names: _Names) -> MistakeCount:
        first = self._first[key]
        return MistakeCount(
            case=key[0], id=key[1], text=text_of_mistake(first), convention=first.convention, whose=names.whose()
        )


def text_of_mistake(mistake: Mistake) -> str:
    """Say what a mistake is, in the words of the catalogue; of one that is not in it what kind of thing is wrong."""
    named = _catalogue().get(mistake.id)
    if named:
        return phrase("by {mistake}", mistake=translate(named))
    kind = _KINDS.get(mistake.id)
    if kind is None:
        return mistake.text
    return (
        phrase("{what} ({name})", what=translate(kind), name=mistake.quantity) if mistake.quantity else translate(kind)
    )


def _key(case: str, mistake: Mistake) -> Key:
    return case, mistake.id, "" if mistake.id in _catalogue() else mistake.quantity or ""


@cache
def _catalogue() -> dict[str, str]:
    texts = {id: text for id, _, text in TOGETHER}
    texts |= {mistake.id: mistake.text for mistake in reversed(MISTAKES)}
    for name in SETTINGS:
        for edit in named_updates(Optimizer(name)):
            texts.setdefault(edit.id, edit.text)
    return texts


def _ground(ground: GroundFacts | None) -> tuple[str, ...]:
    if ground is None:
        return ()
    return (ground.words,)
