"""The gradient behind each update of a run: what was taken from the parameter, in parts of the learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts.observed import Observed
from nncheck.rounding import UNIT
from nncheck.verifier.assess import Assessment


@dataclass(frozen=True)
class Gradients:
    """What the updates of a run say of its gradients.

    Attributes
    ----------
    lr : float
    value : mapping of parameter to (S, ...)
        (W - W') / lr.
    slack : mapping of parameter to (S, ...)
        What the rounding of the update leaves unknown of it.
    """

    lr: float
    value: Mapping[str, Array]
    slack: Mapping[str, Array]


def recover(case: Case, observed: Observed, result: Assessment) -> Gradients:
    """Return the gradients that the updates of a run used; a note says where the learning rate is not the case's."""
    lr = observed.lr
    rates = observed.rates
    if lr:
        if np.float32(lr) != np.float32(case.lr):
            result.notes.append(phrase("The script's learning rate is {own:g}, the case's {lr:g}.", own=lr, lr=case.lr))
    elif rates is not None and (rates != 0).all():
        lr = float(rates[0])
        result.notes.append(
            phrase(
                "The learning rate changes from {first:g} to {last:g}: each step is judged by its own.",
                first=lr,
                last=float(rates[observed.run == 0][-1]),
            )
        )
    else:
        lr, rates = case.lr, None
        result.notes.append(
            phrase(
                "No learning rate was found in the script ({why}): the case's {lr:g} is taken.",
                why=observed.lr_from,
                lr=lr,
            )
        )
    steps = np.full(len(observed.step), lr) if rates is None else rates
    unit = UNIT[observed.precision]
    value, slack = {}, {}
    for name, before in observed.before.items():
        after = observed.after[name]
        rate = steps.reshape(-1, *(1,) * (before.ndim - 1))
        value[name] = (before - after) / rate
        rounded = 3 * np.abs(before - after) + np.abs(before) + np.abs(after)
        slack[name] = 2 * unit * rounded / np.abs(rate)
    return Gradients(lr, value, slack)
