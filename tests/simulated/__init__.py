"""A simulated DirectML device for machines without one: memory of the host that behaves, and fails, like the device.

`device.cpp` is the device, `packages/torch_directml` the package in whose place it stands, `native_ops.txt` what the
true library computes natively. A test asks for the fixture ``simulated`` and tells it the faults that it wants.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = HERE / "packages"
NATIVE = HERE / "native_ops.txt"

_SLOT = struct.Struct("120sq")


def native_operators() -> frozenset[str]:
    """Return the operators that torch-directml computes itself."""
    lines = NATIVE.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@dataclass(frozen=True)
class Simulated:
    """A device that the torch processes of a test find.

    Attributes
    ----------
    logs : Path
        Folder with one log for each process that opened the device.
    """

    logs: Path

    @property
    def counts(self) -> Counter[str]:
        """How often each operator was called, and copies: ``h2d``, ``d2h``, ``d2d``, ``item``, ``fallback``."""
        total: Counter[str] = Counter()
        for path in self.logs.glob("*.log"):
            for name, count in _SLOT.iter_unpack(path.read_bytes()):
                if count:
                    total[name.rstrip(b"\0").decode()] += count
        return total

    @property
    def operators(self) -> frozenset[str]:
        """The operators that were called."""
        return frozenset(name for name in self.counts if "::" in name)

    def forget(self) -> None:
        """Start the log anew; for processes that are started from now on."""
        for path in self.logs.glob("*.log"):
            path.unlink()
