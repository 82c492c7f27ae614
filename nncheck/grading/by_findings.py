"""Marks of scripts, numbers and formulas: what has a finding is wrong, what differs without one follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from nncheck.formula.lines import upstream
from nncheck.grades import CheckVerdict
from nncheck.grading.checks import nearest
from nncheck.grading.weighing import Weighing
from nncheck.language import phrase


class ByFindings(Weighing):
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
