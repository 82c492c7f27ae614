"""Explanations by one torch process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from nncheck.autograd.client import Worker
from nncheck.case import Case
from nncheck.explained import Explained
from nncheck.explaining import explain as explaining
from nncheck.verifier.truth import Autograd

Explain = Callable[..., Explained]


@contextmanager
def sharing(worker: Worker) -> Iterator[Explain]:
    """Explain by a torch process that is there, for starting one takes longer than all the rest."""

    class Shared(Autograd):
        def __init__(self, case: Case) -> None:
            self._case, self._by_lines, self._worker, self._opening = case, False, worker, None
            self.why_not, self.versions = "", {}
            worker.load_case(case)

        def __exit__(self, *_: Any) -> None:
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explaining, "Autograd", Shared)
        yield explaining.explain


@pytest.fixture
def explain(worker: Worker) -> Iterator[Explain]:
    with sharing(worker) as shared:
        yield shared
