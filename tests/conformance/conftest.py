"""What tests of the device check share: one check of the CPU, and one worker that answers single samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nncheck.conformance import check
from nncheck.conformance.bench import Bench
from nncheck.conformance.operators import operators
from nncheck.conformance.sample import Operator


@pytest.fixture(scope="package")
def bench() -> Iterator[Bench]:
    """Open the CPU once for all tests that ask for single samples."""
    with Bench("cpu") as opened:
        yield opened


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Operator, ...]]:
    """Let a check ask these operators alone."""

    def choose(*names: str) -> tuple[Operator, ...]:
        chosen = tuple(row for row in operators() if row.name in names)
        assert {row.name for row in chosen} == set(names)
        monkeypatch.setattr(check, "operators", lambda: chosen)
        return chosen

    return choose
