"""Which of a script's variables is the loss: by value, up to a convention, or after the update; then by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.language import N_, phrase, translate
from nncheck.manual.scripts.candidates import LOSS_NAME
from nncheck.manual.scripts.evidence import quantities
from nncheck.manual.scripts.variable import Variable


def find_loss(
    case: Case,
    X: Array,
    YT: Array,
    before: Mapping[str, Array],
    after: Mapping[str, Array],
    variables: Sequence[Variable],
    given: str,
    same: float,
) -> tuple[Array | None, str, list[str]]:
    """Find the loss: by value at every step where it is seen, up to a convention, or after the update; then by name."""
    # what a variable held before it was assigned once more is not what it is
    final = [variable for variable in variables if " (line " not in variable.name]
    scalars = [v for v in final if v.values.reshape(len(X), -1).shape[1] == 1]
    if given:
        named = next(v for v in scalars if v.name == given)
        return named.values.reshape(len(X)), named.name, []
    true = quantities(case.derivation(), X, YT, before)["E"]
    for factor, word in _conventions(*YT.shape[1:]):
        for variable in scalars:
            if _same(variable.values.reshape(len(X)), factor * true, same):
                return variable.values.reshape(len(X)), variable.name, _said(variable.name, factor, word)
    if not any(np.isnan(array).any() for array in after.values()):
        later = quantities(case.derivation(), X, YT, after)["E"]
        for variable in scalars:
            if _same(variable.values.reshape(len(X)), later, same):
                said = phrase("{name} is the loss after the update, not before it", name=variable.name)
                return None, variable.name, [said]
    for variable in sorted(scalars, key=lambda v: (v.name.count("."), len(v.name))):
        values = variable.values[np.isfinite(variable.values)]
        if LOSS_NAME.match(variable.name) and (values != np.round(values)).any():  # the j of an inner loop counts
            return variable.values.reshape(len(X)), variable.name, []
    return None, "", []


def _said(name: str, factor: float, word: str) -> list[str]:
    if not word:
        return []
    return [
        phrase(
            "{name} is {factor:g} times the loss of the case: {convention}",
            name=name,
            factor=factor,
            convention=translate(word),
        )
    ]


def _conventions(samples: int, outputs: int) -> list[tuple[float, str]]:
    """Return by what a loss may be larger than the mean, in words, each factor once."""
    known = [
        (1.0, ""),
        (samples * outputs / 2, N_("half the sum instead of the mean")),
        (float(samples * outputs), N_("the sum instead of the mean")),
        (0.5, N_("half the mean")),
        (float(samples), N_("the sum over the samples instead of the mean")),
    ]
    factors = [factor for factor, _ in known]
    return [pair for place, pair in enumerate(known) if pair[0] not in factors[:place]]


def _same(got: Array, true: Array, same: float) -> bool:
    seen = np.isfinite(got)
    if not seen.any():
        return False
    near = np.abs(got[seen] - true[seen]) <= same * np.abs(true[seen]) + 1e-300
    return bool(near.all()) and bool((true[seen] != 0).any())
