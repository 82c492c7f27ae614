"""A stand-in for Windows on another system: what is missing there is missing for nncheck's modules, and for them alone.

Which modules and names those are is read from typeshed, the type stubs of the standard library that mypy brings along.
"""

from __future__ import annotations

import ast
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).parent


def folder_for(path: Path) -> Path:
    """Make the folder that, first on PYTHONPATH, makes every process below think that it is on Windows."""
    path.mkdir()
    shutil.copy(HERE / "sitecustomize.py", path)
    modules, names = absent()
    listed = {"modules": sorted(modules), "names": {module: sorted(own) for module, own in names.items()}}
    (path / "absent.json").write_text(json.dumps(listed), encoding="utf-8")
    return path


@cache
def absent() -> tuple[frozenset[str], Mapping[str, frozenset[str]]]:
    """Return the modules of the standard library that Windows lacks, and the names that others lack there."""
    modules, names = set(), {}
    for path in sorted(_stubs().rglob("*.pyi")):
        parts = path.relative_to(_stubs()).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        there, here = (_public(_defined(tree.body, system)) for system in ("win32", sys.platform))
        if here and not there:
            modules.add(module)
        elif here - there:
            names[module] = frozenset(here - there)
    return frozenset(modules), names


def _stubs() -> Path:
    spec = find_spec("mypy")
    if spec is None or spec.origin is None:
        pytest.skip("mypy is not installed, whose typeshed says what Windows lacks")
    return Path(spec.origin).parent / "typeshed" / "stdlib"


def _public(names: Iterator[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def _defined(body: list[ast.stmt], system: str) -> Iterator[str]:
    """Yield the names that statements of a stub define on a system; what they import is defined elsewhere."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.If):
            asked = ast.unparse(node.test)
            known = "sys." in asked and "TYPE_CHECKING" not in asked
            place = {"sys": SimpleNamespace(platform=system, version_info=sys.version_info)}
            taken = eval(asked, place) if known else True  # typeshed's own conditions
            yield from _defined(node.body if taken else node.orelse, system)
