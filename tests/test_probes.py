"""Probes are what NUMERICS asks for: sizes, batches, margins, no zeros, reproducible from their seed."""

from __future__ import annotations

import numpy as np
import pytest

from nncheck import case as cases
from nncheck import probes
from nncheck.formula import read


@pytest.mark.parametrize("name", cases.names())
def test_sizes_batches_and_margins(name: str) -> None:
    case = cases.find(name)
    drawn = list(probes.draw(case, case.derivation(), seed=4))
    deep = len(case.sizes) == 3
    wide, square = ((4, 5, 3), (3, 3, 3)) if deep else ((4, 3), (3, 3))
    assert [(p.sizes, len(p.X)) for p in drawn] == [(s, n) for s in (wide, square) for n in (2, 5, 7)]
    for probe in drawn:
        for array in (probe.X, *probe.params.values()):
            assert ((np.abs(array) >= 0.2 - 1e-6) & (np.abs(array) <= 1.5)).all()
            assert (np.float64(np.float32(array)) == array).all()
        if name in ("relu_sigmoid", "softmax_cross_entropy"):
            Z = probe.X @ probe.params["W"].T + probe.params["B"]
            assert np.abs(Z).min() > 0.02
            assert (Z > 0).any()
            assert (Z < 0).any()
        if name == "softmax_cross_entropy":
            assert (probe.YT.sum(axis=1) == 1).all()
            assert (probe.YT >= 0).all()
        assert len(np.unique(probe.YT)) > 2


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    case = cases.find("hidden")
    draw = [next(probes.draw(case, case.derivation(), seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draw[0].X, draw[1].X)
    assert not np.array_equal(draw[0].X, draw[2].X)


def test_a_kink_that_no_probe_can_take_both_ways_is_an_error() -> None:
    case = cases.find("hidden")
    lines = read((case.folder / "derivation.txt").read_text(encoding="utf-8") + "\nM = maximum(E, -1)")
    with pytest.raises(cases.FormulaError, match="no probe takes both branches"):
        list(probes.draw(case, lines, 0))
