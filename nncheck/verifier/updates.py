"""Verifies a person's update: a few steps in a row, against the optimizer of the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nncheck.case import Case
from nncheck.diagnosis.steps import explain_update
from nncheck.formula.plain import Array
from nncheck.language import phrase, translate
from nncheck.manual.client import Guest, Local
from nncheck.manual.person import SCALES
from nncheck.updates import Updates
from nncheck.verification import Explanation, Finding
from nncheck.verifier import words
from nncheck.verifier.assess import Assessment, slack_of
from nncheck.verifier.checking import Pair, judge
from nncheck.verifier.functions import LR, Seen
from nncheck.verifier.truth import EXACT, Truth

STEPS = 3


def check_update(case: Case, guest: Guest | Local, seen: Seen, truths: Sequence[Truth], assessment: Assessment) -> None:
    """Call update with right gradients for some steps; a wrong update joins the findings.

    Gradients of the opposite sign that update adds, or a factor that it divides out again, are right together, and then
    no finding at all.
    """
    if not seen.sights or guest.ended:
        return
    sight, truth = seen.sights[0], truths[0]
    params = dict(sight.probe.params)
    right = {name: np.asarray(truth.value[f"d{name}"]) for name in params}
    if assessment.findings and _makes_up_for_it(case, guest, seen, truths):
        seen.read_as.append(
            phrase("backward's gradients are off by a factor that update takes back: read together, they are right")
        )
        assessment.findings[:] = [f for f in assessment.findings if f.kind not in ("value", "convention")]
        assessment.faults.discard("derivation")
        assessment.taken_back = True
        assessment.quantities[:] = [q for q in assessment.quantities if q.name[1:] not in params or q.name == "Y"]
        return
    given = guest.update(params, right, LR, STEPS)
    seen.read_as += given.read_as
    if given.problem:
        kind, text = ("missing" if given.problem["kind"] == "missing" else "code"), given.problem["text"]
        assessment.findings.append(Finding(kind=kind, quantity=None, index=None, line=None, text=text))  # type: ignore[arg-type]
        assessment.faults.add("code")
        return
    _judge(case, params, right, given.arrays, assessment)


def _judge(
    case: Case,
    params: Mapping[str, Array],
    gradients: Mapping[str, Array],
    arrays: Mapping[str, Array],
    assessment: Assessment,
) -> None:
    updates = Updates(case.optimizer, LR, EXACT)
    before: dict[str, list[Array]] = {}
    after: dict[str, list[Array]] = {}
    wrong = False
    for name, start in params.items():
        after[name] = [arrays.get(f"p:{name}:{t}", np.array(np.nan)) for t in range(STEPS)]
        before[name] = [start, *after[name][:-1]]
        if any(array.shape != start.shape for array in after[name]):
            said = words.shape(f"{name}'", after[name][0].shape, start.shape, phrase("after an update"))
            finding = Finding(kind="shape", quantity=f"{name}'", index=None, line=None, text=said)
            assessment.findings.append(finding)
            assessment.faults.add("derivation")
            return
        stacked = _stepwise(gradients[name])
        expected = updates.add(name, np.arange(STEPS), np.stack(before[name]), stacked, np.zeros_like(stacked))
        radius = np.zeros_like(stacked) if expected.radius is None else expected.radius
        bound = EXACT.bound(radius)
        judged = judge(f"{name}'", [Pair(after[name][t], expected.after[t], bound[t], t) for t in range(STEPS)])
        assessment.quantities.append(judged.checked)
        if judged.checked.verdict == "differ" and not wrong:
            wrong = True
            assessment.findings.append(
                Finding(
                    kind="value",
                    quantity=f"{name}'",
                    index=judged.checked.worst.index if judged.checked.worst else None,
                    line=None,
                    text=words.value(judged.checked, 1, 1, phrase("after update {t}", t=judged.place + 1)),
                )
            )
    if wrong:
        assessment.faults.add("derivation")
        _explain(case, before, after, gradients, assessment)


def _stepwise(gradient: Array) -> Array:
    """Return the gradients that update is given at its steps, (STEPS, ...)."""
    return np.stack([scale * gradient for scale in SCALES[:STEPS]])


def _explain(
    case: Case,
    before: Mapping[str, list[Array]],
    after: Mapping[str, list[Array]],
    gradients: Mapping[str, Array],
    assessment: Assessment,
) -> None:
    """Put what explains the first wrong parameter's update into its finding."""
    finding = assessment.findings[-1]
    name = str(finding.quantity)[:-1]
    steps = [np.ravel(array) for array in before[name]], [np.ravel(array) for array in after[name]]
    edits = explain_update(case.optimizer, *steps, [np.ravel(given) for given in _stepwise(gradients[name])], LR)
    explanations = tuple(
        Explanation(
            id=edit.id,
            text=phrase(
                "{quantity} equals, at all {steps} steps, what one gets by {mistake}.",
                quantity=f"{name}'",
                steps=STEPS,
                mistake=translate(edit.text),
            )
            if edit.text
            else phrase("{quantity} equals what writing `{line}` gives.", quantity=f"{name}'", line=edit.equals),
            equals=edit.equals,
        )
        for edit in edits
    )
    from dataclasses import replace

    assessment.findings[-1] = replace(finding, explanations=explanations)


def _makes_up_for_it(case: Case, guest: Guest | Local, seen: Seen, truths: Sequence[Truth]) -> bool:
    """Whether a person's gradients are one factor off at every point, and their update makes the right steps of them.

    The update is called at the first point and at the last, at which nobody can have prepared for it.
    """
    factor = _one_factor(case, seen, truths)
    if factor is None:
        return False
    updates = Updates(case.optimizer, LR, EXACT)
    pairs = list(zip(seen.every, truths))
    for place in sorted({0, len(pairs) - 1}):
        sight, truth = pairs[place]
        params = dict(sight.probe.params)
        given = guest.update(params, {name: sight.got[f"d{name}"] for name in params}, LR, STEPS)
        for name, start in params.items():
            after = [given.arrays.get(f"p:{name}:{t}", np.array(np.nan)) for t in range(STEPS)]
            if any(array.shape != start.shape for array in after):
                return False
            stacked, before = _stepwise(truth.value[f"d{name}"]), np.stack([start, *after[:-1]])
            expected = updates.add(f"{name} {place}", np.arange(STEPS), before, stacked, np.zeros_like(stacked))
            allowed = 1e-11 * np.abs(expected.after) + 1e-13 + LR * max(SCALES) * slack_of(truth, f"d{name}", EXACT)
            if not (np.abs(np.stack(after) - expected.after) <= allowed).all():
                return False
    return True


def _one_factor(case: Case, seen: Seen, truths: Sequence[Truth]) -> float | None:
    """Return the factor that every gradient is off by, at every point; None if there is none but 1."""
    factor: float | None = None
    for sight, truth in zip(seen.every, truths):
        for name in case.params:
            own, right = sight.got.get(f"d{name}"), truth.value[f"d{name}"]
            if own is None or own.shape != right.shape or not np.isfinite(own).all():
                return None
            largest = np.unravel_index(np.argmax(np.abs(right)), right.shape)
            if factor is None and right[largest]:
                factor = float(own[largest] / right[largest])
            wanted = (factor or 0.0) * right
            rounding = abs(factor or 0.0) * slack_of(truth, f"d{name}", EXACT)  # near the optimum all that is left
            if (np.abs(own - wanted) > 1e-9 * np.abs(wanted).max(initial=0.0) + rounding).any():
                return None
    return factor if factor and abs(factor - 1) >= 1e-9 else None
