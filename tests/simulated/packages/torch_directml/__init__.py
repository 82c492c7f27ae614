"""A stand-in for the package torch_directml: the calls that nncheck makes, answered by the simulated device.

It is put first on PYTHONPATH, so that every process of nncheck runs unmodified. What it is told stands in the
environment: the built library, the list of native operators, a file for the log, and one fault on each line.
"""

import ctypes
import os
import signal
import sys
import time
import types

import torch

_faults = [line for line in os.environ.get("SIMULATED_FAULTS", "").split("\n") if line]


def _fail(stage: str) -> None:
    for fault in _faults:
        name, _, rest = fault.partition("=")
        kind, _, text = rest.partition(":")
        if name != stage:
            continue
        if kind == "raise":
            raise RuntimeError(text or "the driver is broken")
        if kind == "oserror":
            raise OSError(text or "libd3d12.so: cannot open shared object file: No such file or directory")
        if kind == "exit":
            os._exit(3)
        if kind in ("segfault", "abort"):
            os.kill(os.getpid(), signal.SIGSEGV if kind == "segfault" else signal.SIGABRT)
        if kind == "hang":
            time.sleep(10_000)


_count = next((int(fault.partition("=")[2]) for fault in _faults if fault.startswith("devices=")), 1)


def _load() -> None:
    library = ctypes.CDLL(os.environ["SIMULATED_LIBRARY"])
    log = os.environ.get("SIMULATED_LOG", "")
    told = [os.environ["SIMULATED_NATIVE"], "\n".join(_faults), os.path.join(log, f"{os.getpid()}.log") if log else ""]
    library.simulated_configure(*(text.encode() for text in told), _count)
    module = types.ModuleType("torch.privateuseone")  # newer torch asks it while it moves a tensor
    module.is_available = lambda: True
    module.device_count = lambda: _count
    module.current_device = lambda: 0
    module._is_in_bad_fork = lambda: False
    module.manual_seed_all = lambda seed: None
    module.is_initialized = lambda: True
    module._lazy_init = lambda: None
    if "torch.privateuseone" not in sys.modules:
        torch._register_device_module("privateuseone", module)


def _refuse_addresses() -> None:
    """Refuse to tell where a tensor lies: those of DirectML are opaque."""
    told = torch.Tensor.data_ptr

    def data_ptr(self: torch.Tensor) -> int:
        if self.device.type == "privateuseone":
            raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")
        return told(self)

    torch.Tensor.data_ptr = data_ptr


_fail("import")
_load()
_refuse_addresses()


def device_count() -> int:
    """Return how many adapters there are."""
    _fail("device_count")
    return _count


def default_device() -> int:
    """Return the index of the adapter that is used without one."""
    return 0


def device(index: int | None = None) -> torch.device:
    """Return the device of an adapter."""
    _fail("open")
    return torch.device("privateuseone", index or 0)


def device_name(index: int) -> str:
    """Return an adapter's name, which can end in a NUL."""
    return "Simulated DirectML adapter\0"


def has_float64_support(index: int) -> bool:
    """Say whether an adapter has float64."""
    return False


def is_available() -> bool:
    """Say whether there is an adapter."""
    return _count > 0
