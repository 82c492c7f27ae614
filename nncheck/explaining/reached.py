"""What one side has and gives at a step, whichever way it was trained up to there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.kept import Point
from nncheck.optimizers import States

#: Called with what is being done, how much of it, and of how much.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """One step of one side.

    Attributes
    ----------
    point : Point
        The step, the parameters before it, and what the side gave.
    X, YT : (N, n_in), (N, n_out)
        As the side had them.
    lr : float
        Its learning rate.
    dtype : str
        Its precision.
    states : mapping or None
        What the case's optimizer kept of the steps before; None where that cannot be known.
    slack : mapping of line to array
        What is unknown of its values.
    read_as, notes : tuple of str
    """

    point: Point
    X: Array
    YT: Array
    lr: float
    dtype: str = "float64"
    states: States | None = None
    slack: Mapping[str, Array] = field(default_factory=dict)
    read_as: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def hand_values(E: float, gradients: Mapping[str, Array], after: Mapping[str, Array]) -> dict[str, Array]:
    """Return what a training gave at one step by the names of the lines: E, dW, ..., W', ..."""
    return {
        "E": np.asarray(E, dtype=np.float64),
        **{f"d{name}": np.array(array, dtype=np.float64) for name, array in gradients.items()},
        **{f"{name}'": np.array(array, dtype=np.float64) for name, array in after.items()},
    }


def states_after(
    case: Case, states: States, params: Mapping[str, Array], gradients: Mapping[str, Array], first: int
) -> States:
    """Return what the case's optimizer keeps after some steps more.

    Parameters
    ----------
    states : mapping
        Before the first of them.
    params, gradients : mapping of str to (S, ...)
        Before each step, and at it.
    first : int
        Number of the first step, from 0 on.
    """
    if not case.optimizer.states:
        return states
    for s in range(len(next(iter(gradients.values())))):
        before = {name: array[s] for name, array in params.items()}
        own = {name: array[s] for name, array in gradients.items()}
        _, states = case.optimizer.step(before, own, states, first + s + 1, case.lr)
    return states
