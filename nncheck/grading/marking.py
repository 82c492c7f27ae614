"""From what was found to marks: what a wrong value costs, and what follows rightly from it keeps its points.

A person who marks by hand takes a mistake off once and goes on with the wrong value. So here: a quantity that differs
keeps its points if it is what the right lines make of the wrong values before it. Those are the student's own, where
they were handed over, and where a mistake was named what its line gives. Every wrong line costs one check: its own, or
where it has none, the first that is computed from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nncheck.grades import Mark
from nncheck.grading.by_findings import ByFindings
from nncheck.grading.by_values import ByValues
from nncheck.grading.checks import payer
from nncheck.grading.work import Work
from nncheck.language import phrase


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
    judging = ByValues(work) if work.points else ByFindings(work)
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
