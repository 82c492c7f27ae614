"""The index is made once and kept; what is seen to few digits is not named by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncheck import cache
from nncheck import case as cases
from nncheck.diagnosis.index import MAX_PAIRS, Index
from nncheck.diagnosis.points import Group, Observation
from nncheck.diagnosis.search import diagnose
from nncheck.formula import plain, read
from nncheck.verifier.functions import probes_of
from nncheck.verifier.groups import index_of

from .styles import Net


def _index(name: str = "relu_sigmoid") -> Index:
    case = cases.find(name)
    derivation = case.derivation()
    return index_of(case, derivation, list(probes_of(case, derivation, 0)))


@pytest.mark.parametrize("kind", ["named", "small", "pairs"])
def test_rows_are_kept_between_runs(kind: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    first = _index("one_to_one").rows(kind)
    assert len(list(tmp_path.iterdir())) == 8  # one file for each probe
    monkeypatch.setattr(Index, "_computed", lambda *_: pytest.fail("computed again"))
    np.testing.assert_array_equal(_index("one_to_one").rows(kind), first)


def test_a_deep_net_has_no_more_pairs_than_can_be_made_in_seconds() -> None:
    derivation = read(Net("relu", "sigmoid", 5).derivation())
    index = Index(derivation, ("X", "YT"), [])
    assert len(index.named) > 300
    assert 0.5 * MAX_PAIRS < len(index._pairs) <= MAX_PAIRS
    kept = {edit.id for pair in index._pairs for edit in pair}
    assert {"act.missing", "db.mean", "prop.WT", "conv.half"} <= kept  # the most common ones


def _stacked(points: int) -> tuple[Index, np.ndarray]:
    """Return an index at so many points, stacked, and half the loss at each."""
    case = cases.find("relu_sigmoid")
    rng = np.random.default_rng(2)
    inputs = {"X": plain(case.X), "YT": plain(case.YT), "lr": plain(0.1)}
    params = {name: rng.uniform(0.2, 1.0, (points, *array.shape)) for name, array in case.params.items()}
    inputs |= {name: plain(array, stacked=True) for name, array in params.items()}
    derivation = case.derivation()
    group = Group(inputs, derivation, stack=points)
    return Index(derivation, ("X", "YT", *case.params), [group]), group.truth["E"] / 2


@pytest.mark.parametrize("points, ids", [(1, []), (20, ["loss.half"])])
def test_a_loss_printed_to_three_digits_names_a_mistake_only_at_many_points(points: int, ids: list[str]) -> None:
    index, half = _stacked(points)
    observed = [{"E": Observation(np.round(half, 3), 0.5e-3)}]
    diagnosis = diagnose(index, observed, ["E"])
    assert [edit.id for cause in diagnosis.causes for edit in cause.edits][:1] == ids
    assert diagnosis.unexplained == (() if ids else ("E",))


def test_a_small_edit_that_only_makes_zeros_is_less_telling_than_two_names() -> None:
    index = _index("softmax_cross_entropy")
    zeros = {line.name: line for edit in index.named if edit.id in ("dW.zero", "db.zero") for line in edit.lines}
    values = [group.values(zeros) for group in index.groups]
    names = ("E", "dW2", "dB2", "dW", "dB")
    observed = [{name: Observation(value[name]) for name in names} for value in values]
    diagnosis = diagnose(index, observed, names[1:])
    assert sorted(edit.id for cause in diagnosis.causes for edit in cause.edits[:1]) == ["dW.zero", "db.zero"]
