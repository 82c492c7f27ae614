"""Optimizers as lines: torch's own, on paper too, and as case.toml names them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nncheck import case as cases
from nncheck.errors import CaseError
from nncheck.formula import PlainArithmetic, evaluate, plain
from nncheck.hyperparameters import SETTINGS
from nncheck.optimizers import Optimizer
from nncheck.updates import fading_sums

NAMES = ("momentum", "nesterov", "rmsprop", "adam", "adamw")

# the lines -----------------------------------------------------------------------------------------------------------


def _torchs(name: str, parameters: Any, **settings: Any) -> torch.optim.Optimizer:
    """Return torch's optimizer of a name, made here so that nncheck's own way to it is not trusted."""
    made: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "sgd": torch.optim.SGD,
        "momentum": lambda p, **s: torch.optim.SGD(p, **{"momentum": 0.9, **s}),
        "nesterov": lambda p, **s: torch.optim.SGD(p, **{"momentum": 0.9, "nesterov": True, **s}),
        "rmsprop": torch.optim.RMSprop,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    return made[name](parameters, **settings)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *((name, {}) for name in SETTINGS),
        *((name, {"weight_decay": 0.2}) for name in SETTINGS),
        ("momentum", {"momentum": 0.5}),
        ("nesterov", {"momentum": 0.99}),
        ("rmsprop", {"alpha": 0.6, "eps": 0.01}),
        ("adam", {"betas": (0.5, 0.7), "eps": 1e-3}),
        ("adamw", {"betas": (0.0, 0.0), "weight_decay": 0.0}),
    ],
)
def test_the_lines_are_torchs_update(name: str, settings: dict[str, Any]) -> None:
    rng = np.random.default_rng(7)
    shapes = {"W": (3, 2), "B": (3,)}
    params = {k: rng.normal(size=s) for k, s in shapes.items()}
    tensors = [torch.tensor(p, requires_grad=True) for p in params.values()]
    theirs, ours = _torchs(name, tensors, lr=0.07, **settings), Optimizer(name, settings)
    states = ours.zeros(params)
    for t in range(1, 51):
        gradients = {k: rng.normal(size=s) * 10.0 ** rng.integers(-3, 2) for k, s in shapes.items()}
        for tensor, gradient in zip(tensors, gradients.values()):
            tensor.grad = torch.tensor(gradient)
        theirs.step()
        params, states = ours.step(params, gradients, states, t, 0.07)
        for tensor, got in zip(tensors, params.values()):
            np.testing.assert_allclose(got, tensor.detach().numpy(), rtol=1e-12, atol=1e-15)


def test_the_defaults_are_torchs() -> None:
    for name, function in (
        ("sgd", torch.optim.SGD),
        ("rmsprop", torch.optim.RMSprop),
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
    ):
        known = inspect.signature(function).parameters
        assert {key: known[key].default for key in SETTINGS[name]} == dict(SETTINGS[name])


# W = 1, lr = 0.1, dW = 2 and then -1, the other settings chosen so that every root is a whole number
PAPER: list[tuple[str, dict[str, Any], float, float]] = [
    ("sgd", {}, 0.8, 0.9),
    ("sgd", {"weight_decay": 0.5}, 1 - 0.1 * 2.5, 0.75 - 0.1 * (-1 + 0.375)),
    ("momentum", {"momentum": 0.5}, 0.8, 0.8),  # M = 2, then 1 - 1 = 0
    ("nesterov", {"momentum": 0.5}, 1 - 0.1 * 3, 0.7 - 0.1 * -1),  # M = 2, then 0
    # V = 0.75 * 4 = 3, then 0.75 + 0.75 = 1.5
    ("rmsprop", {"alpha": 0.25, "eps": 1.0}, 1 - 0.2 / (3**0.5 + 1), 1 - 0.2 / (3**0.5 + 1) + 0.1 / (1.5**0.5 + 1)),
    # M = 1, MH = 2; V = 3, VH = 4; then M = 0, so that nothing moves
    ("adam", {"betas": (0.5, 0.25), "eps": 1.0}, 1 - 0.1 * 2 / 3, 1 - 0.1 * 2 / 3),
    # the same, W falling by 0.1 * 0.5 of itself before
    ("adamw", {"betas": (0.5, 0.25), "eps": 1.0, "weight_decay": 0.5}, 0.95 - 0.2 / 3, 0.95 * (0.95 - 0.2 / 3)),
]


@pytest.mark.parametrize(("name", "settings", "first", "second"), PAPER)
def test_two_steps_on_paper(name: str, settings: dict[str, Any], first: float, second: float) -> None:
    optimizer = Optimizer(name, settings)
    params = {"W": np.array([[1.0]])}
    params, states = optimizer.step(params, {"W": np.array([[2.0]])}, optimizer.zeros(params), 1, 0.1)
    assert params["W"].item() == pytest.approx(first, rel=1e-14)
    params, states = optimizer.step(params, {"W": np.array([[-1.0]])}, states, 2, 0.1)
    assert params["W"].item() == pytest.approx(second, rel=1e-14)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_state_fades_by_the_factor_that_the_record_names(name: str) -> None:
    optimizer = Optimizer(name, {"weight_decay": 0.1})
    common = {k: plain(v) for k, v in {**optimizer.numbers, "lr": 0.1, "t": 3, "W": 0.7, "dW": -0.4}.items()}
    for state, factor in optimizer.states.items():
        at = [
            evaluate(
                optimizer.lines, {**common, **{s: plain(x * (s == state)) for s in optimizer.states}}, PlainArithmetic()
            )[f"{state}_"].array
            for x in (0.0, 1.0, 3.0)
        ]
        assert at[1] - at[0] == pytest.approx(factor)
        assert at[2] - at[0] == pytest.approx(3 * factor)


def test_an_unknown_name_or_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'adagrad', expected sgd, momentum"):
        Optimizer("adagrad")
    with pytest.raises(ValueError, match="betas is no setting of momentum, which has momentum, weight_decay"):
        Optimizer("momentum", {"betas": (0.9, 0.99)})


def test_fading_sums_on_paper() -> None:
    np.testing.assert_array_equal(
        fading_sums(0.5, np.array([4.0]), np.array([[1.0], [0.0], [2.0]])), [[3], [1.5], [2.75]]
    )


# case.toml -----------------------------------------------------------------------------------------------------------


def with_lines(case: Path, *lines: str) -> Path:
    path = case / "case.toml"
    path.write_text(path.read_text(encoding="utf-8") + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return case


def test_a_case_names_its_optimizer_and_torchs_settings(copy_case: Callable[..., Path]) -> None:
    assert cases.find("hidden").optimizer.is_plain
    found = cases.find(with_lines(copy_case("hidden"), 'optimizer = "adam"', "betas = [0.8, 0.99]")).optimizer
    assert (found.name, found.numbers) == ("adam", {"beta1": 0.8, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.0})
    assert found.described == "Adam (betas = [0.8, 0.99], eps = 1e-08)"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ['optimizer = "adan"'],
            "training.optimizer: got 'adan', expected sgd, momentum, nesterov, rmsprop, adam, adamw",
        ),
        (["optimizer = 3"], "training.optimizer: got 3, expected text"),
        (["momentum = 0.9"], "training.momentum: is no setting of sgd, which has weight_decay; remove it"),
        (
            ['optimizer = "rmsprop"', "betas = [0.9, 0.99]"],
            "training.betas: is no setting of rmsprop, which has alpha, eps, weight_decay; remove it",
        ),
        (
            ['optimizer = "adam"', "betas = [0.9]"],
            "training.betas: got 1 number(s), expected two, such as [0.9, 0.999]",
        ),
        (
            ['optimizer = "adam"', "betas = [0.9, 1]"],
            "training.betas[1]: got 1, expected numbers from 0 to less than 1",
        ),
        (['optimizer = "adam"', "betas = [nan, 0.9]"], "training.betas[0]: got nan, expected numbers from 0"),
        (['optimizer = "adam"', "betas = 0.9"], "training.betas: got 0.9, expected a list of numbers"),
        (['optimizer = "adam"', "eps = 0"], "training.eps: got 0, expected a number from 1.2e-38"),
        (['optimizer = "momentum"', "momentum = 0"], "training.momentum: got 0, expected a number between 0 and 1"),
        (
            ['optimizer = "momentum"', "momentum = true"],
            "training.momentum: got True (true or false), expected a number",
        ),
        (['optimizer = "rmsprop"', "alpha = 1.0"], "training.alpha: got 1.0, expected a number from 0 to less than 1"),
        (["weight_decay = -0.1"], "training.weight_decay: got -0.1, expected a number from 0 to 3.4e38"),
        (["nesterov = true"], "training.nesterov: is not a key of case.toml"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(copy_case: Callable[..., Path], lines: list[str], words: str) -> None:
    with pytest.raises(CaseError) as caught:
        cases.find(with_lines(copy_case("hidden"), *lines))
    assert words in str(caught.value)


def test_all_faults_are_told_at_once(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", ("case.toml", "lr = 0.01", "lr = 0"))
    with pytest.raises(CaseError, match="3 faults") as caught:
        cases.find(with_lines(folder, 'optimizer = "adam"', "momentum = 0.9", "eps = -1"))
    for place in ("training.lr", "training.momentum", "training.eps"):
        assert place in str(caught.value)
