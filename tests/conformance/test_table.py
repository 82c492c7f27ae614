"""The table of operators: its bounds hold and resolve, its two witnesses agree, and it has all that training uses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.autograd.network import Network
from nncheck.autograd.operators import called
from nncheck.conformance import asking
from nncheck.conformance.bench import Bench
from nncheck.conformance.judging import Answer, bound_of, judge
from nncheck.conformance.operators import operators
from nncheck.conformance.rules import Equal, Lines, Steps, Terms
from nncheck.conformance.sample import Allowed, Operator, Sample, at
from nncheck.rounding import UNIT

TABLE = operators()


_EXPECTED: dict[int, Answer] = {}  # of samples of the table, asked once


def _bounds(bench: Bench, sample: Sample, unit: float) -> tuple[Answer, dict[str, Allowed]]:
    numbers = asking.numbers_of(sample)
    if id(sample) not in _EXPECTED:
        _EXPECTED[id(sample)] = bench.ask(sample, "cpu", numbers)
    expected = _EXPECTED[id(sample)]
    assert not expected.refused, (sample.call, expected.refused)
    asked = asking.OnCpu(bench, sample, unit, "cpu", expected.values, numbers)
    return expected, dict(sample.rule.bounds(sample, asked))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_on_the_cpu_every_operator_is_right_and_its_bound_resolves_it(row: Operator, bench: Bench) -> None:
    """A bound so wide that a zeroed result passed would find nothing; some sample finds one that is off by 1e-4."""
    resolved: dict[str, float] = {}
    for sample in row.samples:
        got = bench.ask(sample, "device", asking.numbers_of(sample))
        expected, allowed = _bounds(bench, sample, UNIT.get(sample.dtype, 2.0**-8))
        assert set(allowed) == set(expected.values), sample.call
        wanted = {*sample.results, *(f"d{name}" for name, own in sample.operands.items() if own.grad)}
        assert set(expected.values) == wanted, sample.call
        judged = judge(sample, got, expected, allowed)
        assert judged.wrong is None, (sample.call, judged.wrong)
        for name, own in allowed.items():
            bound, value = bound_of(own, sample.dtype), expected.values[name]
            if bound is None or sample.dtype in ("float16", "bfloat16"):
                continue
            assert np.isfinite(bound).all(), (sample.call, name)
            if value.any():
                worst = np.unravel_index(np.argmax(np.abs(value)), value.shape)
                resolution = float(bound[worst] / np.abs(value[worst]))
                resolved[name] = min(resolution, resolved.get(name, 1.0))
    assert max(resolved.values(), default=0.0) < (1e-3 if row.name.startswith("adam") else 5e-5), resolved


def test_lines_and_torch_agree_in_float64(bench: Bench) -> None:
    """The formulas and torch on the CPU are two witnesses, of which each knows nothing of the other."""
    compared = 0
    for row in TABLE:
        for sample in row.samples:
            if not isinstance(sample.rule, (Lines, Steps)):
                continue
            expected, allowed = _bounds(bench, sample, UNIT["float64"])
            for name, own in allowed.items():
                if own.value is None or own.radius is None:
                    continue
                off = np.abs(own.value - expected.values[name])
                bound = 2 * UNIT["float64"] * own.radius + np.finfo(np.float64).tiny
                assert (off <= bound).all(), (row.name, sample.call, name)
                compared += 1
    assert compared > 800


def test_samples_start_from_numbers_that_their_type_holds() -> None:
    for row in TABLE:
        for sample in row.samples:
            for name, own in sample.operands.items():
                if own.dtype:
                    assert (own.values == np.round(own.values)).all()
                elif sample.dtype in ("float16", "bfloat16"):  # 8 bits
                    assert (own.values * 64 == np.round(own.values * 64)).all() and np.abs(own.values).max() < 4
                else:
                    held = own.values.astype(np.float32).astype(np.float64)
                    assert np.array_equal(held, own.values, equal_nan=True), (row.name, name)


def test_variances_are_taken_of_numbers_around_zero() -> None:
    """A device that takes E[x^2] - E[x]^2 is right there; of 1.386 and 1.414 it would lose four digits."""
    for row in TABLE:
        if row.name in ("batch_norm", "batch_norm, images", "layer_norm"):
            for sample in row.samples:
                x = sample.operands["x"].values
                x = x if row.name == "layer_norm" else x.reshape(-1, x.shape[-1]).T
                assert (x.mean(axis=1) ** 2 < 4 * x.var(axis=1)).all(), (row.name, x.shape)


def test_names_are_one_each_and_samples_grow() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)
    for row in TABLE:
        sizes = [sample.size for sample in row.samples]
        assert sizes == sorted(sizes) and sizes


def test_training_shapes_are_there() -> None:
    """One sample, an odd number of them, many; and operands that do not lie in one piece."""
    linear = next(row for row in TABLE if row.name == "linear")
    batches = {sample.operands["x"].values.shape[0] for sample in linear.samples}
    assert {1, 5, 7, 257} <= batches
    layouts = {own.layout for row in TABLE for sample in row.samples for own in sample.operands.values()}
    assert layouts == {"plain", "transposed", "strided"}


# what training uses -------------------------------------------------------------------------------------------------


class _Used:
    """The operators of torch that ran inside a ``with`` block."""

    def __init__(self) -> None:
        import torch
        from torch.utils._python_dispatch import TorchDispatchMode

        found: set[str] = set()
        self.names = found

        class Mode(TorchDispatchMode):
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                found.add(str(func.name()).split(".")[0])
                return func(*args, **(kwargs or {}))

        self.mode = Mode()
        assert torch


def _of_the_table() -> set[str]:
    used = _Used()
    with used.mode:
        for row in TABLE:
            for sample in row.samples[:1]:
                arrays = {name: own.values for name, own in sample.operands.items()}
                described = [
                    {"name": name, "dtype": own.dtype, "grad": own.grad, "layout": own.layout}
                    for name, own in sample.operands.items()
                ]
                request = {
                    "call": sample.call,
                    "dtype": "float32",
                    "operands": described,
                    "results": list(sample.results),
                }
                called(request, {**arrays, "upstream": asking.numbers_of(sample)}, "cpu")
    return used.names


def _of_training(name: str) -> set[str]:
    """Operators of two steps of a case, as the document writes its loop."""
    import torch

    case = cases.find(name)
    network = Network(case.folder)
    model = network.build(case.sizes, tuple(case.params))
    loss = network.loss_on("cpu", torch.float32)
    X, YT = (torch.tensor(array, dtype=torch.float32) for array in (case.X, case.YT))
    optimizer = torch.optim.SGD(model.parameters(), lr=case.lr)
    used = _Used()
    with used.mode:
        for _ in range(2):
            optimizer.zero_grad()
            E = loss(model(X), YT)
            E.backward()
            optimizer.step()
    return used.names


@pytest.mark.parametrize("name", [case.name for case in cases.every()])
def test_every_operator_of_the_six_cases_is_in_the_table(name: str, table: set[str]) -> None:
    ran = _of_training(name)
    assert any("mm" in operator for operator in ran), ran
    assert ran <= table, ran - table


@pytest.fixture(scope="module")
def table() -> set[str]:
    return _of_the_table()


def test_what_is_missing_there_would_be_noticed(table: set[str]) -> None:
    assert "aten::fft_fft" not in table and "aten::_fft_r2c" not in table


# the rules ----------------------------------------------------------------------------------------------------------


def test_terms_are_counted_on_paper(bench: Bench) -> None:
    """A 3 x 3 window and a bias have 10 terms, and 128 more where an algorithm may mix them; a bias gradient sums 4."""
    row = next(row for row in TABLE if row.name == "conv2d")
    sample = next(s for s in row.samples if s.operands["x"].values.shape == (1, 1, 4, 4))
    assert isinstance(sample.rule, Terms)
    expected, allowed = _bounds(bench, sample, UNIT["float32"])
    x, w, b = (sample.operands[name].values for name in "xwb")
    windows = [np.abs(x[0, 0, i : i + 3, j : j + 3] * w[0, 0]).sum() + np.abs(b[0]) for i in (0, 1) for j in (0, 1)]
    assert allowed["y"].radius is not None and allowed["db"].radius is not None
    assert allowed["y"].radius == pytest.approx(138 * max(windows))
    assert allowed["db"].radius[0] == pytest.approx(4 * np.abs(asking.numbers_of(sample)[:4]).sum())
    assert expected.values["y"].shape == (1, 1, 2, 2)


def test_a_kink_that_rounding_leaves_open_is_no_alarm(bench: Bench) -> None:
    """Of relu(x w) where x w is 0 but for rounding, either slope is right."""
    third = float(np.float32(1 / 3))
    lines = "Z = x @ w\ny = maximum(Z, 0)\ndx = outer(dy * (Z > 0), w)"
    operands = {"x": at([[third, 1.0]]), "w": at([3.0, -1.0], grad=False)}
    sample = Sample(call="y = torch.relu(x @ w)", operands=operands, rule=Lines(lines))
    expected, allowed = _bounds(bench, sample, UNIT["float32"])
    for slope in (0.0, 1.0):  # of either side of the kink
        dx = slope * asking.numbers_of(sample)[0] * np.array([[3.0, -1.0]])
        got = Answer({"y": expected.values["y"], "dx": dx}, {"y": "float32", "dx": "float32"})
        assert judge(sample, got, expected, allowed).wrong is None
    wrong = Answer({"y": expected.values["y"], "dx": dx * 3}, {"y": "float32", "dx": "float32"})
    assert judge(sample, wrong, expected, allowed).wrong is not None


def test_what_computes_nothing_must_be_equal() -> None:
    exact = {row.name for row in TABLE if all(isinstance(sample.rule, Equal) for sample in row.samples)}
    assert {"clone", "copy on the device", "eye", "where by a mask", "write a row", "float * bool", "argmax"} <= exact
