"""The result of a run: frozen records that every report is a function of; their JSON is schema nncheck/run/1."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nncheck.language import N_, current
from nncheck.shown import Shown
from nncheck.verdicts import Verdict

if TYPE_CHECKING:
    from nncheck.curves import Curve
    from nncheck.network import Network
    from nncheck.worked import WorkedStep

SCHEMA = "nncheck/run/1"

Fault = Literal["derivation", "device", "loss"]
Nested = Any  # a number, or lists of them

#: Metadata of a field that pages and pictures show, and that stands in no JSON.
SHOWN_ALONE = {"json": False}

#: What each fault, and each side that is judged, is called in reports.
FAULTS: Mapping[str, str] = {"derivation": N_("derivation"), "device": N_("device"), "loss": N_("loss")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """Why a CPU, or the next device, stands in for one: the stage that failed, and how.

    Attributes
    ----------
    stage, reason : str
    kind : str or None
        The device; None if the failure came before any was tried.
    remembered : str or None
        When it failed in an earlier run, for which it was passed over; None if it failed in this one.
    """

    stage: str
    reason: str
    kind: str | None = None
    remembered: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUsed:
    """The device that the torch side ran on."""

    kind: str
    name: str
    fallback: Fallback | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRow:
    """Loss of both sides at one step, before its update; ``diff`` is their absolute difference."""

    autograd: float
    manual: float
    diff: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamRow:
    """Largest absolute difference of one parameter after the update of a step, and the index where it is."""

    diff: float
    index: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One printed step."""

    step: int
    loss: LossRow
    params: Mapping[str, ParamRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtStep:
    """A difference, and the step at which it is."""

    step: int
    diff: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Largest error / bound of one kind of local check, with its step and quantity; None where nothing was checked.

    Above 1 is more than rounding explains.
    """

    ratio: float | None
    step: int | None
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Verdict on one quantity of one side.

    Attributes
    ----------
    side : str
        ``derivation`` (hand-written gradient and update), ``loss`` (hand-written loss) or ``device``.
    name : str
        dW a gradient, W an update, E the loss.
    rule : str
        ``bound``, ``fixed tolerance`` or ``not covered``.
    steps : int
        At how many steps it was checked.
    differing : int
        At how many of them it differs.
    resolved, elements : int
        How many of its elements some step resolved to 1e-3, of how many: in float64 to that part of the element, in
        float32 to that part of the tensor's largest.
    """

    side: str
    name: str
    verdict: Verdict
    rule: str
    ratio: float
    step: int
    steps: int
    differing: int
    resolved: int
    elements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong, with its evidence at the worst step.

    Attributes
    ----------
    fault : str
    quantity : str or None
        None if the hand-written code stopped before it gave one.
    first_step, step : int
        First step at which it differs, and the worst one.
    steps : int
        At how many steps it differs.
    index : tuple of int or None
    got, expected, error, bound : float or None
        At the worst step and index.
    text : str
        The finding in a sentence.
    """

    fault: Fault
    quantity: str | None
    first_step: int
    step: int
    steps: int
    index: tuple[int, ...] | None
    got: float | None
    expected: float | None
    error: float | None
    bound: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult(Shown):
    """Everything that one run of one case gave.

    Attributes
    ----------
    curves : tuple of Curve
        Losses, differences and error / bound over all steps, thinned.
    worked : tuple of WorkedStep
        The steps kept with all their numbers, ascending.
    network : Network or None
        What the picture of the network needs; None where the derivation has no such form.
    """

    case: str
    title: str
    steps: int
    device: DeviceUsed
    verdict: Verdict
    faults: tuple[Fault, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    seed: int
    dtypes: Mapping[str, str]
    drift: Mapping[str, AtStep]
    rows: tuple[Row, ...]
    worst: Mapping[str, AtStep]
    local: Mapping[str, Local]
    quantities: tuple[Quantity, ...]
    final: Mapping[str, Mapping[str, Nested]]
    curves: tuple[Curve, ...] = field(default=(), metadata=SHOWN_ALONE)
    worked: tuple[WorkedStep, ...] = field(default=(), metadata=SHOWN_ALONE)
    network: Network | None = field(default=None, metadata=SHOWN_ALONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult(Shown):
    """The results of one run, case by case; ``language`` is that of its texts, and stands in no JSON."""

    schema: str
    versions: Mapping[str, str]
    cases: tuple[CaseResult, ...]
    language: str = field(default_factory=current, repr=False, compare=False, metadata=SHOWN_ALONE)

    @property
    def differs(self) -> bool:
        """Whether anything differs in any case."""
        return any(case.verdict == "differ" for case in self.cases)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, numbers and text, ready for JSON (schema nncheck/run/1)."""
        result: dict[str, Any] = jsonable(self)
        return result


def jsonable(value: Any) -> Any:
    """Turn records into JSON values; a number that is not finite becomes "NaN", "Infinity" or "-Infinity"."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if dataclasses.is_dataclass(value):
        told = (f.name for f in dataclasses.fields(value) if f.metadata.get("json", True))
        return {name: jsonable(getattr(value, name)) for name in told}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    return value
