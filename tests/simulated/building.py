"""Builds the simulated DirectML device with g++, once for each version of torch and of its source."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

SOURCE = Path(__file__).with_name("device.cpp")
_KEPT = Path(__file__).resolve().parents[2] / "build" / "simulated"


def why_not() -> str:
    """Say why the device cannot be built here, or return an empty text."""
    if sys.platform != "linux":
        return "the simulated device is built for Linux"
    if shutil.which("g++") is None:
        return "the simulated device needs g++"
    return ""


def library() -> Path:
    """Return the library for the torch that is installed, built now if it is not yet there."""
    mark = f"{version('torch')}-{sys.version_info[0]}.{sys.version_info[1]}"
    path = _KEPT / f"{mark}-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}.so"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".so")
        os.close(handle)
        _compile(Path(unfinished))
        os.replace(unfinished, path)  # another process may have been as quick: either is right
    return path


def _compile(target: Path) -> None:
    found = importlib.util.find_spec("torch")
    assert found is not None and found.origin is not None
    torch = Path(found.origin).parent
    ask = [sys.executable, "-c", "import torch; print(int(torch._C._GLIBCXX_USE_CXX11_ABI))"]
    abi = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    command = ["g++", "-O1", "-std=c++20", "-fPIC", "-shared", f"-D_GLIBCXX_USE_CXX11_ABI={abi}", "-w"]
    command += [f"-I{torch / 'include'}", f"-I{torch / 'include/torch/csrc/api/include'}", str(SOURCE)]
    command += [f"-L{torch / 'lib'}", "-ltorch_cpu", "-ltorch", "-lc10", "-o", str(target)]
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        raise RuntimeError(f"{SOURCE.name} cannot be built: {built.stderr[-3000:]}")
