"""The two sides of a comparison: which quantities of each are judged, and what is claimed of one that differs."""

from __future__ import annotations

from nncheck.case import Case
from nncheck.judging import Judge
from nncheck.language import phrase
from nncheck.rounding import Precision
from nncheck.updates import Updates


class Side:
    """The judges of one side of a case.

    Parameters
    ----------
    precision : Precision
        Number types of the side and of the witness.
    loss : Judge
    gradients, updates, lines : tuple of Judge
        For each parameter its gradient and its update; for E and each gradient the derivation's line.
    own_updates : bool
        Whether an update is judged from the side's own gradient (the hand, whose gradient is there for every step) or
        from the witness's (the device, whose gradient is read at one step of a chunk).
    updating : Updates
        What the updates should give; keeps the optimizer's states.
    """

    def __init__(
        self,
        precision: Precision,
        loss: Judge,
        gradients: tuple[Judge, ...],
        updates: tuple[Judge, ...],
        lines: tuple[Judge, ...],
        own_updates: bool,
        updating: Updates,
    ) -> None:
        self.precision, self.loss, self.own_updates, self.updating = precision, loss, own_updates, updating
        self.gradients = {judge.name: judge for judge in gradients}
        self.updates = {judge.name: judge for judge in updates}
        self.lines = {judge.name: judge for judge in lines}

    @property
    def judges(self) -> list[Judge]:
        """The judges of the side's own quantities, the loss first."""
        return [self.loss, *self.gradients.values(), *self.updates.values()]


def hand_side(case: Case, precision: Precision, lines: tuple[Judge, ...], own_update: bool) -> Side:
    """Return the judges of the hand-written side; an update of its own must be resolved too."""
    names = tuple(case.params)
    return Side(
        precision,
        Judge("loss", "E", precision, fault="loss", claim=_differs_by_hand(phrase("the loss"))),
        tuple(Judge("derivation", f"d{n}", precision, claim=_differs_by_hand(f"d{n}")) for n in names),
        tuple(
            Judge(
                "derivation",
                n,
                precision,
                must_resolve=own_update,
                claim=phrase(
                    "the update of {name} in manual.py is not {formula}", name=n, formula=case.optimizer.update
                ),
            )
            for n in names
        ),
        lines,
        own_updates=True,
        updating=Updates(case.optimizer, case.lr, precision),
    )


def device_side(case: Case, precision: Precision, lines: tuple[Judge, ...]) -> Side:
    """Return the judges of the device."""
    names = tuple(case.params)
    return Side(
        precision,
        Judge("device", "E", precision, fault="device", claim=_differs_on_device(phrase("loss"))),
        tuple(Judge("device", f"d{n}", precision, fault="device", claim=_differs_on_device(f"d{n}")) for n in names),
        tuple(
            Judge("device", n, precision, must_resolve=False, fault="device", claim=_updates_otherwise(n))
            for n in names
        ),
        lines,
        own_updates=False,
        updating=Updates(case.optimizer, case.lr, precision, as_written=True),
    )


def _differs_by_hand(name: str) -> str:
    return phrase(
        "{name} of manual.py differs from torch autograd in float64 on the CPU at the same parameters", name=name
    )


def _differs_on_device(name: str) -> str:
    return phrase(
        "the device's {name} differs from torch autograd in float64 on the CPU at the same parameters", name=name
    )


def _updates_otherwise(name: str) -> str:
    return phrase("the device's update of {name} differs from the float64 one at the same parameters", name=name)
