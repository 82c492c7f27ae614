"""A driver that spoils torch beside its device: what autograd says in its process is heard again without it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import nncheck
from nncheck import case as cases
from nncheck.autograd.client import Worker
from nncheck.autograd.remembered import recall
from nncheck.record import CaseResult
from nncheck.rounding import Precision
from nncheck.second_witness import Claim, contradicted
from tests.simulated import PACKAGES

#: Gradients of the mean squared error get lost on the CPU, where the judge of the device sits.
NO_GRADIENT = """
def spoilt(Y, YT, **how):
    return mse_loss(Y if Y.dtype == torch.float32 else Y.detach() + 0 * Y, YT, **how)
mse_loss, torch.nn.functional.mse_loss = torch.nn.functional.mse_loss, spoilt
"""
#: A function of torch's own fails from its second call on, in the pass that loads a case.
FAILS = """
def fails(*a, **k):
    global calls
    calls += 1
    if calls > 1:
        raise RuntimeError("E_FAIL")
    return functional_call(*a, **k)
calls, functional_call = 0, torch.func.functional_call
torch.func.functional_call = fails
"""


@pytest.fixture
def spoils(simulated: Callable[..., object], stand_in: Callable[[str, str], None]) -> Callable[[str], None]:
    """Give a simulated device whose driver also does something to torch."""

    def put(what: str) -> None:
        simulated()
        package = PACKAGES / "torch_directml" / "__init__.py"
        stand_in("torch_directml", package.read_text(encoding="utf-8") + textwrap.dedent(what))

    return put


def _one(*arguments: object, **options: object) -> CaseResult:
    return nncheck.run(*arguments, **options).cases[0]  # type: ignore[arg-type]


def test_a_right_derivation_is_not_called_wrong_on_the_word_of_a_spoilt_witness(
    spoils: Callable[[str], None], copy_case: Callable[..., Path]
) -> None:
    spoils(NO_GRADIENT)
    folder = copy_case("relu_sigmoid")  # no certificate says that the derivation is right
    result = _one(folder, steps=20)
    assert (result.verdict, result.device.kind) == ("agree", "cpu")
    told = result.device.fallback
    assert told is not None and (told.kind, told.stage) == ("directml", "take gradients in float64 on the CPU")
    assert told.reason.endswith("gives another dW at step 0 than without it")
    assert recall("directml") is not None
    with pytest.raises(nncheck.DeviceError, match="gives another dW at step 0 than without it"):
        nncheck.run(folder, steps=20, device="directml")


def test_a_wrong_derivation_stays_so_when_a_second_witness_is_heard(
    simulated: Callable[..., object], copy_case: Callable[..., Path]
) -> None:
    simulated()
    folder = copy_case("relu_sigmoid", ("manual.py", "dZ2 = dY * Y * (1 - Y)", "dZ2 = dY * (1 - Y)"))
    result = _one(folder, steps=20, device="directml")
    assert (result.verdict, result.faults, result.device.kind) == ("differ", ("derivation",), "directml")


def test_an_error_that_only_comes_beside_the_device_is_not_that_of_autograd_py(
    spoils: Callable[[str], None],
) -> None:
    spoils(FAILS)
    result = _one("hidden", steps=20)
    assert (result.verdict, result.device.kind) == ("agree", "cpu")
    assert result.device.fallback is not None
    assert result.device.fallback.kind == "directml" and "E_FAIL" in result.device.fallback.reason
    with pytest.raises(nncheck.DeviceError, match=r"--device directml failed at .*E_FAIL"):
        nncheck.run("hidden", steps=20, device="directml")


@pytest.mark.parametrize("device", [pytest.param("auto", marks=pytest.mark.slow), "directml"])
def test_an_error_of_autograd_py_stays_so_on_a_device(
    simulated: Callable[..., object], copy_case: Callable[..., Path], device: str
) -> None:
    simulated()
    folder = copy_case("hidden", ("autograd.py", "nn.MSELoss()", "lambda Y, YT: 1 / 0"))
    with pytest.raises(nncheck.CaseError, match=r"autograd\.py, line 11: ZeroDivisionError"):
        nncheck.run(folder, steps=5, device=device)
    assert recall("directml") is None


def _said(case: cases.Case, worker: Worker, seed: int = 0) -> dict[str, np.ndarray]:
    """Return what a witness says that was asked before, so that random numbers have been drawn."""
    worker.load_case(case, seed)
    for _ in range(2):
        _, said = worker.ask("witness", {name: array[None] for name, array in case.params.items()})
    return {name: array[0] for name, array in said.items()}


def _claim(case: cases.Case, name: str, held: np.ndarray, of_line: bool = False) -> Claim:
    precision, radius = Precision("float64", "float64"), np.abs(np.asarray(held))
    return Claim(
        step=7,
        name=name,
        params=case.params,
        held=np.asarray(held),
        radius=radius,
        precision=precision,
        of_line=of_line,
    )


@pytest.mark.parametrize("of_line", [False, True])
def test_a_claim_stands_as_long_as_another_witness_does_not_agree_with_what_was_held(
    worker: Worker, of_line: bool
) -> None:
    case = cases.find("hidden")
    said = _said(case, worker)
    wrong = _claim(case, "dW2", said["W2"] * (1 + 1e-14), of_line)
    assert contradicted(case, [wrong], 0) is None
    right = _claim(case, "dW2", said["W2"], of_line)
    assert contradicted(case, [wrong, right], 0) is right
    lost = _claim(case, "E", said["E"], of_line)
    assert contradicted(case, [lost], 0) is lost


def test_a_network_that_draws_random_numbers_contradicts_nobody(worker: Worker, copy_case: Callable[..., Path]) -> None:
    new = "lambda Y, YT: ((Y - YT) ** 2).mean() * (1 + torch.rand(()).double())"
    edits = ("autograd.py", "nn.MSELoss()", new), ("autograd.py", "from torch", "import torch\nfrom torch")
    case = cases.find(copy_case("hidden", *edits))
    worker.load_case(case)
    _, first = worker.ask("witness", {name: array[None] for name, array in case.params.items()})
    assert contradicted(case, [_claim(case, "E", first["E"][0])], 0) is None


def test_a_network_with_random_numbers_in_it_is_built_from_the_seed_of_the_run(
    worker: Worker, copy_case: Callable[..., Path]
) -> None:
    drawn = "1 + float(torch.rand(()))\nloss = lambda Y, YT: ((Y - YT) ** 2).mean() * FACTOR"
    edits = (
        ("autograd.py", "loss = nn.MSELoss()", f"FACTOR = {drawn}"),
        ("autograd.py", "from torch", "import torch\nfrom torch"),
    )
    case = cases.find(copy_case("hidden", *edits))
    right = _claim(case, "E", _said(case, worker, seed=5)["E"])
    assert contradicted(case, [right], 5) is right
    assert contradicted(case, [right], 0) is None


def test_an_error_that_autograd_py_raises_in_training_is_its_own(
    simulated: Callable[..., object], copy_case: Callable[..., Path]
) -> None:
    simulated()
    late = """
def loss(Y, YT):
    E = ((Y - YT) ** 2).mean()
    if float(E.detach()) < 0.1:
        raise ValueError("too small for me")
    return E
"""
    folder = copy_case("hidden", ("autograd.py", "loss = nn.MSELoss()", late))
    for device in ("cpu", "directml"):
        with pytest.raises(nncheck.CaseError, match=r"autograd\.py, line \d+: ValueError: too small for me"):
            nncheck.run(folder, steps=100, device=device)
