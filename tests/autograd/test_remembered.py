"""What is remembered of a device holds for a day, for this machine state alone, and never costs anybody a run."""

from __future__ import annotations

import json
import os
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nncheck import cache
from nncheck.autograd import remembered
from nncheck.autograd.remembered import DAY, Remembered, forget, recall, remember


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what is remembered in a folder of the test's own."""
    monkeypatch.setenv(remembered.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def _only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def _with(path: Path, **changes: object) -> None:
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, **changes}))


def test_a_failure_is_remembered_by_kind_until_the_device_works(folder: Path) -> None:
    assert recall("directml") is None
    before = time.time()
    remember("directml", "self-test", "RuntimeError: 기기 \ud800 gone")
    found = recall("directml")
    assert found is not None
    assert (found.stage, found.reason, found.missing) == ("self-test", "RuntimeError: 기기 \ud800 gone", False)
    assert before <= found.time <= time.time()
    assert recall("cuda") is None
    remember("cuda", "device_count", "x" * 100_000, missing=True)
    assert recall("cuda") == Remembered(
        stage="device_count", reason="x" * 1000, missing=True, time=json.loads(_of("cuda", folder))["time"]
    )
    forget("directml")
    assert recall("directml") is None
    assert recall("cuda") is not None
    forget("directml")  # of which nothing is kept


def _of(kind: str, folder: Path) -> str:
    return next(folder.glob(f"failed-{kind}-*.json")).read_text()


@pytest.mark.parametrize(
    ("age", "holds"), [(0.0, True), (DAY - 60, True), (DAY + 60, False), (-3600.0, False), (float("nan"), False)]
)
def test_it_holds_for_a_day_and_not_for_a_clock_that_was_set_back(folder: Path, age: float, holds: bool) -> None:
    remember("directml", "open", "gone")
    _with(_only(folder), time=time.time() - age)
    assert (recall("directml") is not None) is holds


def test_the_time_is_said_as_clocks_here_show_it() -> None:
    moment = time.mktime((2024, 9, 14, 10, 32, 0, 0, 0, -1))
    assert Remembered(stage="", reason="", time=moment).when == "2024-09-14 10:32"


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.setattr(remembered, "__version__", "0.0.1"),
        lambda m: m.setattr(remembered.sys, "executable", "/another/python"),
        lambda m: m.setattr(remembered, "_version", lambda package: "2.0" if package == "torch" else ""),
        lambda m: m.setattr(remembered, "_version", lambda package: "0.3" if package == "torch-directml" else ""),
        lambda m: m.setattr(platform, "version", lambda: "10.0.99999"),
        lambda m: m.setattr(platform, "release", lambda: "12"),
        lambda m: m.setenv("CUDA_VISIBLE_DEVICES", "1"),
        lambda m: m.setenv("NNCHECK_WORKER_SECONDS", "600"),  # what mends a device that was too slow
        lambda m: m.setattr(remembered, "_origin", lambda module: ["/elsewhere/__init__.py", 1.0]),
    ],
)
def test_another_machine_state_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None]
) -> None:
    monkeypatch.setattr(remembered, "_version", lambda package: "")
    remember("directml", "open", "gone")
    assert recall("directml") is not None
    change(monkeypatch)
    assert recall("directml") is None


def test_a_driver_package_that_is_put_there_anew_is_asked_again(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch_directml", "raise RuntimeError('must not be imported here')")
    path = Path(remembered._origin("torch_directml")[0])
    remember("directml", "open", "gone")
    assert recall("directml") is not None
    os.utime(path, (1e9, 1e9))
    assert recall("directml") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: p.write_bytes(b""),
        lambda p: p.write_bytes(b"\xff\xfe{"),
        lambda p: p.write_text("[" * 15_000),
        lambda p: p.write_text("[]"),
        lambda p: p.write_text('{"stage": "a"}'),
        lambda p: _with(p, stage=3),
        lambda p: _with(p, time="yesterday"),
        lambda p: _with(p, missing="no"),
        lambda p: _with(p, facts={"kind": "directml"}),
        lambda p: (p.unlink(), p.mkdir()),
        lambda p: p.write_text(p.read_text() + "x" * 50_000),
    ],
)
def test_a_damaged_or_foreign_file_is_as_good_as_none(folder: Path, damage: Callable[[Path], object]) -> None:
    remember("directml", "open", "gone")
    damage(_only(folder))
    assert recall("directml") is None
    forget("directml")
    remember("directml", "open", "gone again")
    assert recall("directml") is not None or _only(folder).is_dir()


def test_where_nothing_can_be_kept_nothing_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in ("", str(tmp_path / "file"), str(tmp_path / "file" / "below")):
        monkeypatch.setattr(remembered, "_folder", lambda place=place: Path(place) if place else None)
        remember("directml", "open", "gone")
        assert recall("directml") is None
        forget("directml")


def test_a_full_disk_costs_nothing_and_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    remember("directml", "open", "gone")
    assert recall("directml") is None
    assert not list(folder.iterdir())


def test_the_folder_is_the_cache_unless_it_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(remembered.VARIABLE)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    remember("directml", "open", "gone")
    assert recall("directml") is not None
    assert [path.name.split("-")[:2] for path in (tmp_path / "cache").iterdir()] == [["failed", "directml"]]
    monkeypatch.setenv(cache.VARIABLE, "")
    assert recall("directml") is None
    remember("directml", "open", "gone")


def test_two_at_once_leave_one_whole_file(folder: Path) -> None:
    seen: list[Remembered | None] = []

    def work(name: str) -> None:
        for _ in range(40):
            remember("directml", "open", name * 900)
            seen.append(recall("directml"))

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80
    assert all(one is not None and one.reason in ("a" * 900, "b" * 900) for one in seen)
    assert len(list(folder.iterdir())) == 1
