"""What many tests share: copies of case folders to spoil, stand-ins for packages of the torch process, documents."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from nncheck import case as cases
from nncheck.autograd.client import START_LIMIT, Worker
from tests.simulated import NATIVE, PACKAGES, Simulated, building


@pytest.fixture(scope="session", autouse=True)
def _remember_nothing() -> Iterator[None]:
    """Let what a whole module's fixtures run neither find nor leave a device that failed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NNCHECK_REMEMBERED", "")
        yield


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make tests independent of the language and the limits that the caller's shell sets, and of what failed before."""
    monkeypatch.setenv("NNCHECK_REMEMBERED", str(tmp_path_factory.getbasetemp() / "remembered" / uuid.uuid4().hex))
    for name in (
        "NNCHECK_LANG",
        "NNCHECK_WORKER_SECONDS",
        "NNCHECK_DEBUG",
        "LC_ALL",
        "LC_MESSAGES",
        "LANG",
        "PYTHONPATH",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """Open one torch process for a module's tests, each of which loads its own case: starting it takes seconds."""
    with Worker("cpu") as opened:
        opened.ask("open", device="cpu", limit=START_LIMIT)
        yield opened


@pytest.fixture
def copy_case(tmp_path: Path) -> Callable[..., Path]:
    """Copy a reference case to a folder of its own, with replacements (file, old, new) that must apply."""

    def copy(name: str, *edits: tuple[str, str, str], folder: str = "my_case", certified: bool = False) -> Path:
        target = tmp_path / folder
        shutil.copytree(cases.find(name).folder, target)
        if not certified:
            (target / "certificate.json").unlink()
        for file, old, new in edits:
            path = target / file
            text = path.read_text(encoding="utf-8")
            assert old in text, f"{old!r} is not in {file}"
            path.write_text(text.replace(old, new), encoding="utf-8")
        return target

    return copy


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Put a module before all others for the torch process, and let this process find it too."""
    before: dict[str, ModuleType | None] = {}

    def put(name: str, body: str) -> None:
        folder = tmp_path / "stand_ins"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(body), encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.syspath_prepend(str(folder))
        before.setdefault(name, sys.modules.pop(name, None))

    yield put
    for name, module in before.items():  # the tests after this one are to find what was there
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


@pytest.fixture
def patch_torch(stand_in: Callable[[str, str], None]) -> Callable[[str], None]:
    """Run code in the torch process right after it has imported torch, before anything else."""

    def patch(body: str) -> None:
        stand_in("sitecustomize", "import torch\n" + textwrap.dedent(body))

    return patch


@pytest.fixture
def simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Simulated]:
    """Give the torch processes a simulated DirectML device with the faults that it is told (see `tests.simulated`)."""
    reason = building.why_not()
    if reason and not os.environ.get("CI"):
        pytest.skip(reason)
    library = building.library()

    def put(*faults: str) -> Simulated:
        logs = tmp_path / "simulated"
        logs.mkdir(exist_ok=True)
        monkeypatch.setenv("PYTHONPATH", str(PACKAGES))
        monkeypatch.syspath_prepend(str(PACKAGES))
        monkeypatch.setenv("SIMULATED_LIBRARY", str(library))
        monkeypatch.setenv("SIMULATED_NATIVE", str(NATIVE))
        monkeypatch.setenv("SIMULATED_LOG", str(logs))
        monkeypatch.setenv("SIMULATED_FAULTS", "\n".join(faults))
        return Simulated(logs)

    return put
