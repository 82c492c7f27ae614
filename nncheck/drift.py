"""How far two free runs are apart, step by step: information beside the verdict, since rounding piles up in it."""

from __future__ import annotations

import numpy as np

from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.record import AtStep, LossRow, ParamRow, Row
from nncheck.thinning import Gathering
from nncheck.trajectory import Chunk, index_of_largest, per_step


class Drift:
    """Takes a run's chunks and keeps the printed rows, the worst and the last differences, and the final parameters.

    Parameters
    ----------
    case : Case
        With the parameters that both sides started from.
    every, steps : int
        Which steps become rows: every so many, and the last.
    gathering : Gathering
        Gets the losses and the differences of every step.

    Attributes
    ----------
    rows : list of Row
    worst, last : dict of str to AtStep
        Of the loss and each parameter.
    final : dict of side to dict of arrays
    frozen : int
        At how many steps the device's update moved no parameter though the gradient was not zero.
    """

    def __init__(self, case: Case, every: int, steps: int, gathering: Gathering) -> None:
        self._every, self._steps, self._gathering = every, steps, gathering
        self.rows: list[Row] = []
        self.worst: dict[str, AtStep] = {}
        self.last: dict[str, AtStep] = {}
        self.final = {side: dict(case.params) for side in ("autograd", "manual")}
        self.frozen = 0

    def add(self, steps: Array, chunk: Chunk) -> None:
        """Take the next steps, whose numbers are given."""
        device, hand = chunk.device, chunk.hand
        loss = np.abs(device.losses.astype(np.float64) - hand.losses)
        differences = {name: np.abs(device.after[name].astype(np.float64) - hand.after[name]) for name in device.after}
        largest = {name: per_step(np.max, difference) for name, difference in differences.items()}
        self._gathering.add("loss", "autograd", steps, device.losses.astype(np.float64))
        self._gathering.add("loss", "manual", steps, hand.losses.astype(np.float64))
        for name, values in (("loss", loss), *largest.items()):
            self._gathering.add("difference", name, steps, values)
            self._keep(name, steps, values)
        printed = np.flatnonzero(((steps + 1) % self._every == 0) | (steps == self._steps - 1))
        for s in printed.tolist():
            params = {
                name: ParamRow(diff=float(largest[name][s]), index=index_of_largest(difference[s]))
                for name, difference in differences.items()
            }
            losses = LossRow(autograd=float(device.losses[s]), manual=float(hand.losses[s]), diff=float(loss[s]))
            self.rows.append(Row(step=int(steps[s]), loss=losses, params=params))
        moved, asked = np.zeros(len(steps), dtype=bool), np.zeros(len(steps), dtype=bool)
        for name, after in device.after.items():
            moved |= per_step(np.any, after != device.before[name])
            asked |= per_step(np.any, chunk.device_witness.gradients[name] != 0)
        self.frozen += int((asked & ~moved).sum())
        self.final = {
            "autograd": {name: after[-1].copy() for name, after in device.after.items()},
            "manual": {name: after[-1].copy() for name, after in hand.after.items()},
        }

    def _keep(self, name: str, steps: Array, values: Array) -> None:
        """Keep the largest of all steps (a difference that is not a number is larger than any) and the last."""
        key = np.where(np.isnan(values), np.inf, values)
        s = int(np.argmax(key))
        before = self.worst.get(name)
        if before is None or key[s] > (np.inf if np.isnan(before.diff) else before.diff):
            self.worst[name] = AtStep(step=int(steps[s]), diff=float(values[s]))
        self.last[name] = AtStep(step=int(steps[-1]), diff=float(values[-1]))
