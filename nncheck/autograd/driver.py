"""What is known of a device's driver, for a bug report. A fact that cannot be had is absent; nothing here fails."""

from __future__ import annotations

import contextlib
import platform
import sys
from typing import Any

from nncheck.autograd.device import Device

#: Where Windows keeps its display adapters.
_DISPLAY = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"


def facts(device: Device) -> dict[str, str]:
    """Return what is known of the driver of an opened device, and of the system under it."""
    found: dict[str, str] = {}
    for source in (_of_windows, _of_wsl, _of_cuda, _of_xpu, _of_mps):
        with contextlib.suppress(Exception):
            found |= {name: str(value) for name, value in source(device).items() if value not in (None, "")}
    return found


def _of_windows(device: Device) -> dict[str, Any]:
    """Version and date of the display driver whose description is the device's name."""
    if sys.platform != "win32" or device.kind == "cpu":
        return {}
    import winreg

    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _DISPLAY) as adapters:
        for k in range(winreg.QueryInfoKey(adapters)[0]):
            with contextlib.suppress(OSError), winreg.OpenKey(adapters, winreg.EnumKey(adapters, k)) as adapter:
                if winreg.QueryValueEx(adapter, "DriverDesc")[0].strip() == device.name:
                    return {
                        "driver": winreg.QueryValueEx(adapter, "DriverVersion")[0],
                        "driver date": winreg.QueryValueEx(adapter, "DriverDate")[0],
                    }
    return {}


def _of_wsl(_: Device) -> dict[str, Any]:
    """Return the kernel of WSL, through which torch reaches the driver of Windows."""
    release = platform.release()
    return {"WSL kernel": release} if "microsoft" in release.lower() else {}


def _of_cuda(device: Device) -> dict[str, Any]:
    """Compute capability, and versions of the CUDA or ROCm that torch was built for, of the driver and of cuDNN."""
    if device.kind != "cuda":
        return {}
    import torch

    major, minor = torch.cuda.get_device_capability(device.torch)
    found: dict[str, Any] = {"compute capability": f"{major}.{minor}", "CUDA": torch.version.cuda}
    found |= {"ROCm": getattr(torch.version, "hip", None), "cuDNN": torch.backends.cudnn.version()}
    with contextlib.suppress(Exception):
        number = int(torch._C._cuda_getDriverVersion())
        found["CUDA of the driver"] = f"{number // 1000}.{number % 1000 // 10}"
    with contextlib.suppress(Exception):
        found["driver"] = _nvidia_version()
    return found


def _nvidia_version() -> str | None:
    """Version of NVIDIA's kernel module on Linux: the first number of its line."""
    import re
    from pathlib import Path

    said = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
    match = re.search(r"\b\d+\.\d+(\.\d+)?\b", said)
    return match.group() if match else None


def _of_xpu(device: Device) -> dict[str, Any]:
    if device.kind != "xpu":
        return {}
    import torch

    known = torch.xpu.get_device_properties(device.torch)
    wanted = {"driver": "driver_version", "platform": "platform_name", "device version": "version"}
    return {name: getattr(known, attribute, None) for name, attribute in wanted.items()}


def _of_mps(device: Device) -> dict[str, Any]:
    """Return the version of macOS: the driver comes with it."""
    return {"macOS": platform.mac_ver()[0]} if device.kind == "mps" else {}
