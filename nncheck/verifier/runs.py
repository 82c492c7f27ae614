"""Verifies a training script: the gradient behind each of its updates, at the parameters that it started from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nncheck.case import Case
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts.observed import Observed
from nncheck.rounding import Precision
from nncheck.verifier.assess import Assessment
from nncheck.verifier.chains import check_updates
from nncheck.verifier.checking import Judged, Pair, judge
from nncheck.verifier.explaining import Explaining
from nncheck.verifier.history import aliased
from nncheck.verifier.outputs import guard_of, guard_words
from nncheck.verifier.recovered import Gradients, recover
from nncheck.verifier.reruns import are_trusted, first_run, only
from nncheck.verifier.truth import Autograd, Truth, by_lines


def check_run(case: Case, derivation: Derivation, observed: Observed, autograd: Autograd, text: str) -> Assessment:
    """Judge every observed step of a script.

    Parameters
    ----------
    case, derivation : Case, Derivation
    observed : Observed
    autograd : Autograd
        The judge.
    text : str
        The script, to point at its lines.
    """
    with np.errstate(all="ignore"):  # a training may diverge: what is no number any more is judged as that
        return _checked(case, derivation, observed, autograd, text)


def _checked(case: Case, derivation: Derivation, observed: Observed, autograd: Autograd, text: str) -> Assessment:
    result = Assessment(notes=[*observed.notes, *aliased(text, observed)])
    truth = _truth(case, derivation, observed, autograd)
    recovered = recover(case, observed, result)
    if case.optimizer.is_plain and not are_trusted(observed, truth, recovered, _bounds(observed, truth, recovered)):
        alone = first_run(observed)
        dropped = phrase("From other numbers nothing is right, as it stands all is: it is judged only as it stands.")
        return _checked(case, derivation, replace(alone, notes=(*alone.notes, dropped)), autograd, text)
    if not case.optimizer.is_plain:
        check_updates(case, observed, truth, recovered.lr, text, result)
        return result
    finite = _finite(observed, truth)
    if finite.any() and not finite.all():
        # where it has diverged nothing can be told any more; what is wrong before that says why
        early = replace(only(observed, finite), notes=(*observed.notes, _diverged(observed, finite)))
        shown = _checked(case, derivation, early, autograd, text)
        if shown.findings:
            return shown
    observed = _unguarded(derivation, observed, truth, result)
    judged = _judged(derivation, observed, truth, recovered, result)
    wrong = [name for name in derivation.names if name in judged and judged[name].checked.verdict == "differ"]
    if not wrong:
        return result
    result.findings += Explaining(case, derivation, observed, truth, recovered, judged, wrong, text, result).findings()
    return result


def _truth(case: Case, derivation: Derivation, observed: Observed, autograd: Autograd) -> Truth:
    """Return the truth at every observed step, asked of the judge run by run: data change only between runs."""
    parts = []
    for run in np.unique(observed.run):
        at = observed.run == run
        data = {"X": observed.X[at], "YT": observed.YT[at], **{n: a[at] for n, a in observed.before.items()}}
        lines = by_lines(case, derivation, data, stacked=True)
        parts.append(autograd.judge(case.sizes, {**data, "X": data["X"][0], "YT": data["YT"][0]}, lines, stacked=True))
    names = derivation.names
    return Truth(
        {name: np.concatenate([part.value[name] for part in parts]) for name in names},
        {name: np.concatenate([part.radius[name] for part in parts]) for name in names},
        {name: kinks for part in parts for name, kinks in part.kinks.items()},
    )


def _unguarded(derivation: Derivation, observed: Observed, truth: Truth, result: Assessment) -> Observed:
    """Read a loss of log(P + eps) as what it is, a safeguard against log(0)."""
    if observed.E is None or not np.isfinite(observed.E).all():
        return observed
    bounds = Precision(observed.precision, observed.precision).bound(truth.radius["E"])
    steps = range(len(observed.step))
    points = [({name: array[s] for name, array in truth.value.items()}, observed.YT[s]) for s in steps]
    eps = guard_of(derivation, observed.E, bounds, points)
    if eps is None:
        return observed
    result.notes.append(guard_words(eps))
    return replace(observed, E=truth.value["E"])


def _finite(observed: Observed, truth: Truth) -> Array:
    """Return at which steps every parameter, and everything that is true of it, is a number."""
    arrays = [*observed.before.values(), *observed.after.values(), *truth.value.values(), *truth.radius.values()]
    found: Array = np.logical_and.reduce([np.isfinite(a.reshape(len(a), -1)).all(axis=1) for a in arrays])
    return found


def _diverged(observed: Observed, finite: Array) -> str:
    step = int(observed.step[~finite].min())
    return phrase(
        "Its numbers grow beyond all bounds from step {step} on: the steps before that are judged.", step=step
    )


def _bounds(observed: Observed, truth: Truth, recovered: Gradients) -> dict[str, Array]:
    """Return what rounding may explain of each gradient that the updates show."""
    precision = Precision(observed.precision, observed.precision)
    names = [name for name in recovered.value if f"d{name}" in truth.value]
    return {f"d{name}": precision.bound(truth.radius[f"d{name}"]) + recovered.slack[name] for name in names}


def _judged(
    derivation: Derivation, observed: Observed, truth: Truth, recovered: Gradients, result: Assessment
) -> dict[str, Judged]:
    judged: dict[str, Judged] = {}
    steps = range(len(observed.step))
    precision = Precision(observed.precision, observed.precision)
    if observed.E is not None:
        bound = precision.bound(truth.radius["E"])
        pairs = [Pair(observed.E[s], truth.value["E"][s], bound[s], s) for s in steps if np.isfinite(observed.E[s])]
        if pairs:
            judged["E"] = judge("E", pairs)
    for line, bound in _bounds(observed, truth, recovered).items():
        value = recovered.value[line[1:]]
        judged[line] = judge(line, [Pair(value[s], truth.value[line][s], bound[s], s) for s in steps])
    order = derivation.names.index
    result.quantities += [judged[name].checked for name in sorted(judged, key=order)]
    return judged
