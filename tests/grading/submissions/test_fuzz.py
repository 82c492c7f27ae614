"""A thousand spoilt inputs: each is a submission with files or with a problem, and nothing raises."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from nncheck.errors import InputError
from nncheck.grading.submissions import LAYOUTS, Collected, SubmittedFile, choose, collect

from .trees import WORK, assignment, notebook, part, tarred, zip_in, zip_link, zipped

FORMS = ("functions", "notebook", "formulas", "numbers")
PART = part()


def _spoilt(rng: random.Random, content: bytes) -> bytes:
    """Change, cut, repeat or insert bytes."""
    changed = bytearray(content)
    for _ in range(rng.choice((0, 1, 1, 3, 20))):
        at = rng.randrange(len(changed) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(changed):
            changed[at] = rng.randrange(256)
        elif kind == 1:
            del changed[at : at + rng.randrange(1, 60)]
        elif kind == 2:
            changed[at:at] = changed[at : at + rng.randrange(200)]
        else:
            changed[at:at] = rng.choice((b"\0" * 4, b"\xff" * 8, b"PK\x01\x02", b"ustar", rng.randbytes(9)))
    return bytes(changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.1 else changed)


def _name(rng: random.Random) -> str:
    signs = string.ascii_letters + "김수ﾊÅé ._-()[]%$'\u200b\u202e"
    return "".join(rng.choices(signs, k=rng.randrange(1, 20)))


def _files(rng: random.Random) -> dict[str, bytes]:
    kinds = (
        WORK,
        notebook(WORK.decode()),
        b"",
        b"\xef\xbb\xbf" + WORK,
        "# 풀이\n".encode("cp949") + WORK,
        b"1 0.5\n2 0.4",
    )
    endings = (".py", ".ipynb", ".txt", ".csv", ".md", ".PY", "", ".npz", ".zip", ".tar.gz")
    found = {}
    for _ in range(rng.randrange(1, 5)):
        folder = rng.choice(("", "", "a/", "../", "/", "C:\\", "a/b/c/", "__MACOSX/", "x.py/"))
        found[folder + _name(rng) + rng.choice(endings)] = _spoilt(rng, rng.choice(kinds))
    return found


def _content(rng: random.Random) -> tuple[str, bytes]:
    """One input: its ending and its bytes."""
    makers: list[tuple[str, Callable[[], bytes]]] = [
        (".py", lambda: WORK),
        (".py", lambda: rng.randbytes(rng.randrange(300))),
        (".py", lambda: WORK.decode().encode(rng.choice(("utf-16", "utf-8-sig", "cp949", "utf-32")))),
        (".ipynb", lambda: notebook(WORK.decode())),
        (".ipynb", lambda: b"[" * rng.randrange(5000)),
        (".csv", lambda: b"step,E\n1,0.5\n"),
        (".zip", lambda: zipped(_files(rng))),
        (".zip", lambda: zip_link("a.py", "/etc/passwd")),
        (".zip", lambda: zip_in("cp949", "김/a.py")),
        (".zip", lambda: zipped({"in.zip": zipped(_files(rng)), "in.tar.gz": tarred(_files(rng), "w:gz")})),
        (".tar", lambda: tarred(_files(rng))),
        (".tar.gz", lambda: tarred(_files(rng), "w:gz")),
        (".tar.bz2", lambda: tarred(_files(rng), "w:bz2")),
        (".tar.xz", lambda: tarred(_files(rng), "w:xz")),
    ]
    ending, make = rng.choice(makers)
    content = make()
    return rng.choice((ending, ending, ending, ".py", ".zip")), _spoilt(rng, content)


def _checked(collected: Collected) -> int:
    for place, one in zip(collected.places, collected.submissions):
        assert (place.student, place.label) == (one.student, one.label) and one.student and one.label
        assert bool(one.files) != bool(one.problem), one
        assert (one.student + one.label + one.name + one.problem).encode()
        assert all(".." not in f.name.split("/") and not f.name.startswith("/") for f in one.files)
        chosen = choose(one, PART, FORMS)
        assert isinstance(chosen, SubmittedFile) or len(chosen) > 10
        assert len(one.content_digest) == 64
    return len(collected.submissions)


def test_a_thousand_spoilt_inputs(tmp_path: Path) -> None:
    rng = random.Random(20260301)
    for number in range(1000):
        ending, content = _content(rng)
        path = tmp_path / f"s{number:04d}{ending}"
        if rng.random() < 0.05:
            path.mkdir()
            for inner in range(rng.randrange(3)):
                more, inside = _content(rng)
                (path / f"{inner}{more}").write_bytes(inside)
        else:
            path.write_bytes(content)
    found = collect([tmp_path], assignment(r"^(?P<student>s\d{4})", forms=FORMS))
    assert _checked(found) == 1000
    assert len({place.student for place in found.places}) == 1000
    assert sum(bool(one.problem) for one in found.submissions) > 200  # the fuzz does spoil


def test_a_compressed_tar_that_is_spoilt_in_the_middle(tmp_path: Path) -> None:
    for kind in ("gz", "bz2", "xz"):
        path = tmp_path / f"all.tar.{kind}"
        content = bytearray(tarred({f"{n}.py": random.Random(n).randbytes(20_000) for n in range(20)}, f"w:{kind}"))
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"all\.tar.* cannot be unpacked"):
            collect([path], assignment(forms=FORMS))


def test_spoilt_archives_of_everything(tmp_path: Path) -> None:
    rng = random.Random(7)
    refused = 0
    for number in range(150):
        files = _files(rng) | {"kim.py": WORK, "Kim_1_assignsubmission_file_/a.py": WORK}
        mode = rng.choice(("zip", "tar", "tar.gz", "tar.xz"))
        content = zipped(files) if mode == "zip" else tarred(files, "w:" + mode.removeprefix("tar").lstrip("."))
        path = tmp_path / f"{number}.{mode}"
        path.write_bytes(_spoilt(rng, content))
        try:
            collected = collect([path], assignment(forms=FORMS), rng.choice((None, *LAYOUTS)))
        except InputError as error:
            assert "expected" in str(error)
            refused += 1
        else:
            assert _checked(collected) > 0
    assert 20 < refused < 130
