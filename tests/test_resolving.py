"""What an installer chooses for each system and Python: torch-directml with its torch where it can work, else neither.

uv resolves for systems that it does not run on. By default it has an index of this test's own, in which a wheel is its
name and its requirements: those of torch-directml's last release are the real ones.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import nncheck

ROOT = Path(nncheck.__file__).resolve().parents[1]
PROJECT = ROOT / "pyproject.toml"
WINDOWS, LINUX, MACOS = "x86_64-pc-windows-msvc", "x86_64-unknown-linux-gnu", "aarch64-apple-darwin"
DIRECTML, ITS_TORCH, NEWEST = "0.2.5.dev240914", "2.4.1", "2.13.0"

pytestmark = pytest.mark.skipif(not PROJECT.is_file(), reason="needs the source tree")


def _uv() -> str:
    if find_spec("uv") is None:
        pytest.skip("uv is not installed: pip install uv")
    from uv import find_uv_bin

    return str(find_uv_bin())


def _wheel(folder: Path, name: str, version: str, tag: str = "py3-none-any", needs: Sequence[str] = ()) -> None:
    """Make a wheel that holds nothing but what it needs."""
    own = f"{name.replace('-', '_')}-{version}"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Provides-Extra: widechars"]
    metadata += [f"Requires-Dist: {one}" for one in needs]
    with zipfile.ZipFile(folder / f"{own}-{tag}.whl", "w") as archive:
        archive.writestr(f"{own}.dist-info/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(f"{own}.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{own}.dist-info/RECORD", "")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an index: torch and torch-directml in several releases, of everything else the one that is needed."""
    folder = tmp_path_factory.mktemp("index")
    for version in ("2.3.1", ITS_TORCH, "2.5.1", NEWEST):
        _wheel(folder, "torch", version)
    for version, torch in (("0.18.1", "2.3.1"), ("0.19.1", ITS_TORCH), ("0.28.0", NEWEST)):
        _wheel(folder, "torchvision", version, needs=[f"torch=={torch}"])
    for version, torch, vision in (("0.2.4.dev240815", "2.3.1", "0.18.1"), (DIRECTML, ITS_TORCH, "0.19.1")):
        for python in ("cp38", "cp39", "cp310", "cp311", "cp312"):
            for system in ("win_amd64", "manylinux2010_x86_64"):
                needs = [f"torch=={torch}", f"torchvision=={vision}"]
                _wheel(folder, "torch-directml", version, f"{python}-{python}-{system}", needs)
    others = {"numpy": "2.0.0", "pydantic": "2.6", "click": "8.1.7", "tabulate": "0.9.0", "tqdm": "4.66"}
    for name, version in {**others, "Jinja2": "3.1.4", "plotly": "6.0", "tomli": "2.0"}.items():
        _wheel(folder, name, version)
    return folder


def _chosen(project: Path, python: str, platform: str, *options: str, index: Path | None = None) -> Mapping[str, str]:
    """Return the versions that uv chooses for a Python on a system, from an index of ours or the one it is told of."""
    command = [_uv(), "pip", "compile", str(project), "--python-version", python, "--python-platform", platform]
    command += ["--python", sys.executable, "--no-header", "--no-annotate", "--quiet", *options]
    # the newest torch is for macOS 14; uv thinks of an older one
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0", "UV_HTTP_RETRIES": "1"}
    if index is not None:
        command += ["--no-config", "--no-index", "--find-links", str(index), "--offline"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=project.parent)
    if done.returncode:
        raise RuntimeError(done.stderr)
    pairs = (line.partition("==") for line in done.stdout.splitlines() if "==" in line)
    return {name: version.split(" ")[0] for name, _, version in pairs}


ON_SYSTEMS = [
    *((WINDOWS, python, DIRECTML, ITS_TORCH) for python in ("3.10", "3.11", "3.12")),
    (WINDOWS, "3.13", None, NEWEST),
    ("aarch64-pc-windows-msvc", "3.12", None, NEWEST),
    *((system, python, None, NEWEST) for system in (LINUX, MACOS) for python in ("3.10", "3.12", "3.13")),
]


@pytest.mark.parametrize(("platform", "python", "directml", "torch"), ON_SYSTEMS)
def test_directml_and_its_torch_are_chosen_where_they_work_and_nowhere_else(
    index: Path, platform: str, python: str, directml: str | None, torch: str
) -> None:
    chosen = _chosen(PROJECT, python, platform, index=index)
    assert chosen.get("torch-directml") == directml
    assert chosen["torch"] == torch
    assert ("torchvision" in chosen) == (directml is not None)
    assert ("tomli" in chosen) == (python == "3.10")


MARKER = '(platform_machine == "AMD64" or platform_machine == "x86_64")'


@pytest.mark.parametrize(
    ("old", "new", "platform", "python"),
    [
        (MARKER, 'platform_machine == "x86_64"', WINDOWS, "3.11"),  # what Windows calls AMD64 is left out
        ('sys_platform == "win32" or ', "", WINDOWS, "3.11"),
        ('sys_platform == "win32" or ', 'sys_platform == "win32" or sys_platform == "linux" or ', LINUX, "3.12"),
        ('python_version < "3.13"', 'python_version < "3.14"', WINDOWS, "3.13"),  # no wheel there
        ('python_version < "3.13"', 'python_version < "3.12"', WINDOWS, "3.12"),
        ("torch>=2.4.1", "torch>=2.5", WINDOWS, "3.11"),  # the torch that torch-directml wants is ruled out
        (">=0.2.5.dev240914", ">=0.2.4.dev1,<0.2.5.dev0", WINDOWS, "3.11"),
    ],
)
def test_a_slip_in_what_is_asked_for_is_noticed(
    index: Path, tmp_path: Path, old: str, new: str, platform: str, python: str
) -> None:
    text = PROJECT.read_text(encoding="utf-8")
    assert text.count(old) == 1
    project = tmp_path / "pyproject.toml"
    project.write_text(text.replace(old, new), encoding="utf-8")
    shutil.copy(ROOT / "README.md", tmp_path)
    expected = next(row[2:] for row in ON_SYSTEMS if row[:2] == (platform, python))
    try:
        chosen = _chosen(project, python, platform, index=index)
    except RuntimeError as error:
        assert "No solution found" in str(error) and "torch-directml" in str(error)
    else:
        assert (chosen.get("torch-directml"), chosen["torch"]) != expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("platform", "python", "directml", "torch"),
    [row for row in ON_SYSTEMS if not row[0].startswith("aarch64-pc-windows")],  # torch itself has no wheel there
)
def test_the_tested_versions_are_there_in_the_index_that_this_machine_has(
    platform: str, python: str, directml: str | None, torch: str
) -> None:
    try:
        chosen = _chosen(PROJECT, python, platform, "-c", str(ROOT / "constraints.txt"), "--extra", "test")
    except RuntimeError as error:
        if any(said in str(error) for said in ("Could not connect", "Failed to fetch", "error sending request", "dns")):
            pytest.skip(f"the index cannot be reached: {str(error).strip().splitlines()[-1]}")
        raise
    assert chosen.get("torch-directml") == directml
    assert chosen["torch"].split("+")[0] == torch


# --- what uv cannot be told: the kernel's name, by which WSL is known, and other interpreters ---

_WINDOWS = {"sys_platform": "win32", "platform_release": "10", "platform_machine": "AMD64"}
_WSL1 = {"sys_platform": "linux", "platform_release": "4.4.0-22621-Microsoft", "platform_machine": "x86_64"}
_WSL2 = {**_WSL1, "platform_release": "5.15.167.4-microsoft-standard-WSL2"}
_CPYTHON = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
_PYPY = {"implementation_name": "pypy", "platform_python_implementation": "PyPy"}


@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        (_WINDOWS, True),
        ({**_WINDOWS, "platform_release": "11"}, True),
        ({**_WINDOWS, "platform_machine": "ARM64"}, False),
        ({**_WINDOWS, "platform_machine": "x86"}, False),
        (_WSL1, True),
        (_WSL2, True),
        ({**_WSL2, "platform_machine": "aarch64"}, False),
        ({**_WSL2, "platform_release": "6.1.0-18-amd64"}, False),
        ({"sys_platform": "darwin", "platform_release": "24.1.0", "platform_machine": "arm64"}, False),
        ({"sys_platform": "darwin", "platform_release": "22.6.0", "platform_machine": "x86_64"}, False),
    ],
)
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_marker_is_true_where_directml_can_work(environment: dict[str, str], chosen: bool, python: str) -> None:
    there = {**environment, **_CPYTHON, "python_version": python, "python_full_version": f"{python}.1"}
    expected = chosen and python in ("3.10", "3.11", "3.12")
    assert _directml().marker is not None
    assert _directml().marker.evaluate(there) == expected  # type: ignore[union-attr]
    assert not _directml().marker.evaluate({**there, **_PYPY})  # type: ignore[union-attr]
    torch = [one for one in _constraints() if one.name == "torch" and one.marker and one.marker.evaluate(there)]
    assert [str(one.specifier) for one in torch] == [f"=={ITS_TORCH if expected else NEWEST}"]


def test_the_release_is_asked_for_so_that_old_installers_take_it_too() -> None:
    """An old one, such as pip 23, takes a pre-release only if the requirement itself names one."""
    assert _directml().specifier.prereleases and DIRECTML in _directml().specifier
    planted = Requirement("torch-directml>=0.2").specifier
    assert not planted.prereleases
    assert [str(one.specifier) for one in _constraints() if one.name == "torch-directml"] == [f"=={DIRECTML}"]


def _directml() -> Requirement:
    lines = PROJECT.read_text(encoding="utf-8").splitlines()
    return Requirement(next(line for line in lines if "'torch-directml" in line).strip().strip("',"))


def _constraints() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]
