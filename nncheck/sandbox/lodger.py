"""The process of one submission: answers the judge's frames as `nncheck.manual.child` does, in its own folder."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nncheck import frames, source
from nncheck.formula.plain import Array
from nncheck.language import phrase, reason_of
from nncheck.manual.child import Answer, Child

#: Exit code of a process that could not even say that its memory is used up.
OUT_OF_MEMORY = 86
#: Arrays of a request that hold octets: the text of the submission, and its other files one after the other.
TEXT, FILES = "text:", "files:"


class Lodger(Child):
    """A `Child` in a folder of its own, to which the submission's other files come with the request ``open``."""

    def answer(self, request: dict[str, Any], arrays: dict[str, Array]) -> Answer:
        """Do one request; whatever the person's code raises is a problem of that code."""
        path = Path(request.get("path", "submission"))
        try:
            if TEXT in arrays:
                request["text"] = arrays.pop(TEXT).tobytes().decode()
            if FILES in arrays:
                _write_files(request.pop("files"), arrays.pop(FILES).tobytes())
            return super().answer(request, arrays)
        except MemoryError:
            raise
        except BaseException as error:  # a KeyboardInterrupt too: there is no keyboard here
            return {"problem": {"kind": "code", "text": source.describe(error, path)}}, {}

    def _hello(self, _: dict[str, Any], __: dict[str, Array]) -> Answer:
        return {"pid": os.getpid(), "folder": os.getcwd()}, {}


def letter(header: dict[str, Any], arrays: Mapping[str, Array]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return header and arrays of a request in which text and files go as octets: they may be longer than a header."""
    sent, whole = dict(header), dict(arrays)
    if "text" in sent:
        whole[TEXT] = np.frombuffer(sent.pop("text").encode("utf-8", "replace"), dtype=np.uint8)
    files: Mapping[str, bytes] = sent.pop("files", None) or {}
    if files:
        sent["files"] = [[name, len(content)] for name, content in files.items()]
        whole[FILES] = np.frombuffer(b"".join(files.values()), dtype=np.uint8)
    return sent, whole


def serve(reading: BinaryIO, writing: BinaryIO, at_end: Callable[[], None] | None = None) -> None:
    """Answer requests until there are no more, then end the process without anything that was left to be run."""
    here = os.getcwd()
    sys.path.append(here)  # behind everything else: what lies beside a file hides nothing
    printed = sys.stdout, sys.stderr
    code = 0
    try:
        lodger = Lodger(partial(frames.write, writing))
        while True:
            try:
                request, arrays = frames.read(reading, octets=True)
            except frames.FrameError:
                break
            header, replies = lodger.answer(request, arrays)
            for stream in printed:
                with contextlib.suppress(Exception):
                    stream.flush()
            frames.write(writing, {"answer": header, "notes": []}, replies)
    except MemoryError:
        code = OUT_OF_MEMORY
    except BaseException:
        code = 1
    finally:
        if at_end is not None:
            at_end()
        os._exit(code)


def _write_files(described: list[list[Any]], content: bytes) -> None:
    """Write files beside each other into the working folder.

    Raises
    ------
    OSError
        If the folder has no room for them.
    """
    at = 0
    for name, size in described:
        path = Path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content[at : at + size])
        except OSError as error:
            reason = reason_of(error)
            raise OSError(phrase("{path} does not fit into the folder ({reason})", path=name, reason=reason)) from None
        at += size
