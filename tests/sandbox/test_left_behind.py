"""Submissions that may start processes: not more than that, and none that outlives them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from nncheck.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import GOOD, is_right, step

BACKGROUND = """
import os, signal, time
print(os.getpid())
if os.fork() == 0:
    os.setsid()
    for number in range(1, 32):
        try: signal.signal(number, signal.SIG_IGN)
        except OSError: pass
    if os.fork() == 0:
        os.closerange(0, 64)
        while True: pass
    time.sleep(1000)
"""
COUNT = """
import os, time
count = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(1000)
            os._exit(0)
        count += 1
except OSError:
    print("started", count)
"""
THREADS = """
import threading, time
count = 0
try:
    while True:
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
        count += 1
except RuntimeError:
    print("started", count)
"""


def _children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("text", [BACKGROUND, COUNT, THREADS], ids=["background", "processes", "threads"])
def test_nothing_outlives_a_submission(text: str, busy_sandbox: Sandbox, unharmed: Callable[[Sandbox], None]) -> None:
    before = _children()
    with busy_sandbox.guest(Path("a.py"), text + GOOD) as guest:
        assert guest.open() == {}
        assert is_right(step(guest))
        assert len(_children()) > len(before) or "threading" in text
    assert _children() == before
    unharmed(busy_sandbox)


@pytest.mark.parametrize("text", [COUNT, THREADS], ids=["processes", "threads"])
def test_exactly_so_many_processes_and_threads_can_be_started(text: str, busy_sandbox: Sandbox) -> None:
    with busy_sandbox.guest(Path("a.py"), text) as guest:
        guest.open()
    assert "started 8\n" in guest.output


def test_one_that_hangs_is_ended_with_its_family(busy_sandbox: Sandbox) -> None:
    before = _children()
    with busy_sandbox.guest(Path("a.py"), BACKGROUND + "\nwhile True: pass\n") as guest:
        began = time.monotonic()
        guest.open()
        assert guest.failure is not None and guest.failure.kind == "timed-out"
        assert time.monotonic() - began < 2
    assert _children() == before
