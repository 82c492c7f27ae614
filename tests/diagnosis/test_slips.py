"""One-token edits of correct programs: none that changes a gradient passes, and most are named."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from nncheck import case as cases

from .slipped import counts, sources, tried
from .tokens import slips

SOURCES = list(sources())


def _judged(name: str, style: str, source: str, most: int | None) -> Counter[str]:
    every = list(slips(source))
    chosen = every if most is None else random.Random(6).sample(every, most)
    outcomes = list(tried(name, style, source, chosen))
    passed = [one.slip.line for one in outcomes if one.changes == "gradient" and one.verdict == "passed"]
    assert not passed
    return counts(outcomes)


def test_a_sample_of_slips_is_seen_and_named() -> None:
    counted: Counter[str] = Counter()
    for name, style, source in SOURCES:
        counted += _judged(name, style, source, 20)
    assert counted["named"] >= 0.55 * counted["gradient"], counted
    assert counted["true"] >= 0.95 * counted["named"], counted


@pytest.mark.slow
@pytest.mark.parametrize("name, style, source", SOURCES, ids=[f"{name}-{style}" for name, style, _ in SOURCES])
def test_every_slip_is_seen_and_most_are_named(name: str, style: str, source: str) -> None:
    counted = _judged(name, style, source, None)
    assert counted["named"] >= 0.55 * counted["gradient"], counted
    assert counted["true"] >= 0.95 * counted["named"], counted


def test_slips_are_of_every_kind() -> None:
    source = (cases.find("relu_sigmoid").folder / "manual.py").read_text(encoding="utf-8")
    kinds = {slip.kind for slip in slips(source)}
    assert kinds >= {"name", "operator", "transpose", "axis", "constant", "dropped", "sign", "order", "function"}
    texts = [slip.source for slip in slips(source)]
    assert len(texts) == len(set(texts)) > 250
