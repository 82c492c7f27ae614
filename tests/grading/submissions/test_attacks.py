"""Whatever is wrong with one submission is that submission's problem, in a sentence; the others are read."""

from __future__ import annotations

import os
import random
import re
import socket
import struct
import sys
import tarfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from nncheck.errors import InputError
from nncheck.grading.submissions import Submission, caps, collect
from nncheck.grading.submissions.layouts import canvas, moodle
from nncheck.language import current

from .trees import (
    WORK,
    assignment,
    encrypted,
    notebook,
    tar_special,
    tarred,
    write,
    zip_in,
    zip_link,
    zipped,
)

NOISE = random.Random(1).randbytes(5000)
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them")


def _zip_mode(name: str, mode: int) -> bytes:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return zipped([("solution.py", WORK), (info, b"x")])


def _bomb(megabytes: int) -> bytes:
    return zipped({"solution.py": WORK, "data.csv": b"0" * (megabytes << 20)})


def _lying(content: bytes, size: int = 10) -> bytes:
    """Return a zip whose headers give a wrong size for its first file."""
    changed = bytearray(content)
    changed[22:26] = struct.pack("<I", size)
    at = content.index(b"PK\x01\x02")
    changed[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(changed)


def _overwritten(content: bytes) -> bytes:
    return content[:60] + bytes(40) + content[100:]


def _tar_of_size(field: bytes) -> bytes:
    """Return a tar whose header gives a size of its own, with a right checksum."""
    header = bytearray(tarred({"solution.py": WORK}))
    header[124:136] = field
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header)


def _deep(levels: int, name: str = "solution.py") -> bytes:
    content = WORK
    for _ in range(levels):
        content, name = zipped({name: content}), "inner.zip"
    return content


ATTACKS: dict[str, tuple[str, bytes, str]] = {
    "leads out": ("zip", zipped([("../../evil.py", WORK)]), "leads out of its folder"),
    "leads out deep": ("zip", zipped([("a/../../evil.py", WORK)]), "leads out of its folder"),
    "leads out by backslashes": ("zip", zipped([("a\\..\\..\\evil.py", WORK)]), "leads out of its folder"),
    "absolute": ("zip", zipped([("/etc/evil.py", WORK)]), "is absolute"),
    "drive": ("zip", zipped([("C:/evil.py", WORK)]), "is absolute"),
    "network": ("zip", zipped([("\\\\host\\evil.py", WORK)]), "is absolute"),
    "NUL": ("zip", zipped({"aXpy": WORK}).replace(b"aXpy", b"a\0py"), "holds a NUL"),
    "long": ("zip", zipped({"n" * 300 + ".py": WORK}), "is too long"),
    "link in a zip": ("zip", zip_link("answers.py", "/etc/passwd"), "is a link"),
    "link to a folder": ("zip", zip_link("lib", ".."), "is a link"),
    "pipe in a zip": ("zip", _zip_mode("p.py", 0o010644), "is a pipe or a device"),
    "device in a zip": ("zip", _zip_mode("p.py", 0o020644), "is a pipe or a device"),
    "password": ("zip", encrypted(zipped({"solution.py": WORK})), "packed with a password"),
    "cut off": ("zip", zipped({"solution.py": WORK * 50})[:-30], "cannot be unpacked"),
    "not a zip": ("zip", b"hello" * 100, "cannot be unpacked"),
    "nothing": ("zip", b"", "cannot be unpacked"),
    "no files": ("zip", zipped({}), "no file in this submission"),
    "only junk": ("zip", zipped({"__MACOSX/._a.py": b"x", ".DS_Store": b"x"}), "no file in this submission"),
    "only pictures": ("zip", zipped({"scan.png": b"x"}), "only scan.png"),
    "spoilt content": ("zip", _overwritten(zipped({"solution.py": NOISE})), "cannot be unpacked"),
    "wrong size": ("zip", _lying(zipped({"solution.py": WORK})), "cannot be unpacked"),
    "unknown method": ("zip", zipped({"s.py": WORK}).replace(b"\x08\0", b"\x61\0"), "cannot be unpacked"),
    "bomb": ("zip", _bomb(30), "is larger than 20 MB"),
    "bomb of many": ("zip", zipped({f"{n}.csv": b"0" * (19 << 20) for n in range(3)}), "more than 50 MB unpacked"),
    "many files": ("zip", zipped({f"{n}.py": b"x = 1\n" for n in range(501)}), "more than 500 files"),
    "very many entries": ("zip", b"PK\x03\x04" + b"PK\x01\x02" * 50_001, "more than 50000 entries"),
    "nested": ("zip", _deep(3), "an archive in an archive in an archive"),
    "nested bomb": ("zip", zipped({f"{n}.zip": _bomb(19) for n in range(3)}), "more than 50 MB unpacked"),
    "twice": ("zip", zipped([("a.py", WORK), ("a.py", WORK + b"\n")]), "holds a.py twice"),
    "empty file": ("zip", zipped({"a.py": b" \n"}), "a.py is empty"),
    "RAR as zip": ("zip", b"Rar!\x1a\x07\x01\x00" + b"x" * 600, "is a RAR archive; expected"),
    "link in a tar": ("tar", tar_special("a.py", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
    "hard link in a tar": ("tar", tar_special("a.py", tarfile.LNKTYPE, "solution.py"), "is a link"),
    "pipe in a tar": ("tar", tar_special("a.py", tarfile.FIFOTYPE), "is a pipe or a device"),
    "device in a tar": ("tar", tar_special("a.py", tarfile.CHRTYPE), "is a pipe or a device"),
    "tar leads out": ("tar", tarred({"../evil.py": WORK}), "leads out of its folder"),
    "tar is absolute": ("tar", tarred({"/tmp/evil.py": WORK}), "is absolute"),
    "tar cut off": ("tar", tarred({"a.py": WORK * 100})[:700], "cannot be unpacked"),
    "bad second header": ("tar", tarred({"a": WORK, "b.py": WORK}).replace(b"b.py", b"c.py"), "cannot be unpacked"),
    "tar that leads back": ("tar", _tar_of_size(b"\xff" + (256**11 - 512).to_bytes(11, "big")), "cannot be unpacked"),
    "tar of a false size": ("tar", _tar_of_size(b"77777777777\0"), "cannot be unpacked"),
    "tar.gz cut off": ("tar.gz", tarred({"a.py": NOISE}, "w:gz")[:-2000], "cannot be unpacked"),
    "tar.gz bomb": ("tar.gz", tarred({"a.csv": b"0" * (70 << 20)}, "w:gz"), "larger than 20 MB|grows beyond 64 MB"),
    "bomb not read": ("tar.gz", tarred({"a.png": b"0" * (70 << 20), "b.py": WORK}, "w:gz"), "grows beyond 64 MB"),
    "tar.xz spoilt": ("tar.xz", tarred({"a.py": WORK}, "w:xz")[:40] + b"\0" * 100, "cannot be unpacked"),
    "gz of nothing": ("tar.gz", b"\x1f\x8b", "cannot be unpacked"),
}  # fmt: skip


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Submission]:
    """All of them in one folder, beside sound ones."""
    top = tmp_path_factory.mktemp("attacks")
    for name, (ending, content, _) in ATTACKS.items():
        (top / f"{name}.{ending}").write_bytes(content)
    write(top, {"good.py": WORK, "fine.ipynb": notebook("x = 1")})
    (top / "sound.zip").write_bytes(zipped({"a/solution.py": WORK, "a\\data\\x.csv": b"1\n"}))
    for ending in ("tar", "tar.gz", "tar.bz2", "tar.xz"):
        content = tarred({"a/solution.py": WORK}, "w:" + ending.removeprefix("tar").lstrip("."))
        (top / f"sound {ending.replace('.', '')}.{ending}").write_bytes(content)
    return {one.student: one for one in collect([top], assignment()).submissions}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_its_own_submissions_problem(attacked: dict[str, Submission], name: str) -> None:
    submission = attacked[name]
    assert submission.files == ()
    assert re.search(ATTACKS[name][2], submission.problem), submission.problem
    assert "expected" in submission.problem


def test_the_others_are_not_touched(attacked: dict[str, Submission]) -> None:
    sound = {name: one for name, one in attacked.items() if name not in ATTACKS}
    assert {name: one.problem for name, one in sound.items() if one.problem} == {}
    assert [file.name for file in sound["sound"].files] == ["data/x.csv", "solution.py"]
    assert all([f.name for f in sound[f"sound {kind}"].files] == ["solution.py"] for kind in ("tar", "targz", "tarxz"))
    assert len(attacked) == len(ATTACKS) + 7


@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack[0] == "zip"])
def test_the_same_in_an_archive_of_everything(tmp_path: Path, name: str) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(zipped({"kim/hw.zip": ATTACKS[name][1], "lee/solution.py": WORK}))
    kim, lee = collect([path], assignment()).submissions
    assert kim.student == "kim" and kim.problem and not kim.files
    assert lee.student == "lee" and not lee.problem


def test_bad_members_of_an_archive_of_everything_are_their_students(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    name = "Kim_1_assignsubmission_file_/"
    info = zipfile.ZipInfo("Lee_2_assignsubmission_file_/a.py")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    path.write_bytes(
        zipped([("../" + name + "a.py", WORK), (info, b"/etc/passwd"), ("Park_3_assignsubmission_file_/a.py", WORK)])
    )
    found = {one.student: one.problem for one in collect([path], assignment()).submissions}
    assert "leads out" in found["1"] and "is a link" in found["2"] and found["3"] == ""


def test_a_bomb_of_everything_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "all.tar.gz"
    path.write_bytes(tarred({"a.csv": b"0" * (80 << 20)}, "w:gz"))
    with pytest.raises(InputError, match="grows beyond"):
        collect([path], assignment())


def test_memory_stays_small_under_a_bomb(tmp_path: Path) -> None:
    (tmp_path / "kim.zip").write_bytes(_bomb(200))
    collected = collect([tmp_path], assignment())
    tracemalloc.start()
    try:
        assert "larger than 20 MB" in collected.submissions[0].problem
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()


@POSIX
def test_links_pipes_and_sockets_of_a_folder_are_not_opened(tmp_path: Path) -> None:
    top = write(tmp_path / "given", {"good.py": WORK, "kim/a.py": WORK})
    secret = write(tmp_path, {"secret.py": WORK}) / "secret.py"
    (top / "link.py").symlink_to(secret)
    (top / "around").symlink_to(tmp_path)
    (top / "broken.py").symlink_to(tmp_path / "none")
    (top / "kim" / "b.py").symlink_to(secret)
    os.mkfifo(top / "pipe.py")
    with socket.socket(socket.AF_UNIX) as plug:
        here = os.getcwd()
        os.chdir(top)  # a socket's path may be no longer than 108 bytes
        try:
            plug.bind("socket.py")
        finally:
            os.chdir(here)
        found = {one.student: one for one in collect([top], assignment()).submissions}
    for name in ("link", "around", "broken", "kim"):
        assert "is a link to another place; expected the file itself" in found[name].problem
    for name in ("pipe", "socket"):
        assert "is a pipe or a device, not a file" in found[name].problem
    assert not found["good"].problem and len(found) == 7


@POSIX
def test_a_pipe_that_takes_the_files_place_does_not_block(tmp_path: Path) -> None:
    path = write(tmp_path, {"kim.py": WORK}) / "kim.py"
    collected = collect([tmp_path], assignment())
    path.unlink()
    os.mkfifo(path)
    assert "pipe or a device" in collected.submissions[0].problem
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert "cannot be read" in collected.submissions[0].problem
    path.unlink()
    assert "cannot be read" in collected.submissions[0].problem


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, {"kim.py": WORK, "lee/a.py": WORK, "good.py": WORK})
    (tmp_path / "kim.py").chmod(0)
    (tmp_path / "lee").chmod(0)
    try:
        found = {one.student: one.problem for one in collect([tmp_path], assignment()).submissions}
    finally:
        (tmp_path / "lee").chmod(0o700)
    assert "cannot be read" in found["kim"] and "cannot be opened" in found["lee"] and found["good"] == ""


def test_a_folder_named_as_a_file(tmp_path: Path) -> None:
    write(tmp_path, {"kim.py/solution.py": WORK, "lee.py": None, "good.py": WORK})
    found = {one.student: one for one in collect([tmp_path], assignment()).submissions}
    assert [file.name for file in found["kim"].files] == ["solution.py"]
    assert "holds no file; expected .py, .ipynb" in found["lee"].problem


def test_what_systems_and_editors_leave_is_passed_over(tmp_path: Path) -> None:
    junk = (
        "__MACOSX/._a.py",
        ".DS_Store",
        "Thumbs.db",
        ".git/HEAD",
        "__pycache__/a.pyc",
        "a.py~",
        ".a.py.swp",
        "#a.py#",
    )
    more = (".ipynb_checkpoints/a-checkpoint.ipynb", "~$a.docx", "venv/lib/x.py", "env/pyvenv.cfg", "env/lib/y.py")
    files = {f"kim/{name}": WORK for name in (*junk, *more, "a.py")}
    write(tmp_path / "folder", files)
    (tmp_path / "folder" / "lee.zip").write_bytes(zipped(files))
    found = {
        one.student: [f.name for f in one.files] for one in collect([tmp_path / "folder"], assignment()).submissions
    }
    assert found["kim"] == ["a.py"]
    assert found["lee"][0] == "a.py" and not any("pyvenv" in name or "lib" in name for name in found["lee"][1:])


def test_what_is_no_code_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"kim.pdf": b"%PDF", "lee.rar": b"Rar!", "empty.py": b"", "roster.csv": b"a\n", "good.py": WORK})
    write(tmp_path, {"park.npz": b"PK", "choi.NPY": b"\x93NUMPY"})
    collected = collect([tmp_path], assignment())
    found = {one.student: one.problem for one in collected.submissions}
    assert "kim.pdf is no file of code; expected .py, .ipynb" in found["kim"]
    assert "RAR archive" in found["lee"] and "is empty" in found["empty"]
    assert set(found) == {"kim", "lee", "empty", "good", "park", "choi"} and not found["park"] + found["choi"]
    assert any("roster.csv" in note for note in collected.notes)
    tables = collect([tmp_path], assignment(forms=("numbers",)))
    assert "roster" in {place.student for place in tables.places}


@pytest.mark.parametrize("encoding", ["cp949", "utf-8"])
def test_korean_names_of_zips_without_the_flag(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "all.zip").write_bytes(zip_in(encoding, "김민수/풀이.py"))
    one = collect([tmp_path / "all.zip"], assignment()).submissions[0]
    assert (one.student, one.files[0].name) == ("김민수", "풀이.py")


def test_names_of_western_zips(tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(zip_in("cp437", "é\xff.py".replace("\xff", "Ç")))
    assert collect([tmp_path / "all.zip"], assignment()).submissions[0].student


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    for raw in ("김.py".encode("cp949"), b"\xff\xfe\x80.py", b"a\nb\x1b[2J.py", "\u202eyp.x.py".encode()):
        with open(os.fsencode(tmp_path) + b"/" + raw, "wb") as stream:
            stream.write(WORK)
    found = collect([tmp_path], assignment()).submissions
    assert "김" in {one.student for one in found} and len(found) == 4
    for one in found:
        assert (one.student + one.label).encode() and (one.student + one.label).isprintable()
        assert one.problem or one.files


def test_ids_of_long_names_stay_apart(tmp_path: Path) -> None:
    long = "n" * 300
    (tmp_path / "all.zip").write_bytes(zipped({f"{long}{n}.py": WORK for n in (1, 2)} | {"kim.py": WORK}))
    found = collect([tmp_path / "all.zip"], assignment()).submissions
    assert len({one.student for one in found}) == 3 and all(len(one.label) < 100 for one in found)
    assert sum("is too long" in one.problem for one in found) == 2


def test_caps_are_what_was_promised() -> None:
    assert (caps.FILE, caps.SUBMISSION, caps.FILES, caps.NESTED) == (20 << 20, 50 << 20, 500, 2)


def test_names_are_read_in_time_that_grows_with_their_length() -> None:
    for name in ("_1" * 500, "a_" * 500, "1_assignsubmission_" * 50):
        started = time.perf_counter()
        moodle.owner(name)
        canvas.owner(name)
        assert time.perf_counter() - started < 0.5


def test_problems_are_in_the_students_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("nncheck.grading.submissions.loading._read", lambda *given: seen.append(current()) or ())
    collected = collect([write(tmp_path, {"kim.py": WORK})], assignment(language="ko"))
    assert list(collected.submissions) and seen == ["ko"] and current() == "en"
