"""A thousand spoilt submissions through a whole run: every one gets a verdict with its reason, none is our fault."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

import nncheck
from tests.grading.test_marking import RIGHT, SCRIPT

NOTEBOOK = json.dumps(
    {"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code", "source": [RIGHT]}, {"cell_type": "markdown"}]}
)
FORMULAS = "Z = X @ W.T + B\nH = maximum(Z, 0)\nY = sigmoid(H @ W2.T + B2)\nE = ((Y - YT) ** 2).mean()\n"
TABLE = "step,E\n0,0.298371109\n1,0.29\n2,0.28\n"
TEXTS = {".py": RIGHT, "_script.py": SCRIPT, ".ipynb": NOTEBOOK, ".txt": FORMULAS, ".csv": TABLE}
ENCODINGS = ("utf-8", "utf-8-sig", "cp949", "utf-16", "utf-32", "latin-1")
TOML = """title = "Fuzz"
seed = "a secret of this course"
forms = ["functions", "script", "notebook", "numbers", "formulas"]
[[cases]]
case = "relu_sigmoid"
[limits]
check = 0.5
seconds = 2.0
"""


def spoilt(chance: random.Random, text: str) -> bytes:
    """Return a text with some of it cut, doubled, swapped or made to noise, in some encoding."""
    for _ in range(chance.randrange(4)):
        at, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        piece = text[at : min(end, at + 200)]
        text = (
            text[:at]
            + chance.choice(["", piece * 2, piece[::-1], "\\0", "한글", "(" * 90, "1e999"])
            + text[at + len(piece) :]
        )
    content = text.encode(chance.choice(ENCODINGS), "replace")
    if chance.random() < 0.2:
        noise = bytearray(content or b" ")
        for _ in range(1 + len(noise) // 50):
            noise[chance.randrange(len(noise))] = chance.randrange(256)
        content = bytes(noise)
    return content[: chance.randrange(len(content) + 1)] if chance.random() < 0.1 else content


def archived(chance: random.Random, content: bytes) -> tuple[str, bytes]:
    """Return an archive that holds a file, perhaps cut."""
    stream = io.BytesIO()
    name = chance.choice(["a.py", "../a.py", "/a.py", "a/b/c.py", "C:\\a.py", "a.py/"])
    if chance.random() < 0.5:
        with zipfile.ZipFile(stream, "w") as packed:
            packed.writestr(name, content)
    else:
        with tarfile.open(fileobj=stream, mode="w:gz") as packed:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.type = chance.choice([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
            packed.addfile(entry, io.BytesIO(content))
    whole = stream.getvalue()
    ending = ".zip" if whole[:2] == b"PK" else ".tar.gz"
    return ending, whole[: chance.randrange(len(whole))] if chance.random() < 0.3 else whole


@pytest.mark.parametrize("seed", [4])
def test_every_spoilt_submission_gets_a_verdict(seed: int, tmp_path: Path) -> None:
    chance, count = random.Random(seed), 1_000
    folder = tmp_path / "class"
    for number in range(count):
        own = folder / f"s{number:04d}"
        own.mkdir(parents=True)
        ending, text = chance.choice(list(TEXTS.items()))
        content = spoilt(chance, text)
        kind = chance.random()
        if kind < 0.1:
            (own / "work.py").mkdir()
        elif kind < 0.25:
            suffix, packed = archived(chance, content)
            (own / f"work{suffix}").write_bytes(packed)
        elif kind < 0.3:
            (own / "work.py").symlink_to("/etc/hostname")
        else:
            (own / f"work{ending}").write_bytes(content)
    (tmp_path / "homework.toml").write_text(TOML)
    trust = shutil.which("bwrap") is None and not os.environ.get("CI")
    with nncheck.grade([folder], tmp_path / "homework.toml", tmp_path / "out", trust=trust) as run:
        found = {one.student: one.grade for one in run}
    assert sorted(found) == [f"s{number:04d}" for number in range(count)]
    statuses = Counter(grade.status for grade in found.values())
    assert not statuses["grader-fault"], [grade.reason for grade in found.values() if grade.status == "grader-fault"]
    assert all(grade.reason for grade in found.values() if grade.status != "graded")
    assert statuses["graded"] and statuses["crashed"] and statuses["unreadable"]
