"""The Gradescope archive: what is in it, and that it grades where there is no torch, whatever goes wrong."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import resources
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import nncheck
from nncheck import case as cases
from nncheck.errors import InputError
from nncheck.grading.assignment_file import read
from nncheck.grading.pack import pack_gradescope, written
from tests.report.grades.foreign import GRADESCOPE

needs_bash = pytest.mark.skipif(sys.platform == "win32" or not shutil.which("bash"), reason="needs bash")

GRADE = json.loads(resources.files("nncheck.schemas").joinpath("grade-1.schema.json").read_text(encoding="utf-8"))
SECRET = "93ddefc8a653c1d5568b6bc228a279e7"
PLAIN = f"""
title = "Homework 1"
seed = "{SECRET}"
[[cases]]
case = "relu_sigmoid"
"""
EVERYTHING = r"""
title = "Übung \"1\" \\ 가"
language = "ko"
hints = 3
follow_through = false
convention_cost = 0.3
forms = ["functions", "formulas"]
imports = ["scipy"]
seed = "a\"b\\c 가나다라 0246813579"
[[cases]]
case = "relu_sigmoid"
file = "relu*.py"
steps = 7
points = { forward = 0.1, dW2 = 1.3, update = 2 }
[[cases]]
case = "mine/relu_sigmoid"
file = "other*.py"
[limits]
check = 1.5
memory = 512
processes = 2
[files]
student = '(?P<student>\d+)_"\\.*'
multiple = "best"
[late]
due = 2030-05-01T23:59:00.5+09:00
policy = "penalty"
penalty = 0.1
"""


@pytest.fixture
def save(tmp_path: Path, copy_case: Callable[..., Path]) -> Callable[[str], Path]:
    """Write an assignment, beside a case of its own."""
    copy_case("relu_sigmoid", folder="mine/relu_sigmoid", certified=True)

    def save_(text: str) -> Path:
        path = tmp_path / "assignment.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return save_


def _unpacked(archive: Path, folder: Path) -> Path:
    """Unpack as unzip does, with the rights."""
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            path = Path(packed.extract(entry, folder))
            path.chmod(entry.external_attr >> 16 & 0o777)
    return folder


# what is in it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [PLAIN, EVERYTHING], ids=["plain", "everything"])
def test_the_packed_assignment_is_the_same_assignment(save: Any, tmp_path: Path, text: str) -> None:
    before = read(save(text))
    source = _unpacked(pack_gradescope(save(text), tmp_path / "autograder.zip"), tmp_path / "source")
    after = read(source / "assignment" / "assignment.toml")
    assert after.digest == before.digest
    for field in dataclasses.fields(before):  # a field that is added has to be written too
        if field.name not in ("path", "parts"):
            assert getattr(after, field.name) == getattr(before, field.name), field.name
    for one, other in zip(before.parts, after.parts, strict=True):
        assert (one.file, one.steps, dict(one.points)) == (other.file, other.steps, dict(other.points))
        assert one.case.digest() == other.case.digest()
        assert other.case.folder.is_relative_to(source)


def test_a_changed_point_is_seen_by_that_test(save: Any, tmp_path: Path) -> None:
    assignment = read(save(PLAIN))
    text = written(assignment, ["relu_sigmoid"]).replace('"dW2" = 2.0', '"dW2" = 3.0')
    assert read(save(text)).digest != assignment.digest


def test_rights_line_ends_and_bytes(save: Any, tmp_path: Path) -> None:
    archive = pack_gradescope(save(PLAIN), tmp_path / "autograder.zip")
    with zipfile.ZipFile(archive) as packed:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in packed.infolist()}
        assert {name for name, mode in modes.items() if mode & 0o111} == {"setup.sh", "run_autograder"}
        for name in ("setup.sh", "run_autograder", "autograder.py", "requirements.txt"):
            assert b"\r" not in packed.read(name)
            assert b"@" not in packed.read(name)
        fault = json.loads(packed.read("fault.json"))
    jsonschema.validate(fault, GRADESCOPE)
    assert "score" not in fault
    first = archive.read_bytes()
    assert pack_gradescope(save(PLAIN), archive).read_bytes() == first
    if sys.platform != "win32":
        assert archive.stat().st_mode & 0o077 == 0  # the secret is in it


def test_the_wheel_is_one_and_holds_no_answers(save: Any, tmp_path: Path) -> None:
    source = _unpacked(pack_gradescope(save(PLAIN), tmp_path / "autograder.zip"), tmp_path / "source")
    (wheel,) = source.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        record = next(name for name in names if name.endswith(".dist-info/RECORD"))
        rows = list(csv.reader(io.StringIO(packed.read(record).decode())))
        assert [row[0] for row in rows] == names
        for name, code, size in rows[:-1]:
            digest = base64.urlsafe_b64encode(hashlib.sha256(packed.read(name)).digest()).rstrip(b"=").decode()
            assert (code, int(size)) == (f"sha256={digest}", packed.getinfo(name).file_size)
        metadata = packed.read(record.replace("RECORD", "METADATA")).decode().splitlines()
        assert {"Name: nncheck", f"Version: {nncheck.__version__}"} <= set(metadata)
        assert "nncheck = nncheck.cli:main" in packed.read(record.replace("RECORD", "entry_points.txt")).decode()
    assert {"nncheck/py.typed", "nncheck/cli.py", "nncheck/schemas/grade-1.md"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]
    kinds = {name.rpartition("/")[2] for name in names if name.startswith("nncheck/reference/")}
    assert kinds == {"__init__.py", "case.toml"}
    needed = (source / "requirements.txt").read_text().splitlines()
    assert "torch" not in " ".join(needed)
    assert len(needed) == sum(
        "torch" not in one and "extra" not in one for one in distribution("nncheck").requires or ()
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [("autograder.tar", "expected a name that ends in .zip"), ("missing/a.zip", "the folder .* does not exist")],
)
def test_what_cannot_be_packed_is_said(save: Any, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        pack_gradescope(save(PLAIN), tmp_path / name)


def test_a_case_that_is_not_certified_is_refused(save: Any, tmp_path: Path) -> None:
    (tmp_path / "mine" / "relu_sigmoid" / "certificate.json").unlink()
    with pytest.raises(InputError, match="nncheck certify"):
        pack_gradescope(save(EVERYTHING), tmp_path / "autograder.zip")
    assert not (tmp_path / "autograder.zip").exists()


# in a container -----------------------------------------------------------------------------------------------------

_PACKAGES = ("numpy", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection")
_PACKAGES += ("click", "tabulate", "wcwidth", "tqdm", "tomli")


class Container:
    """A folder as Gradescope makes it, with an environment that holds what the archive asks for, and no torch."""

    def __init__(self, folder: Path) -> None:
        self.root, self.venv = folder / "autograder", folder / "venv"
        (self.root / "submission").mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.venv)], check=True)

    def install(self) -> None:
        """Put the wheel and links to this environment's packages into it."""
        site = next(self.venv.glob("lib/python*/site-packages"))
        (wheel,) = (self.root / "source").glob("*.whl")
        zipfile.ZipFile(wheel).extractall(site)
        found = (spec for name in _PACKAGES if (spec := __import__("importlib.util").util.find_spec(name)))
        for spec in found:
            path = Path(spec.origin or "")
            path = path.parent if path.name == "__init__.py" else path
            (site / path.name).symlink_to(path)
            libraries = path.with_name(f"{path.name}.libs")
            if libraries.is_dir():
                (site / libraries.name).symlink_to(libraries)

    def run(self) -> tuple[dict[str, Any], str]:
        """Run run_autograder; return results.json and what it printed."""
        done = subprocess.run(
            [str(self.root / "source" / "run_autograder")],
            env={**os.environ, "AUTOGRADER_ROOT": str(self.root), "NNCHECK_VENV": str(self.venv)},
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        results = json.loads((self.root / "results" / "results.json").read_text(encoding="utf-8"))
        jsonschema.validate(results, GRADESCOPE)
        return results, done.stdout + done.stderr

    def submit(self, **files: str) -> None:
        """Hand in files, named without their ending."""
        shutil.rmtree(self.root / "submission")
        (self.root / "submission").mkdir()
        for name, text in files.items():
            (self.root / "submission" / f"{name}.py").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Container:
    folder = tmp_path_factory.mktemp("gradescope")
    made = Container(folder)
    (folder / "assignment.toml").write_text(
        PLAIN + "[late]\ndue = 2030-05-01T00:00:00Z\npolicy = 'penalty'\npenalty = 0.1\n"
    )
    _unpacked(pack_gradescope(folder / "assignment.toml", folder / "autograder.zip"), made.root / "source")
    made.install()
    return made


MANUAL = (cases.find("relu_sigmoid").folder / "manual.py").read_text(encoding="utf-8")


@needs_bash
def test_it_imports_no_torch_and_there_is_none(container: Container) -> None:
    code = "import sys, nncheck.grading.grade, nncheck.grading.judge, nncheck.report.grades, nncheck.grading.pack\n"
    code += "assert 'torch' not in sys.modules"
    python = container.venv / "bin" / "python"
    subprocess.run([python, "-I", "-c", code], check=True)
    assert subprocess.run([python, "-I", "-c", "import torch"], capture_output=True, check=False).returncode == 1


@needs_bash
def test_a_right_submission_has_full_points_and_a_late_one_a_line_for_it(container: Container) -> None:
    container.submit(answer=MANUAL)
    results, _ = container.run()
    assert results["score"] == sum(test["max_score"] for test in results["tests"])
    assert {test["status"] for test in results["tests"]} == {"passed"}
    metadata = container.root / "submission_metadata.json"
    user = {"email": "kim@example.org", "id": 1, "name": "Kim"}
    metadata.write_text(json.dumps({"users": [user], "created_at": "2030-05-01T09:30:00.000000+09:00"}))
    late, printed = container.run()
    metadata.unlink()
    assert late["tests"][-1]["name"] == "handed in late"
    assert late["tests"][-1]["score"] == pytest.approx(-0.1 * results["score"])
    assert late["score"] == pytest.approx(0.9 * results["score"])
    assert '"student": "kim@example.org"' in printed
    assert SECRET not in json.dumps(late) + printed


@needs_bash
def test_a_wrong_submission_has_partial_credit(container: Container) -> None:
    assert "dZ2.T @ H" in MANUAL
    container.submit(answer=MANUAL.replace("dZ2.T @ H", "2 * dZ2.T @ H"))
    results, printed = container.run()
    assert [test["name"] for test in results["tests"] if test["status"] == "failed"] == ["dW2"]
    assert 0 < results["score"] < sum(test["max_score"] for test in results["tests"])
    record = json.loads(next(line for line in printed.splitlines() if line.startswith('{"schema"')))
    jsonschema.validate(record, GRADE)
    (part,) = record["grade"]["parts"]
    (mistake,) = part["mistakes"]  # what it is stands in the instructor's record, and not in the student's
    shown = json.dumps(results)
    assert mistake["text"]
    assert not [told for told in (mistake["text"], mistake["equals"], str(part["seed"])) if told and told in shown]


@needs_bash
def test_an_empty_submission_is_told_so(container: Container) -> None:
    container.submit()
    results, _ = container.run()
    assert results["score"] == 0
    assert results["output"].startswith("Your submission could not be read.")


@needs_bash
@pytest.mark.parametrize(
    "spoil",
    [
        lambda root: (root / "source" / "assignment" / "assignment.toml").unlink(),
        lambda root: (root / "source" / "autograder.py").write_text("import sys\nsys.exit(0)\n"),
        lambda root: (root / "source" / "autograder.py").write_text(
            "open(__import__('sys').argv[2], 'w').write('{')\n1/0"
        ),
        lambda root: (root / "source" / "autograder.py").write_text(
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
        ),
    ],
    ids=["no assignment", "nothing written", "half written", "killed"],
)
def test_a_fault_gives_no_score_and_says_so(container: Container, tmp_path: Path, spoil: Any) -> None:
    broken = tmp_path / "autograder"
    shutil.copytree(container.root, broken)
    spoil(broken)
    other = object.__new__(Container)
    other.root, other.venv = broken, container.venv
    results, printed = other.run()
    assert "score" not in results
    assert results["tests"] == []
    assert results["output"] == "The grader failed; your points are not affected; ask your instructor."
    assert "the submission has no score" in printed


@needs_bash
@pytest.mark.slow
def test_setup_installs_from_the_index_without_torch(save: Any, tmp_path: Path) -> None:
    """The one test that needs a package index; it is skipped where there is none."""
    made = Container(tmp_path / "container")
    shutil.rmtree(made.venv)
    _unpacked(pack_gradescope(save(PLAIN), tmp_path / "autograder.zip"), made.root / "source")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "apt-get").write_text("#!/bin/sh\nexit 0\n")  # leaves this machine as it is
    (tools / "apt-get").chmod(0o755)
    (tools / "python3").symlink_to(sys.executable)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    environment |= {"AUTOGRADER_ROOT": str(made.root), "NNCHECK_VENV": str(made.venv)}
    done = subprocess.run(
        [str(made.root / "source" / "setup.sh")], env=environment, capture_output=True, text=True, check=False
    )
    if "No matching distribution" in done.stderr or "connection" in done.stderr.lower():
        pytest.skip("no package index")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (made.root / "source" / "assignment").stat().st_mode & 0o077 == 0
    installed = {path.name for path in next(made.venv.glob("lib/python*/site-packages")).iterdir()}
    assert "torch" not in installed
    made.submit(answer=MANUAL)
    results, _ = made.run()
    assert results["score"] > 0
