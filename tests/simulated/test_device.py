"""The simulated device is what was measured on torch-directml: it works, refuses and is wrong where that does.

The facts are those of torch-directml 0.2.5.dev240914 and of its issues, whose numbers stand beside them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.simulated import HERE, NATIVE, PACKAGES, Simulated, building, native_operators

NO_DOUBLE = "RuntimeError: The GPU device does not support Double (Float64) operations!"


@dataclass(frozen=True)
class Question:
    """Some code, what is wrong with the device that it is put to, and what was done before its import."""

    code: str
    faults: tuple[str, ...] = ()
    first: str = ""


Asked = Callable[..., dict[str, Any]]

# All questions of this file, which one process answers; the tests look their own up by its text.
_QUESTIONS: list[Question] = []


def _ask(*rows: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Take rows that begin with code."""
    _QUESTIONS.extend(Question(row[0]) for row in rows)
    return list(rows)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Put all questions at once; what it gives returns one answer, with the device's own ``counts``."""
    if building.why_not() and not os.environ.get("CI"):
        pytest.skip(building.why_not())
    folder = tmp_path_factory.mktemp("asked")
    questions = list(dict.fromkeys(_QUESTIONS))
    told = []
    for number, question in enumerate(questions):
        log = folder / str(number)
        log.mkdir()
        told.append({**asdict(question), "log": str(log)})
    environment = {
        **os.environ,
        "PYTHONPATH": str(PACKAGES),
        "SIMULATED_LIBRARY": str(building.library()),
        "SIMULATED_NATIVE": str(NATIVE),
    }
    done = subprocess.run(
        [sys.executable, str(HERE / "asked.py")],
        input=json.dumps(told),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = dict(zip(questions, json.loads(done.stdout)))
    logs = {question: Path(one["log"]) for question, one in zip(questions, told)}

    def look_up(code: str, *faults: str, first: str = "") -> dict[str, Any]:
        question = Question(code, faults, first)
        return {**answers[question], "counts": Simulated(logs[question]).counts}

    yield look_up


# ------------------------------------------------------------------------------------------------- what is refused

REFUSED = _ask(
    ("X.double()", NO_DOUBLE),
    ("torch.zeros(2, dtype=torch.float64).to(d)", NO_DOUBLE),
    ("1.0 - X", NO_DOUBLE),
    ("torch.full((2,), 0.5, device=d)", NO_DOUBLE),
    ("print(X)", NO_DOUBLE),
    ("torch.inference_mode()(torch.exp)(X)", "RuntimeError: Cannot set version_counter for inference tensor"),  # 602
    ("X.data_ptr()", "RuntimeError: Cannot access data pointer"),
    ("X + torch.ones(2, 3)", "RuntimeError: Expected all tensors to be on the same device"),
    ("F.mse_loss(X, torch.ones(2, 3))", "RuntimeError: Expected all tensors to be on the same device"),
    ("F.linear(X, torch.ones(2, 3))", "RuntimeError: Expected all tensors to be on the same device"),
    ("F.one_hot(torch.tensor([0, 1]).to(d))", ""),
    ("torch.nn.LSTM(3, 2).to(d)(X)", ""),
    ("torch.nn.GRU(3, 2).to(d)(X)", ""),
    ("torch.autocast('privateuseone').__enter__()", ""),
)


@pytest.mark.parametrize(("code", "words"), REFUSED)
def test_it_refuses(asked: Asked, code: str, words: str) -> None:
    answer = asked(code)
    assert "error" in answer
    assert answer["error"].startswith(words)


DEADLY = _ask(("X.to(torch.bfloat16)",), ("X.to(torch.complex64)",))


@pytest.mark.parametrize("code", [row[0] for row in DEADLY])
def test_it_takes_its_process_along(asked: Asked, code: str) -> None:
    assert asked(code)["signal"] == "SIGABRT"


# ---------------------------------------------------------------------------------------------------- what works

# By paper, for X = [[0, 1, 2], [3, 4, 5]].
RIGHT = _ask(
    ("str(d)", "privateuseone:0"),
    ("torch_directml.device_count()", 1),
    ("torch_directml.device_name(0)", "Simulated DirectML adapter\0"),
    ("torch_directml.has_float64_support(0)", False),
    ("1 - X", [[1, 0, -1], [-2, -3, -4]]),
    ("-X + 1", [[1, 0, -1], [-2, -3, -4]]),
    ("torch.full_like(X, 0.5)", [[0.5] * 3] * 2),
    ("torch.full((2,), 5, device=d)", [5, 5]),
    ("X + torch.tensor(2.0)", [[2, 3, 4], [5, 6, 7]]),
    ("X.sum().item()", 15),
    ("torch.where(X > 2, X, 0 * X)", [[0, 0, 0], [3, 4, 5]]),
    ("X.t().contiguous().reshape(6)", [0, 3, 1, 4, 2, 5]),
    # d/dw w^3 = 3 w^2 = 12, and once more 6 w = 12, at 2
    (
        "w = torch.tensor([2.0]).to(d).requires_grad_()\n"
        "dw = torch.autograd.grad((w ** 3).sum(), w, create_graph=True)[0]\n"
        "answer = [dw.item(), torch.autograd.grad(dw.sum(), w)[0].item()]",
        [12, 12],
    ),
    # hooks see the gradients, in the order in which they come: 4 for y = x^2 at 2, before x itself
    (
        "seen = []\n"
        "x = torch.tensor([2.0]).to(d).requires_grad_()\n"
        "y = x * x\n"
        "y.register_hook(lambda g: seen.append(g.item()))\n"
        "x.register_hook(lambda g: seen.append(g.item()))\n"
        "(3 * y).sum().backward()\n"
        "answer = seen",
        [3, 12],
    ),
    # d/dw (w . x)^2 = 2 (w . x) x for each row x of X, at w = (1, 1, 1)
    (
        "loss = lambda w, x: (w * x).sum() ** 2\n"
        "w = torch.ones(3).to(d)\n"
        "answer = torch.func.vmap(torch.func.grad(loss), (None, 0))(w, X)",
        [[0, 6, 12], [72, 96, 120]],
    ),
    ("torch.func.functional_call(torch.nn.ReLU(), {}, (X - 2,))", [[0, 0, 0], [1, 2, 3]]),
    ("torch.func.vjp(lambda x: x * x, X)[1](torch.ones_like(X))[0]", [[0, 2, 4], [6, 8, 10]]),
    ("torch.func.jacrev(lambda x: 2 * x)(X[0])", [[2, 0, 0], [0, 2, 0], [0, 0, 2]]),
    ("torch.func.hessian(lambda x: (x ** 3).sum())(X[0])", [[0, 0, 0], [0, 6, 0], [0, 0, 12]]),
)


@pytest.mark.parametrize(("code", "expected"), RIGHT)
def test_it_computes(asked: Asked, code: str, expected: Any) -> None:
    answer = asked(code)
    assert answer.get("answer") == expected, answer


# Losses and parameters of some steps of training, and other work whose numbers have all their digits.
TRAINING = """
def work(place):
    net = torch.nn.Sequential(*[{layers}])
    net = net.to(place)
    X, YT = torch.randn(5, 4).to(place), {targets}.to(place)
    optimizer = torch.optim.{optimizer}
    losses = []
    for _ in range(20):
        E = {loss}(net(X), YT)
        optimizer.zero_grad()
        E.backward()
        optimizer.step()
        losses.append(E.detach())
    return [torch.stack(losses), *net.parameters()]
answer = same(work)
"""
_HIDDEN = "torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2)"
_SGD = "SGD(net.parameters(), lr=0.1)"


def _training(layers: str = _HIDDEN, targets: str = "", loss: str = "F.cross_entropy", optimizer: str = _SGD) -> str:
    targets = targets or "torch.softmax(torch.randn(5, 2), dim=1)"
    return TRAINING.format(layers=layers, targets=targets, loss=loss, optimizer=optimizer)


SAME = dict(
    mse=_training(_HIDDEN + ", torch.nn.Sigmoid()", loss="torch.nn.MSELoss()"),
    cross_entropy=_training(),
    class_indices=_training(targets="torch.tensor([0, 1, 1, 0, 1])"),
    momentum=_training(optimizer="SGD(net.parameters(), lr=0.1, momentum=0.9)"),
    rmsprop=_training(optimizer="RMSprop(net.parameters(), lr=0.01)"),
    adam=_training(optimizer="Adam(net.parameters(), lr=0.01)"),
    convolution="""
def work(place):
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.BatchNorm2d(3), torch.nn.MaxPool2d(2))
    net = net.to(place)
    X = torch.randn(2, 2, 6, 6).to(place).requires_grad_()
    (net(X) ** 2).sum().backward()
    return [X.grad, *(w.grad for w in net[1].parameters()), net[0].weight.grad, net[1].running_mean]
answer = same(work)
""",
    deepcopy_and_state_dict="""
import copy
def work(place):
    net = torch.nn.Linear(4, 3).to(place)
    other = copy.deepcopy(net)
    with torch.no_grad():
        net.weight.mul_(2)
    third = torch.nn.Linear(4, 3).to(place)
    third.load_state_dict(net.state_dict())
    return [*other.parameters(), *third.parameters()]
answer = same(work)
""",
    random_numbers="same(lambda place: [torch.randn(4, 3).to(place).exp().tanh()])",
)
_QUESTIONS.extend(Question(code) for code in SAME.values())


@pytest.mark.parametrize("name", SAME)
def test_it_gives_the_bits_of_the_cpu(asked: Asked, name: str) -> None:
    answer = asked(SAME[name])
    assert answer.get("answer") is True, answer


SKEWED = Question(SAME["cross_entropy"], ("aten::_log_softmax_backward_data.out@15=skew:1.0000002",))
_QUESTIONS.append(SKEWED)


def test_one_bit_that_is_off_is_seen(asked: Asked) -> None:
    answer = asked(SKEWED.code, *SKEWED.faults)
    assert answer["answer"] is False


# ---------------------------------------------------------------------------------------------- what falls back

FALLS_BACK = _ask(
    ("torch.lerp(X, X, 0.5)", "aten::lerp.Scalar_out"),
    ("X @ X[0]", "aten::addmv.out"),
    ("X.std()", "aten::std.correction"),
    ("X.roll(1)", "aten::roll"),
    ("F.elu(X)", "aten::elu.out"),
    ("torch.eye(2, device=d)", "aten::eye.m_out"),
    ("F.binary_cross_entropy(torch.sigmoid(X), torch.sigmoid(X))", "aten::binary_cross_entropy"),
    ("F.logsigmoid(X)", "aten::log_sigmoid_forward"),
    ("X.index_add(0, torch.tensor([1]).to(d), X[:1])", "aten::index_add.out"),
)


@pytest.mark.parametrize(("code", "operator"), FALLS_BACK)
def test_an_operator_that_it_lacks_falls_back_with_its_warning(asked: Asked, code: str, operator: str) -> None:
    answer = asked(code)
    assert (
        f"The operator '{operator}' is not currently supported on the DML backend and will fall back to run on the "
        "CPU. This may have performance implications." in {said.split(" (Triggered")[0] for said in answer["warnings"]}
    )
    assert answer["counts"]["fallback"] >= 1
    assert operator in answer["counts"]
    assert operator not in native_operators()


def test_what_is_native_gives_no_warning(asked: Asked) -> None:
    for name in ("mse", "cross_entropy", "class_indices", "momentum", "rmsprop"):
        answer = asked(SAME[name])
        assert not any("fall back" in said for said in answer["warnings"])
        assert answer["counts"]["fallback"] == 0
        assert answer["counts"]["aten::addmm.out"] == 40
    assert any("aten::lerp" in said for said in asked(SAME["adam"])["warnings"])


# -------------------------------------------------------------------------------------------------------- counting

# Beside the copy that brings X there.
COUNTS = _ask(
    ("X.shape", {}),
    ("torch.ones(3).to(d)", {"h2d": 1, "d2h": 1}),  # and back, to be answered
    ("X.cpu().shape", {"d2h": 1}),
    ("X.sum().item()", {"item": 1}),
    ("bool(X.sum() > 3)", {"item": 1}),
    ("float(X[0, 1]) + float(X[1, 1])", {"item": 2}),
    ("X.clone().shape", {"d2d": 1}),
    ("torch.nn.Linear(3, 2).to(d)(X).shape", {"h2d": 2}),
    ("X.exp().shape", {}),
    ("F.logsigmoid(X).shape", {}),  # what it copies itself for a fallback is not the user's
)


@pytest.mark.parametrize(("code", "expected"), COUNTS)
def test_it_counts_copies(asked: Asked, code: str, expected: dict[str, int]) -> None:
    counts = asked(code)["counts"]
    counts["h2d"] -= 1
    assert {name: counts[name] for name in ("h2d", "d2h", "d2d", "item")} == {
        **dict.fromkeys(("h2d", "d2h", "d2d", "item"), 0),
        **expected,
    }


CALLS = "for _ in range(7): X.exp()\nanswer = 0"
_QUESTIONS.append(Question(CALLS))


# Views and factories of device.cpp's own never reach the log. Those that the list lacks are no operators of a training:
# torch calls set_ for deepcopy and for reading files; mul.Tensor ends in mul.out, which is logged; the rest is refused.
_BESIDE_THE_LIST = {"set_.source_Storage_storage_offset", "set_.source_Storage", "mul.Tensor"}


def test_what_the_log_does_not_hold_is_native_too() -> None:
    own = set(re.findall(r'library\.impl\("([^"]+)"', building.SOURCE.read_text(encoding="utf-8")))
    assert {f"aten::{name}" for name in own - _BESIDE_THE_LIST} <= native_operators()
    assert {"empty.memory_format", "as_strided", "view"} | _BESIDE_THE_LIST < own


def test_it_counts_operators(asked: Asked) -> None:
    assert asked(CALLS)["counts"]["aten::exp.out"] == 7


# ----------------------------------------------------------------------------------------------------------- quirks

_ZERO_GRADIENT = (
    "w = X.clone().requires_grad_()\n"
    "F.cross_entropy(w, torch.tensor([0, 1]).to(d), reduction='none').sum().backward()\n"
    "answer = bool((w.grad == 0).all())"
)
# What each quirk is seen by: right without it, wrong with it. A number after # is that of the library's issue.
QUIRKS = {
    "cross_entropy_none": (_ZERO_GRADIENT, False, True),  # 739, 740
    "mixed_dtypes": (
        "X * torch.tensor([2, 2, 2]).to(d)",
        [[0, 2, 4], [6, 8, 10]],
        [[1, 1, 1], [1, 1, 1]],
    ),
    "bool_product": ("str((X * (X > 2)).dtype)", "torch.float32", "torch.bool"),  # 737
    "population_variance": ("round(X.var().item(), 5)", 3.5, 2.91667),  # 17.5 / 5 and 17.5 / 6
    "cdist": (
        "torch.cdist(torch.tensor([[0.0, 0.0]]).to(d), torch.tensor([[3.0, 4.0]]).to(d))",
        [[5]],
        [[10]],
    ),
    "buffer_writes": ("b = torch.zeros(3).to(d)\nb[1] = 5\nb[2:] = X[0, 2:]\nanswer = b", [0, 5, 2], [0, 0, 0]),  # 696
    "device_copies": ("X.clone()", [[0, 1, 2], [3, 4, 5]], [[0, 1, 2], [0, 0, 0]]),  # 443
    "eye": ("torch.eye(2, device=d)", [[1, 0], [0, 1]], [[0, 0], [0, 0]]),  # 431
    "batch_norm_running": (  # 362: the running mean is a tenth of the mean of a batch
        "net = torch.nn.BatchNorm1d(3).to(d)\nnet(X)\nanswer = [round(m, 5) for m in net.running_mean.tolist()]",
        [0.15, 0.25, 0.35],
        [0, 0, 0],
    ),
}
# Beside each quirk something like it that stays right.
SPARED = {
    "cross_entropy_none": _ZERO_GRADIENT.replace(", reduction='none').sum()", ")"),
    "mixed_dtypes": "X * torch.tensor([[2, 2, 2], [2, 2, 2]]).to(d)",
    "bool_product": "X * X",
    "population_variance": "X.var(dim=0)",
    "cdist": "torch.cdist(X[None], X[None])",
    "buffer_writes": "b = torch.zeros(3).to(d)\nb += 5\nanswer = b",
    "device_copies": "Y = X.clone()\nanswer = X",  # what is copied from stays as it is
    "eye": "torch.ones(2, device=d)",
    "batch_norm_running": "torch.nn.BatchNorm1d(3).to(d)(X).sum().abs() < 1e-5",
}
for _name, (_code, _, _) in QUIRKS.items():
    for _faults in ((), (f"quirk={_name}",)):
        _QUESTIONS.extend(Question(code, _faults) for code in (_code, SPARED[_name]))


@pytest.mark.parametrize("name", QUIRKS)
def test_a_quirk_is_wrong_where_it_is_told_and_nowhere_else(asked: Asked, name: str) -> None:
    code, right, wrong = QUIRKS[name]
    assert asked(code)["answer"] == right
    assert asked(code, f"quirk={name}")["answer"] == wrong
    spared = asked(SPARED[name], f"quirk={name}")
    assert spared["answer"] == asked(SPARED[name])["answer"]


# ----------------------------------------------------------------------------------------------------------- faults

THRICE = "answer = [float((X + 1).log().sum()) for _ in range(4)]"  # log 720 each time
LATER = "X.exp()\nX.exp()\nanswer = 'alive'"
REMOVED = "The GPU device instance has been suspended. Use GetDeviceRemovedReason to determine the appropriate action."
NO_MEMORY = "Could not allocate tensor with 1073741824 bytes. There is not enough GPU video memory available!"
STILL = "said = []\nfor work in (X.exp, X.exp, X.tanh):\n    try:\n        work()\n        said.append('')\n"
STILL += "    except RuntimeError as error:\n        said.append(str(error).splitlines()[0])\nanswer = said"
FAULTS = [
    (STILL, "aten::exp.out@2=raise:off", {"answer": ["", "off", ""]}),
    (STILL, "aten::exp.out@2=memory", {"answer": ["", NO_MEMORY, ""]}),
    (STILL, "aten::exp.out@2=removed", {"answer": ["", REMOVED, REMOVED]}),
    (STILL, "any@3=raise:off", {"answer": ["", "off", "off"]}),
    (LATER, "aten::exp.out@3=segfault", {"answer": "alive"}),
    (LATER, "aten::exp.out@2=segfault", {"signal": "SIGSEGV"}),
    (LATER, "aten::exp.out@2=abort", {"signal": "SIGABRT"}),
    (LATER, "aten::exp.out@2=hang", {"silent": True}),
    ("X.cpu()", "copy d2h=raise:lost", {"error": "RuntimeError: lost"}),
    ("torch.ones(2).to(d)", "copy h2d@2=raise:lost", {"error": "RuntimeError: lost"}),
    ("X.clone()", "copy d2d=raise:lost", {"error": "RuntimeError: lost"}),
]
_QUESTIONS.extend(Question(code, (fault,)) for code, fault, _ in FAULTS)
WRONG = [
    ("aten::log.out=zero", [0, 0, 0, 0]),
    ("aten::log.out@3=zero", [1, 1, 0, 0]),
    ("aten::log.out@=3=zero", [1, 1, 0, 1]),
    ("aten::log.out@4=skew:1.5", [1, 1, 1, 1.5]),
    ("aten::log.out@4=skew", [1, 1, 1, 1.01]),
]
_QUESTIONS.extend(Question(THRICE, (fault,)) for fault, _ in WRONG)
NOT_A_NUMBER = Question("bool(X.exp().isnan().all())", ("aten::exp.out=nan",))
_QUESTIONS.append(NOT_A_NUMBER)


@pytest.mark.parametrize(("code", "fault", "expected"), FAULTS)
def test_a_fault_that_ends_a_call(asked: Asked, code: str, fault: str, expected: dict[str, Any]) -> None:
    answer = asked(code, fault)
    for name, value in expected.items():
        assert answer.get(name, "") == value or str(answer.get(name)).startswith(str(value) + "\n"), answer


@pytest.mark.parametrize(("fault", "factors"), WRONG)
def test_a_fault_that_gives_wrong_numbers(asked: Asked, fault: str, factors: list[float]) -> None:
    log_of_720 = 6.579251212010101
    assert asked(THRICE, fault)["answer"] == pytest.approx([log_of_720 * factor for factor in factors], rel=1e-6)


def test_a_fault_that_gives_no_numbers(asked: Asked) -> None:
    assert asked(NOT_A_NUMBER.code, *NOT_A_NUMBER.faults)["answer"] is True


# -------------------------------------------------------------------------------- a backward before the import (668)

_BACKWARD = "w = torch.ones(2).to(d).requires_grad_()\n(w * w).sum().backward()\nanswer = w.grad"
_AT_ONCE = "with torch.autograd.set_multithreading_enabled(False):\n    " + _BACKWARD.replace("\n", "\n    ")
_EARLIER = "w = torch.ones(2, requires_grad=True)\n(w * w).sum().backward()"
_QUESTIONS.extend(Question(code, (), first) for code in (_BACKWARD, _AT_ONCE) for first in ("", _EARLIER))


def test_a_backward_before_its_import_breaks_later_ones_unless_they_stay_in_the_thread(asked: Asked) -> None:
    assert asked(_BACKWARD)["answer"] == [2, 2]
    assert "device_ready_queues_.size()" in asked(_BACKWARD, first=_EARLIER)["error"]
    assert asked(_AT_ONCE, first=_EARLIER)["answer"] == asked(_AT_ONCE)["answer"] == [2, 2]
