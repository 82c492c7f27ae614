"""Whether the runs from other numbers can be trusted: what is right as it stands must not be wrong for what was put in.

A number that is put in place of a literal may reach what is no data: the target written once more inside a formula, a
size, a constant. Then the script as it is is right, and from other numbers nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from nncheck.formula.plain import Array
from nncheck.manual.scripts.observed import Observed
from nncheck.verifier.checking import Judged, Pair, judge
from nncheck.verifier.recovered import Gradients
from nncheck.verifier.truth import Truth


def are_trusted(observed: Observed, truth: Truth, recovered: Gradients, bounds: Mapping[str, Array]) -> bool:
    """Whether it is not so that the script as it is gives every gradient, and no other run gives any.

    Parameters
    ----------
    bounds : mapping of gradient to (S, ...)
        What rounding may explain.
    """
    runs = np.unique(observed.run)
    if len(runs) < 2 or not bounds:
        return True
    states = {int(run): _agreeing(np.flatnonzero(observed.run == run), truth, recovered, bounds) for run in runs}
    return not (all(states[0]) and not any(any(state) for run, state in states.items() if run != 0))


def _agreeing(steps: Array, truth: Truth, recovered: Gradients, bounds: Mapping[str, Array]) -> list[bool]:
    judged: list[Judged] = []
    for line, bound in bounds.items():
        got = recovered.value[line[1:]]
        judged.append(judge(line, [Pair(got[s], truth.value[line][s], bound[s], int(s)) for s in steps]))
    return [found.checked.verdict != "differ" for found in judged]


def first_run(observed: Observed) -> Observed:
    """Return what was seen of the script as it is."""
    return only(observed, observed.run == 0)


def only(observed: Observed, at: Array) -> Observed:
    """Return what was seen at some of the steps.

    Parameters
    ----------
    at : (S,)
        Whether a step is kept.
    """

    def cut(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {name: array[at] for name, array in arrays.items()}

    return replace(
        observed,
        run=observed.run[at],
        step=observed.step[at],
        X=observed.X[at],
        YT=observed.YT[at],
        before=cut(observed.before),
        after=cut(observed.after),
        E=None if observed.E is None else observed.E[at],
        rates=None if observed.rates is None else observed.rates[at],
        chain=observed.chain[at],
        variables=tuple(replace(variable, values=variable.values[at]) for variable in observed.variables),
    )
