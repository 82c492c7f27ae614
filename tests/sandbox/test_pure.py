"""What of the sandbox is plain functions: imports, cleaning, the filter of system calls, jobs of Windows."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncheck.manual.scripts import standins
from nncheck.sandbox import clean, job, syscalls
from nncheck.sandbox.imports import forbidden_import, missing_module
from nncheck.sandbox.limits import Limits


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import numpy as np\nimport math, json", None),
        ("import numpy as np\nimport torch", ("torch", 2)),
        ("from torch.nn import functional as F", ("torch.nn", 1)),
        ("if True:\n    import jax", ("jax", 2)),
        ("for _ in range(2):\n    from autograd import grad", ("autograd", 2)),
        ("class A:\n    import pandas", ("pandas", 2)),
        ("with open('x') as f:\n    import pandas", ("pandas", 2)),
        ("import nncheck", ("nncheck", 1)),
        ("import helper, pkg.inner, own_folder", None),
        ("from . import anything", None),
        ("import scipy.special", None),
        ("import ctypes", None),
        ("def check():\n    import torch", None),
        ("if __name__ == '__main__':\n    import torch", None),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\nelse:\n    import jax", ("jax", 5)),
        ("try:\n    import torch\nexcept ImportError:\n    torch = None", None),
        ("try:\n    import torch\nexcept ValueError:\n    pass", ("torch", 2)),
        ("import torch (", None),
        ("(" * 5000, None),
        ("import torch\0", None),
    ],
)
def test_forbidden_imports_are_found_with_their_line(text: str, found: tuple[str, int] | None) -> None:
    assert forbidden_import(text, ["helper.py", "pkg/inner.py", "own_folder/x.txt"], ["scipy"]) == found


@pytest.mark.parametrize("name", standins.REPLACED)
def test_drawing_packages_are_replaced_and_not_forbidden(name: str) -> None:
    assert forbidden_import(f"import {name}", [], []) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.py, line 3: ModuleNotFoundError: No module named 'torch'", ("torch", 3)),
        ("a.py: ModuleNotFoundError: No module named 'torch.nn'", ("torch.nn", 0)),
        ("a.py, line 3: ValueError: no", None),
    ],
)
def test_a_module_that_a_run_missed_is_recognised(text: str, found: tuple[str, int] | None) -> None:
    assert missing_module(text) == found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
@settings(max_examples=100, deadline=None)
def test_what_is_cleaned_can_be_written_and_read(value: Any) -> None:
    text = json.dumps(clean.value(value), allow_nan=False, ensure_ascii=False)
    assert "\x1b" not in text
    text.encode("utf-8")


def test_cleaning_shortens() -> None:
    assert len(clean.text("x" * 10_000)) == clean.MOST_TEXT and len(clean.value([0] * 10**6)) == clean.MOST_ITEMS
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    assert str(clean.value(deep)).count("[") == clean.MOST_DEPTH
    assert clean.value({"a": math.inf, "b": 10**400, "c": "\x1b[31m\ud800ok\n"}) == {
        "a": None,
        "b": None,
        "c": "\ufffd[31m\ufffdok\n",
    }


@pytest.mark.skipif(not syscalls.available(), reason="the filter is not known for this machine")
@pytest.mark.parametrize("processes", [False, True])
def test_every_jump_of_the_filter_ends_at_an_instruction(processes: bool) -> None:
    program = syscalls.program(processes)
    assert len(program) < 256 and program[-1][0] == 0x06
    for place, (code, yes, no, _) in enumerate(program):
        if code in (0x15, 0x35, 0x45):
            assert place + 1 + max(yes, no) < len(program)
        else:
            assert yes == no == 0


class _Jobs(SimpleNamespace):
    """win32job, as far as it is used."""

    JobObjectExtendedLimitInformation = 9
    JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000
    JOB_OBJECT_LIMIT_ACTIVE_PROCESS = 0x8
    JOB_OBJECT_LIMIT_PROCESS_MEMORY = 0x100
    JOB_OBJECT_LIMIT_JOB_TIME = 0x4
    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION = 0x400

    def CreateJobObject(self, attributes: None, name: str) -> str:
        return "job"

    def QueryInformationJobObject(self, made: str, kind: int) -> dict[str, Any]:
        return {
            "BasicLimitInformation": {"LimitFlags": 0, "ActiveProcessLimit": 0},
            "ProcessMemoryLimit": 0,
            "Other": 5,
        }

    def SetInformationJobObject(self, made: str, kind: int, information: dict[str, Any]) -> None:
        self.set = information

    def AssignProcessToJobObject(self, made: str, process: str) -> None:
        self.assigned = process


def test_a_job_has_the_limits_of_a_submission() -> None:
    jobs = _Jobs()
    opened = SimpleNamespace(OpenProcess=lambda rights, inherit, pid: f"process {pid}")
    assert job.in_job(77, Limits(memory=300, seconds=10, processes=2), jobs, opened) == "job"
    assert jobs.assigned == "process 77"
    basic = jobs.set["BasicLimitInformation"]
    assert basic["LimitFlags"] == 0x2000 | 0x8 | 0x100 | 0x4 | 0x400
    assert (basic["ActiveProcessLimit"], basic["PerJobUserTimeLimit"]) == (3, 120_000_000)
    assert jobs.set["ProcessMemoryLimit"] == 300 << 20 and jobs.set["Other"] == 5


def test_without_pywin32_there_is_no_job() -> None:
    assert job.in_job(77, Limits()) is None
