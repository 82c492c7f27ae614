"""A sample as a program: pasted and run, it prints the very quantity that was judged."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
import torch

from nncheck.conformance import asking
from nncheck.conformance.bench import Bench
from nncheck.conformance.operators import operators
from nncheck.conformance.sample import Draw, Operand, Sample
from nncheck.conformance.snippet import MOST, program

CHOSEN = (
    *("linear", "mm, transposed", "cross_entropy, class indices, reduction='none'", "batch_norm", "where by a mask"),
    *("float * bool", "chunk", "adam", "write a row", "lstm_cell", "float64", "float16", "inf and nan", "eye"),
)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_program_gives_what_was_judged(name: str, bench: Bench) -> None:
    row = next(row for row in operators() if row.name == name)
    short = [sample for sample in row.samples if sample.size <= MOST]
    for sample in short[-2:]:
        numbers = asking.numbers_of(sample)
        got, expected = bench.ask(sample, "device", numbers), bench.ask(sample, "cpu", numbers)
        for quantity, values in got.values.items():
            space: dict[str, object] = {}
            out = io.StringIO()
            threads = torch.get_num_threads()
            torch.set_num_threads(1)  # as the torch process has it: the order of a sum is part of its bits
            try:
                with contextlib.redirect_stdout(out):
                    exec(program(sample, "cpu", quantity, expected.values, numbers), space)
            finally:
                torch.set_default_dtype(torch.float32)
                torch.set_num_threads(threads)
            ran = space[quantity]
            assert isinstance(ran, torch.Tensor)
            assert np.array_equal(ran.detach().to(torch.float64).numpy(), values, equal_nan=True), (name, quantity)
            assert f"torch.{got.dtypes[quantity]}" in out.getvalue()


def test_each_device_is_opened_as_its_package_wants_it() -> None:
    x = Operand(values=np.array([1.0]), grad=True)
    sample = Sample(call="y = x * 2", operands={"x": x}, rule=operators()[0].samples[0].rule)
    code = program(sample, "directml:1", "dx", {"y": np.ones(1)}, np.array([0.5]))
    assert code.splitlines() == [
        "import torch",
        "import torch.nn.functional as F",
        "import torch_directml",
        "device = torch_directml.device(1)",
        "",
        "x = torch.tensor([1.0], dtype=torch.float32).to(device).requires_grad_()",
        "y = x * 2",
        "dy = torch.tensor([0.5], dtype=torch.float32).to(device)",
        "(dx,) = torch.autograd.grad(y, [x], dy)",
        "print(dx.dtype, dx.detach().cpu())",
    ]
    assert 'device = torch.device("cuda:1")' in program(sample, "cuda:1", "y", {}, np.ones(1))


def test_what_is_too_much_to_paste_keeps_its_shape() -> None:
    sample = Sample(call="y = x", operands={"x": Draw("big").real(MOST + 1)}, rule=operators()[0].samples[0].rule)
    code = program(sample, "cpu", "y", {}, np.ones(1))
    assert f"torch.rand([{MOST + 1}])" in code and len(code) < 300
