"""Facts about a driver, each from its own source; one that cannot be had is absent."""

from __future__ import annotations

import platform
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from nncheck.autograd import driver
from nncheck.autograd.device import Device

ADAPTERS = [
    {"DriverDesc": "Microsoft Basic Display", "DriverVersion": "10.0.1", "DriverDate": "6-21-2006"},
    {"DriverDesc": "Some GPU", "DriverVersion": "31.0.101.2115", "DriverDate": "9-6-2022"},
]


class _Key:
    def __init__(self, values: dict[str, Any] | None) -> None:
        self.values = values

    def __enter__(self) -> _Key:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stand in for the registry of Windows: two adapters, and a key that may not be opened."""
    winreg = ModuleType("winreg")
    names = ["0000", "0001", "Properties"]

    def opened(key: Any, name: str) -> _Key:
        if key == "HKLM":
            assert "{4d36e968-e325-11ce-bfc1-08002be10318}" in name
            return _Key(None)
        if name == "Properties":
            raise PermissionError(5, "Access is denied")
        return _Key(ADAPTERS[int(name)])

    def value(key: _Key, name: str) -> tuple[str, int]:
        assert key.values is not None
        if name not in key.values:
            raise FileNotFoundError(2, name)
        return key.values[name], 1

    facts = {
        "HKEY_LOCAL_MACHINE": "HKLM",
        "OpenKey": opened,
        "QueryInfoKey": lambda key: (len(names), 0, 0),
        "EnumKey": lambda key, k: names[k],
        "QueryValueEx": value,
    }
    for name, fact in facts.items():
        setattr(winreg, name, fact)
    monkeypatch.setitem(sys.modules, "winreg", winreg)
    monkeypatch.setattr(sys, "platform", "win32")
    return winreg


def test_windows_names_the_driver_of_the_adapter(registry: ModuleType) -> None:
    device = Device("directml", "privateuseone:0", "Some GPU")
    assert driver.facts(device) == {"driver": "31.0.101.2115", "driver date": "9-6-2022"}
    assert driver.facts(Device("directml", "privateuseone:0", "Another")) == {}


def test_a_registry_that_fails_costs_nothing(registry: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> Any:
        raise OSError("denied")

    monkeypatch.setattr(registry, "OpenKey", denied)
    assert driver.facts(Device("directml", "privateuseone:0", "Some GPU")) == {}


def test_wsl_has_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "release", lambda: "5.15.90.1-microsoft-standard-WSL2")
    assert driver.facts(Device("cpu", "cpu", "")) == {"WSL kernel": "5.15.90.1-microsoft-standard-WSL2"}


def test_cuda_xpu_and_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(get_device_capability=lambda device: (9, 0))
    torch = ModuleType("torch")
    parts: dict[str, Any] = {
        "cuda": cuda,
        "version": SimpleNamespace(cuda="12.4", hip=None),
        "backends": SimpleNamespace(cudnn=SimpleNamespace(version=lambda: 90100)),
        "_C": SimpleNamespace(_cuda_getDriverVersion=lambda: 12060),
        "xpu": SimpleNamespace(
            get_device_properties=lambda device: SimpleNamespace(driver_version="1.3.3", platform_name="Level-Zero")
        ),
    }
    for name, part in parts.items():
        setattr(torch, name, part)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(driver, "_nvidia_version", lambda: "560.35")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("14.5", ("", "", ""), "arm64"))
    assert driver.facts(Device("cuda", "cuda:0", "GPU")) == {
        "compute capability": "9.0",
        "CUDA": "12.4",
        "cuDNN": "90100",
        "CUDA of the driver": "12.6",
        "driver": "560.35",
    }
    assert driver.facts(Device("xpu", "xpu:0", "GPU")) == {"driver": "1.3.3", "platform": "Level-Zero"}
    assert driver.facts(Device("mps", "mps", "GPU")) == {"macOS": "14.5"}
    del torch.cuda
    assert driver.facts(Device("cuda", "cuda:0", "GPU")) == {}
