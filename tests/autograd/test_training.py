"""Training gives, bit by bit, what the document's loop gives; what a device gave once stands in the record."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nncheck import case as cases
from nncheck.autograd import training
from nncheck.autograd.device import Device
from nncheck.autograd.gradients import at_points
from nncheck.autograd.network import Network
from nncheck.autograd.replay import traced
from nncheck.autograd.training import Trainer
from nncheck.errors import CaseError

CPU = Device("cpu", torch.device("cpu"), "CPU")


def _model(name: str) -> tuple[cases.Case, Any, Any, torch.Tensor, torch.Tensor]:
    case = cases.find(name)
    network = Network(case.folder)
    model = network.build(case.sizes, tuple(case.params))
    network.set_parameters(model, case.params, CPU.torch, torch.float32)
    X, YT = (torch.tensor(a, dtype=torch.float32) for a in (case.X, case.YT))
    return case, model, network.loss, X, YT


def _documents_loop(name: str, steps: int) -> tuple[list[Any], list[list[Any]]]:
    """Train as the document writes it; returns losses and the parameters before and after every step."""
    case, model, loss_fn, X, YT = _model(name)
    optimizer = torch.optim.SGD(model.parameters(), lr=case.lr)
    losses, states = [], [[p.detach().clone() for p in model.parameters()]]
    for _ in range(steps):
        E = loss_fn(model(X), YT)
        optimizer.zero_grad()
        E.backward()
        optimizer.step()
        losses.append(E.detach())
        states.append([p.detach().clone() for p in model.parameters()])
    return losses, states


def _trainer(name: str) -> Trainer:
    case, model, loss, X, YT = _model(name)
    return Trainer(model, loss, X, YT, case.lr, CPU)


def _assert_bit_equal(chunks: list[Any], name: str) -> None:
    steps = sum(len(chunk.losses) for chunk in chunks)
    losses, states = _documents_loop(name, steps)
    assert np.concatenate([c.losses for c in chunks]).tobytes() == torch.stack(losses).numpy().tobytes()
    for k in range(len(states[0])):
        expected = torch.stack([state[k] for state in states]).numpy()
        start = 0
        for chunk in chunks:
            n = len(chunk.losses)
            assert chunk.states[k].tobytes() == expected[start : start + n + 1].tobytes()
            start += n


@pytest.mark.parametrize("name", cases.names())
def test_training_is_bit_equal_to_backward_and_step(name: str) -> None:
    trainer = _trainer(name)
    chunks = [trainer.train(n) for n in (150, 1, 149)]
    assert trainer.why_plain == ""  # the replay was used
    _assert_bit_equal(chunks, name)


def test_the_plain_loop_is_bit_equal_too() -> None:
    trainer = _trainer("softmax_cross_entropy")
    trainer._untraced = False
    _assert_bit_equal([trainer.train(60), trainer.train(40)], "softmax_cross_entropy")


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_a_step_that_takes_long_is_followed_by_a_sign_of_life(monkeypatch: pytest.MonkeyPatch, optimizer: str) -> None:
    monkeypatch.setenv("NNCHECK_WORKER_SECONDS", "0.012")  # a sign is due each millisecond
    case, model, loss, X, YT = _model("hidden")
    told: list[str] = []

    def slow(*arguments: Any) -> Any:
        time.sleep(0.002)
        return loss(*arguments)

    def replayed(*arguments: Any) -> Replay:
        exact = traced(*arguments)
        return lambda params, steps: (time.sleep(0.002 * steps), exact(params, steps))[1]

    monkeypatch.setattr(training, "traced", replayed)
    trainer = Trainer(model, slow, X, YT, case.lr, CPU, told.append, optimizer)
    trainer.train(50)
    assert set(told) >= {f"train from step {step}" for step in range(1, 50)}


Replay = Callable[[list[Any], int], list[Any]]


def _replaying(monkeypatch: pytest.MonkeyPatch, spoil: Callable[[list[Any], int], None]) -> Trainer:
    """Return a trainer whose replay of a chunk is spoilt; ``spoil`` is told the record and how often one was asked."""
    trainer, calls = _trainer("relu_sigmoid"), 0
    exact = trainer._replayed

    def spoilt(params: list[Any], steps: int) -> list[Any]:
        nonlocal calls
        recorded = exact(params, steps)
        calls += 1
        spoil(recorded, calls)
        return recorded

    monkeypatch.setattr(trainer, "_replayed", spoilt)
    return trainer


@pytest.mark.parametrize("at", [0, 59])
def test_a_replay_that_rounds_in_another_way_is_replaced_by_the_plain_loop(
    monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    def round_otherwise(recorded: list[Any], _: int) -> None:  # W after step `at`, by one unit in the last place
        recorded[at * 5 + 1] = recorded[at * 5 + 1] * (1 + 2.0**-23)

    trainer = _replaying(monkeypatch, round_otherwise)
    chunks = [trainer.train(60), trainer.train(40)]
    assert "not bit-equal" in trainer.why_plain
    _assert_bit_equal(chunks, "relu_sigmoid")


@pytest.mark.parametrize("at", [0, 31, 59])
def test_a_wrong_number_that_a_replay_gives_once_stands_in_the_record(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    def spoil(recorded: list[Any], calls: int) -> None:
        if calls == 1:
            recorded[at * 5] = recorded[at * 5] * 1.5  # the loss of step `at`, the first time alone

    trainer = _replaying(monkeypatch, spoil)
    chunks = [trainer.train(60), trainer.train(40)]
    losses, states = _documents_loop("relu_sigmoid", 100)
    got, right = np.concatenate([c.losses for c in chunks]), torch.stack(losses).numpy()
    np.testing.assert_array_equal(np.flatnonzero(got != right), [at])
    assert got[at] == np.float32(right[at] * np.float32(1.5))
    assert chunks[1].states[0][-1].tobytes() == states[-1][0].numpy().tobytes()  # the run goes on from where it was
    # in the middle of a chunk nothing is done twice, so that there is nothing to doubt
    assert ("those that it gave first are judged" in trainer.why_plain) == (at != 31)


@pytest.mark.parametrize("at", [1, 2])
def test_a_wrong_number_that_a_real_step_gives_once_stands_in_the_record(
    monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    trainer = _trainer("relu_sigmoid")
    real, calls = trainer._real_step, 0

    def once_wrong() -> list[Any]:
        nonlocal calls
        calls += 1
        E, *params = real()
        return [E * 1.5 if calls == at else E, *params]  # 1: the first step; 2: the one that confirms the last

    monkeypatch.setattr(trainer, "_real_step", once_wrong)
    recorded = trainer.train(60)
    losses, states = _documents_loop("relu_sigmoid", 60)
    right = torch.stack(losses).numpy()
    np.testing.assert_array_equal(np.flatnonzero(recorded.losses != right), [0 if at == 1 else 59])
    assert recorded.states[0][-1].tobytes() == states[-1][0].numpy().tobytes()


def test_of_two_answers_at_the_end_the_wrong_one_stands_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the step that confirms the last on, all that the device gives is wrong: what it gave before was right."""
    trainer, calls = _trainer("relu_sigmoid"), 0
    real, right = trainer._real_step, traced

    def wrong_for_good() -> list[Any]:
        nonlocal calls
        calls += 1
        E, *params = real()
        return [E * 1.5 if calls > 1 else E, *params]

    def spoilt(*arguments: Any) -> Replay:
        exact = right(*arguments)
        return lambda params, steps: [t * 1.5 if t.ndim == 0 and calls > 1 else t for t in exact(params, steps)]

    monkeypatch.setattr(trainer, "_real_step", wrong_for_good)
    monkeypatch.setattr(training, "traced", spoilt)
    _, model, loss, X, YT = _model("relu_sigmoid")
    witness = model.double()
    trainer._judge = lambda points: at_points(witness, loss, X.numpy(), YT.numpy(), points)
    recorded = trainer.train(60)
    losses, _ = _documents_loop("relu_sigmoid", 60)
    np.testing.assert_array_equal(np.flatnonzero(recorded.losses != torch.stack(losses).numpy()), [59])


def test_a_constant_that_was_traced_wrong_stands_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, calls = _trainer("relu_sigmoid"), 0

    def at_first_wrong(model: Any, loss: Any, X: Any, YT: Any, lr: float, start: list[Any]) -> Replay:
        nonlocal calls
        calls += 1
        return traced(model, loss, X, YT, lr * 2 if calls == 1 else lr, start)

    monkeypatch.setattr(training, "traced", at_first_wrong)
    recorded = trainer.train(60)
    assert "those that it gave first are judged" in trainer.why_plain
    moved = np.abs(recorded.states[0][1] - recorded.states[0][0]).max()
    _, states = _documents_loop("relu_sigmoid", 1)
    assert moved == pytest.approx(2 * np.abs((states[1][0] - states[0][0]).numpy()).max(), rel=1e-2)


def test_a_device_that_goes_while_a_step_is_traced_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> Any:
        raise RuntimeError("The GPU device has been removed")

    trainer = _trainer("relu_sigmoid")
    monkeypatch.setattr(training, "traced", lambda *_: (monkeypatch.setattr(trainer, "_loss", gone), gone())[0])
    with pytest.raises(RuntimeError, match="has been removed"):
        trainer.train(10)


def test_a_network_that_cannot_be_traced_is_trained_by_the_plain_loop(tmp_path: Path) -> None:
    (tmp_path / "autograd.py").write_text(
        "from torch import nn\n"
        "class Odd(nn.Module):\n"
        "    def __init__(self, *sizes):\n"
        "        super().__init__()\n"
        "        self.linear = nn.Linear(*sizes)\n"
        "    def forward(self, X):\n"
        "        Y = self.linear(X)\n"
        "        return Y if Y.sum().item() > 1e9 else 2 * Y\n"
        "network = Odd\nloss = nn.MSELoss()\n",
        encoding="utf-8",
    )
    network = Network(tmp_path)
    model = network.build((2, 1), ("W", "B"))
    network.set_parameters(model, {"W": np.ones((1, 2)), "B": np.zeros(1)}, CPU.torch, torch.float32)
    trainer = Trainer(model, network.loss, torch.ones(1, 2), torch.ones(1, 1), 0.01, CPU)
    recorded = trainer.train(3)
    assert "cannot be traced" in trainer.why_plain
    # Y = 2 (w1 + w2) = 4, dY = 2 * 3, dW = 2 * 6: on paper
    np.testing.assert_allclose(recorded.gradients[0][0], [[12.0, 12.0]])
    np.testing.assert_allclose(recorded.states[0][1], [[0.88, 0.88]], rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from torch import nn\nloss = nn.MSELoss()\n", "network missing"),
        ("x = 1\n", "network and loss missing"),
        ("import nothing_here\n", "line 1: ModuleNotFoundError"),
        ("loss = print\ndef network(*sizes):\n    return 3\n", "returned int, expected an nn.Module"),
        ("loss = print\ndef network(n):\n    return 3\n", "TypeError"),
        (
            "from torch import nn\nloss = print\ndef network(*s):\n    return nn.Linear(2, 2, bias=False)\n",
            "has 1 parameters (weight), case.toml has 2",
        ),
        (
            "from torch import nn\nloss = print\ndef network(*s):\n    return nn.Linear(3, 2)\n",
            "weight has shape (2, 3), but W in case.toml has (1, 2)",
        ),
    ],
)
def test_an_autograd_file_that_does_not_fit_says_why(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "autograd.py").write_text(text, encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        network = Network(tmp_path)
        model = network.build((2, 1), ("W", "B"))
        network.set_parameters(model, {"W": np.ones((1, 2)), "B": np.zeros(1)}, CPU.torch, torch.float32)
    assert words in str(caught.value)
    assert "autograd.py" in str(caught.value)


def test_gradients_are_read_at_the_first_and_the_last_step() -> None:
    network = Network(cases.find("hidden").folder)
    case = cases.find("hidden")
    model = network.build(case.sizes, tuple(case.params))
    network.set_parameters(model, case.params, CPU.torch, torch.float32)
    X, YT = (torch.tensor(a, dtype=torch.float32) for a in (case.X, case.YT))
    trainer = Trainer(model, network.loss, X, YT, case.lr, CPU)
    for steps in (1, 2, 7):
        recorded = trainer.train(steps)
        assert recorded.read == ([0] if steps == 1 else [0, steps - 1])
        for state, gradient in zip(recorded.states, recorded.gradients):
            # W' = W - lr dW in float32: the gradient that was read is the one that moved the parameter
            moved = state[np.array(recorded.read) + 1]
            before = state[recorded.read]
            np.testing.assert_allclose(moved, before - np.float32(case.lr) * gradient, rtol=2e-7)
