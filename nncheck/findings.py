"""What judges found, as the records of a result and in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncheck.judging import Judge
from nncheck.language import phrase, translate
from nncheck.record import FAULTS, Finding, Local, Quantity


def quantity(judge: Judge) -> Quantity:
    """Return a judge's verdict on its quantity."""
    return Quantity(
        side=judge.side,
        name=judge.name,
        verdict=judge.verdict,
        rule=judge.rule,
        ratio=judge.worst.ratio if judge.worst else 0.0,
        step=judge.worst.step if judge.worst else 0,
        steps=judge.steps,
        differing=judge.differing,
        resolved=judge.resolved,
        elements=judge.elements,
    )


def largest(judges: Sequence[Judge]) -> Local:
    """Return the largest error / bound that any of the judges met."""
    worst = [(judge.worst, judge.name) for judge in judges if judge.worst is not None]
    if not worst:
        return Local(ratio=None, step=None, name=None)
    top, name = max(worst, key=lambda pair: pair[0].ratio)
    return Local(ratio=top.ratio, step=top.step, name=name)


def finding_of(judge: Judge) -> Finding:
    """Return what a judge found to differ, with its evidence."""
    assert judge.worst is not None
    worst, error = judge.worst, abs(judge.worst.got - judge.worst.expected)
    place = f"{list(worst.index)}" if worst.index else ""
    ratio = (
        phrase("{ratio:.3g} times what rounding explains", ratio=worst.ratio)
        if np.isfinite(worst.ratio)
        else phrase("not finite")
    )
    text = phrase(
        "{claim}, first at step {first}, at {differing:,} of {steps:,} steps. Worst at step {worst}: {element} got "
        "{got:.9g}, expected {expected:.9g}, error {error:.3g}, {ratio}.",
        claim=judge.claim,
        first=judge.first_step,
        differing=judge.differing,
        steps=judge.steps,
        worst=worst.step,
        element=f"{judge.name}{place}",
        got=worst.got,
        expected=worst.expected,
        error=error,
        ratio=ratio,
    )
    return Finding(
        fault=judge.fault,
        quantity=judge.name,
        first_step=judge.first_step,
        step=worst.step,
        steps=judge.differing,
        index=worst.index,
        got=worst.got,
        expected=worst.expected,
        error=error,
        bound=worst.bound,
        text=text,
    )


def slip_finding(step: int, slip: str) -> Finding:
    """Return the finding that the hand-written code broke its contract at a step."""
    return Finding(
        fault="derivation",
        quantity=None,
        first_step=step,
        step=step,
        steps=1,
        index=None,
        got=None,
        expected=None,
        error=None,
        bound=None,
        text=phrase("the hand-written code stops at step {step}: {slip}", step=step, slip=slip),
    )


def notes_of(judges: Sequence[Judge]) -> list[str]:
    """Say where judges had no bound, and what they could not resolve and why."""
    notes = []
    if any(judge.rule == "fixed tolerance" for judge in judges):
        notes.append(
            phrase("fixed tolerance: where no bound holds, 1e-10 of the tensor's largest term, in float64 only")
        )
    for judge in judges:
        if judge.must_resolve and judge.verdict == "cannot-tell" and judge.rule != "not covered":
            side = translate(FAULTS.get(judge.side, judge.side))
            notes.append(
                phrase("cannot tell: {name} ({side}): {why}", name=judge.name, side=side, why=judge.why_not_told)
            )
    return notes


def divergence_of(judges: Sequence[Judge]) -> str | None:
    """Say from which step on both sides have values that are not finite, unless only one side ever had."""
    diverged = [judge.not_finite for judge in judges if judge.not_finite is not None]
    one_sided = any(judge.worst is not None and np.isinf(judge.worst.ratio) for judge in judges)
    if not diverged or one_sided:
        return None
    return phrase(
        "from step {step} on, values are not finite on both sides: the training diverges",
        step=min(diverged),
    )
