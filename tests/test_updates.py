"""Updates by hand, of every optimizer: a wrong one is found, a right one never blamed."""

from __future__ import annotations

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
from nncheck.optimizers import Optimizer
from nncheck.rounding import Lines, Precision
from nncheck.trajectory import Chunk, Run, Witness
from nncheck.updates import Updates
from tests.test_optimizers import NAMES, with_lines

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
    made = with_lines(copy_case("relu_sigmoid", folder=folder), f'optimizer = "{name}"')
    with (made / "manual.py").open("a", encoding="utf-8") as stream:
        stream.write("\n\n" + _update_of(name, *edit))
    return made


def test_runs_of_every_optimizer_agree_and_mistakes_in_the_update_are_the_derivations(
    copy_case: Callable[..., Path],
) -> None:
    lines = [with_lines(copy_case("relu_sigmoid", folder=f"lines_{name}"), f'optimizer = "{name}"') for name in NAMES]
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
    folder = with_lines(copy_case("relu_sigmoid"), f'optimizer = "{name}"')
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
