"""Optimizers as lines: torch's own, on paper too; a wrong update by hand is found, a right one never blamed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nncheck
from nncheck import case as cases
from nncheck import certificate, manual
from nncheck.autograd.device import Device
from nncheck.autograd.gradients import at_points
from nncheck.autograd.network import Network
from nncheck.autograd.training import Trainer
from nncheck.case import Case, shapes_for
from nncheck.compare import Comparison
from nncheck.errors import CaseError
from nncheck.formula import PlainArithmetic, evaluate, plain
from nncheck.hyperparameters import SETTINGS
from nncheck.optimizers import Optimizer
from nncheck.rounding import Lines, Precision
from nncheck.trajectory import Chunk, Run, Witness
from nncheck.updates import Updates, fading_sums

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


def _with(case: Path, *lines: str) -> Path:
    path = case / "case.toml"
    path.write_text(path.read_text(encoding="utf-8") + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return case


def test_a_case_names_its_optimizer_and_torchs_settings(copy_case: Callable[..., Path]) -> None:
    assert cases.find("hidden").optimizer.is_plain
    found = cases.find(_with(copy_case("hidden"), 'optimizer = "adam"', "betas = [0.8, 0.99]")).optimizer
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
        cases.find(_with(copy_case("hidden"), *lines))
    assert words in str(caught.value)


def test_all_faults_are_told_at_once(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", ("case.toml", "lr = 0.01", "lr = 0"))
    with pytest.raises(CaseError, match="3 faults") as caught:
        cases.find(_with(folder, 'optimizer = "adam"', "momentum = 0.9", "eps = -1"))
    for place in ("training.lr", "training.momentum", "training.eps"):
        assert place in str(caught.value)


# updates by hand -----------------------------------------------------------------------------------------------------

# As a person writes them, in another form than nncheck's lines where there is one that is equal on paper.
_LOOP = (
    "def update(params, grads, lr, state):\n    after = {}\n    for k in params:\n        W, g = params[k], grads[k]\n"
)
_END = "        after[k] = W\n    return after\n"
BY_HAND = {
    "momentum": """
        v = state[k] = 0.9 * state.get(k, 0) - lr * g
        W = W + v
""",
    "nesterov": """
        before = state.get(k, 0)
        v = state[k] = 0.9 * before - lr * g
        W = W - 0.9 * before + (1 + 0.9) * v
""",
    "rmsprop": """
        V = state[k] = 0.99 * state.get(k, 0) + 0.01 * g * g
        W = W - lr / (np.sqrt(V) + 1e-8) * g
""",
    "adam": """
        M, V, p1, p2 = state.get(k, (0, 0, 1.0, 1.0))
        M, V, p1, p2 = M + 0.1 * (g - M), 0.999 * V + 0.001 * g**2, p1 * 0.9, p2 * 0.999
        state[k] = M, V, p1, p2
        W = W - lr * np.sqrt(1 - p2) / (1 - p1) * M / (np.sqrt(V) + 1e-8 * np.sqrt(1 - p2))
""",
    "adamw": """
        t, M, V = state.get(k, (0, 0, 0))
        t, M, V = t + 1, 0.9 * M + 0.1 * g, 0.999 * V + (1 - 0.999) * g**2
        state[k] = t, M, V
        W = (1 - lr * 0.01) * W
        W = W - lr * (M / (1 - 0.9**t)) / (np.sqrt(V / (1 - 0.999**t)) + 1e-8)
""",
}
MISTAKES = [
    ("momentum", "lr * g", "1.001 * lr * g"),
    ("momentum", "v = state[k] =", "v ="),  # not stored
    ("momentum", "W + v", "W + lr * v"),  # lr twice
    ("momentum", "- lr * g", "- lr * 0.1 * g"),  # an average, as in Adam
    ("nesterov", "0.9 * before +", "before +"),
    ("nesterov", "W - 0.9 * before + (1 + 0.9) * v", "W + v"),  # plain momentum
    ("rmsprop", "0.01 * g * g", "0.01001 * g * g"),
    ("rmsprop", "0.99 * state", "0.999 * state"),
    ("rmsprop", "lr / (np.sqrt(V) + 1e-8)", "lr / np.sqrt(V + 1e-8)"),
    ("adam", "np.sqrt(1 - p2) / (1 - p1)", "1"),  # no correction of the bias
    ("adam", "p2 * 0.999", "p2 * 0.99"),
    ("adam", "0.001 * g**2", "0.001 * (1.001 * g) ** 2"),
    ("adam", "state[k] = M, V, p1, p2", "state[k] = (M / (1 - p1), V, p1, p2)"),  # the correction is kept
    ("adamw", "t + 1,", "max(t, 1),"),  # t stays 1
    ("adamw", "g**2", "g"),
    ("adamw", "W = (1 - lr * 0.01) * W", "g = g + 0.01 * W"),  # Adam's own decay, and too late
    ("adamw", "0.999 * V", "0.99 * V"),
]


def _update_of(name: str, *edit: str) -> str:
    body = BY_HAND[name]
    if edit:
        assert edit[0] in body
        body = body.replace(edit[0], edit[1])
    return _LOOP + body.lstrip("\n") + _END


def _case_with_update(copy_case: Callable[..., Path], name: str, folder: str, *edit: str) -> Path:
    made = _with(copy_case("relu_sigmoid", folder=folder), f'optimizer = "{name}"')
    with (made / "manual.py").open("a", encoding="utf-8") as stream:
        stream.write("\n\n" + _update_of(name, *edit))
    return made


def test_runs_of_every_optimizer_agree_and_mistakes_in_the_update_are_the_derivations(
    copy_case: Callable[..., Path],
) -> None:
    lines = [_with(copy_case("relu_sigmoid", folder=f"lines_{name}"), f'optimizer = "{name}"') for name in NAMES]
    right = [_case_with_update(copy_case, name, f"right_{name}") for name in NAMES]
    wrong = [_case_with_update(copy_case, name, f"wrong_{k}", *edit) for k, (name, *edit) in enumerate(MISTAKES)]
    results = nncheck.run(*lines, *right, *wrong, steps=40, device="cpu").cases
    for result in results[: 2 * len(NAMES)]:
        assert (result.verdict, result.findings) == ("agree", ()), result
    for result, (name, *edit) in zip(results[2 * len(NAMES) :], MISTAKES):
        assert (result.verdict, result.faults) == ("differ", ("derivation",)), (name, edit)
        for finding in result.findings:
            assert (
                f"the update of {finding.quantity} in manual.py is not that of {Optimizer(name).title}" in finding.text
            )


DEVICE = """
original = torch.optim.{name}.step
def patched(self, *a, **k):
    group = self.param_groups[0]
    group.update({settings})
    original(self, *a, **k)
torch.optim.{name}.step = patched
"""


@pytest.mark.parametrize(
    ("name", "torchs", "settings"),
    [
        ("momentum", "SGD", {"momentum": 0.91}),
        ("adam", "Adam", {"betas": (0.9, 0.99)}),
        ("rmsprop", "RMSprop", {"lr": 0.01 * 1.01}),
    ],
)
def test_a_device_whose_optimizer_is_off_is_blamed(
    patch_torch: Callable[[str], None], copy_case: Callable[..., Path], name: str, torchs: str, settings: dict[str, Any]
) -> None:
    patch_torch(DEVICE.format(name=torchs, settings=settings))
    folder = _with(copy_case("relu_sigmoid"), f'optimizer = "{name}"')
    assert nncheck.run(folder, steps=40, device="cpu").cases[0].faults == ("device",)


def test_certifying_does_two_steps_so_that_the_state_shows(copy_case: Callable[..., Path]) -> None:
    right = _case_with_update(copy_case, "adam", "right")
    wrong = _case_with_update(copy_case, "momentum", "wrong", "v = state[k] =", "v =")
    good, bad = certificate.certify(right, wrong)
    assert good.faults == ()
    assert len(bad.faults) == 1
    assert bad.faults[0].endswith(
        "update gives another W than that of SGD with momentum: M_ = momentum * M + dW; W_ = W - lr * M_ at step 1"
    )


@pytest.mark.parametrize(
    ("signature", "state"),
    [
        ("params, grads, lr", False),
        ("params, grads, lr, state", True),
        ("params, grads, lr, kept", True),
        ("params, grads, lr, state=None", True),
        ("params, grads, lr, clip=1.0", False),
        ("*arguments", False),
    ],
)
def test_an_update_that_asks_for_a_state_gets_one(signature: str, state: bool) -> None:
    hand = replace(manual.load(cases.find("hidden").folder / "manual.py"), update=eval(f"lambda {signature}: 0"))
    assert hand.takes_state is state


# the bound -----------------------------------------------------------------------------------------------------------

CPU = Device("cpu", torch.device("cpu"), "CPU")
KINDS = ("two_to_two", "relu_sigmoid", "softmax_cross_entropy")
STEPS, LR = 12, 0.07


def _single(array: np.ndarray) -> np.ndarray:
    return np.asarray(array).astype(np.float32).astype(np.float64)


def _nets(name: str, count: int, seed: int) -> Iterator[tuple[Case, np.ndarray]]:
    """Draw random nets of three kinds, small, usual and large, some with gradients of exactly 0."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        case = cases.find(KINDS[k % 3])
        sizes = tuple(int(n) for n in rng.integers(1, 5, len(case.sizes)))
        batch, scale = int(rng.choice((1, 4))), float(rng.choice((1e-3, 1.0, 1.0, 4.0)))
        X = _single(scale * rng.normal(size=(batch, sizes[0])))
        X[:, 0] *= rng.random() < 0.8
        params = {key: _single(scale * rng.normal(size=s)) for key, s in shapes_for(case.params, sizes).items()}
        YT = _single(scale * rng.normal(size=(batch, sizes[-1])))
        if case.name == "softmax_cross_entropy":
            YT = np.eye(sizes[-1])[rng.integers(0, sizes[-1], batch)]
        yield replace(case, X=X, YT=YT, lr=LR, params=params, optimizer=Optimizer(name)), X


def _compared(case: Case, update: Any, dtype: str) -> Comparison:
    """Train both sides as a run does, torch in float32, and give them to a Comparison in two chunks."""
    network = Network(case.folder)
    names = list(case.params)
    model = network.build(case.sizes, tuple(names))
    network.set_parameters(model, case.params, CPU.torch, torch.float32)
    witness_of = network.build(case.sizes, tuple(names)).double()
    X, YT = (torch.tensor(a, dtype=torch.float32) for a in (case.X, case.YT))
    settings = case.optimizer.settings
    device = Trainer(model, network.loss, X, YT, LR, CPU, None, case.optimizer.name, settings)
    hand = manual.Trainer(
        replace(manual.load(case.folder / "manual.py"), update=update),
        case.X.astype(dtype),
        case.YT.astype(dtype),
        {k: p.astype(dtype) for k, p in case.params.items()},
        LR,
        case.optimizer,
    )
    comparison = Comparison(
        case, case.X, case.YT, Lines(case.derivation()), hand_dtype=dtype, every=99, steps=STEPS, certified=False
    )

    def witness(states: dict[str, np.ndarray]) -> Witness:
        points = [state[:-1].astype(np.float64) for state in states.values()]
        E, gradients = at_points(witness_of, network.loss, case.X, case.YT, points)
        return Witness(losses=E, gradients=dict(zip(names, gradients)))

    def run(losses: np.ndarray, states: Any, gradients: dict[str, np.ndarray], at: Any = None) -> Run:
        before, after = ({k: s[part] for k, s in states.items()} for part in (slice(-1), slice(1, None)))
        return Run(losses=losses, before=before, after=after, gradients=gradients, at=at)

    start = 0
    for steps in (5, STEPS - 5):
        recorded, trained = device.train(steps), hand.train(steps)
        states = dict(zip(names, recorded.states))
        read = dict(zip(names, recorded.gradients))
        comparison.add(
            Chunk(
                start=start,
                device=run(recorded.losses, states, read, np.array(recorded.read)),
                device_witness=witness(states),
                hand=run(trained.losses, trained.states, trained.gradients),
                hand_witness=witness(trained.states),
            )
        )
        start += steps
    return comparison


NETS = 60  # of each optimizer and precision; 300 were tried


def _loaded(text: str) -> Any:
    space: dict[str, Any] = {"np": np}
    exec(text, space)
    return space["update"]


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n == "adam" else pytest.mark.slow) for n in NAMES])
def test_no_false_alarm_in_random_nets(name: str) -> None:
    update = _loaded(_update_of(name))
    worst: dict[str, float] = {}
    for case, _ in _nets(name, NETS, seed=3):
        for dtype in ("float64", "float32"):
            comparison = _compared(case, update, dtype)
            assert comparison.findings() == (), (case.name, dtype, case.params, case.X)
            for quantity in comparison.quantities():
                if quantity.name in case.params:
                    side = quantity.side if quantity.side == "device" else dtype
                    worst[side] = max(worst.get(side, 0.0), quantity.ratio)
    print(f"\n{name}: largest error / bound of an update {worst}")
    assert worst["device"] > 0.1  # a bound that is never nearly reached would be no bound


@pytest.mark.parametrize(("name", "old", "new"), MISTAKES)
def test_mistakes_are_found_in_random_nets_too(name: str, old: str, new: str) -> None:
    update = _loaded(_update_of(name, old, new))
    found = {dtype: 0 for dtype in ("float64", "float32")}
    for case, _ in _nets(name, 6, seed=5):
        for dtype in found:
            found[dtype] += any(f.quantity in case.params for f in _compared(case, update, dtype).findings())
    assert found["float64"] >= 5


def test_an_update_that_is_open_is_not_judged_and_stays_open() -> None:
    """A gradient of 0 within a radius above eps: which way Adam goes is open, at that step and while it remembers."""
    updates = Updates(Optimizer("rmsprop"), 0.1, Precision("float32", "float64"))
    gradient, radius = np.array([[0.0], [1.0]]), np.array([[10.0], [10.0]])
    expected = updates.add("B", np.arange(2), np.ones((2, 1)), gradient, radius)
    assert expected.radius is not None
    assert expected.radius[0, 0] == np.inf
    assert expected.radius[1, 0] < 1e4
    overflow = updates.add("B", np.arange(2, 4), np.ones((2, 1)), np.array([[1e20], [1.0]]), radius)
    assert overflow.radius is not None
    assert np.isinf(overflow.radius).all()  # V is infinite in float32, and stays so
