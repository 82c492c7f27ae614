"""Devices of torch: what each needs, how it is opened, and a self-test. Imports torch only inside functions.

DirectML comes first in the order of choice because it is the document's device. Its package must be imported before
any backward pass of the process (a backward before the import breaks every later one on the device), and after an
import over a broken driver any backward aborts the process: a worker that failed to open it is never used again.
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nncheck.autograd.directml import missing_directml
from nncheck.autograd.precision import in_full
from nncheck.language import N_, phrase, translate


class Stage(Protocol):
    """Is told of each stage before it begins, and from which one on a failure is that of a kind of device."""

    def __call__(self, name: str, device: str = "") -> None:
        """Note the stage; ``device`` holds until another is named."""


class NoDevice(Exception):
    """The device that was asked for is not there; the text says what is missing."""


@dataclass(frozen=True)
class Device:
    """An opened device: its torch device and what to call it."""

    kind: str
    torch: Any
    name: str


@dataclass(frozen=True)
class Kind:
    """How one kind of device is found and opened.

    Attributes
    ----------
    missing : callable
        Says without importing torch what is missing, or returns an empty text if the device may be there.
    open : callable
        Opens the device of an index in the worker; raises NoDevice if there is none.
    """

    name: str
    missing: Callable[[], str]
    open: Callable[[int, Stage], Device]


def kinds() -> dict[str, Kind]:
    """All kinds of device, in the order in which ``auto`` tries them."""
    return {kind.name: kind for kind in _KINDS}


def parse(wanted: str) -> tuple[str, int]:
    """Split ``cuda:1`` into its kind and index.

    Raises
    ------
    ValueError
        If the kind is unknown or the index is not a whole number.
    """
    if not isinstance(wanted, str):
        raise ValueError(phrase("got device {wanted!r}, expected text such as auto or cpu", wanted=wanted))
    kind, _, index = wanted.strip().lower().partition(":")
    kind = "directml" if kind in ("dml", "privateuseone") else kind
    if kind not in ("auto", *kinds()) or (index and not index.isdigit()) or (kind == "auto" and index):
        raise ValueError(
            phrase(
                "got device {wanted!r}, expected auto, {kinds}, or one with an index (cuda:1)",
                wanted=wanted,
                kinds=", ".join(kinds()),
            )
        )
    return kind, int(index or 0)


def open_device(wanted: str, stage: Stage, skip: Collection[str] = ()) -> Device:
    """Open a device in this process, float32 in its full precision; ``auto`` passes over the kinds in ``skip``.

    Raises
    ------
    Exception
        Whatever torch or the driver raises; the caller knows the stage it was told last.
    """
    kind, index = parse(wanted)
    if kind != "auto":
        return kinds()[kind].open(index, stage)
    if "directml" not in skip and not kinds()["directml"].missing():
        return kinds()["directml"].open(index, stage)
    for candidate in ("cuda", "xpu", "mps"):
        if candidate in skip:
            continue
        try:
            return kinds()[candidate].open(index, stage)
        except NoDevice:
            continue
    return kinds()["cpu"].open(0, stage)


def self_test(device: Device, stage: Stage) -> str:
    """Train one step of a small network on the device and on the CPU; return what is off, or an empty text.

    A refusal or a crash is an exception or the end of the process, and so are numbers that something else computed;
    those that are off are only reported, because a device that works and is wrong is to be kept and blamed.
    """
    import torch

    stage(phrase("self-test"))
    generator = torch.Generator().manual_seed(7)
    X, W, W2 = (torch.randn(shape, generator=generator) for shape in ((5, 4), (3, 4), (2, 3)))
    YT = torch.softmax(torch.randn((5, 2), generator=generator), dim=1)

    def gradients(place: Any, dtype: Any) -> list[Any]:
        leaves = [w.to(place, dtype).requires_grad_() for w in (W, W2)]
        hidden = torch.relu(torch.nn.functional.linear(X.to(place, dtype), leaves[0]))
        logits = torch.nn.functional.linear(hidden, leaves[1])
        E = torch.nn.functional.cross_entropy(logits, YT.to(place, dtype))
        computed = torch.autograd.grad(E, leaves)
        elsewhere = {g.device.type for g in computed} - {torch.device(place).type}
        if elsewhere:
            raise RuntimeError(
                phrase(
                    "what {kind} was to compute lies on {place}", kind=device.kind, place=", ".join(sorted(elsewhere))
                )
            )
        return [g.cpu().to(torch.float64) for g in computed]

    # the device first: no backward of any kind may come before its own
    got, expected = gradients(device.torch, torch.float32), gradients("cpu", torch.float64)
    for name, a, b in zip(("dW", "dW2"), got, expected):
        if not torch.allclose(a, b, rtol=1e-4, atol=1e-6):
            off = (a - b).abs().max().item()
            return phrase("self-test: {name} is off by {off:.3g}", name=name, off=off)
    return ""


def cpu_in_its_place(device: Device) -> str:
    """Say so of a device whose package gives the CPU in its place; empty of any other."""
    if device.kind == "cpu" or device.torch.type != "cpu":
        return ""
    return phrase("{kind} computes on the CPU, which its package gives as the device", kind=device.kind)


def _open_cpu(index: int, stage: Stage) -> Device:
    stage("import torch", "cpu")
    import torch

    in_full()
    return Device("cpu", torch.device("cpu"), _cpu_name())


def _open_directml(index: int, stage: Stage) -> Device:
    missing = missing_directml()
    if missing:
        raise NoDevice(missing)
    stage("import torch")
    import torch  # noqa: F401  (by itself first, so that the stage tells a broken torch from a broken driver)

    stage("import torch_directml", "directml")
    import torch_directml

    stage("device_count")
    count = torch_directml.device_count()
    if count <= index:
        raise NoDevice(
            phrase("torch_directml finds {count} device(s), index {index} was asked for", count=count, index=index)
        )
    stage(phrase("open the device"))
    place = _place(torch_directml.device(index))
    name = _name(lambda: torch_directml.device_name(index))
    in_full()
    return Device("directml", place, name or "DirectML")


def _place(given: object) -> Any:
    """Return the torch device that a package gave; raises RuntimeError if it is none on which anything runs."""
    import torch

    try:
        place = torch.device(given)
    except (TypeError, RuntimeError):
        place = None
    if place is None or place.type == "meta":
        said = " ".join(str(given).split())[:_LONGEST_NAME]
        raise RuntimeError(phrase("torch_directml gives {given}, which is no device", given=said))
    return place


@dataclass(frozen=True)
class _OfTorch:
    """A kind of device that torch itself has: how many there are, what one is called, and what to say of none."""

    kind: str
    count: Callable[[Any], int]
    name: Callable[[Any, int], object]
    none: str
    built: Callable[[Any], bool]

    def open(self, index: int, stage: Stage) -> Device:
        """Open the device of an index; raises NoDevice if torch finds no such one."""
        stage("import torch")
        import torch

        stage("device_count", self.kind)
        with warnings.catch_warnings(record=True) as said:  # torch warns of a driver that is too old, and counts none
            warnings.simplefilter("always")
            count = self.count(torch)
        if count <= index:
            raise NoDevice(self._why(torch, count, index, [" ".join(str(w.message).split())[:300] for w in said]))
        stage(phrase("open the device"))
        place = torch.device(self.kind, index)
        name = _name(lambda: self.name(torch, index))
        in_full()
        return Device(self.kind, place, name)

    def _why(self, torch: Any, count: int, index: int, said: list[str]) -> str:
        why = translate(self.none).format(count=count)
        if count:
            why = phrase("{why}, index {index} was asked for", why=why, index=index)
        elif not self.built(torch):
            why = phrase("{why}; this torch was built without it", why=why)
        return f"{why} ({said[0]})" if said else why


def _count_cuda(torch: Any) -> int:
    return int(torch.cuda.device_count()) if torch.cuda.is_available() else 0


def _count_xpu(torch: Any) -> int:
    return int(torch.xpu.device_count()) if hasattr(torch, "xpu") and torch.xpu.is_available() else 0


_CUDA = _OfTorch(
    "cuda",
    _count_cuda,
    lambda torch, index: torch.cuda.get_device_name(index),
    N_("torch finds {count} CUDA device(s)"),
    lambda torch: bool(torch.version.cuda or torch.version.hip),
)
_XPU = _OfTorch(
    "xpu",
    _count_xpu,
    lambda torch, index: torch.xpu.get_device_name(index),
    N_("torch finds {count} XPU device(s)"),
    lambda torch: bool(hasattr(torch, "xpu") and torch.xpu._is_compiled()),
)
_MPS = _OfTorch(
    "mps",
    lambda torch: int(torch.backends.mps.is_available()),
    lambda torch, index: platform.processor() or "Apple GPU",
    N_("torch finds {count} MPS device(s)"),
    lambda torch: bool(torch.backends.mps.is_built()),
)


def _name(ask: Callable[[], object]) -> str:
    """Return what a device calls itself, fit for a line; nothing if it cannot say: that is no reason not to use it."""
    try:
        said = ask()
    except Exception:  # also a name in the code page of Windows, which the package takes for UTF-8
        return ""
    if not isinstance(said, str):
        return ""
    printable = "".join(sign if sign.isprintable() else " " for sign in said)  # DirectML's can end in a NUL
    return printable.strip()[:_LONGEST_NAME]


def _cpu_name() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return next(line.split(":", 1)[1].strip() for line in facts.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine() or "CPU"


def _nothing_missing() -> str:
    return ""


_LONGEST_NAME = 100

_KINDS = (
    Kind("directml", missing_directml, _open_directml),
    Kind("cuda", _nothing_missing, _CUDA.open),
    Kind("xpu", _nothing_missing, _XPU.open),
    Kind("mps", _nothing_missing, _MPS.open),
    Kind("cpu", _nothing_missing, _open_cpu),
)
