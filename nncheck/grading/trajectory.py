"""Judges a training with a person's functions step by step, each from the parameters that it started from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nncheck.case import Case
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.grades import CheckVerdict, Mark
from nncheck.language import phrase
from nncheck.updates import Updates
from nncheck.verifier.truth import EXACT, Truth, by_lines


def judge_training(
    case: Case, derivation: Derivation, arrays: Mapping[str, Array], steps: int, taken_back: bool = False
) -> Mark | None:
    """Return the mark of a trajectory without its points; None if no step was done.

    At every step the loss and the gradients have to be those of the parameters at that step, and the next parameters
    those that the case's optimizer makes of the person's own gradients. Where only the former are wrong, they are
    marked elsewhere, and the training follows from them.

    Parameters
    ----------
    case, derivation : Case, Derivation
    arrays : mapping of str to array
        ``E`` (S,), ``g:W`` (S, ...) and ``p:W`` (S + 1, ...), as `nncheck.manual.loop.train` gives them.
    steps : int
        How many were asked for.
    taken_back : bool
        Whether update takes back a factor of the gradients: then it has to make the right step of them.
    """
    E = arrays.get("E", np.zeros(0))
    done = len(E) if E.ndim == 1 else 0
    shaped = all(
        arrays.get(f"p:{name}", np.zeros(0)).shape == (done + 1, *start.shape)
        and arrays.get(f"g:{name}", np.zeros(0)).shape == (done, *start.shape)
        for name, start in case.params.items()
    )
    if not done or not shaped:
        return None
    finite = np.all(
        [np.isfinite(array.reshape(len(array), -1)[:done]).all(axis=1) for array in arrays.values()], axis=0
    )
    lost = int(np.argmin(finite))
    if not np.ravel(finite)[lost]:
        return _mark("wrong", phrase("its numbers are NaN or infinite from step {step} on", step=lost))
    with np.errstate(all="ignore"):
        truth = _truth(case, derivation, arrays, done)
        if taken_back:
            arrays = {**arrays, **{f"g:{name}": truth.value[f"d{name}"] for name in case.params}}
        moved = _first_wrong_update(case, arrays, done, truth if taken_back else None)
        if moved is not None:
            return _mark("wrong", phrase("step {step} does not follow from its gradients", step=moved))
        wrong = _first_wrong_value(case, derivation, arrays, truth)
    if wrong:
        why = phrase("it trains rightly with the wrong {quantity}", quantity=wrong)
        return _mark("pass", why, follows=wrong)
    if done < steps:
        return _mark("not-reached", phrase("{done} of {steps} steps were done in time", done=done, steps=steps))
    return _mark("pass", "")


def _truth(case: Case, derivation: Derivation, arrays: Mapping[str, Array], done: int) -> Truth:
    """Return what is true at the parameters of every step."""
    stacked = {name: np.broadcast_to(array, (done, *array.shape)) for name, array in (("X", case.X), ("YT", case.YT))}
    return by_lines(
        case, derivation, {**stacked, **{name: arrays[f"p:{name}"][:-1] for name in case.params}}, stacked=True
    )


def _first_wrong_update(case: Case, arrays: Mapping[str, Array], done: int, truth: Truth | None) -> int | None:
    """Return the first step whose update is not what the optimizer makes of the person's own gradients."""
    updates, numbers = Updates(case.optimizer, case.lr, EXACT), np.arange(done)
    first: int | None = None
    for name in case.params:
        rows, gradient = arrays[f"p:{name}"], arrays[f"g:{name}"]
        known = np.zeros_like(gradient) if truth is None else truth.radius[f"d{name}"]
        expected = updates.add(name, numbers, rows[:-1], gradient, known)
        radius = np.zeros_like(gradient) if expected.radius is None else expected.radius
        first = _earlier(first, _off(rows[1:], expected.after, EXACT.bound(radius)))
    return first


def _first_wrong_value(case: Case, derivation: Derivation, arrays: Mapping[str, Array], truth: Truth) -> str:
    """Return the first quantity of the chain that is wrong at some step; empty if none is."""
    got = {"E": arrays["E"], **{f"d{name}": arrays[f"g:{name}"] for name in case.params}}
    for name in (name for name in derivation.names if name in got):
        if _off(got[name], truth.value[name], EXACT.bound(truth.radius[name])) is not None:
            return name
    return ""


def _off(got: Array, expected: Array, bound: Array) -> int | None:
    """Return the first step at which something is off by more than its bound."""
    wrong = ~(np.abs(got - expected) <= bound)
    rows = wrong.reshape(len(wrong), -1).any(axis=1)
    return int(np.argmax(rows)) if rows.any() else None


def _earlier(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


def _mark(verdict: CheckVerdict, why: str, follows: str = "") -> Mark:
    return Mark(check="trajectory", verdict=verdict, points=0.0, of=0.0, why=why, follows=follows)
