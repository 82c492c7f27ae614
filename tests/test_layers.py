"""The house keeps its layers: each module imports only those above it, and torch stays out of the parent process."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nncheck

PACKAGE = Path(nncheck.__file__).parent
REFERENCE = PACKAGE.parent / "reference"

# From the ground up: a module may import those of its own row's number and below.
LAYERS = {
    "crashing": 0,
    "errors": 0,
    "hyperparameters": 2,
    "versions": 2,
    "files": 3,
    "source": 4,
    "formula": 3,
    "particles": 0,
    "language": 1,
    "frames": 4,
    "replies": 4,
    "process": 5,
    "casewords": 2,
    "casefile": 3,
    "optimizers": 4,
    "case": 5,
    "trajectory": 4,
    "record": 4,
    "listing": 4,
    "curves": 2,
    "thinning": 4,
    "kept": 7,
    "network": 6,
    "worked": 3,
    "verdicts": 0,
    "holding": 8,
    "working": 9,
    "explained": 7,
    "explaining": 11,
    "checking_commands": 12,
    "device_check": 5,
    "conformance": 8,
    "device_commands": 12,
    "options": 11,
    "delivery": 11,
    "shown": 0,
    "verification": 5,
    "grades": 5,
    "summary": 6,
    "assessed": 6,
    "usage": 11,
    "course_commands": 12,
    "sandbox": 8,
    "grading": 11,
    "rounding": 6,
    "updates": 7,
    "manual": 7,
    "autograd": 6,
    "drift": 7,
    "probes": 7,
    "judging": 7,
    "diagnosis": 8,
    "pipeline": 8,
    "sides": 8,
    "findings": 8,
    "second_witness": 8,
    "compare": 9,
    "certificate": 9,
    "layers": 9,
    "scaffold": 9,
    "verifier": 10,
    "cache": 4,
    "runner": 10,
    "report": 10,
    "schemas": 10,
    "console": 10,
    "pytest_plugin": 11,
    "magic": 11,
    "cli": 13,
    "__init__": 12,
    "__main__": 14,
}


def _imports(path: Path, everywhere: bool = True) -> set[str]:
    """Names that a file imports, at its top or anywhere in it, but for those that only type checkers see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unseen = [n for n in ast.walk(tree) if isinstance(n, ast.If) and getattr(n.test, "id", "") == "TYPE_CHECKING"]
    hidden = {id(child) for block in unseen for child in ast.walk(block)}
    nodes = ast.walk(tree) if everywhere else iter(tree.body)
    found: set[str] = set()
    for node in nodes:
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _layer_of(name: str) -> str:
    return name.split(".")[1] if name.startswith("nncheck.") else ""


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _violations(path: Path, text_imports: set[str]) -> list[str]:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    wrong = []
    for name in text_imports:
        other = _layer_of(name)
        if other not in LAYERS or other == own:
            continue
        if LAYERS[other] >= LAYERS[own]:
            wrong.append(f"{own} ({LAYERS[own]}) imports {name} ({LAYERS[other]})")
    return wrong


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_each_module_imports_only_what_is_above_it(path: Path) -> None:
    assert path.relative_to(PACKAGE).parts[0].removesuffix(".py") in LAYERS, "give the new module a layer"
    assert not _violations(path, _imports(path))


def test_reports_and_grading_do_not_know_each_other() -> None:
    for path in _modules():
        own, known = path.relative_to(PACKAGE).parts[0], {_layer_of(name) for name in _imports(path)}
        assert not (own == "grading" and "report" in known), path
        assert not (own == "report" and "grading" in known), path


def test_a_planted_import_against_the_layers_is_caught() -> None:
    assert _violations(PACKAGE / "formula" / "plain.py", {"nncheck.runner.run"})
    assert _violations(PACKAGE / "report" / "csv.py", {"nncheck.runner"})


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_torch_is_imported_inside_functions_of_the_torch_side_only(path: Path) -> None:
    tops = {name.split(".")[0] for name in _imports(path, everywhere=False)}
    assert not tops & {"torch", "torch_directml"}
    if path.parent.name != "autograd":
        assert not {name.split(".")[0] for name in _imports(path)} & {"torch", "torch_directml"}


@pytest.mark.parametrize("path", sorted(REFERENCE.rglob("*.py")), ids=lambda p: str(p.relative_to(REFERENCE)))
def test_reference_files_import_numpy_or_torch_alone(path: Path) -> None:
    assert {name.split(".")[0] for name in _imports(path)} <= {"numpy", "torch", "__future__"}


def _fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "code",
    [
        "import nncheck",
        "import nncheck.cli",
        "import nncheck.runner, nncheck.certificate",
        "import nncheck; nncheck.cases()",
        "import nncheck.grading.judge, nncheck.grading.grade, nncheck.sandbox, nncheck.report.grades",
    ],
)
def test_a_fresh_process_has_no_torch(code: str) -> None:
    assert _fresh(f"{code}\nimport sys\nprint('torch' in sys.modules)") == "False"


def test_that_check_can_fail() -> None:
    assert _fresh("import torch, sys\nprint('torch' in sys.modules)") == "True"


def test_help_needs_neither_numpy_nor_pydantic() -> None:
    code = "import nncheck.cli, sys\nprint([m for m in ('numpy', 'pydantic', 'tabulate', 'torch') if m in sys.modules])"
    assert _fresh(code) == "[]"


def test_public_names_are_published_once_for_readers_and_once_for_type_checkers() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(n for n in tree.body if isinstance(n, ast.If))
    typed = {
        alias.asname: (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == nncheck._HOMES
    for name in nncheck.__all__:
        assert getattr(nncheck, name) is not None
    assert set(nncheck.__all__) <= set(dir(nncheck))
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = nncheck.runn
