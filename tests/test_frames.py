"""Frames carry arrays bit by bit, and refuse what is too long or not a frame before allocating anything."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncheck import frames


def _frame(header: object) -> io.BytesIO:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return io.BytesIO(struct.pack(">I", len(text)) + text)


def test_round_trip() -> None:
    stream = io.BytesIO()
    arrays = {
        "W": np.array([[1.5, np.nan], [-0.0, np.inf]], dtype=np.float32),
        "E": np.float64(2.25).reshape(()),
        "none": np.empty((0, 3)),
        "T": np.arange(6.0).reshape(2, 3).T,
    }
    frames.write(stream, {"request": "한글"}, arrays)
    frames.write(stream, {"request": "next"})
    stream.seek(0)
    header, got = frames.read(stream)
    assert header == {"request": "한글"}
    for name, array in arrays.items():
        assert got[name].dtype == array.dtype
        assert got[name].shape == array.shape
        assert got[name].tobytes() == array.tobytes()
    assert frames.read(stream) == ({"request": "next"}, {})


@pytest.mark.parametrize(
    "header",
    [
        {"arrays": [{"name": "a", "dtype": "<f8", "shape": [1 << 40]}]},
        {"arrays": [{"name": "a", "dtype": "<f8", "shape": [1 << 62, 1 << 62]}]},
        {"arrays": [{"name": "a", "dtype": "<f8", "shape": [-1]}]},
        {"arrays": [{"name": "a", "dtype": "O", "shape": [1]}]},
        {"arrays": [{"name": "a", "dtype": "<f8", "shape": []}] * 300},
        {"arrays": [{"name": "a"}]},
        {"arrays": 3},
        {},
        [],
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_frame_is_refused(header: object) -> None:
    with pytest.raises(frames.FrameError):
        frames.read(_frame(header))


def test_a_long_header_and_a_cut_stream_are_refused() -> None:
    with pytest.raises(frames.FrameError, match="at most"):
        frames.read(io.BytesIO(struct.pack(">I", 1 << 30)))
    stream = io.BytesIO()
    frames.write(stream, {}, {"a": np.ones(10)})
    with pytest.raises(frames.FrameError, match="the stream ended"):
        frames.read(io.BytesIO(stream.getvalue()[:-1]))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_random_bytes_give_nothing_but_the_error(data: bytes) -> None:
    with pytest.raises(frames.FrameError):
        frames.read(io.BytesIO(struct.pack(">I", min(len(data), 50)) + data))


def test_octets_go_only_where_both_ends_ask_for_them() -> None:
    body = {"content": np.frombuffer(bytes(range(256)), np.uint8), "none": np.empty(0, np.uint8)}
    asked, plain = io.BytesIO(), io.BytesIO()
    frames.write(asked, {}, body, octets=True)
    frames.write(plain, {}, body)
    asked.seek(0)
    plain.seek(0)
    with pytest.raises(frames.FrameError, match="another dtype"):
        frames.read(asked)
    asked.seek(0)
    got = frames.read(asked, octets=True)[1]
    assert [got[name].tobytes() for name in body] == [bytes(range(256)), b""]
    assert frames.read(plain)[1]["content"].dtype == np.float64  # a person's own uint8 is a number
