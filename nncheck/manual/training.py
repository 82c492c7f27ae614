"""Trains a hand-written implementation in NumPy, in chunks of steps, recording every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncheck.formula.plain import Array
from nncheck.manual.functions import Manual, Slip, prints_to_stderr
from nncheck.manual.update import Update
from nncheck.optimizers import SGD, Optimizer


@dataclass(frozen=True)
class Trained:
    """What a chunk of n steps gave.

    Attributes
    ----------
    losses : (n,)
        Loss of each step, before its update.
    states : dict of (n + 1, ...)
        Each parameter before the first step and after every step.
    gradients : dict of (n, ...)
        The gradient that the hand-written backward gave at each step.
    slip : str
        Why the chunk ends early, if it does.
    """

    losses: Array
    states: dict[str, Array]
    gradients: dict[str, Array]
    slip: str = ""


class Trainer:
    """Training of one hand-written implementation, continued chunk by chunk.

    Parameters
    ----------
    manual : Manual
    X, YT, params : arrays
        In the precision in which to train; copied, since hand-written code may change them.
    lr : float
    optimizer : Optimizer
        Of the case; for a manual.py without an update of its own.
    """

    def __init__(
        self,
        manual: Manual,
        X: Array,
        YT: Array,
        params: Mapping[str, Array],
        lr: float,
        optimizer: Optimizer = SGD,
    ) -> None:
        self._manual = manual
        self._X, self._YT = X.copy(), YT.copy()
        self._update = Update(manual, lr, optimizer)
        self._params = {name: array.copy() for name, array in params.items()}

    def train(self, steps: int) -> Trained:
        """Do the next steps; ends early, with the slip, where the hand-written code breaks its contract."""
        dtype = self._X.dtype
        losses = np.empty(steps)
        states = {name: np.empty((steps + 1, *array.shape), dtype) for name, array in self._params.items()}
        gradients = {name: np.empty((steps, *array.shape), dtype) for name, array in self._params.items()}
        params, done, slip = self._params, 0, ""
        for name, array in params.items():
            states[name][0] = array
        with prints_to_stderr(), np.errstate(all="ignore"):  # overflow is judged by its result, and said there
            try:
                for step in range(steps):
                    losses[step], given = self._manual.step(params, self._X, self._YT)
                    for name, array in given.items():
                        gradients[name][step] = array
                    updated = self._update(params, given)
                    params = {name: _as(array, dtype) for name, array in updated.items()}
                    for name, array in params.items():
                        states[name][step + 1] = array
                    done = step + 1
            except Slip as error:
                slip = str(error)
        self._params = params
        return Trained(
            losses[:done],
            {name: array[: done + 1] for name, array in states.items()},
            {name: array[:done] for name, array in gradients.items()},
            slip,
        )


def _as(array: Array, dtype: np.dtype[Any]) -> Array:
    return array if array.dtype == dtype else array.astype(dtype)
