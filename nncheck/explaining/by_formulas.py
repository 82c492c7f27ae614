"""Trains by a person's formulas up to a step, with the case's lines for what they do not give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nncheck.case import Case
from nncheck.errors import FormulaError
from nncheck.explaining.reached import Progress, Reached
from nncheck.formula import Derivation, PlainArithmetic, evaluate, plain, read_each
from nncheck.formula.plain import Array
from nncheck.kept import Point
from nncheck.language import phrase
from nncheck.optimizers import States
from nncheck.verifier.formulas import settled

_TOLD = 200  # steps between two notices of progress


def reached_by_formulas(
    case: Case, derivation: Derivation, path: Path, text: str, step: int, progress: Progress
) -> Reached:
    """Train by formulas up to a step.

    Parameters
    ----------
    case : Case
        Its numbers already rounded as a run rounds them.
    derivation : Derivation
        Of the case.
    path, text : Path, str
        The file and what it holds.
    step : int
    progress : callable

    Raises
    ------
    InputError
        If a line cannot be used, or gives a loss or a gradient of another shape.
    """
    data = {"X": case.X, "YT": case.YT, **case.params}
    shapes = {name: array.shape for name, array in data.items()}
    formulas = settled(case, derivation, read_each(text, str(path)), text, [shapes])
    if formulas.errors:
        raise formulas.errors[0]
    program = Derivation(formulas.program)
    params = {name: np.array(array) for name, array in case.params.items()}
    states: States = case.optimizer.zeros(params)
    for t in range(step):
        params, states, _ = _stepped(case, program, params, states, t)
        if t % _TOLD == 0:
            progress(str(path), t, step)
    after, _, values = _stepped(case, program, params, states, step)
    own = {line.name for line in formulas.lines}
    hand = {name: values[name] for name in derivation.names if name in values}
    missing = [name for name in derivation.names if name not in own]
    notes = [*formulas.notes]
    if missing:
        said = phrase("Not given, so that the case's own lines stand in for them: {names}.", names=", ".join(missing))
        notes.append(said)
    hand |= {f"{name}'": array for name, array in after.items()}
    return Reached(
        point=Point(step=step, why=(), params=params, hand=hand),
        X=case.X,
        YT=case.YT,
        lr=case.lr,
        states=states,
        read_as=formulas.read_as,
        notes=tuple(notes),
    )


def _stepped(
    case: Case, program: Derivation, params: Mapping[str, Array], states: States, t: int
) -> tuple[dict[str, Array], States, dict[str, Array]]:
    """Do one step; return the parameters and states after it, and every line's value."""
    known = {"X": case.X, "YT": case.YT, **params}
    computed = evaluate(program, {name: plain(array) for name, array in known.items()}, PlainArithmetic())
    values = {name: computed[name].array for name in program.names}
    gradients = {}
    for name, array in params.items():
        gradient = gradients[name] = values[f"d{name}"]
        if gradient.shape != array.shape:
            place = next(line.where for line in program.lines if line.name == f"d{name}")
            said = phrase(
                "{quantity} has shape {got}, expected {shape}: no step can be done with it",
                quantity=f"d{name}",
                got=gradient.shape,
                shape=array.shape,
            )
            raise FormulaError(said, place)
    after, kept = case.optimizer.step(params, gradients, states, t + 1, case.lr)
    return after, kept, values
