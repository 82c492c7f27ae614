"""Which devices this machine has for torch, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass

from nncheck.autograd import device as devices
from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.language import phrase
from nncheck.process import ProcessFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """State of one kind of device.

    Attributes
    ----------
    state : str
        ``works``, ``wrong`` (its self-test gives wrong numbers), ``fails`` (it is there and does not work) or
        ``missing``.
    reason : str
        What is missing, fails or is wrong; empty if it works.
    """

    kind: str
    state: str
    name: str
    reason: str


def survey() -> tuple[DeviceState, ...]:
    """Try every kind of device in a process of its own, with one step of training checked against the CPU."""
    # a driver that fails can take its process along: DirectML is tried apart from the others
    missing = devices.kinds()["directml"].missing()
    states = [DeviceState(kind="directml", state="missing", name="", reason=missing)] if missing else _try("directml")
    return (*states, *_try(*(kind for kind in devices.kinds() if kind != "directml")))


def _try(*kinds: str) -> list[DeviceState]:
    with Worker(kinds[0]) as worker:
        try:
            answer, _ = worker.ask("survey", limit=START_LIMIT, kinds=list(kinds))
        except ProcessFailure as failure:
            reason = phrase("at {stage}: {reason}", stage=failure.stage, reason=failure.reason)
            return [DeviceState(kind=kind, state="fails", name="", reason=reason) for kind in kinds]
    return [DeviceState(kind=kind, **answer["states"][kind]) for kind in kinds]
