"""The package as its users get it: a wheel and an sdist that hold the cases, run from an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import nncheck
from nncheck import case as cases

ROOT = Path(nncheck.__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="needs the source tree")
DATA = {f"{name}/{file}" for name in cases.names() for file in (*cases.FILES, "certificate.json")}
DATA |= {
    path.relative_to(ROOT / "reference").as_posix()
    for kind in ("mistakes", "correct")
    for path in (ROOT / "reference").glob(f"*/{kind}/*.*")
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the source tree, so that building leaves nothing in it."""
    target = tmp_path_factory.mktemp("source") / "tree"
    skipped = shutil.ignore_patterns(
        ".git", "*.egg-info", "build", "dist", ".*cache", "__pycache__", ".venv", ".hypothesis", "*.mo"
    )
    shutil.copytree(ROOT, target, ignore=skipped)
    return target


def _run(*command: object, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd=cwd, env=env, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, source, cwd=out)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_cases_schema_and_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"nncheck/reference/{name}" for name in DATA} <= names
    assert {"nncheck/py.typed", "nncheck/schemas/run-1.md", "nncheck/schemas/run-1.schema.json"} <= names
    assert not [name for name in names if name.startswith(("tests/", "reference/"))]
    files = [path.relative_to(ROOT) for path in (ROOT / "nncheck").rglob("*") if path.is_file()]
    assert {path.as_posix() for path in files if path.suffix not in (".pyc", ".mo")} <= names
    assert {"nncheck/locale/ko/LC_MESSAGES/nncheck.po", "nncheck/locale/ko/LC_MESSAGES/nncheck.mo"} <= names
    entries = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert "[pytest11]\nnncheck = nncheck.pytest_plugin" in entries
    metadata = next(name for name in names if name.endswith("METADATA"))
    needed = [line for line in zipfile.ZipFile(wheel).read(metadata).decode().splitlines() if "Requires-Dist" in line]
    assert "Requires-Dist: torch>=2.4.1" in needed
    assert any(line.startswith("Requires-Dist: torch-directml>=0.2.5.dev240914") and "win32" in line for line in needed)


def test_the_wheel_runs_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    code = "import nncheck, nncheck.case as c; print(nncheck.__file__); print(*c.names()); print(c.every()[0].folder)"
    place, names, folder = _run(sys.executable, "-c", code, cwd=empty, env=environment).splitlines()
    assert Path(place).is_relative_to(site)
    assert Path(folder).is_relative_to(site)
    assert tuple(names.split()) == cases.names()
    out = _run(sys.executable, "-m", "nncheck", "run", "--steps", "20", cwd=empty, env=environment)
    assert out.count("all 20 steps agree") == 6
    said = _run(sys.executable, "-m", "nncheck", "new", "hidden", "--lang", "ko", cwd=site, env=environment)
    assert said.startswith("hidden.py에 썼습니다.")
    assert not list(empty.iterdir())


def test_the_sdist_holds_all_that_a_wheel_needs(source: Path, tmp_path: Path) -> None:
    code = "from setuptools import build_meta; print(build_meta.build_sdist('dist'))"
    _run(sys.executable, "-c", code, cwd=source)
    archive = next((source / "dist").glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        names = {name.split("/", 1)[1] for name in tar.getnames() if "/" in name}
    assert {f"reference/{name}" for name in DATA} <= names
    assert {"LICENSE", "README.md", "pyproject.toml", "reference/__init__.py", "nncheck/py.typed", "setup.py"} <= names
    _run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        archive,
        cwd=tmp_path,
    )
    assert {f"nncheck/reference/{name}" for name in DATA} <= set(
        zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    )
