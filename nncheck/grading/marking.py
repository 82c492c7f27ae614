"""From what was found to marks: what a wrong value costs, and what follows rightly from it keeps its points.

A person who marks by hand takes a mistake off once and goes on with the wrong value. So here: a quantity that differs
keeps its points if it is what the right lines make of the wrong values before it. Those are the student's own, where
they were handed over, and where a mistake was named what its line gives. Every wrong line costs one check: its own, or
where it has none, the first that is computed from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nncheck.case import Case
from nncheck.diagnosis.points import MATCH, Group, Observation, equal
from nncheck.formula import Derivation, Line
from nncheck.formula.plain import Array
from nncheck.grades import CheckVerdict, Mark
from nncheck.grading.checks import TRAJECTORY, UPDATE, nearest, payer, quantity_of, upstream
from nncheck.language import phrase
from nncheck.verification import Checked
from nncheck.verifier.assess import COARSE, Assessment, slack_of
from nncheck.verifier.functions import Point
from nncheck.verifier.truth import EXACT

#: A value that follows from a wrong one is so much larger than what rounding may do to it.
_TELLING = 1e3


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is known of one submission's work on one case.

    Attributes
    ----------
    case, derivation : Case, Derivation
    assessment : Assessment
    points : sequence of Point
        Where functions were called; empty for other forms.
    groups : callable
        Returns the same points, at which any lines can be evaluated; few submissions need it.
    got : for each point a mapping of line names to arrays
    coarse : frozenset of str
        Quantities that are float32.
    stateful : frozenset of str
        What another call gives otherwise.
    stopped : str
        ``forward``, ``loss`` or ``backward`` if it raised at some sizes; the points are those at which all ran.
    reasons : mapping of str to str
        Why a check was not reached, by its name; under the empty name for all others.
    trajectory : Mark or None
        What training gave, without its points.
    too_coarse : bool
        Whether it is the person's own choice of numbers that cannot tell something from rounding.
    """

    case: Case
    derivation: Derivation
    assessment: Assessment
    points: Sequence[Point] = ()
    groups: Callable[[], Sequence[Group]] = tuple
    got: Sequence[Mapping[str, Array]] = ()
    coarse: frozenset[str] = frozenset()
    stateful: frozenset[str] = frozenset()
    stopped: str = ""
    reasons: Mapping[str, str]
    trajectory: Mark | None = None
    too_coarse: bool = False

    @cached_property
    def checked(self) -> dict[str, Checked]:
        """Every judged quantity by its name."""
        return {checked.name: checked for checked in self.assessment.quantities}

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        """Quantities that differ, in the order of the chain."""
        return tuple(n for n in self.derivation.names if n in self.checked and self.checked[n].verdict == "differ")

    @property
    def is_formulas(self) -> bool:
        """Whether every line was judged by itself, as a step from true values."""
        return not self.points and self.trajectory is None

    @property
    def agreed(self) -> bool:
        """Whether loss and gradients differ by a convention alone."""
        return any(finding.convention and finding.quantity == "E" for finding in self.assessment.findings)


def marks(work: Work, points: Mapping[str, float], follow_through: bool) -> tuple[Mark, ...]:
    """Return a mark for every check.

    Parameters
    ----------
    work : Work
    points : mapping of check to float
        In the order of the chain.
    follow_through : bool
        Whether what is right for a wrong value before it earns its points.
    """
    judging = _ByValues(work) if work.points else _ByFindings(work)
    found = {check: judging.mark(check, of, follow_through) for check, of in points.items()}
    if follow_through:
        for root in judging.roots():
            check = payer(work.derivation, root, points)
            if check and (found[check].follows or (work.is_formulas and found[check].verdict == "pass")):
                why = phrase("right for what comes before it, but the mistake in {line} is counted here", line=root)
                found[check] = replace(found[check], verdict="wrong", points=0.0, follows="", why=why)
    check = _stopping(work, points, found)
    if check:
        found[check] = replace(found[check], verdict="not-reached", points=0.0, why=work.reasons.get("", ""))
    return tuple(found.values())


def _stopping(work: Work, points: Mapping[str, float], found: Mapping[str, Mark]) -> str | None:
    """Return the check that pays for a function that raised at some sizes; None if another has paid for that."""
    if not work.stopped:
        return None
    gradients = [f"d{name}" for name in work.case.params]
    own = {"forward": ["Y"], "loss": ["E"], "backward": [n for n in work.derivation.names if n in gradients]}
    paying = list(dict.fromkeys(payer(work.derivation, name, points) for name in own[work.stopped]))
    return next(iter(paying)) if all(check and found[check].verdict == "pass" for check in paying) else None


class _Judging:
    """What all forms have in common."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def mark(self, check: str, of: float, follow_through: bool) -> Mark:
        """Return the mark of one check."""
        if check == TRAJECTORY:
            return self._trajectory(of, follow_through)
        verdict, why, follows = self._update() if check == UPDATE else self._verdict(check, follow_through)
        earned = of if verdict in ("pass", "cannot-tell") else 0.0
        return Mark(check=check, verdict=verdict, points=earned, of=of, why=why, follows=follows)

    def roots(self) -> Iterator[str]:
        """Yield every line that is wrong by itself."""
        raise NotImplementedError

    def follows(self, quantity: str) -> str:
        """Return the wrong line from which a wrong quantity follows rightly; empty if it does not."""
        raise NotImplementedError

    def by_convention(self, quantity: str) -> bool:
        """Whether a quantity differs by a declared convention only."""
        return self.work.agreed

    def _verdict(self, check: str, follow_through: bool) -> tuple[CheckVerdict, str, str]:
        work, quantity = self.work, quantity_of(check)
        checked = work.checked.get(quantity)
        if checked is None:
            return self._unseen(check, quantity)
        if quantity in work.stateful:
            return "wrong", phrase("a second call with the same numbers gives something else"), ""
        if any(quantity not in got for got in work.got):
            return "not-reached", self._reason(check), ""
        if checked.verdict != "differ":
            if checked.verdict == "cannot-tell":
                if work.too_coarse:
                    return "not-reached", phrase("cannot be told from the numbers of this run"), ""
                return "cannot-tell", phrase("could not be told from rounding, and counts as right"), ""
            return "pass", "", ""
        if self.by_convention(quantity):
            return "pass", phrase("by another convention, consistently"), ""
        before = self.follows(quantity) if follow_through else ""
        if before:
            return "pass", phrase("right for the wrong {line} before it", line=before), before
        return "wrong", _differing(checked), ""

    def _unseen(self, check: str, quantity: str) -> tuple[CheckVerdict, str, str]:
        return "not-reached", self._reason(check), ""

    def _update(self) -> tuple[CheckVerdict, str, str]:
        work = self.work
        if work.assessment.taken_back:
            return "pass", phrase("takes back the factor of the gradients"), ""
        found = [checked for name, checked in work.checked.items() if name.endswith("'")]
        wrong = next((checked for checked in found if checked.verdict == "differ"), None)
        if wrong is not None:
            return "wrong", _differing(wrong), ""
        if any(finding.kind == "shape" and str(finding.quantity).endswith("'") for finding in work.assessment.findings):
            return "wrong", phrase("it changes the shape of a parameter"), ""
        if len(found) < len(work.case.params):
            return "not-reached", self._reason(UPDATE), ""
        return "pass", "", ""

    def _trajectory(self, of: float, follow_through: bool) -> Mark:
        mark = self.work.trajectory
        if mark is None:
            return Mark(check=TRAJECTORY, verdict="not-reached", points=0.0, of=of, why=self._reason(TRAJECTORY))
        if mark.follows and self.work.agreed:
            mark = replace(mark, follows="", why=phrase("by another convention, consistently"))
        elif mark.follows and not follow_through:
            mark = replace(mark, verdict="wrong", follows="", why=phrase("what it trains with is wrong"))
        return replace(mark, of=of, points=of if mark.verdict in ("pass", "cannot-tell") else 0.0)

    def _reason(self, check: str) -> str:
        return self.work.reasons.get(check) or self.work.reasons.get("", "")


class _ByValues(_Judging):
    """Functions: their values are at hand, so that whatever follows from them can be computed."""

    @cached_property
    def _causes(self) -> tuple[dict[str, Line], frozenset[str], frozenset[str]]:
        """Return the lines as they are written with the mistakes, which of them are wrong, and which a convention."""
        lines: dict[str, Line] = {}
        wrong, conventions = set[str](), set[str]()
        for cause in self.work.assessment.diagnosis.causes:
            if cause.aside or not cause.edits:
                continue
            lines.update((line.name, line) for line in cause.edits[0].lines)
            (conventions if cause.edits[0].is_convention else wrong).update(line.name for line in cause.edits[0].lines)
        return lines, frozenset(wrong), frozenset(conventions - wrong)

    def roots(self) -> Iterator[str]:
        """Yield the lines of the named mistakes, then what is wrong and follows from nothing."""
        yield from sorted(self._causes[1], key=self.work.derivation.names.index)
        yield from (name for name in self.work.wrong if not self.follows(name) and not self.by_convention(name))

    def by_convention(self, quantity: str) -> bool:
        """Whether a convention alone explains a quantity: of the loss and what comes back from it, by one factor."""
        if quantity in self._causes[2] and quantity not in self._causes[1]:
            return True
        return self.work.agreed and quantity in ("E", *self._backward) and self._is_scaled(quantity)

    @cached_property
    def _backward(self) -> frozenset[str]:
        needs = upstream(self.work.derivation)
        return frozenset(name for name in self.work.derivation.names if "Y" in needs[name] and name not in ("Y", "E"))

    def _is_scaled(self, quantity: str) -> bool:
        """Whether a quantity is off by the same factor as the loss, at every point."""
        for point, got in zip(self.work.points, self.work.got):
            own, E = got.get(quantity), got.get("E")
            right = point.truth.value[quantity]
            if own is None or E is None or E.shape != () or own.shape != right.shape:
                return False
            with np.errstate(all="ignore"):
                wanted = E / point.truth.value["E"] * right
                if not (np.abs(own - wanted) <= MATCH * np.abs(wanted).max(initial=0.0)).all():
                    return False
        return True

    def follows(self, quantity: str) -> str:
        """Return the wrong line from which a quantity follows rightly, at every point."""
        if quantity not in self._known:
            self._known[quantity] = self._followed(quantity)
        return self._known[quantity]

    @cached_property
    def _groups(self) -> Sequence[Group]:
        return self.work.groups()

    @cached_property
    def _known(self) -> dict[str, str]:
        return {}

    def _followed(self, quantity: str) -> str:
        work, (lines, changed, conventions) = self.work, self._causes
        needs = upstream(work.derivation)[quantity] - {quantity}
        before = [name for name in work.wrong if name in needs]
        roots = [name for name in work.derivation.names if name in needs and (name in changed or name in conventions)]
        if quantity in changed or quantity in work.stateful or not (before or roots):
            return ""
        if not all(self._tells(name) for name in (quantity, *before)):
            return ""
        precision = COARSE if quantity in work.coarse else EXACT
        for group, point, got in zip(self._groups, work.points, work.got):
            given = {name: got[name] for name in before if name in got}
            if quantity not in got or any(a.shape != point.truth.value[n].shape for n, a in given.items()):
                return ""
            with np.errstate(all="ignore"):
                values = group.values(lines, given)
            slack = slack_of(point.truth, quantity, precision)
            if quantity not in values or not equal(values[quantity], Observation(got[quantity], slack)):
                return ""
        return nearest(work.derivation, quantity, (*before, *roots))

    def _tells(self, name: str) -> bool:
        """Whether a value says something: one that is zero but for rounding, or always the same, does not."""
        precision = COARSE if name in self.work.coarse else EXACT
        found = [(point.truth, got[name]) for point, got in zip(self.work.points, self.work.got) if name in got]
        flat = np.concatenate([np.ravel(array) for _, array in found]) if found else np.zeros(0)
        if not flat.size or not np.isfinite(flat).all() or np.ptp(flat) == 0:
            return False
        largest = [(np.abs(array).max(initial=0.0), slack_of(truth, name, precision)) for truth, array in found]
        return any(size > _TELLING * slack for size, slack in largest)

    def _unseen(self, check: str, quantity: str) -> tuple[CheckVerdict, str, str]:
        """Mark what was not handed over: a line inside is as right as what is computed from it."""
        work = self.work
        if work.assessment.taken_back and quantity[:1] == "d":
            return "pass", phrase("off by a factor that update takes back"), ""
        if self._has_to_be_seen(quantity):
            return super()._unseen(check, quantity)
        after = [n for n in work.checked if n in work.derivation.names and quantity in upstream(work.derivation)[n]]
        if "Y" not in work.checked:  # loss alone was called, at true outputs
            after = [name for name in after if name != "E"]
        if any(work.checked[n].verdict == "agree" and all(n in got for got in work.got) for n in after):
            return "pass", phrase("what is computed from it is right"), ""
        if any(self.by_convention(name) for name in after):
            return "pass", phrase("by another convention, consistently"), ""
        if quantity in self._causes[1]:
            return "wrong", phrase("here is the mistake"), ""
        before = next((line for name in after if (line := self.follows(name))), "")
        if before and before != quantity:
            return (
                "pass",
                phrase("what is computed from it is right for the wrong {line} before it", line=before),
                before,
            )
        return "not-reached", self._reason(check) or phrase("{quantity} was not handed over", quantity=quantity), ""

    def _has_to_be_seen(self, quantity: str) -> bool:
        return quantity in ("Y", "E") or (quantity[:1] == "d" and quantity[1:] in self.work.case.params)


class _ByFindings(_Judging):
    """Scripts, numbers and formulas: what has a finding of its own is wrong, what differs without one follows from it.

    What a run does not show is implied by what is computed from it and right.
    """

    def roots(self) -> Iterator[str]:
        """Yield the lines of the named mistakes, and the quantities with a finding that these do not explain."""
        found = {finding.quantity for finding in self.work.assessment.findings if not finding.convention} & self._own
        yield from (name for name in self.work.derivation.names if name in found | self._named)

    def by_convention(self, quantity: str) -> bool:
        """Whether the finding that explains a quantity is a convention."""
        own = [finding for finding in self.work.assessment.findings if finding.quantity in (quantity, "E")]
        return bool(own) and all(finding.convention for finding in own)

    def follows(self, quantity: str) -> str:
        """Return the wrong line before a quantity that has no finding of its own."""
        if quantity in {finding.quantity for finding in self.work.assessment.findings} & self._own:
            return ""
        return nearest(self.work.derivation, quantity, [*self.roots()])

    @cached_property
    def _own(self) -> set[str]:
        """Quantities with a finding that no named line before them explains."""
        needs = upstream(self.work.derivation)
        found = {str(finding.quantity) for finding in self.work.assessment.findings if finding.quantity}
        return {name for name in found if not (self._named & (needs.get(name, frozenset()) - {name}))}

    @cached_property
    def _named(self) -> frozenset[str]:
        """Lines that the named mistakes change."""
        causes = self.work.assessment.diagnosis.causes
        edits = [edit for cause in causes for edit in cause.edits[:1] if not edit.is_convention]
        return frozenset(line.name for edit in edits for line in edit.lines)

    def _unseen(self, check: str, quantity: str) -> tuple[CheckVerdict, str, str]:
        if quantity in self._implied:
            return "pass", phrase("what is computed from it is right"), ""
        return super()._unseen(check, quantity)

    @cached_property
    def _implied(self) -> frozenset[str]:
        """Lines from which a run computes something right; a right W' says so of dW."""
        needs, right = upstream(self.work.derivation), set[str]()
        if self.work.is_formulas:
            return frozenset()
        for name, checked in self.work.checked.items():
            line = f"d{name[:-1]}" if name.endswith("'") else name
            if checked.verdict == "agree" and line in needs:
                right |= needs[line]
        return frozenset(right)

    def _update(self) -> tuple[CheckVerdict, str, str]:
        gradients = [self.work.checked.get(f"d{name}") for name in self.work.case.params]
        if any(name.endswith("'") for name in self.work.checked) or self.work.is_formulas:
            return super()._update()
        if any(checked is not None and checked.verdict == "agree" for checked in gradients):
            return "pass", "", ""
        if any(checked is not None and checked.verdict == "differ" for checked in gradients):
            return "wrong", phrase("no parameter moves as it should"), ""
        return "not-reached", phrase("cannot be told from the numbers of this run"), ""


def _differing(checked: Checked) -> str:
    if checked.why:
        return checked.why.rstrip(".")
    if checked.worst is not None and not np.isfinite(checked.worst.got):
        return phrase("it holds NaN or infinity")
    if checked.wrong < checked.of:
        return phrase("{wrong} of its {of} elements differ", wrong=checked.wrong, of=checked.of)
    return phrase("it differs")
