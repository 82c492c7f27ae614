"""Which devices this machine has for torch, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nncheck.autograd import device as devices
from nncheck.autograd import remembered
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


def survey(reprobe: bool = False) -> tuple[DeviceState, ...]:
    """Try every kind of device in a process of its own, with one step of training checked against the CPU.

    Parameters
    ----------
    reprobe : bool
        Whether a device that failed in the last day is tried again; else its failure is shown as it was.
    """
    states: dict[str, DeviceState] = {}
    for kind in devices.kinds().values():
        missing = kind.missing()
        failure = None if missing or reprobe or kind.name == "cpu" else remembered.recall(kind.name)
        if missing:
            states[kind.name] = DeviceState(kind=kind.name, state="missing", name="", reason=missing)
        elif failure is not None:
            states[kind.name] = _as_remembered(kind.name, failure)
    # a driver that fails can take its process along: DirectML is tried apart from the others
    tried: list[_Tried] = [] if "directml" in states else _try(["directml"])
    tried += _try([kind for kind in devices.kinds() if kind != "directml" and kind not in states])
    if any(one.state.kind == "cpu" and one.state.state in ("works", "wrong") for one in tried):
        for one in tried:  # where the CPU fails too, it is torch that does
            one.keep()
    states |= {one.state.kind: one.state for one in tried}
    return tuple(states[kind] for kind in devices.kinds())


@dataclass(frozen=True)
class _Tried:
    """What was found of a device, and how it failed, if it did; by ``chance`` is no fault of the device."""

    state: DeviceState
    stage: str = ""
    reason: str = ""
    chance: bool = False

    def keep(self) -> None:
        """Remember that the device failed, or forget that it ever did."""
        kind, state = self.state.kind, self.state.state
        if kind == "cpu" or self.chance:
            return
        none_of_directml = state == "missing" and kind == "directml"
        if state == "fails" or none_of_directml:
            remembered.remember(kind, self.stage, self.reason, missing=state == "missing")
        else:
            remembered.forget(kind)


def _try(kinds: list[str]) -> list[_Tried]:
    """Try devices in one process, and again without the one that took it along."""
    with Worker(kinds[0]) as worker:
        try:
            answer, _ = worker.ask("survey", limit=START_LIMIT, kinds=kinds)
        except ProcessFailure as failure:
            if failure.device in kinds and len(kinds) > 1:
                others = _try([kind for kind in kinds if kind != failure.device])
                return [*others, _failed(failure.device, failure)]
            return [_failed(kind, failure) for kind in kinds]
    return [_found(kind, answer["states"][kind]) for kind in kinds]


def _found(kind: str, found: dict[str, Any]) -> _Tried:
    stage, reason, state = found["stage"], found["reason"], found["state"]
    said = phrase("at {stage}: {reason}", stage=stage, reason=reason) if state == "fails" else reason
    shown = DeviceState(kind=kind, state=state, name=found["name"], reason=said)
    return _Tried(shown, stage, reason, chance=found.get("exhausted", False))


def _failed(kind: str, failure: ProcessFailure) -> _Tried:
    reason = phrase("at {stage}: {reason}", stage=failure.stage, reason=failure.reason)
    state = DeviceState(kind=kind, state="fails", name="", reason=reason)
    return _Tried(state, failure.stage, failure.reason, chance=not failure.device or failure.by_chance)


def _as_remembered(kind: str, failure: remembered.Remembered) -> DeviceState:
    at = phrase("at {stage}: {reason}", stage=failure.stage, reason=failure.reason)
    said = failure.reason if failure.missing else at
    reason = phrase("{reason} (on {when}; --reprobe asks it again)", reason=said, when=failure.when)
    return DeviceState(kind=kind, state="missing" if failure.missing else "fails", name="", reason=reason)
