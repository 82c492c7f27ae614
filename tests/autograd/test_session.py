"""Which failure leads where, what of it the result says, and what is remembered for the next run."""

from __future__ import annotations

import signal
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from nncheck.autograd import device as devices
from nncheck.autograd import remembered
from nncheck.autograd import session as sessions
from nncheck.autograd.remembered import recall, remember
from nncheck.autograd.session import Session
from nncheck.errors import DeviceError
from nncheck.process import ProcessFailure, Reply
from nncheck.record import DeviceUsed, Fallback


class Scripted:
    """Stands for a torch process: opens what it is told to, and does one more step of its self-test if it still can."""

    asked: ClassVar[list[tuple[str, list[str]]]] = []  # what each one was to open, and which kinds it was to pass over
    opens: ClassVar[dict[str, str | ProcessFailure]] = {}  # what comes of that
    still_works = True

    def __init__(self, device: str) -> None:
        self.device, self.notes, self.closed = device, ["of " + device], False

    def submit(self, request: str, *, device: str, skip: list[str]) -> Future[Reply]:
        Scripted.asked.append((device, skip))
        future: Future[Reply] = Future()
        comes = Scripted.opens.get(device, device)
        if isinstance(comes, ProcessFailure):
            future.set_exception(comes)
        else:
            opened = {"kind": comes, "name": comes.upper(), "versions": {"torch": "2", comes: "1"}}
            future.set_result(({**opened, "notes": ["of " + device]}, {}))
        return future

    def result(self, future: Future[Reply], limit: float) -> Reply:
        return future.result()

    def ask(self, request: str, limit: float) -> Reply:
        assert (request, self.closed) == ("again", False)
        if not Scripted.still_works:
            raise ProcessFailure("self-test", "gone")
        return {}, {}

    def drop_queued(self) -> None:
        """Nothing is queued."""

    def take_notes(self) -> list[str]:
        notes, self.notes = self.notes, []
        return notes

    def close(self) -> None:
        self.closed = True


def _miss(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Let DirectML's package be there (no reason), or not."""
    directml, *others = devices._KINDS
    monkeypatch.setattr(devices, "_KINDS", (replace(directml, missing=lambda: reason), *others))


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "Worker", Scripted)
    _miss(monkeypatch, "")
    Scripted.asked, Scripted.opens, Scripted.still_works = [], {"auto": "directml"}, True


def _failure(stage: str = "train steps 0 to 9", reason: str = "gone", device: str = "directml", **how: Any) -> Any:
    exhausted = how.pop("exhausted", False)
    failure = ProcessFailure(stage, reason, **how)
    failure.device, failure.exhausted = device, exhausted
    return failure


def _run(failure: ProcessFailure, *, fails_again: bool = False) -> Session:
    """Let the device open, fail at the case with a failure, and what takes its place do the case."""
    with Session("auto") as session:
        session.begin()
        session.ready()
        session.fall_back(failure)
        session.ready()
        if not fails_again:
            session.succeeded()
    return session


def test_a_device_that_fails_in_a_run_leads_to_the_cpu_and_is_remembered() -> None:
    session = _run(_failure(code=-signal.SIGSEGV))
    assert Scripted.asked == [("auto", []), ("cpu", [])]
    told = Fallback(stage="train steps 0 to 9", reason="gone", kind="directml")
    assert session.used == DeviceUsed(kind="cpu", name="CPU", fallback=told)
    found = recall("directml")
    assert found is not None
    assert (found.stage, found.reason) == ("train steps 0 to 9", "gone")


def test_the_next_run_passes_over_it_and_says_when_it_failed() -> None:
    _run(_failure(code=-signal.SIGSEGV))
    when = recall("directml").when  # type: ignore[union-attr]
    Scripted.asked, Scripted.opens = [], {"auto": "cuda"}
    with Session("auto") as session:
        session.ready()
    assert Scripted.asked == [("auto", ["directml"])]
    told = Fallback(stage="train steps 0 to 9", reason="gone", kind="directml", remembered=when)
    assert session.used == DeviceUsed(kind="cuda", name="CUDA", fallback=told)


def test_it_is_asked_again_by_name_with_reprobe_and_where_the_package_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    remember("directml", "open the device", "gone")
    for session in (Session("directml"), Session("auto", reprobe=True)):
        assert session.used.fallback is None
    assert Scripted.asked == [("directml", []), ("auto", [])]
    _miss(monkeypatch, "the package is not there")
    assert Session("auto").used.fallback is None  # as on a machine that never had it


def test_a_device_that_does_a_case_is_forgotten_and_no_other() -> None:
    remember("directml", "open the device", "gone")
    remember("cuda", "open the device", "gone")
    with Session("auto", reprobe=True) as session:
        session.begin()
        session.ready()
        assert recall("directml") is not None  # to open is not to work
        session.succeeded()
    assert recall("directml") is None
    assert recall("cuda") is not None


@pytest.mark.parametrize(
    "failure",
    [
        _failure("import torch_directml", "RuntimeError: no adapter"),
        _failure("import torch_directml", silent=True),
        _failure("device_count", "finds 0 devices", missing=True),
        _failure("self-test", "RuntimeError: refused"),
        _failure("open the device", device="cuda"),
        _failure("import torch_directml", code=3221225477),
    ],
)
def test_every_failure_to_open_is_remembered(failure: ProcessFailure) -> None:
    Scripted.opens = {"auto": failure}
    with Session("auto") as session:
        session.begin()
        with pytest.raises(ProcessFailure):
            session.ready()
        Scripted.opens = {"auto": "cpu"}
        session.fall_back(failure)
        session.ready()
        session.succeeded()
    assert recall(failure.device) is not None
    # one that is not there leads to the next kind, one that failed to the CPU
    assert Scripted.asked[1] == (("auto", ["directml"]) if failure.missing else ("cpu", []))


@pytest.mark.parametrize(
    ("failure", "works", "kept"),
    [
        (_failure(silent=True), True, True),
        (_failure(code=-signal.SIGABRT), True, True),
        (_failure(code=-signal.SIGKILL), True, False),  # somebody else ended it
        (_failure(code=-signal.SIGTERM), True, False),
        (_failure(exhausted=True), False, False),  # a smaller case may fit
        (_failure(reason="RuntimeError: not implemented"), True, False),  # the case asks for what it lacks
        (_failure(reason="RuntimeError: device removed"), False, True),
        (_failure(device="cpu", code=-signal.SIGSEGV), True, False),
        (_failure(device="", code=-signal.SIGSEGV), True, False),  # before any device was asked
        (_failure(device="cuda", missing=True), True, False),  # there is none, and nothing failed
    ],
)
def test_a_failure_in_a_run_is_remembered_if_it_is_the_devices_own(
    failure: ProcessFailure, works: bool, kept: bool
) -> None:
    Scripted.still_works = works
    session = _run(failure)
    assert session.used.fallback is not None  # it is told in any case
    assert (recall(failure.device or "directml") is not None) is kept


def test_a_case_that_nobody_can_do_is_not_the_devices_fault() -> None:
    _run(_failure(code=-signal.SIGSEGV), fails_again=True)
    assert recall("directml") is None


def test_blame_does_not_go_on_to_the_next_case() -> None:
    with Session("auto") as session:
        session.begin()
        session.ready()
        session.fall_back(_failure(code=-signal.SIGSEGV))
        session.begin()  # the case could not be done by anything
        session.ready()
        session.succeeded()
    assert recall("directml") is None


def test_by_name_it_stops_with_stage_and_reason_and_remembers_nothing() -> None:
    for failure, words in (
        (_failure(), "--device directml failed at train steps 0 to 9: gone."),
        (_failure(reason="No Double!"), "--device directml failed at train steps 0 to 9: No Double!"),
        (_failure(reason="Gone."), "--device directml failed at train steps 0 to 9: Gone."),
        (_failure(missing=True), "--device directml is not there: gone."),
    ):
        with Session("directml") as session, pytest.raises(DeviceError) as caught:
            session.ready()
            session.fall_back(failure)
        assert str(caught.value) == words
        assert caught.value.stage == "train steps 0 to 9"
    assert recall("directml") is None


def test_what_a_case_is_told_before_the_device_was_waited_for_is_no_note_of_the_next_case() -> None:
    """Torch may have trained a chunk while the hand-written side did its own."""
    with Session("auto") as session:
        session.begin()
        session.worker.notes.append("lerp falls back")
        session.ready()
        assert session.notes() == ["of auto", "lerp falls back"]
        session.begin()
        assert session.notes() == ["of auto"]


def test_notes_of_the_process_that_failed_are_not_those_of_the_result() -> None:
    session = _run(_failure(code=-signal.SIGSEGV))
    assert session.notes() == ["of cpu"]
    assert session.versions == {"torch": "2", "directml": "1", "cpu": "1"}  # what was tried is told


def test_a_second_failure_is_told_beside_the_first() -> None:
    remember("cuda", "self-test", "RuntimeError: old driver")
    when = recall("cuda").when  # type: ignore[union-attr]
    session = _run(_failure(code=-signal.SIGSEGV))
    assert session.used.fallback is not None
    assert session.used.fallback.kind == "directml"
    assert session.notes()[0] == (
        f"cuda failed at self-test: RuntimeError: old driver (on {when}; --reprobe asks it again)"
    )


def test_a_process_lost_after_the_last_step_is_remembered_and_replaced_for_the_next_case() -> None:
    with Session("auto") as session:
        session.begin()
        session.ready()
        session.lose(_failure("work step 0 out", code=-signal.SIGSEGV))
        session.succeeded()
        assert session.used.fallback is None  # this case was done on it
        assert recall("directml") is not None
        session.begin()
        session.ready()
    assert session.used.kind == "cpu"
    assert session.used.fallback == Fallback(stage="work step 0 out", reason="gone", kind="directml")


def test_where_nothing_can_be_kept_a_run_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(remembered.VARIABLE, "")
    assert _run(_failure(code=-signal.SIGSEGV)).used.fallback is not None
    with Session("auto") as session:
        assert session.used.fallback is None
