"""What is said of DirectML where it is missing: the reason that applies there, and what to do about it."""

from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import pytest

from nncheck.autograd import directml
from nncheck.autograd.device import kinds

_Version = namedtuple("_Version", "major minor micro releaselevel serial")
_WSL1, _WSL2 = "4.4.0-22621-Microsoft", "5.15.167.4-microsoft-standard-WSL2"


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put this process on another machine, by what Python says of it."""

    def put(
        system: str = "win32",
        release: str = "10",
        machine: str = "AMD64",
        python: tuple[int, int] = (3, 11),
        bits: int = 64,
        implementation: str = "cpython",
        installed: dict[str, str] | None = None,
        needs: list[str] | None = None,
        files: tuple[str, ...] = (),
    ) -> None:
        there = installed or {}

        def version(name: str) -> str:
            if name not in there:
                raise directml.PackageNotFoundError(name)
            return there[name]

        monkeypatch.setattr(
            directml,
            "sys",
            SimpleNamespace(
                platform=system,
                maxsize=2 ** (bits - 1) - 1,
                implementation=SimpleNamespace(name=implementation),
                version_info=_Version(*python, 1, "final", 0),
            ),
        )
        named = SimpleNamespace(release=lambda: release, machine=lambda: machine)
        monkeypatch.setattr(directml, "platform", named)
        found = SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: "torch-directml" in there or None))
        monkeypatch.setattr(directml, "importlib", found)
        monkeypatch.setattr(directml, "version", version)
        monkeypatch.setattr(directml, "requires", lambda name: version(name) and needs)
        monkeypatch.setattr(directml, "Path", lambda path: SimpleNamespace(exists=lambda: path in files))

    return put


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ({}, "torch-directml is not installed: python -m pip install torch-directml"),
        (
            {"system": "linux", "release": _WSL2, "machine": "x86_64"},
            "torch-directml is not installed: python -m pip install torch-directml",
        ),
        (
            {"python": (3, 13)},
            "torch-directml exists for Python 3.8 to 3.12, and this is 3.13; make an environment with 3.12: "
            "py -3.12 -m venv .venv",
        ),
        (
            {"system": "linux", "release": _WSL2, "machine": "x86_64", "python": (3, 14)},
            "torch-directml exists for Python 3.8 to 3.12, and this is 3.14; make an environment with 3.12: "
            "python3.12 -m venv .venv",
        ),
        (
            {"machine": "ARM64"},
            "torch-directml exists for x86-64 processors alone, and this Python is for ARM64",
        ),
        ({"machine": "x86"}, "torch-directml exists for x86-64 processors alone, and this Python is for x86"),
        ({"bits": 32}, "torch-directml needs a Python of 64 bits, and this one has 32"),
        ({"implementation": "pypy"}, "torch-directml needs CPython, and this is pypy"),
        (
            {"system": "darwin", "release": "24.1.0", "machine": "arm64"},
            "torch-directml exists for Windows and WSL alone",
        ),
        (
            {"system": "linux", "release": "6.1.0-18-amd64", "machine": "x86_64", "python": (3, 13)},
            "torch-directml exists for Windows and WSL alone",
        ),
    ],
)
def test_where_it_is_not_installed_the_reason_is_the_one_that_applies(
    on: Any, machine: dict[str, Any], said: str
) -> None:
    on(**machine)
    assert directml.missing_directml() == said
    assert kinds()["directml"].missing() == said


BOTH = {"torch-directml": "0.2.5.dev240914", "torch": "2.4.1"}
NEEDS = ["torch==2.4.1", "torchvision==0.19.1"]


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ({"installed": BOTH, "needs": NEEDS}, ""),
        ({"installed": {**BOTH, "torch": "2.4.1+cpu"}, "needs": NEEDS}, ""),
        ({"installed": BOTH, "needs": None}, ""),
        ({"installed": {"torch-directml": "1"}, "needs": NEEDS}, ""),  # torch itself is what will be missed
        (
            {"installed": {**BOTH, "torch": "2.13.0+cpu"}, "needs": NEEDS},
            "torch-directml 0.2.5.dev240914 works with torch 2.4.1 alone, and torch 2.13.0+cpu is installed: "
            "python -m pip install torch-directml torch==2.4.1",
        ),
        ({"system": "linux", "release": _WSL2, "installed": BOTH, "files": ("/dev/dxg",)}, ""),
        (
            {"system": "linux", "release": _WSL2, "installed": BOTH},
            "WSL shows no GPU: /dev/dxg is missing; update WSL (wsl --update) and the Windows graphics driver",
        ),
        (
            {"system": "linux", "release": _WSL1, "installed": BOTH},
            "this is WSL 1, which has no GPU; in Windows: wsl --set-version NAME 2",
        ),
        ({"system": "linux", "release": "6.1.0-18-amd64", "installed": BOTH}, ""),  # it will say itself what it misses
    ],
)
def test_where_it_is_installed_only_what_cannot_work_is_missing(on: Any, machine: dict[str, Any], said: str) -> None:
    on(**machine)
    assert directml.missing_directml() == said


def test_here_it_is_told_what_python_says_of_this_machine() -> None:
    assert directml._version("numpy") and not directml._version("no-such-package")
    assert directml._torch_needed() in ("", "2.4.1")
