"""Messages between two processes: a length-capped JSON header, then the raw bytes of the arrays that it names.

A frame is the header's length (4 bytes, big-endian), the header (UTF-8 JSON), then each array in C order. The header's
``arrays`` list gives name, dtype and shape of each; all are checked before anything is allocated, and nothing is ever
unpickled. Arrays are of floats; only where both ends ask for it, arrays of octets carry files and long texts.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import phrase

MAX_HEADER = 1 << 20
MAX_ARRAYS = 256
MAX_BYTES = 1 << 32
_DTYPES = ("<f4", "<f8")
_OCTETS = "|u1"


class FrameError(Exception):
    """The stream ended, or holds something that is not a frame."""


class StreamEnded(FrameError):
    """The stream came to its end where a frame, or more of one, was expected."""


def write(
    stream: BinaryIO, header: Mapping[str, Any], arrays: Mapping[str, Array] | None = None, octets: bool = False
) -> None:
    """Write one frame and flush it; with ``octets``, arrays of uint8 go as they are, else everything as floats."""
    bodies = {name: np.asarray(array, order="C") for name, array in (arrays or {}).items()}
    dtypes = {name: _OCTETS if octets and body.dtype == np.uint8 else _dtype(body) for name, body in bodies.items()}
    described = [{"name": n, "dtype": dtypes[n], "shape": list(a.shape)} for n, a in bodies.items()]
    text = json.dumps({**header, "arrays": described}).encode()
    stream.write(struct.pack(">I", len(text)) + text)
    for name, body in bodies.items():
        stream.write(_bytes_of(body.astype(dtypes[name], copy=False)))
    stream.flush()


def read(stream: BinaryIO, max_bytes: int = MAX_BYTES, octets: bool = False) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read one frame; arrays of uint8 are accepted with ``octets`` alone.

    Raises
    ------
    FrameError
        If the stream ends inside a frame, or the frame is longer than the caps or not well-formed.
    """
    (length,) = struct.unpack(">I", _exactly(stream, 4))
    if length > MAX_HEADER:
        raise FrameError(
            phrase("header of {length} bytes, at most {most} are accepted", length=length, most=MAX_HEADER)
        )
    try:
        header = json.loads(_exactly(stream, length))
        layout = [(str(a["name"]), str(a["dtype"]), tuple(int(n) for n in a["shape"])) for a in header.pop("arrays")]
    except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError, RecursionError):
        raise FrameError(phrase("header is not the JSON object of a frame")) from None
    known = (*_DTYPES, _OCTETS) if octets else _DTYPES
    if len(layout) > MAX_ARRAYS or any(dtype not in known or min(shape, default=0) < 0 for _, dtype, shape in layout):
        raise FrameError(
            phrase("header names too many arrays, another dtype than float32 and float64, or a negative size")
        )
    total = sum(np.dtype(dtype).itemsize * math.prod(shape) for _, dtype, shape in layout)
    if total > max_bytes:
        raise FrameError(phrase("{total} bytes of arrays, at most {most} are accepted", total=total, most=max_bytes))
    arrays = {}
    for name, dtype, shape in layout:
        array = np.empty(shape, dtype)
        _fill(stream, _bytes_of(array))
        arrays[name] = array
    return header, arrays


def _bytes_of(array: Array) -> memoryview:
    """Return the memory of a C-ordered array; an empty one has none."""
    return memoryview(array.reshape(-1).view(np.uint8).data) if array.size else memoryview(b"")


def _dtype(array: Array) -> str:
    return "<f4" if array.dtype == np.float32 else "<f8"


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = bytearray(count)
    _fill(stream, memoryview(data))
    return bytes(data)


def _fill(stream: BinaryIO, view: memoryview) -> None:
    done = 0
    while done < len(view):
        got = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise StreamEnded(phrase("the stream ended"))
        done += got
