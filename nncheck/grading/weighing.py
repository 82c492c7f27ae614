"""The marks of single checks: what values and findings have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nncheck.grades import CheckVerdict, Mark
from nncheck.grading.checks import TRAJECTORY, UPDATE, quantity_of
from nncheck.grading.work import Work
from nncheck.language import phrase
from nncheck.verification import Checked


class Weighing:
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


def _differing(checked: Checked) -> str:
    if checked.why:
        return checked.why.rstrip(".")
    if checked.worst is not None and not np.isfinite(checked.worst.got):
        return phrase("it holds NaN or infinity")
    if checked.wrong < checked.of:
        return phrase("{wrong} of its {of} elements differ", wrong=checked.wrong, of=checked.of)
    return phrase("it differs")
