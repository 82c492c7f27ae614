"""A run says who is at fault: planted mistakes, wrong devices, wrong lines; and nobody where it is only rounding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import nncheck
from nncheck.record import CaseResult


def _one(*arguments: object, **options: object) -> CaseResult:
    return nncheck.run(*arguments, **options).cases[0]  # type: ignore[arg-type]


GRADIENT = '"W2": dZ2.T @ H'


@pytest.mark.parametrize(
    ("new", "faults"),
    [
        ('"W2": dZ2.T @ H * 1.000001', ("derivation",)),
        ('"W2": -dZ2.T @ H', ("derivation",)),
        ('"W2": 2 * dZ2.T @ H', ("derivation",)),
        ('"W2": (dZ2.T @ H).T', ("derivation",)),
        ('"W2": np.zeros_like(params["W2"])', ("derivation",)),
        ('"W2": dZ2.T @ H + np.nan', ("derivation",)),
        ('"W2": dZ2.T @ np.maximum(H, 0)', ()),
    ],
)
def test_a_planted_mistake_is_the_derivations_fault(
    copy_case: Callable[..., Path], new: str, faults: tuple[str, ...]
) -> None:
    result = _one(copy_case("relu_sigmoid", ("manual.py", GRADIENT, new)), steps=30)
    assert result.faults == faults
    assert result.verdict == ("differ" if faults else "agree")
    if faults:
        finding = result.findings[0]
        assert (finding.quantity, finding.first_step) == ("dW2", 0)
        assert "dW2 of manual.py differs from torch autograd" in finding.text
        assert result.local["derivation"].name == "dW2"
        assert result.local["device"].ratio is not None
        assert result.local["device"].ratio <= 1


def test_a_mistake_in_one_late_step_is_found(copy_case: Callable[..., Path]) -> None:
    late = "calls.append(0)\n    dY = 2 * (Y - YT) / Y.size * (1.00001 if len(calls) == 38 else 1)"
    folder = copy_case(
        "hidden",
        ("manual.py", "dY = 2 * (Y - YT) / Y.size", late),
        ("manual.py", "import numpy as np", "import numpy as np\n\ncalls = []"),
    )
    result = _one(folder, steps=60)
    assert {(f.quantity, f.first_step, f.steps) for f in result.findings} == {
        (q, 37, 1) for q in ("dW", "dB", "dW2", "dB2")
    }


def test_a_wrong_loss_beside_a_right_gradient_is_its_own_fault(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", ("manual.py", "return np.mean((Y - YT) ** 2)", "return np.mean((Y - YT) ** 2) / 2"))
    result = _one(folder, steps=30)
    assert (result.verdict, result.faults) == ("differ", ("loss",))
    assert result.local["derivation"].ratio is not None
    assert result.local["derivation"].ratio <= 1
    assert result.local["loss"].ratio is not None
    assert result.local["loss"].ratio > 1


def test_a_wrong_update_is_found(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden")
    with (folder / "manual.py").open("a") as stream:
        stream.write(
            "\n\ndef update(params, grads, lr):\n    return {k: params[k] - 1.00001 * lr * grads[k] for k in params}\n"
        )
    result = _one(folder, steps=30)
    assert result.faults == ("derivation",)
    assert all("the update of" in finding.text for finding in result.findings)


def test_a_backward_that_changes_the_parameters_is_found(copy_case: Callable[..., Path]) -> None:
    result = _one(
        copy_case("hidden", ("manual.py", "dH = dY @", 'params["B2"] -= 0.001 * dY[0]\n    dH = dY @')), steps=30
    )
    assert [finding.quantity for finding in result.findings] == ["B2"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (GRADIENT, '"dW2": dZ2.T @ H', "backward returned no 'W2'"),
        (GRADIENT, '"W2": dZ2', "dW2 has shape (1, 2), expected (n_out, n_in) = (2, 2)"),
        ("dY = 2 * (Y - YT) / Y.size", "dY = 2 * (Y - yt) / Y.size", "NameError: name 'yt' is not defined"),
        ("Y = 1 / (1 + np.exp(-Z2))", "raise SystemExit", "SystemExit"),
    ],
)
def test_code_that_breaks_its_contract_is_a_finding(
    copy_case: Callable[..., Path], old: str, new: str, words: str
) -> None:
    result = _one(copy_case("relu_sigmoid", ("manual.py", old, new)), steps=30)
    assert (result.verdict, result.faults) == ("differ", ("derivation",))
    assert words in result.findings[0].text
    assert result.rows == ()


def test_steps_before_a_slip_are_compared(copy_case: Callable[..., Path]) -> None:
    early = "if Y[0, 0] < 0.7: raise RuntimeError('enough')\n    dY = 2"
    result = _one(copy_case("relu_sigmoid", ("manual.py", "dY = 2", early)), steps=400, every=1)
    assert 10 < len(result.rows) < 400
    assert result.findings[0].first_step == len(result.rows)
    assert "RuntimeError: enough" in result.findings[0].text
    assert [q.verdict for q in result.quantities if q.name == "dW2"] == ["agree", "agree"]


def test_a_wrong_derivation_txt_is_named_and_manual_py_cleared(copy_case: Callable[..., Path]) -> None:
    result = _one(copy_case("hidden", ("derivation.txt", "dH = dY @ W2", "dH = dY @ W2.T")), steps=30)
    assert (result.verdict, result.faults) == ("differ", ("derivation",))
    assert {finding.quantity for finding in result.findings} == {"dW", "dB"}
    assert all("of derivation.txt (expected) differs" in finding.text for finding in result.findings)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (("derivation.txt", "dH = dY @ W2", "dH = dY @ mystery(W2)"), "no bound can be computed"),
        (("derivation.txt", "dW = dH.T @ X", "dV = dH.T @ X"), "derivation.txt gives no dW"),
    ],
)
def test_what_the_lines_do_not_cover_is_said(
    copy_case: Callable[..., Path], edit: tuple[str, str, str], words: str
) -> None:
    result = _one(copy_case("hidden", edit), steps=30)
    assert result.verdict == "cannot-tell"
    assert any(words in note for note in result.notes)
    assert any("fixed tolerance" in note for note in result.notes)
    rules = {(q.side, q.name): q.rule for q in result.quantities}
    assert rules["derivation", "dW"] == "fixed tolerance"
    assert rules["device", "dW"] == "not covered"


def test_without_lines_a_mistake_is_still_found(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", ("manual.py", '"W2": dY.T @ H', '"W2": dY.T @ H * 1.000001'))
    (folder / "derivation.txt").unlink()
    assert _one(folder, steps=30).faults == ("derivation",)


ZERO_GRADIENT = """
import torch.nn.functional as F
original = F.cross_entropy
def patched(Y, YT, *a, **k):
    E = original(Y, YT, *a, **k)
    return E.detach() + 0 * Y.sum() if {condition} else E
F.cross_entropy = patched
"""


def test_a_device_whose_cross_entropy_gradient_is_zero_is_blamed(patch_torch: Callable[[str], None]) -> None:
    patch_torch(ZERO_GRADIENT.format(condition="Y.dtype == torch.float32"))
    result = _one("softmax_cross_entropy", steps=300)
    assert (result.verdict, result.faults) == ("differ", ("device",))
    assert min(f.first_step for f in result.findings) == 0
    assert result.local["derivation"].ratio is not None
    assert result.local["derivation"].ratio <= 1
    assert result.device.fallback is None  # wrong numbers are kept, not replaced


def test_a_torch_that_is_wrong_in_float64_too_is_blamed_by_the_certificate(patch_torch: Callable[[str], None]) -> None:
    patch_torch(ZERO_GRADIENT.format(condition="True"))
    result = _one("softmax_cross_entropy", steps=300)
    assert result.faults == ("device",)
    assert any("this torch computes something else" in finding.text for finding in result.findings)


SGD = """
original = torch.optim.SGD.step
calls = []
def patched(self, *a, **k):
    calls.append(0)
    group = self.param_groups[0]
    lr, group["lr"] = group["lr"], group["lr"] * ({factor})
    original(self, *a, **k)
    group["lr"] = lr
torch.optim.SGD.step = patched
"""


@pytest.mark.parametrize("case", ["one_to_one", "relu_sigmoid", "softmax_cross_entropy"])
def test_a_device_whose_update_is_off_by_a_hundredth_is_blamed(patch_torch: Callable[[str], None], case: str) -> None:
    patch_torch(SGD.format(factor="1.01"))
    result = _one(case, steps=300)
    assert (result.verdict, result.faults) == ("differ", ("device",))
    assert "the device's update of" in result.findings[0].text
    assert any("not bit-equal" in note for note in result.notes)


WRONG_OPERATOR = """
calls = []
def sigmoid_backward(gradient, Y):
    calls.append(0)
    result = gradient * (1 - Y) * Y
    return result * 1.01 if Y.dtype == torch.float32 and len(calls) > {after} else result
library = torch.library.Library("aten", "IMPL")
library.impl("sigmoid_backward", sigmoid_backward, "CPU")
"""


@pytest.mark.parametrize("after", [0, 150])
def test_a_device_with_a_wrong_operator_is_blamed_from_its_first_wrong_step_on(
    patch_torch: Callable[[str], None], after: int
) -> None:
    patch_torch(WRONG_OPERATOR.format(after=after))
    result = _one("relu_sigmoid", steps=300)
    assert (result.verdict, result.faults) == ("differ", ("device",))
    first = min(finding.first_step for finding in result.findings)
    assert first == 0 if after == 0 else 100 < first <= 150
    assert result.local["derivation"].ratio is not None
    assert result.local["derivation"].ratio <= 1


def test_a_kink_at_the_start_is_named_and_no_difference(copy_case: Callable[..., Path]) -> None:
    folder = copy_case(
        "relu_sigmoid",
        ("case.toml", "B = [0.35, 0.35]", "B = [0, 0.35]"),
        ("case.toml", "[[0.15, 0.20]", "[[0.5, -0.25]"),
        ("manual.py", "(Z > 0)", "(Z >= 0)"),
    )
    result = _one(folder, steps=1)
    assert "derivation" not in result.faults
    assert any("kink: at step 0 the comparison in dZ[0, 0]" in note for note in result.notes)


def test_training_that_diverges_is_reported(copy_case: Callable[..., Path]) -> None:
    result = _one(copy_case("two_to_two", ("case.toml", "lr = 0.01", "lr = 10.0")), steps=400)
    assert result.verdict == "agree"
    assert any("are not finite on both sides: the training diverges" in note for note in result.notes)
    assert nncheck.RunResult(schema="x", versions={}, cases=(result,)).to_dict()["cases"][0]["worst"]["loss"][
        "diff"
    ] in ("NaN", "Infinity")


def test_targets_rounded_to_float32_are_no_mistake_of_the_derivation(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("softmax_cross_entropy", ("case.toml", "YT = [[0, 1]]", "YT = [[0.1, 0.9]]"))
    assert _one(folder, steps=200).verdict == "agree"
    folder = copy_case(
        "softmax_cross_entropy",
        ("case.toml", "YT = [[0, 1]]", "YT = [[0.1, 0.9]]"),
        ("manual.py", "P - YT", "1.000001 * P - YT"),
        folder="b",
    )
    assert _one(folder, steps=200).faults == ("derivation",)


def test_frozen_updates_are_said() -> None:
    result = _one("two_to_two", steps=1000)
    assert any("float32 update moved no parameter" in note for note in result.notes)


def test_a_loss_with_tensors_of_its_own_is_moved_along(copy_case: Callable[..., Path]) -> None:
    folder = copy_case(
        "softmax_cross_entropy", ("autograd.py", "nn.CrossEntropyLoss()", "nn.CrossEntropyLoss(weight=torch.ones(2))")
    )
    path = folder / "autograd.py"
    path.write_text(
        path.read_text(encoding="utf-8").replace("from torch import nn", "import torch\nfrom torch import nn"),
        encoding="utf-8",
    )
    assert _one(folder, steps=50).verdict == "agree"


def test_a_net_on_its_optimum_blames_nobody(copy_case: Callable[..., Path]) -> None:
    folder = copy_case(
        "two_to_one",
        ("case.toml", "X = [[2, 3]]", "X = [[0.3, -0.7]]"),
        ("case.toml", "W = [[3, 4]]", "W = [[1.1, 0.9]]"),
        ("case.toml", "B = [1]", "B = [0.1]"),
        ("case.toml", "YT = [[27]]", "YT = [[-0.2]]"),
    )
    result = _one(folder, steps=200)
    assert (result.verdict, result.faults) == ("cannot-tell", ())


def test_dead_units_are_not_called_agreement(copy_case: Callable[..., Path]) -> None:
    folder = copy_case(
        "relu_sigmoid", ("case.toml", "B = [0.35, 0.35]", "B = [-5, -5]"), ("manual.py", "dZ.T @ X", "7 * dZ.T @ X")
    )
    result = _one(folder, steps=30)
    assert result.verdict == "cannot-tell"
    assert "cannot tell: dW (derivation): it is exactly 0 at every step, so that nothing was tried" in result.notes


def test_only_one_side_that_is_not_finite_is_no_divergence(copy_case: Callable[..., Path]) -> None:
    result = _one(copy_case("hidden", ("manual.py", "dH = dY @", 'params["W"][:] = np.nan; dH = dY @')), steps=20)
    assert result.faults == ("derivation", "loss") or result.faults == ("derivation",)
    assert not any("diverges" in note for note in result.notes)


def test_an_update_too_small_to_be_seen_is_not_called_agreement(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("two_to_two", ("case.toml", "lr = 0.01", "lr = 1e-18"))
    with (folder / "manual.py").open("a") as stream:
        stream.write("\n\ndef update(params, grads, lr):\n    return {k: params[k] + lr * grads[k] for k in params}\n")
    result = _one(folder, steps=30)
    assert result.verdict == "cannot-tell"
    assert any("cannot tell: W (derivation)" in note for note in result.notes)


BINARY = (
    ("case.toml", "[[27, -30]]", "[[0, 1]]"),
    ("autograd.py", "nn.MSELoss()", "nn.BCEWithLogitsLoss()"),
    (
        "manual.py",
        "return np.mean((Y - YT) ** 2)",
        "return np.mean(np.log1p(np.exp(-np.abs(Y))) + np.maximum(Y, 0) - YT * Y)",
    ),
    ("manual.py", "dY = 2 * (Y - YT) / Y.size", "dY = (1 / (1 + np.exp(-Y)) - YT) / Y.size"),
    ("derivation.txt", "((Y - YT) ** 2).mean()", "(log(1 + exp(-abs(Y))) + maximum(Y, 0) - YT * Y).mean()"),
    ("derivation.txt", "dY = 2 * (Y - YT) / Y.size", "dY = (sigmoid(Y) - YT) / Y.size"),
)


def test_a_loss_that_torch_takes_apart_is_differentiated_point_by_point(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("two_to_two", *BINARY, ("case.toml", "[[3, 4], [5, 6]]", "[[-3, -4], [5, 6]]"))
    result = _one(folder, steps=30)
    assert "derivation" not in result.faults
    assert result.local["derivation"].ratio is not None
    assert result.local["derivation"].ratio <= 1


def test_a_hand_that_goes_astray_is_blamed_and_not_autograd_py(copy_case: Callable[..., Path]) -> None:
    folder = copy_case(
        "relu_sigmoid",
        ("autograd.py", "nn.MSELoss()", "nn.BCELoss()"),
        ("manual.py", "return np.mean((Y - YT) ** 2)", "return -np.mean(YT * np.log(Y) + (1 - YT) * np.log(1 - Y))"),
        ("manual.py", "dY = 2 * (Y - YT) / Y.size", "dY = np.nan * Y"),
    )
    result = _one(folder, steps=30)
    assert "derivation" in result.faults
