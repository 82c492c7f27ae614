"""The training loop gives, bit by bit, what the document's loop gives; a replay that does not is thrown away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nncheck import case as cases
from nncheck.autograd.device import Device
from nncheck.autograd.network import Network
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


@pytest.mark.parametrize("at", [0, 59])
def test_a_replay_that_is_off_is_replaced_by_the_plain_loop(at: int) -> None:
    trainer = _trainer("relu_sigmoid")
    trainer._untraced = False
    exact = Trainer._trace(trainer, trainer._parameters())
    assert exact is not None

    def off(params: list[Any], steps: int) -> list[Any]:
        recorded = exact(params, steps)
        recorded[at * 5 + 1] = recorded[at * 5 + 1] * (1 + 2.0**-23)  # W after step `at`, by one unit in the last place
        return recorded

    trainer._replay = off
    chunks = [trainer.train(60), trainer.train(40)]
    assert "not bit-equal" in trainer.why_plain
    _assert_bit_equal(chunks, "relu_sigmoid")


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
    np.testing.assert_allclose(recorded.gradients[0], [[12.0, 12.0]])
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
