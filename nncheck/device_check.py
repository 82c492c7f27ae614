"""The result of a device check: frozen records that its reports are functions of; schema nncheck/device-check/1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nncheck.language import current
from nncheck.record import SHOWN_ALONE, Nested, jsonable
from nncheck.shown import Shown

SCHEMA = "nncheck/device-check/1"

State = Literal["right", "wrong", "falls back", "refuses", "not checked"]
STATES: tuple[State, ...] = ("right", "wrong", "falls back", "refuses", "not checked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An operand of an example; ``values`` is None where there are too many numbers to show."""

    dtype: str
    shape: tuple[int, ...]
    layout: str
    values: Nested


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The smallest call that comes out wrong.

    Attributes
    ----------
    call : str
        What was called, in torch.
    code : str
        A program that shows it: to be pasted and run.
    quantity : str
        The result that is wrong by its name in the call; ``dx`` the gradient of x.
    what : str
        What of it is wrong: ``value``, ``dtype``, ``shape``, or ``missing`` if the device gives none.
    index : tuple of int or None
        Of the worst element.
    got, expected : number, text or None
        There; dtypes and shapes as text.
    error, bound : float or None
        Their distance, and how much of it rounding explains (0: they must be equal).
    text : str
        The same in a sentence.
    """

    call: str
    code: str
    dtype: str
    inputs: Mapping[str, Input]
    quantity: str
    what: str
    index: tuple[int, ...] | None
    got: float | str | None
    expected: float | str | None
    error: float | None
    bound: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCheck:
    """One operator, or one use of it, on a device.

    Attributes
    ----------
    samples, wrong : int
        How many calls were answered, and how many of the answers are wrong.
    ratio : float or None
        Largest error / bound of them; None where all that is compared must be equal, or nothing was.
    fallbacks : tuple of str
        The operators of torch that were computed on the CPU in the device's place.
    reason : str
        Why the device refuses it, or could not be asked; empty otherwise.
    """

    name: str
    state: State
    samples: int
    wrong: int
    ratio: float | None
    fallbacks: tuple[str, ...]
    reason: str
    example: Example | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDevice:
    """One device: what it is and what each operator does on it.

    Attributes
    ----------
    device : str
        As ``--device`` takes it: ``directml``, ``cuda:1``.
    driver : mapping of str to str
        What is known of its driver.
    """

    device: str
    kind: str
    name: str
    driver: Mapping[str, str]
    operators: tuple[OperatorCheck, ...]
    notes: tuple[str, ...]

    def of(self, state: State) -> tuple[OperatorCheck, ...]:
        """Return the operators of one state."""
        return tuple(row for row in self.operators if row.state == state)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCheck(Shown):
    """The devices that were checked.

    Attributes
    ----------
    failed : mapping of str to str
        Devices that could not be opened, where all were to be checked, and why not.
    language : str
        Of its texts; it stands in no JSON.
    """

    schema: str
    versions: Mapping[str, str]
    devices: tuple[CheckedDevice, ...]
    failed: Mapping[str, str]
    language: str = field(default_factory=current, repr=False, compare=False, metadata=SHOWN_ALONE)

    @property
    def wrong(self) -> bool:
        """Whether any operator is wrong on any of them."""
        return any(device.of("wrong") for device in self.devices)

    @property
    def finished(self) -> bool:
        """Whether every operator was asked, on every device that is there."""
        return not self.failed and not any(device.of("not checked") for device in self.devices)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and text, ready for JSON (schema nncheck/device-check/1)."""
        result: dict[str, Any] = jsonable(self)
        return result
