"""Builds what students hand in: folders, zips and tars with whatever is wrong in them, and an assignment."""

from __future__ import annotations

import io
import json
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nncheck import case as cases
from nncheck.case import Case
from nncheck.grading.assignment import Assignment, Part

WORK = b"def forward(params, X):\n    return X, {}\n\n\ndef backward(params, cache, YT):\n    return {}\n"


@lru_cache
def _case(name: str) -> Case:
    return cases.find(name)


def part(name: str = "relu_sigmoid", file: str = "") -> Part:
    return Part(case=_case(name), points={"forward": 1.0}, file=file)


def assignment(student: str = "", parts: tuple[Part, ...] = (), **others: Any) -> Assignment:
    return Assignment(
        path=Path("a.toml"), title="A", parts=parts or (part(),), seed="secret", student=student, **others
    )


def write(top: Path, files: Mapping[str, bytes | None]) -> Path:
    """Make files in a folder; None makes an empty folder."""
    for name, content in files.items():
        path = top / name
        if content is None:
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return top


def zipped(files: Mapping[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in files.items() if isinstance(files, Mapping) else files:
            if isinstance(name, zipfile.ZipInfo) or "\\" in name:
                info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo("x")
                info.filename = name if isinstance(name, str) else info.filename
                archive.writestr(info, content)
            else:
                archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def zip_link(name: str, target: str) -> bytes:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped([("solution.py", WORK), (info, target.encode())])


def zip_in(encoding: str, name: str) -> bytes:
    """Return a zip whose name is in an old encoding, without the flag for UTF-8, as Korean Windows packs."""
    raw = name.encode(encoding)
    stand_in = "x" * len(raw)
    content = zipped({stand_in: WORK})
    assert content.count(stand_in.encode()) == 2
    return content.replace(stand_in.encode(), raw)


def encrypted(content: bytes) -> bytes:
    """Return the same zip with the flag for a password on its first file."""
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def tarred(files: Mapping[str, bytes] | list[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items() if isinstance(files, Mapping) else files:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            info.mtime = 1_700_000_000
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def tar_special(name: str, kind: bytes, target: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return tarred([(tarfile.TarInfo("solution.py"), WORK), (info, b"")])


def notebook(code: str) -> bytes:
    cell = {"cell_type": "code", "source": code.splitlines(keepends=True), "metadata": {}, "outputs": []}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
