"""Marks of functions: their values are at hand, so that whatever follows from them can be computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from nncheck.diagnosis.points import MATCH, Group, Observation, equal
from nncheck.formula import Line
from nncheck.formula.lines import upstream
from nncheck.grades import CheckVerdict
from nncheck.grading.checks import nearest
from nncheck.grading.weighing import Weighing
from nncheck.language import phrase
from nncheck.verifier.assess import COARSE, slack_of
from nncheck.verifier.truth import EXACT

#: A value that follows from a wrong one is so much larger than what rounding may do to it.
_TELLING = 1e3


class ByValues(Weighing):
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
