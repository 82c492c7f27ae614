"""Weighs what a layer gave against its witness: outputs first, then every gradient, each with what explains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.layers.explaining import explain, sizes_of
from nncheck.layers.given import Given, shape_of
from nncheck.layers.judged import judge, not_comparable
from nncheck.layers.reference import Witness
from nncheck.layers.saying import notes_of, value_finding
from nncheck.layers.trial import Trial
from nncheck.verification import Checked, Finding, Kind

_UNIT = 2.0**-53
#: Rounding of what is zero on paper, in units of the roundoff of the numbers it is made of.
_ROUNDINGS = 100


@dataclass
class Weighed:
    """Verdicts, findings and notes, in the order in which they were come to."""

    checked: list[Checked] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def weigh(trial: Trial, given: Sequence[Given], witness: Witness, own: Callable[[], Witness | None]) -> Weighed:
    """Judge outputs and gradients.

    Parameters
    ----------
    trial : Trial
    given : sequence of Given
    witness : Witness
    own : callable
        Gives the witness of the person's own forward, None if that is the witness already; asked for only where
        outputs differ.
    """
    weighed = Weighed()
    wanted = [g for g in given if g.differentiable]
    _presence(weighed, trial, given)
    comparable, wrong_outputs = _outputs(weighed, trial, witness, given)
    if not comparable:
        return weighed
    expected, plain, errors = _expected(witness, trial)
    gradients = Weighed()
    for g in wanted:
        if g.name in trial.got[0]:
            _gradient(gradients, g, trial, witness, expected, plain, errors[g.name], given)
    weighed.checked += gradients.checked
    weighed.notes += gradients.notes
    if wrong_outputs and _consistent(trial, wanted, given, own):
        _follow_through(weighed, gradients, trial)
    else:
        weighed.findings += gradients.findings
    return weighed


def _presence(weighed: Weighed, trial: Trial, given: Sequence[Given]) -> None:
    absent = trial.gradients.absent(given)
    if trial.gradients.missing:
        kind: Kind = "missing" if absent else "shape"
        names = ", ".join(g.gradient for g in absent)
        text = f"{trial.gradients.missing}."
        if names:
            text = phrase("{problem}; not found: {names}.", problem=trial.gradients.missing, names=names)
        quantity = absent[0].gradient if absent else None
        weighed.findings.append(Finding(kind=kind, quantity=quantity, index=None, line=None, text=text))
        return
    for g in absent:
        text = phrase(
            "backward gives no {gradient}, the gradient with respect to {name}.", gradient=g.gradient, name=g.name
        )
        weighed.findings.append(Finding(kind="missing", quantity=g.gradient, index=None, line=None, text=text))


# outputs ------------------------------------------------------------------------------------------------------------


def _outputs(weighed: Weighed, trial: Trial, witness: Witness, given: Sequence[Given]) -> tuple[bool, bool]:
    """Judge the outputs; return whether gradients can be compared, and whether some output differs."""
    wrong = False
    counts = {"own": len(trial.outputs), "of": len(witness.outputs)}
    if len(witness.outputs) < len(trial.outputs):
        text = phrase("forward gives {own} outputs, the reference {of}.", **counts)
        weighed.findings.append(Finding(kind="shape", quantity="out", index=None, line=None, text=text))
        return False, True
    if len(witness.outputs) > len(trial.outputs):
        weighed.notes.append(phrase("of the reference's {of} outputs the first {own} count.", **counts))
    for place, (got, expected) in enumerate(zip(trial.outputs, witness.outputs)):
        name = "loss" if trial.scalar else "out" if len(trial.outputs) == 1 else f"out{place}"
        if got.shape != expected.shape:
            weighed.checked.append(not_comparable(name, got.shape, expected.shape).checked)
            text = phrase(
                "{name} has shape {got}, expected {expected}.", name=name, got=got.shape, expected=expected.shape
            )
            weighed.findings.append(Finding(kind="shape", quantity=name, index=None, line=None, text=text))
            return False, True
        coarse = _dtype(weighed, name, got)
        if coarse is None:
            continue
        judged = judge(
            name,
            got.astype(np.float64),
            expected,
            error=np.zeros(expected.shape),
            noise=_noise(given, [np.ones(1)]),
            coarse=coarse,
            one_sided=lambda index: None,
        )
        weighed.checked.append(judged.checked)
        weighed.notes += notes_of(judged)
        if judged.checked.verdict == "differ":
            wrong = True
            weighed.findings.append(value_finding(judged, ()))
    return True, wrong


def _consistent(
    trial: Trial, wanted: Sequence[Given], given: Sequence[Given], own: Callable[[], Witness | None]
) -> bool:
    """Whether the gradients are those of the forward as the person wrote it."""
    try:
        witness = own()
        if witness is None:
            return False
        expected, plain, errors = _expected(witness, trial)
    except (InputError, ArithmeticError, TypeError, ValueError):
        return False
    against = Weighed()
    for g in wanted:
        if g.name not in trial.got[0]:
            return False
        _gradient(against, g, trial, witness, expected, plain, errors[g.name], given)
    return not against.findings


def _follow_through(weighed: Weighed, gradients: Weighed, trial: Trial) -> None:
    """Say that backward is right for this forward: one thing to mend, or a convention to declare."""
    wrong = [f for f in gradients.findings if f.kind == "value"]
    weighed.findings += [f for f in gradients.findings if f.kind != "value"]
    if not trial.scalar or not wrong:
        if wrong:
            weighed.notes.append(
                phrase("backward is right for forward as it is written: mend forward, then look again.")
            )
        return
    explanations = wrong[0].explanations
    place = next(i for i, f in enumerate(weighed.findings) if f.kind == "value" and f.quantity == "loss")
    consistent = phrase("The gradients are those of this loss: a convention to declare.")
    text = f"{weighed.findings[place].text} {consistent}"
    weighed.findings[place] = replace(
        weighed.findings[place], kind="convention", text=text, explanations=explanations, convention=True
    )


# gradients ----------------------------------------------------------------------------------------------------------


def _expected(witness: Witness, trial: Trial) -> tuple[dict[str, list[Array]], dict[str, Array], dict[str, Array]]:
    """Return the right gradients for every set of upstream gradients, those for dout = 1, and their errors."""
    douts = [*trial.douts, [np.ones(out.shape) for out in trial.outputs]]
    outputs = len(trial.outputs)
    # outputs of the reference that forward does not give have no upstream gradient
    more = [np.zeros(out.shape) for out in witness.outputs[outputs:]]
    found = witness.gradients([[*dout, *more] for dout in douts])
    expected = {name: columns[:-1] for name, (columns, _) in found.items()}
    plain = {name: columns[-1] for name, (columns, _) in found.items()}
    return expected, plain, {name: error for name, (_, error) in found.items()}


def _gradient(
    weighed: Weighed,
    g: Given,
    trial: Trial,
    witness: Witness,
    expected: Mapping[str, Sequence[Array]],
    plain: Mapping[str, Array],
    error: Array,
    given: Sequence[Given],
) -> None:
    name, right = g.gradient, expected[g.name]
    try:
        got = [np.asarray(gradients[g.name]) for gradients in trial.got if g.name in gradients]
    except ValueError:  # lists of unequal lengths
        got = [np.asarray(None)]
    coarse = _dtype(weighed, name, got[0])
    if coarse is None:
        return
    values = [np.real(array).astype(np.float64) for array in got]
    sizes = sizes_of(given, trial.outputs)
    if shape_of(got[0]) != right[0].shape:
        judged = not_comparable(name, got[0].shape, right[0].shape)
        explanations = explain(g.name, values, expected, plain, sizes)
        weighed.checked.append(judged.checked)
        text = phrase(
            "{name} has shape {got}, expected {expected}, that of {input}.",
            name=name,
            got=got[0].shape,
            expected=right[0].shape,
            input=g.name,
        )
        if sorted(got[0].shape) == sorted(right[0].shape):
            turned = phrase("The same sizes in another order: is a transpose missing or too many?")
            text = f"{text} {turned}"
        weighed.findings.append(
            Finding(kind="shape", quantity=name, index=None, line=None, text=text, explanations=explanations)
        )
        return
    judged = judge(
        name,
        values[0],
        right[0],
        error=error,
        noise=_noise(given, trial.douts[0]),
        coarse=coarse,
        one_sided=lambda index: witness.one_sided(g.name, index, _padded(trial.douts[0], witness)),
    )
    weighed.checked.append(judged.checked)
    weighed.notes += notes_of(judged)
    if judged.checked.verdict == "differ":
        weighed.findings.append(value_finding(judged, explain(g.name, values, expected, plain, sizes)))


def _padded(dout: Sequence[Array], witness: Witness) -> list[Array]:
    return [*dout, *(np.zeros(out.shape) for out in witness.outputs[len(dout) :])]


def _noise(given: Sequence[Given], douts: Sequence[Array]) -> float:
    """Return what rounding leaves where the exact value is zero."""
    inputs = max(float(np.abs(g.value).max()) for g in given if _is_float(g.value))
    return _ROUNDINGS * _UNIT * max(1.0, inputs) * max(float(np.abs(d).max(initial=0.0)) for d in douts)


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _dtype(weighed: Weighed, name: str, got: Array) -> float | None:
    """Find a type that is lower than float64; return its rounding, None where there are no numbers to compare."""
    if got.dtype.kind == "f" and got.dtype.itemsize >= 8:
        return 0.0
    if got.dtype.kind == "f":
        text = phrase(
            "{name} is {dtype} although the inputs are float64: a cast, or an array made in {dtype}.",
            name=name,
            dtype=got.dtype,
        )
        weighed.findings.append(Finding(kind="dtype", quantity=name, index=None, line=None, text=text))
        return 1e3 * float(np.finfo(got.dtype).eps)
    text = phrase("{name} is {dtype}, expected float64.", name=name, dtype=got.dtype)
    weighed.findings.append(Finding(kind="dtype", quantity=name, index=None, line=None, text=text))
    return 0.0 if got.dtype.kind in "iub" else None
