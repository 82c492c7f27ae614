"""Devices that failed in the last day, so that not every run waits for them again; kept in small files.

One file a device and machine state, so that two processes at once cannot damage each other's. What fails here costs
nobody anything: a file that is damaged, foreign or cannot be written is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import math
import os
import platform
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nncheck import cache
from nncheck.process import LIMIT_VARIABLE
from nncheck.versions import __version__

#: Names another folder for these files alone; empty remembers nothing.
VARIABLE = "NNCHECK_REMEMBERED"
#: Seconds after which a device is asked again.
DAY = 24 * 60 * 60.0
#: Variables that choose among devices, or how long one is waited for.
_ENVIRONMENT = (
    *("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"),
    *("ONEAPI_DEVICE_SELECTOR", "DML_VISIBLE_DEVICES", LIMIT_VARIABLE),
)
_MOST_BYTES = 20_000
_MOST_LETTERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """How a device failed.

    Attributes
    ----------
    stage, reason : str
        In the language of the run that met it.
    time : float
        When, in seconds since 1970.
    missing : bool
        Whether its driver was there and found no device.
    """

    stage: str
    reason: str
    time: float
    missing: bool = False

    @property
    def when(self) -> str:
        """The time in this machine's zone, as ``2024-09-14 10:32``."""
        return datetime.fromtimestamp(self.time, timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M")


def recall(kind: str) -> Remembered | None:
    """Return how a kind of device failed in the last day on this very machine, Python, torch and driver package."""
    path, facts = _path_of(kind)
    if path is None:
        return None
    try:
        with open(path, "rb") as stream:
            kept = json.loads(stream.read(_MOST_BYTES).decode("utf-8"))
        found = Remembered(**{name: kept[name] for name in ("stage", "reason", "time", "missing")})
        same = kept["facts"] == facts and _is_sound(found)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    # a time to come is that of a clock which was set back: nobody knows how old it is
    return found if same and 0 <= time.time() - found.time < DAY else None


def remember(kind: str, stage: str, reason: str, missing: bool = False) -> None:
    """Keep that a kind of device failed just now."""
    path, facts = _path_of(kind)
    if path is None:
        return
    said = {"stage": stage[:_MOST_LETTERS], "reason": reason[:_MOST_LETTERS], "missing": missing}
    text = json.dumps({**said, "time": time.time(), "facts": facts}, indent=1)
    cache.store(path, lambda stream: stream.write(text.encode("ascii")))


def forget(kind: str) -> None:
    """Drop what is kept of a kind of device: it works."""
    path, _ = _path_of(kind)
    if path is not None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _path_of(kind: str) -> tuple[Path | None, dict[str, Any]]:
    """Return the file of a kind of device, and the facts that it stands for."""
    folder = _folder()
    facts = _facts(kind)
    mark = hashlib.sha256(json.dumps(facts, sort_keys=True).encode("utf-8")).hexdigest()[:16]
    return (folder / f"failed-{kind}-{mark}.json" if folder else None), facts


def _folder() -> Path | None:
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE]) if os.environ[VARIABLE] else None
    return cache.folder()


def _facts(kind: str) -> dict[str, Any]:
    """Return everything whose change may mend a device, as far as it can be read without importing torch."""
    return {
        "kind": kind,
        "nncheck": __version__,
        "python": [sys.executable, platform.python_version()],
        "system": [platform.system(), platform.release(), platform.version()],
        "environment": {name: os.environ.get(name, "") for name in _ENVIRONMENT},
        "torch": [_version("torch"), *_origin("torch")],
        "torch-directml": [_version("torch-directml"), *_origin("torch_directml")],
    }


def _version(package: str) -> str:
    try:
        return str(version(package))
    except (PackageNotFoundError, OSError, ValueError):
        return ""


def _origin(module: str) -> list[Any]:
    """Return where a package lies and when it was put there, without importing it."""
    try:
        found = importlib.util.find_spec(module)
        return [found.origin, os.stat(found.origin).st_mtime] if found and found.origin else []
    except (OSError, ValueError, ImportError):
        return []


def _is_sound(found: Remembered) -> bool:
    texts = isinstance(found.stage, str) and isinstance(found.reason, str)
    number = isinstance(found.time, (int, float)) and math.isfinite(found.time)
    return texts and number and isinstance(found.missing, bool)
