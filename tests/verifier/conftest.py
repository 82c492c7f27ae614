"""Files of functions to verify, put together from right and from planted parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nncheck.verification import VerifyResult
from nncheck.verifier import truth, verify
from nncheck.verifier.truth import Autograd

#: One linear layer with the mean squared error, as the cases of one layer have it.
FORWARD = """
import numpy as np

def forward(params, X):
    Y = X @ params["W"].T + params["B"]
    return Y, (X, Y)
"""
LOSS = """
def loss(Y, YT):
    return np.mean((Y - YT) ** 2)
"""
BACKWARD = """
def backward(params, cache, YT):
    X, Y = cache
    dY = 2 * (Y - YT) / Y.size
    dW, dB = dY.T @ X, dY.sum(axis=0)
"""
RIGHT = FORWARD + LOSS + BACKWARD + '    return {"W": dW, "B": dB}\n'


def returning(expression: str) -> str:
    """Return right functions, but for what backward returns; it has X, Y, dY, dW and dB."""
    return f"{FORWARD}{LOSS}{BACKWARD}    return {expression}\n"


def backward_of(body: str) -> str:
    """Return right functions, but for the body of backward."""
    return f"{FORWARD}{LOSS}\ndef backward(params, cache, YT):\n    {body}\n"


@pytest.fixture
def by_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the derivation judge, as where torch cannot be had: starting torch takes longer than all the rest."""
    monkeypatch.setattr(verify, "Autograd", partial(Autograd, certified_first=True))
    monkeypatch.setattr(truth, "is_certified", lambda case: True)


Held = Callable[..., VerifyResult]


@pytest.fixture
def held(tmp_path: Path, by_the_lines: None) -> Held:
    """Verify the text of a file of functions, by default of the case two_to_one."""

    def hold(text: str, case: Any = "two_to_one", name: str = "mine.py", **options: Any) -> VerifyResult:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return verify.verify(path, case, form="functions", **options)

    return hold
