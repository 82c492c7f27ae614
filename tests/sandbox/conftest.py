"""A sandbox behind bubblewrap for the tests, and submissions to run in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from nncheck.manual.client import Guest
from nncheck.manual.layouts import Layout
from nncheck.manual.person import Given
from nncheck.sandbox.limits import Limits
from nncheck.sandbox.sandbox import Sandbox, prepare

LIMITS = Limits(check=1.5, seconds=3.0, memory=512, output=64, disk=2)

rng = np.random.default_rng(7)
X, YT, W = rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), rng.normal(size=(2, 3))
RIGHT = {"Y": X @ W.T, "E": np.mean((X @ W.T - YT) ** 2), "g:W": 2 * (X @ W.T - YT).T @ X / YT.size}

GOOD = """
import os
import numpy as np

def forward(params, X):
    return X @ params["W"].T, X

def loss(Y, YT):
    return float(np.mean((Y - YT) ** 2))

def backward(params, cache, YT):
    Y = cache @ params["W"].T
    return {"W": 2 * (Y - YT).T @ cache / YT.size}

try:
    above = os.listdir("..")
except OSError:
    above = None
print("files", os.listdir("."), above)
"""


def need_bubblewrap() -> None:
    """Skip where bubblewrap is not installed; in CI that is a failure."""
    if shutil.which("bwrap") is None:
        if os.environ.get("CI") or os.environ.get("NNCHECK_CI"):
            pytest.fail("the attacks need bubblewrap (bwrap), which CI has to install")
        pytest.skip("bubblewrap (bwrap) is not installed")


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    need_bubblewrap()
    with prepare(LIMITS, ground="bubblewrap") as opened:
        yield opened


@pytest.fixture(scope="package")
def busy_sandbox() -> Iterator[Sandbox]:
    """One in which submissions may start processes."""
    need_bubblewrap()
    with prepare(Limits(check=1.5, seconds=3.0, memory=512, output=64, disk=2, processes=8), ground="bubblewrap") as it:
        yield it


def step(guest: Guest) -> Given:
    """Ask for one forward and backward pass."""
    return guest.step(X, YT, {"W": W}, Layout())


def is_right(given: Given) -> bool:
    """Whether everything is as it has to be."""
    return not given.problem and all(
        name in given.arrays
        and given.arrays[name].shape == value.shape
        and np.allclose(given.arrays[name], value, rtol=1e-12)
        for name, value in RIGHT.items()
    )


@pytest.fixture
def unharmed(sandbox: Sandbox) -> Callable[[Sandbox], None]:
    """Return a check that the next submission finds everything as the first did."""

    def check(one: Sandbox) -> None:
        with one.guest(Path("good.py"), GOOD) as guest:
            assert guest.open() == {}
            assert is_right(step(guest))
        assert guest.failure is None
        assert guest.output == "files [] ['here']\n"

    return check
