"""float32 stays float32: whatever switched TF32 or bfloat16 on is switched off, and what stays on is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import backends

from nncheck import case as cases
from nncheck.autograd import precision
from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.autograd.precision import in_full, still_on

newer = pytest.mark.skipif(not hasattr(backends, "fp32_precision"), reason="this torch has the older switches alone")


@pytest.fixture(autouse=True)
def _off_again() -> Iterator[None]:
    yield
    in_full()


def _matmul(value: str) -> None:
    torch.set_float32_matmul_precision(value)


def _new(name: str, value: str) -> None:
    place = backends
    for part in name.split(".")[:-1]:
        place = getattr(place, part)
    setattr(place, name.split(".")[-1], value)


OLDER = {
    "float32_matmul_precision = high": lambda: _matmul("high"),
    "float32_matmul_precision = medium": lambda: _matmul("medium"),
    "cuda.matmul.allow_tf32": lambda: setattr(backends.cuda.matmul, "allow_tf32", True),
    "cudnn.allow_tf32": lambda: setattr(backends.cudnn, "allow_tf32", True),
}
NEWER = {
    "generic.all = tf32": lambda: _new("fp32_precision", "tf32"),
    "cuda.matmul = tf32": lambda: _new("cuda.matmul.fp32_precision", "tf32"),
    "cuda.conv = tf32": lambda: _new("cudnn.conv.fp32_precision", "tf32"),
    "cuda.rnn = tf32": lambda: _new("cudnn.rnn.fp32_precision", "tf32"),
    "mkldnn.matmul = bf16": lambda: _new("mkldnn.matmul.fp32_precision", "bf16"),
    "mkldnn.conv = bf16": lambda: _new("mkldnn.conv.fp32_precision", "bf16"),
}


@pytest.mark.parametrize("said", OLDER)
def test_the_older_switches_are_seen_and_turned_off(said: str) -> None:
    in_full()
    OLDER[said]()
    assert said in still_on()
    assert in_full() == still_on() == ""


@newer
@pytest.mark.parametrize("said", NEWER)
def test_the_newer_switches_are_seen_and_turned_off(said: str) -> None:
    in_full()
    NEWER[said]()
    assert said in still_on()
    assert in_full() == still_on() == ""


@newer
@pytest.mark.parametrize("first", [*OLDER, *NEWER])
@pytest.mark.parametrize(
    "then", ["cuda.matmul.allow_tf32", "cudnn.allow_tf32", "generic.all = tf32", "cuda.conv = tf32"]
)
def test_both_ways_mixed_which_torch_refuses_to_read_are_turned_off(first: str, then: str) -> None:
    for name in (first, then):
        {**OLDER, **NEWER}[name]()
    assert still_on()
    assert in_full() == still_on() == ""
    assert torch.get_float32_matmul_precision() == "highest"  # and nothing raises any more
    assert not backends.cudnn.allow_tf32


def test_a_switch_that_does_not_obey_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "medium")
    assert in_full() == "float32 is computed in fewer bits here, beyond its bound: float32_matmul_precision = medium"


DIRECTML = """
import os, torch
def device_count(): return 1
def device(i=0): return torch.device("cpu")
def device_name(i): return str([name for name, value in %r.items() if os.environ.get(name) != value])
"""


def test_the_torch_process_inherits_no_switch(
    stand_in: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in precision.ENVIRONMENT:
        monkeypatch.setenv(name, "error" if name == "PYTHONWARNINGS" else "1")
    stand_in("torch_directml", DIRECTML % (dict(precision.ENVIRONMENT),))
    with Worker("directml") as worker:
        opened, _ = worker.ask("open", limit=START_LIMIT, device="directml")
    assert opened["name"] == "[]"  # those that are not as they should be


def test_a_case_that_turns_tf32_on_is_turned_off_or_noted(copy_case: Callable[..., Path]) -> None:
    on = "from torch import nn, set_float32_matmul_precision\n"
    at_import = on + 'set_float32_matmul_precision("high")\n'
    in_training = on + "class Linear(nn.Linear):\n    def forward(self, X):\n        "
    in_training += 'set_float32_matmul_precision("high")\n        return super().forward(X)\n'
    quiet = copy_case("hidden", ("autograd.py", "from torch import nn\n", at_import))
    loud = copy_case(
        "hidden",
        ("autograd.py", "from torch import nn\n", in_training),
        ("autograd.py", "nn.Linear(", "Linear("),
        folder="b",
    )
    with Worker("cpu") as worker:
        worker.ask("open", limit=START_LIMIT, device="cpu")
        for folder, words in ((quiet, ""), (loud, "float32_matmul_precision = high")):
            worker.load_case(cases.find(folder))
            worker.take_notes()
            worker.ask("train", steps=3)
            notes = worker.take_notes()
            assert bool(notes) is bool(words)
            assert words in "".join(notes)
