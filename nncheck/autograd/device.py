"""Devices of torch: what each needs, how it is opened, and a self-test. Imports torch only inside functions.

DirectML comes first in the order of choice because it is the document's device. Its package must be imported before
any backward pass of the process (a backward before the import breaks every later one on the device), and after an
import over a broken driver any backward aborts the process: a worker that failed to open it is never used again.
"""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nncheck.language import phrase

Stage = Callable[[str], None]


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
    """Open a device in this process; ``stage`` is told of each stage before it begins, ``auto`` passes over ``skip``.

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
        try:
            return kinds()[candidate].open(index, stage)
        except NoDevice:
            continue
    return kinds()["cpu"].open(0, stage)


def self_test(device: Device, stage: Stage) -> str:
    """Train one step of a small network on the device and on the CPU; return what is off, or an empty text.

    A refusal or a crash is an exception or the end of the process; numbers that are off are only reported, because a
    device that works and is wrong is to be kept and blamed.
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
        return [g.cpu().to(torch.float64) for g in torch.autograd.grad(E, leaves)]

    # the device first: no backward of any kind may come before its own
    got, expected = gradients(device.torch, torch.float32), gradients("cpu", torch.float64)
    for name, a, b in zip(("dW", "dW2"), got, expected):
        if not torch.allclose(a, b, rtol=1e-4, atol=1e-6):
            off = (a - b).abs().max().item()
            return phrase("self-test: {name} is off by {off:.3g}", name=name, off=off)
    return ""


def _open_cpu(index: int, stage: Stage) -> Device:
    stage("import torch")
    import torch

    return Device("cpu", torch.device("cpu"), _cpu_name())


def _open_directml(index: int, stage: Stage) -> Device:
    missing = _missing_directml()
    if missing:
        raise NoDevice(missing)
    stage("import torch")
    import torch  # noqa: F401  (by itself first, so that the stage tells a broken torch from a broken driver)

    stage("import torch_directml")
    import torch_directml

    stage("device_count")
    count = torch_directml.device_count()
    if count <= index:
        raise NoDevice(
            phrase("torch_directml finds {count} device(s), index {index} was asked for", count=count, index=index)
        )
    stage(phrase("open the device"))
    name = str(torch_directml.device_name(index)).rstrip("\0 ")  # the name can end in a NUL
    return Device("directml", torch_directml.device(index), name or "DirectML")


def _open_cuda(index: int, stage: Stage) -> Device:
    stage("import torch")
    import torch

    stage("device_count")
    if not torch.cuda.is_available() or torch.cuda.device_count() <= index:
        count = torch.cuda.device_count()
        if torch.version.cuda or torch.version.hip:
            raise NoDevice(phrase("torch finds {count} CUDA device(s)", count=count))
        raise NoDevice(phrase("torch finds {count} CUDA device(s); this torch was built without it", count=count))
    stage(phrase("open the device"))
    torch.backends.cuda.matmul.allow_tf32 = False  # TF32 keeps 10 bits; the float32 bound would not hold
    torch.backends.cudnn.allow_tf32 = False
    return Device("cuda", torch.device("cuda", index), torch.cuda.get_device_name(index))


def _open_xpu(index: int, stage: Stage) -> Device:
    stage("import torch")
    import torch

    stage("device_count")
    if not hasattr(torch, "xpu") or not torch.xpu.is_available() or torch.xpu.device_count() <= index:
        raise NoDevice(phrase("torch finds no XPU device"))
    stage(phrase("open the device"))
    return Device("xpu", torch.device("xpu", index), torch.xpu.get_device_name(index))


def _open_mps(index: int, stage: Stage) -> Device:
    stage("import torch")
    import torch

    stage("device_count")
    if not torch.backends.mps.is_available() or index:
        raise NoDevice(phrase("torch finds no MPS device"))
    return Device("mps", torch.device("mps"), platform.processor() or "Apple GPU")


def _cpu_name() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return next(line.split(":", 1)[1].strip() for line in facts.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine() or "CPU"


def _missing_directml() -> str:
    if importlib.util.find_spec("torch_directml") is None:
        return phrase(
            "the package torch-directml is not installed; it exists for Windows and WSL on x86-64 with Python 3.8 to "
            "3.12: pip install torch-directml"
        )
    if "microsoft" in platform.release().lower() and not Path("/dev/dxg").exists():
        return phrase(
            "WSL shows no GPU: /dev/dxg is missing; update WSL (wsl --update) and the Windows graphics driver"
        )
    return ""


def _nothing_missing() -> str:
    return ""


_KINDS = (
    Kind("directml", _missing_directml, _open_directml),
    Kind("cuda", _nothing_missing, _open_cuda),
    Kind("xpu", _nothing_missing, _open_xpu),
    Kind("mps", _nothing_missing, _open_mps),
    Kind("cpu", _nothing_missing, _open_cpu),
)
