"""nncheck itself as a wheel, made from the files that are running, however they were installed."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import nncheck
from nncheck.errors import InputError
from nncheck.language import phrase

_TAG = "py3-none-any"
#: Metadata of the wheel, and where it stands: the second is that of a clone whose folder is on the path.
_METADATA = {
    "METADATA": ("METADATA", "PKG-INFO"),
    "entry_points.txt": ("entry_points.txt",),
    "top_level.txt": ("top_level.txt",),
}


def name() -> str:
    """Return the wheel's file name."""
    return f"nncheck-{nncheck.__version__}-{_TAG}.whl"


def files() -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every file of the wheel, its list of them last.

    The package's own files are taken from where they are imported, so that it works from a clone that is installed
    editable as well, without a build and without the network. Of the cases that come with nncheck there is case.toml
    alone: derivations are the answers, and in a container without walls inside it students' code could read them.

    Raises
    ------
    InputError
        If nncheck runs without being installed.

    References
    ----------
    https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    info = f"nncheck-{nncheck.__version__}.dist-info"
    record = []
    for path, content in _contents(_installed(), info):
        code = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={code},{len(content)}\n")
        yield path, content
    yield f"{info}/RECORD", "".join([*record, f"{info}/RECORD,,\n"]).encode()


def requirements(without: tuple[str, ...] = ("torch", "torch-directml")) -> tuple[str, ...]:
    """Return what nncheck depends on but for some, as pip reads it.

    Raises
    ------
    InputError
        If nncheck runs without being installed.
    """
    needed = (line for line in _installed().requires or () if "extra ==" not in line)
    return tuple(line for line in needed if re.split(r"[^\w.-]", line)[0].lower() not in without)


def _installed() -> Distribution:
    try:
        return distribution("nncheck")
    except PackageNotFoundError:
        raise InputError(
            phrase("nncheck is not installed here, so it cannot be packed: run  pip install .  first.")
        ) from None


def _contents(own: Distribution, info: str) -> Iterator[tuple[str, bytes]]:
    package = Path(nncheck.__file__).parent
    cases = Path(next(iter(import_module("nncheck.reference").__path__)))  # elsewhere if installed editable
    for path in sorted(_sources(package, package / "reference")):
        yield f"nncheck/{path.relative_to(package).as_posix()}", path.read_bytes()
    for path in sorted((cases / "__init__.py", *cases.glob("*/case.toml"))):
        yield f"nncheck/reference/{path.relative_to(cases).as_posix()}", path.read_bytes()
    for name, places in _METADATA.items():
        text = next(filter(None, map(own.read_text, places)), None)
        if text is None:
            raise InputError(
                phrase("nncheck's installation lacks its {name}, so it cannot be packed: install it again.", name=name)
            )
        yield f"{info}/{name}", text.encode()
    yield f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: nncheck\nRoot-Is-Purelib: true\nTag: {_TAG}\n".encode()


def _sources(folder: Path, without: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and path.suffix != ".pyc" and not path.is_relative_to(without):
            yield path
