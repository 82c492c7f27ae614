"""The recipes of docs/: the workflow is one, and its commands do what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nncheck
from nncheck import case as cases

DOCS = Path(nncheck.__file__).resolve().parents[1] / "docs"
WORKFLOW = DOCS / "recipes" / "grade.yml"
pytestmark = [
    pytest.mark.skipif(not WORKFLOW.is_file(), reason="needs the source tree"),
    pytest.mark.skipif(sys.platform == "win32" or not shutil.which("bash"), reason="needs bash"),
]
ASSIGNMENT = """
title = "Homework 1"
seed = "93ddefc8a653c1d5568b6bc228a279e7"
[[cases]]
case = "relu_sigmoid"
"""


def steps() -> dict[str, dict[str, str]]:
    """Read the workflow's steps as far as the tests need it: name, uses, if, and run as it is given to bash."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    lines = WORKFLOW.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        match = re.fullmatch(r" {6}(-| ) (\w+): ?(.*)", line)
        if not match:
            continue
        if match[1] == "-":
            current = {}
            found[match[3]] = current
        current[match[2]] = match[3]
        if match[3] == "|":
            block = []
            for below in lines[number + 1 :]:
                if below.strip() and not below.startswith(" " * 10):
                    break
                block.append(below[10:])
            current[match[2]] = "\n".join(block)
    return found


def test_the_workflow_is_yaml_of_the_right_shape() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    assert "\t" not in text
    assert [name for name, step in steps().items() if "run" in step] == [
        "Walls for the submission",
        "nncheck without torch",
        "Grade",
    ]
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load(text)
    (job,) = workflow["jobs"].values()
    assert workflow["permissions"] == {"contents": "read"}
    assert [step["run"].rstrip() for step in job["steps"] if "run" in step] == [
        step["run"].rstrip() for step in steps().values() if "run" in step
    ]


def test_what_is_uploaded_holds_nothing_of_the_instructors() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    upload = text[text.index("upload-artifact") :]
    assert re.findall(r"(?m)^ {12}(results/\S+)$", upload) == ["results/feedback", "results/junit.xml"]


def _run(name: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one step as the runner does: bash -e, in the workspace."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for tool in ("sudo", "pip"):  # installs nothing here, and says what it was asked
        (tools / tool).write_text(f'#!/bin/sh\necho {tool} "$@"\n')
        (tools / tool).chmod(0o755)
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", steps()[name]["run"]],
        cwd=folder,
        env={**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "grader" / "assignment").mkdir(parents=True)
    (tmp_path / "grader" / "assignment" / "assignment.toml").write_text(ASSIGNMENT)
    (tmp_path / "grader" / "nncheck-0.1.0-py3-none-any.whl").touch()
    (tmp_path / "handed-in" / "kim" / ".git").mkdir(parents=True)
    (tmp_path / "handed-in" / "kim" / "README.md").write_text("my homework\n")
    return tmp_path


def test_the_packages_are_installed_without_torch(workspace: Path) -> None:
    assert _run("Walls for the submission", workspace).returncode == 0
    done = _run("nncheck without torch", workspace)
    assert done.stdout.splitlines() == [
        "pip install --quiet -r grader/requirements.txt",
        "pip install --quiet --no-deps grader/nncheck-0.1.0-py3-none-any.whl",
    ]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("", "", 0, "::notice title=Homework 1::11 / 11"),
        ("dZ2.T @ H", "2 * dZ2.T @ H", 1, ",title=dW2%3A 0 / 2::"),
    ],
    ids=["right", "wrong"],
)
def test_a_push_is_graded(workspace: Path, old: str, new: str, code: int, said: str) -> None:
    manual = (cases.find("relu_sigmoid").folder / "manual.py").read_text(encoding="utf-8")
    (workspace / "handed-in" / "kim" / "answer.py").write_text(manual.replace(old, new) if old else manual)
    done = _run("Grade", workspace)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout
    assert "# Homework 1" in (workspace / "summary.md").read_text(encoding="utf-8")
    assert (workspace / "results" / "junit.xml").is_file()
    assert (workspace / "results" / "feedback" / "kim.md").is_file()
    assert not (workspace / "grader").exists()  # before anything is uploaded


def test_a_wrong_assignment_ends_with_2_and_no_result(workspace: Path) -> None:
    (workspace / "grader" / "assignment" / "assignment.toml").write_text("title = 1\n")
    (workspace / "handed-in" / "kim" / "answer.py").write_text("x = 1\n")
    done = _run("Grade", workspace)
    assert done.returncode == 2
    assert not (workspace / "results" / "annotations.txt").exists()
