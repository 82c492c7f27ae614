"""The survey shows what failed in the last day as it was, asks again on demand, and blames no device for another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from nncheck.autograd import device as devices
from nncheck.autograd import survey as surveys
from nncheck.autograd.remembered import recall, remember
from nncheck.autograd.survey import DeviceState, survey
from nncheck.process import ProcessFailure, Reply

KINDS = ("directml", "cuda", "xpu", "mps", "cpu")


class Scripted:
    """Stands for a torch process that finds what it is told of each kind, or fails at one."""

    found: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[list[str]]] = []

    def __init__(self, device: str) -> None:
        self.device = device

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is to be closed."""

    def ask(self, request: str, *, limit: float, kinds: list[str]) -> Reply:
        Scripted.asked.append(kinds)
        for kind in kinds:
            if isinstance(Scripted.found.get(kind), ProcessFailure):
                raise Scripted.found[kind]
        state = {"state": "works", "name": "", "reason": "", "stage": ""}
        return {"states": {kind: {**state, **Scripted.found.get(kind, {})} for kind in kinds}}, {}


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    directml, *others = devices._KINDS
    monkeypatch.setattr(devices, "_KINDS", (replace(directml, missing=lambda: ""), *others))
    monkeypatch.setattr(surveys, "Worker", Scripted)
    Scripted.asked, Scripted.found = [], {}


def _fails(kind: str, stage: str = "device_count", reason: str = "ended by SIGSEGV") -> ProcessFailure:
    failure = ProcessFailure(stage, reason)
    failure.device = kind
    return failure


def _states(**options: bool) -> dict[str, DeviceState]:
    states = survey(**options)
    assert tuple(state.kind for state in states) == KINDS
    return {state.kind: state for state in states}


def test_what_fails_is_remembered_and_shown_without_trying_it() -> None:
    Scripted.found = {"directml": _fails("directml"), "xpu": {"state": "fails", "reason": "old", "stage": "self-test"}}
    states = _states()
    assert states["directml"] == DeviceState(
        kind="directml", state="fails", name="", reason="at device_count: ended by SIGSEGV"
    )
    assert states["xpu"].reason == "at self-test: old"
    assert {kind for kind in KINDS if recall(kind)} == {"directml", "xpu"}
    Scripted.asked.clear()
    when = recall("xpu").when  # type: ignore[union-attr]
    states = _states()
    assert Scripted.asked == [["cuda", "mps", "cpu"]]
    assert (states["xpu"].state, states["directml"].state) == ("fails", "fails")
    assert states["xpu"].reason == f"at self-test: old (on {when}; --reprobe asks it again)"


def test_reprobe_asks_again_and_forgets_what_works_or_is_only_wrong() -> None:
    for kind in ("directml", "cuda", "xpu"):
        remember(kind, "open", "gone")
    Scripted.found = {"cuda": {"state": "wrong", "reason": "self-test: dW is off by 1"}, "xpu": _fails("xpu")}
    states = _states(reprobe=True)
    assert (states["directml"].state, states["cuda"].state, states["xpu"].state) == ("works", "wrong", "fails")
    assert {kind for kind in KINDS if recall(kind)} == {"xpu"}


def test_a_driver_that_kills_its_process_takes_no_other_device_along() -> None:
    Scripted.found = {"cuda": _fails("cuda"), "mps": _fails("mps", "self-test")}
    states = _states()
    assert Scripted.asked == [["directml"], ["cuda", "xpu", "mps", "cpu"], ["xpu", "mps", "cpu"], ["xpu", "cpu"]]
    assert [states[kind].state for kind in KINDS] == ["works", "fails", "works", "fails", "works"]


def test_a_directml_without_a_device_is_remembered_as_missing() -> None:
    none = {"state": "missing", "reason": "torch_directml finds 0 device(s)", "stage": "device_count"}
    Scripted.found = {"directml": none, "cuda": {"state": "missing", "reason": "torch finds 0 CUDA device(s)"}}
    assert _states()["directml"].reason == none["reason"]
    assert {kind for kind in KINDS if recall(kind)} == {"directml"}  # none of CUDA is no failure
    again = _states()["directml"]
    assert again.state == "missing"
    assert again.reason.startswith("torch_directml finds 0 device(s) (on ")


def test_where_torch_itself_fails_no_device_is_blamed() -> None:
    Scripted.found = dict.fromkeys(KINDS, _fails("", "import torch", "exit code 1"))
    assert {state.state for state in _states().values()} == {"fails"}
    Scripted.found = {"directml": _fails("directml"), "cpu": {"state": "fails", "reason": "OSError"}}
    assert _states()["cpu"].state == "fails"
    assert not [kind for kind in KINDS if recall(kind)]


def test_memory_that_others_hold_and_a_process_that_somebody_ended_are_no_fault_of_a_device() -> None:
    killed = _fails("directml", reason="ended by SIGKILL")
    killed.code = -9
    full = {"state": "fails", "reason": "CUDA out of memory", "stage": "self-test", "exhausted": True}
    Scripted.found = {"directml": killed, "cuda": full}
    states = _states()
    assert (states["directml"].state, states["cuda"].state) == ("fails", "fails")
    assert not [kind for kind in KINDS if recall(kind)]


def test_a_package_that_is_gone_is_missing_whatever_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    remember("directml", "open", "gone")
    directml, *others = devices._KINDS
    monkeypatch.setattr(devices, "_KINDS", (replace(directml, missing=lambda: "not installed"), *others))
    assert _states()["directml"] == DeviceState(kind="directml", state="missing", name="", reason="not installed")
    assert Scripted.asked == [["cuda", "xpu", "mps", "cpu"]]
