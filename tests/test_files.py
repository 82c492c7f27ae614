"""Files are written whole or not at all, also where Windows holds one for a moment."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from nncheck import files
from nncheck.errors import InputError
from nncheck.report.grades.files import Pages


def _held(monkeypatch: pytest.MonkeyPatch, times: int, platform: str, only: str = "") -> list[str]:
    """Let the system refuse to put a file in its place so many times, as a virus scanner makes Windows do."""
    tried: list[str] = []
    replace = os.replace

    def refusing(new: str | Path, path: str | Path) -> None:
        if only in str(new):
            tried.append(Path(path).name)
            if len(tried) <= times:
                raise PermissionError(13, "Permission denied", str(path))
        replace(new, path)

    monkeypatch.setattr(files, "os", SimpleNamespace(**{**vars(os), "replace": refusing}))
    monkeypatch.setattr(files, "sys", SimpleNamespace(platform=platform))
    monkeypatch.setattr(files, "_PAUSES", (0.0,) * 4)
    return tried


def test_a_file_that_a_scanner_looks_at_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried = _held(monkeypatch, 3, "win32")
    files.write_whole(tmp_path / "결과.txt", "새것")
    assert len(tried) == 4
    assert (tmp_path / "결과.txt").read_text(encoding="utf-8") == "새것"


@pytest.mark.parametrize(("platform", "tries"), [("win32", 5), ("linux", 1)])
def test_one_that_stays_held_is_told_and_what_stood_there_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, tries: int
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    tried = _held(monkeypatch, 99, platform)
    with pytest.raises(InputError, match=r"a\.txt: cannot be written \(Permission denied\)"):
        files.write_whole(path, "new")
    assert len(tried) == tries
    assert [one.read_text(encoding="utf-8") for one in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("name", "device"),
    [
        *((name, True) for name in ("con", "NUL.py", "aux.tar.gz", "com1", "LPT9.txt", "con .py", "COM¹.py", "prn.")),
        *((name, False) for name in ("con_1.py", "console.py", "com.py", "com10.py", "김con.py", "a.nul", "")),
    ],
)
def test_names_that_windows_keeps_for_its_devices_are_known(name: str, device: bool) -> None:
    assert files.is_device_of_windows(name) == device


def test_a_file_gets_no_mode_on_windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that is read-only could be neither replaced nor removed there."""
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o444)
    monkeypatch.setattr(files, "os", SimpleNamespace(**{**vars(os), "name": "nt"}))
    files.write_whole(path, "new")
    assert path.stat().st_mode & 0o200


def test_pages_are_renewed_in_a_folder_that_a_program_is_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "html"
    folder.mkdir()
    for name in ("kim.html", "lee.html"):
        (folder / name).write_text("old", encoding="utf-8")
    pages = Pages(folder, ".html")
    pages.write("kim", "new")
    tried = _held(monkeypatch, 99, "win32", only=f"{os.sep}html")  # it cannot be renamed, what is in it can be replaced
    assert pages.finish() == folder
    assert len(tried) == 5
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == {"kim.html": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["html"]
