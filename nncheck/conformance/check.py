"""Check devices: those that are asked for, each by every operator of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from nncheck.autograd import device as devices
from nncheck.conformance.asking import checked
from nncheck.conformance.bench import Bench
from nncheck.conformance.operators import operators
from nncheck.device_check import SCHEMA, CheckedDevice, DeviceCheck, OperatorCheck
from nncheck.errors import DeviceError, InputError
from nncheck.language import phrase, speaking
from nncheck.process import ProcessFailure
from nncheck.versions import versions

#: What is called as an operator is done: the device, how many are done, of how many.
Progress = Callable[[str, int, int], None]


@speaking
def check_device(name: str | None = None, *, language: str = "en", progress: Progress | None = None) -> DeviceCheck:
    """Check what a device computes, operator by operator, forward and backward, against float64 on the CPU.

    A result is right inside ``(u + u64) * radius + eta``, its radius from the computation itself (`nncheck.formula`);
    what computes nothing must be equal.

    Parameters
    ----------
    name : str, optional
        As ``--device`` takes it: ``directml``, ``cuda:1``. Every device that works here if it is not given.
    language : str
        Of the texts: ``en`` or ``ko``.
    progress : callable, optional
        Called with the device, the operators done and their number.

    Returns
    -------
    DeviceCheck

    Raises
    ------
    DeviceError
        If the device of that name is not there, or cannot be opened.
    InputError
        If there is no such kind of device, or none works here.
    """
    found: list[CheckedDevice] = []
    failed: dict[str, str] = {}
    made_with = versions()
    for device in _wanted(name):
        try:
            with Bench(device) as bench:
                found.append(_checked(bench, device, progress))
                made_with |= bench.versions
        except ProcessFailure as failure:
            if name is not None:
                raise _not_there(device, failure) from None
            if not failure.missing:
                failed[device] = phrase("at {stage}: {reason}", stage=failure.stage, reason=failure.reason)
    if not found:
        raise InputError(phrase("No device works here; `nncheck devices` says why not."))
    return DeviceCheck(schema=SCHEMA, versions=made_with, devices=tuple(found), failed=failed)


def _wanted(name: str | None) -> list[str]:
    """Return the device of that name, or all that may be here; what failed before is tried afresh."""
    if name is None:
        return [kind.name for kind in devices.kinds().values() if not kind.missing()]
    try:
        kind, _ = devices.parse(name)
    except ValueError as error:
        raise InputError(f"{error}.") from None
    if kind == "auto":
        raise InputError(phrase("--check takes the name of a device, or none for all that work; got auto."))
    return [name.strip().lower()]


def _not_there(device: str, failure: ProcessFailure) -> DeviceError:
    how = phrase("is not there") if failure.missing else phrase("failed at {stage}", stage=failure.stage)
    said = phrase("--check {wanted} {how}: {reason}.", wanted=device, how=how, reason=failure.reason)
    return DeviceError(said, failure.stage)


def _checked(bench: Bench, device: str, progress: Progress | None) -> CheckedDevice:
    rows, table = [], operators()
    for done, operator in enumerate(table):
        if progress is not None:
            progress(device, done, len(table))
        rows.append(checked(bench, device, operator))
    if progress is not None:
        progress(device, len(table), len(table))
    return CheckedDevice(
        device=device,
        kind=bench.kind,
        name=bench.name,
        driver=bench.driver,
        operators=tuple(rows),
        notes=(*bench.notes, *_remarks(bench, rows)),
    )


def _remarks(bench: Bench, rows: Sequence[OperatorCheck]) -> Iterator[str]:
    """Say from where on nothing could be asked, and what was lost without an operator that is to blame."""
    unchecked = [row.name for row in rows if row.state == "not checked"]
    if unchecked:
        yield phrase(
            "From {name} on nothing could be asked: {reason}.", name=unchecked[0], reason=bench.gone.rstrip(".! ")
        )
    if bench.strays:
        yield phrase(
            "{count} calls were lost and answered when they were asked again in a new process, the first one of "
            "{name}: {reason}.",
            count=len(bench.strays),
            name=bench.strays[0][0],
            reason=bench.strays[0][1].rstrip(".! "),
        )
