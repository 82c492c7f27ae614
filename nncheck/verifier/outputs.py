"""Correct code that looks unusual: an output that is the softmax already, labels for targets, a guarded logarithm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from nncheck.case import Case
from nncheck.diagnosis.points import MATCH
from nncheck.formula import Apply, Derivation, Name
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.client import Guest, Local
from nncheck.verifier.functions import Seen, has_labels, soft_probes
from nncheck.verifier.truth import EXACT, by_lines

#: What is added to a probability before its logarithm is taken.
_GUARDS = (
    *(10.0**-k for k in range(5, 17)),
    5e-8,
    1e-300,
    float(np.finfo(np.float64).eps),
    float(np.finfo(np.float32).eps),
)


def probabilities(derivation: Derivation, seen: Seen) -> None:
    """Read an output that equals softmax(Y) at every probe as what it is: forward has done a part of the loss."""
    P = softmax_line(derivation)
    if P is None or not seen.sights:
        return
    if all("Y" in sight.got and _equal(sight.got["Y"], sight.truth.value[P]) for sight in seen.sights):
        seen.read_as.append(phrase("forward returns softmax(Y), where the case has the logits Y: read so"))
        seen.sights = [replace(sight, got={**sight.got, "Y": sight.truth.value["Y"]}) for sight in seen.sights]


def guarded(derivation: Derivation, seen: Seen) -> None:
    """Read a cross-entropy of log(P + eps) as what it is: a safeguard against log(0), no other loss."""
    sights = [sight for sight in seen.sights if "E" in sight.got]
    if not sights or any(sight.got["E"].shape != () for sight in sights):
        return
    losses = np.array([float(sight.got["E"]) for sight in sights])
    bounds = np.array([float(EXACT.bound(sight.truth.radius["E"])) for sight in sights])
    points = [(sight.truth.value, sight.probe.YT) for sight in sights]
    eps = guard_of(derivation, losses, bounds, points)
    if eps:
        seen.read_as.append(guard_words(eps))
        seen.sights = [replace(s, got={**s.got, "E": s.truth.value["E"]}) if "E" in s.got else s for s in seen.sights]


def guard_of(
    derivation: Derivation, losses: Array, bounds: Array, points: Sequence[tuple[Mapping[str, Array], Array]]
) -> float | None:
    """Return the eps with which every loss is -sum(YT log(P + eps)) / N, or log of P clipped to it; None if it is none.

    Parameters
    ----------
    derivation : Derivation
    losses, bounds : (S,)
    points : S pairs
        True values of the lines, and YT.
    """
    P = softmax_line(derivation)
    right = np.array([float(value["E"]) for value, _ in points])
    if P is None or (np.abs(losses - right) <= bounds).all():
        return None
    for eps in _GUARDS:
        with np.errstate(all="ignore"):
            added = [-(YT * np.log(value[P] + eps)).sum() / len(YT) for value, YT in points]
            clipped = [-(YT * np.log(np.clip(value[P], eps, 1 - eps))).sum() / len(YT) for value, YT in points]
        if any((np.abs(losses - expected) <= 2 * bounds).all() for expected in (added, clipped)):
            return eps
    return None


def guard_words(eps: float) -> str:
    """Say that the loss guards its logarithm."""
    return phrase("the loss takes log(P + {eps:g}), a safeguard against log(0): read so", eps=eps)


def labels_alone(case: Case, derivation: Derivation, guest: Guest | Local, seen: Seen, seed: int) -> None:
    """Note functions that are right for labels, as the case's are, and would be wrong for other distributions."""
    if seen.problem or not seen.sights or not has_labels(case, derivation):
        return
    for probe in soft_probes(case, derivation, seed):
        given = guest.step(probe.X, probe.YT, probe.params, seen.layout)
        truth = by_lines(case, derivation, {"X": probe.X, "YT": probe.YT, **probe.params})
        E = given.arrays.get("E", np.array(np.nan))
        right = E.size == 1 and bool((np.abs(E - truth.value["E"]) <= EXACT.bound(truth.radius["E"])).all())
        if given.problem or not right:
            seen.notes.append(phrase("Judged with labels as targets, one 1 in a row, as the case has them."))


def softmax_line(derivation: Derivation) -> str | None:
    """Return the line that is softmax(Y), None if there is none."""
    softmax = Apply("softmax", (Name("Y"),))
    return next((line.name for line in derivation.lines if line.expression == softmax), None)


def _equal(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool((np.abs(a - b) <= 10 * MATCH * np.abs(b).max(initial=0.0)).all())
