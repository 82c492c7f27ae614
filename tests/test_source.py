"""Text is read in the encodings of its writers, and a file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nncheck import files, source
from nncheck.errors import InputError


@pytest.mark.parametrize(
    "raw",
    [
        "가 = 1\n".encode(),
        "가 = 1\r\n".encode("utf-8-sig"),
        "가 = 1\r".encode("cp949"),
        "# -*- coding: euc-kr -*-\n가 = 1\n".encode("euc-kr"),
        "가 = 1\r\n".encode("utf-16"),
        b"\xfe\xff" + "가 = 1\n".encode("utf-16-be"),
    ],
)
def test_encodings_and_line_ends(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(raw)
    assert source.read_text(path).endswith("가 = 1\n")


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        source.read_text(tmp_path)
    (tmp_path / "f").write_bytes(b"\xff\xff")
    with pytest.raises(InputError, match="neither UTF-8 nor cp949"):
        source.read_text(tmp_path / "f")


def test_a_module_leaves_no_cache_and_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text("x = 3\n\ndef f():\n    return [][1]\n", encoding="utf-8")
    module = source.load_module(path, "m")
    assert module.x == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.py"]
    try:
        module.f()
    except IndexError as error:
        assert source.describe(error, path) == f"{path}, line 4: IndexError: list index out of range"


def test_write_whole_replaces_and_keeps_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.write_whole(path, "one")
    path.chmod(0o640)
    files.write_whole(path, "two\n")
    assert path.read_bytes() == b"two\n"
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o640
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX")
def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("before", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    files.write_whole(tmp_path / "link", "after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text(encoding="utf-8") == "after"
    files.check_writable(Path(os.devnull))
    files.write_whole(Path(os.devnull), "nothing")
    assert not Path(os.devnull).is_file()


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.write_whole(path, "before")
    with pytest.raises(UnicodeEncodeError):
        files.write_whole(path, "가", encoding="ascii")
    assert path.read_text(encoding="utf-8") == "before"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(InputError, match="cannot be written"):
        files.write_whole(tmp_path / "no" / "f", "x")
