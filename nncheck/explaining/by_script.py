"""Runs a person's training script, in the process of their code, and reads one of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.explaining.reached import Reached
from nncheck.formula.plain import Array
from nncheck.kept import Point
from nncheck.language import N_, phrase
from nncheck.manual.client import Guest
from nncheck.manual.scripts.observed import MOST, Observed, observe
from nncheck.manual.scripts.roles import Failure, NeedsMap
from nncheck.manual.scripts.watched import Watched
from nncheck.rounding import UNIT


def reached_by_script(
    case: Case, path: Path, text: str, step: int, limit: float, mapping: Mapping[str, Sequence[str]] | None = None
) -> Reached:
    """Run a script and read a step: its parameters before and after it, its loss, the gradient behind the update.

    Raises
    ------
    InputError
        If it cannot be told which of its variables are the parameters, or it does not do that step.
    """
    with Guest(path, text, limit) as guest:

        def watch(most: int | None = None, **options: Any) -> Watched:
            further = max(most, step + 1) if most == MOST else most
            return guest.watch(most=further, also=step, **options)

        observed = observe(watch, text, case, mapping)
    if isinstance(observed, NeedsMap):
        raise InputError(f"{path}: {observed.text}")
    if isinstance(observed, Failure):
        raise InputError(phrase("{path} cannot be run: {problem}", path=path, problem=observed.text))
    rows = np.flatnonzero((observed.run == 0) & (observed.step == step))
    if not len(rows):
        last = int(observed.step[observed.run == 0].max(initial=0))
        said = phrase(
            "{path} does not come to step {step}: the last that was seen is step {last}.",
            path=path,
            step=step,
            last=last,
        )
        raise InputError(said)
    return _reached(case, observed, int(rows[0]), step)


def _reached(case: Case, observed: Observed, row: int, step: int) -> Reached:
    params = {name: np.array(observed.before[name][row]) for name in case.params}
    after = {name: np.array(observed.after[name][row]) for name in case.params}
    lr, notes = _rate(case, observed, row)
    values: dict[str, Array] = {f"{name}'": array for name, array in after.items()}
    if observed.E is not None and np.isfinite(observed.E[row]):
        values["E"] = np.asarray(observed.E[row])
    slack: Mapping[str, Array] = {}
    if case.optimizer.is_plain:
        values |= {f"d{name}": (params[name] - after[name]) / lr for name in params}
        slack = _slack(params, after, lr, observed.precision)
    return Reached(
        point=Point(step=step, why=(), params=params, hand=values),
        X=np.array(observed.X[row]),
        YT=np.array(observed.YT[row]),
        lr=lr,
        dtype=observed.precision,
        states=None if case.optimizer.states and step else case.optimizer.zeros(params),
        slack=slack,
        read_as=observed.read_as,
        notes=(*observed.notes, *notes),
    )


def _rate(case: Case, observed: Observed, row: int) -> tuple[float, list[str]]:
    """Return the learning rate of the step, and say where it is not the case's, or not the script's."""
    own = observed.lr if observed.rates is None else float(observed.rates[row])
    if not own:
        why = observed.lr_from
        said = N_("No learning rate was found in the script ({why}): the case's {lr:g} is taken.")
        return case.lr, [phrase(said, why=why, lr=case.lr)]
    if np.float32(own) != np.float32(case.lr):
        return own, [phrase("The script's learning rate is {own:g}, the case's {lr:g}.", own=own, lr=case.lr)]
    return own, []


def _slack(params: Mapping[str, Array], after: Mapping[str, Array], lr: float, precision: str) -> dict[str, Array]:
    """Return what the rounding of an update leaves unknown of the gradient behind it, (W - W') / lr."""
    slack = {}
    for name, before in params.items():
        rounded = 3 * np.abs(before - after[name]) + np.abs(before) + np.abs(after[name])
        slack[f"d{name}"] = 2 * UNIT[precision] * rounded / abs(lr)
    return slack
