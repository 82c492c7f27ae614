"""The update of the hand-written side, step after step: the person's own, else that of the case's optimizer."""

from __future__ import annotations

from typing import Any

from nncheck.formula.plain import Array
from nncheck.manual.functions import Manual
from nncheck.optimizers import SGD, Optimizer


class Update:
    """Updates the parameters of one training, and keeps what must be kept between its steps.

    Parameters
    ----------
    manual : Manual
        Its own ``update`` is used if it has one.
    lr : float
    optimizer : Optimizer
        Used by its lines otherwise.
    """

    def __init__(self, manual: Manual, lr: float, optimizer: Optimizer = SGD) -> None:
        self._manual, self._lr, self._optimizer = manual, lr, optimizer
        self._by_lines = manual.update is None and not optimizer.is_plain
        self._state: dict[str, Any] = {}  # the person's own
        self._states: dict[str, dict[str, Array]] = {}  # of the lines
        self._t = 0

    def __call__(self, params: dict[str, Array], gradients: dict[str, Array]) -> dict[str, Array]:
        """Do the next step.

        Raises
        ------
        Slip
            If the person's update raises or returns something else than the contract says.
        """
        if not self._by_lines:
            return self._manual.next_params(params, gradients, self._lr, self._state)
        self._t += 1
        states = self._states or self._optimizer.zeros(params)
        updated, self._states = self._optimizer.step(params, gradients, states, self._t, self._lr)
        return updated
