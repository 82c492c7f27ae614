"""A submission in a process of its own, as on native Windows but for the job object: what it gives, how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from nncheck.manual.client import Guest
from nncheck.manual.layouts import Layout
from nncheck.sandbox.job import JobSeat
from nncheck.sandbox.limits import Limits
from tests.sandbox.conftest import GOOD, RIGHT, YT, W, X

POINT = (X, YT, {"W": W})


@contextmanager
def seated(text: str) -> Iterator[Guest]:
    seat = JobSeat(Limits(check=1.5, seconds=20.0))
    try:
        yield Guest(Path("guest.py"), text, 1.5, seat)
    finally:
        seat.close()


def test_many_points_asked_for_at_once_give_what_one_gives() -> None:
    with seated(GOOD) as guest:
        assert guest.open() == {}
        three = guest.steps([POINT] * 3, Layout())
        assert len(three) == 3
        for given in (*three, guest.step(*POINT, Layout())):
            assert {name: given.arrays[name].shape for name in RIGHT} == {n: np.shape(a) for n, a in RIGHT.items()}
            assert all(np.allclose(given.arrays[name], right, rtol=1e-12) for name, right in RIGHT.items())


@pytest.mark.parametrize(
    ("old", "new", "kind", "stage", "kept"),
    [
        ("    Y = cache @", "    while True: pass\n    Y = cache @", "timed-out", "backward", {"Y", "E"}),
        ("    return float(", "    os._exit(3)\n    return float(", "crashed", "loss", {"Y"}),
        ("    return params", "    os._exit(3)\n    return params", "crashed", "forward", set()),
    ],
)
def test_what_a_submission_gave_before_its_end_is_kept(
    old: str, new: str, kind: str, stage: str, kept: set[str]
) -> None:
    text = GOOD.replace('return X @ params["W"].T, X', 'return params["W"].dot(X.T).T, X')
    assert old in text
    with seated(text.replace(old, new)) as guest:
        assert guest.open() == {}
        given = guest.step(*POINT, Layout())
        assert guest.failure is not None
        assert (guest.failure.kind, guest.failure.stage) == (kind, stage), guest.failure
        assert set(given.arrays) == kept
