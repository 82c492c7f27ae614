"""A case: one network with its data, initial parameters and training, read from its folder."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from nncheck import casefile, source
from nncheck.errors import CaseError, FormulaError, InputError
from nncheck.formula import Derivation, read
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.optimizers import SGD, Optimizer

#: The files that make a case; their content is what a certificate certifies.
FILES = ("case.toml", "autograd.py", "manual.py", "derivation.txt")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case, its numbers as written in case.toml (float64).

    Attributes
    ----------
    name : str
        Name of the folder.
    titles : mapping
        Title by language, ``ko`` and ``en``.
    X : (N, n_in)
        Input.
    YT : (N, n_out)
        Target.
    params : mapping of str to array
        Initial W (n_out, n_in), B (n_out,), W2, B2, ... in the order of the network's layers.
    lr : float
        Learning rate.
    steps : int
        Number of steps (the document's epochs).
    order : int or None
        Place in the document.
    optimizer : Optimizer
        What updates the parameters; plain SGD unless case.toml names another.
    """

    name: str
    folder: Path
    titles: Mapping[str, str]
    X: Array
    YT: Array
    params: Mapping[str, Array]
    lr: float
    steps: int
    order: int | None
    optimizer: Optimizer = SGD

    def title(self, language: str) -> str:
        """Return the title in a language, or in the other one if only that is given."""
        return self.titles.get(language) or next(iter(self.titles.values()), self.name)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths of the layers, from n_in to n_out."""
        return layer_sizes({name: array.shape for name, array in self.params.items()})

    def derivation(self) -> Derivation:
        """Read derivation.txt.

        Raises
        ------
        FormulaError
            If the file is missing or one of its lines cannot be read.
        """
        path = self.folder / "derivation.txt"
        if not path.is_file():
            raise FormulaError(phrase("is missing; write one formula a line, forward then backward"), str(path))
        return read(source.read_text(path), str(path))

    def digest(self) -> str:
        """SHA-256 of the case's files, the same whatever their line ends."""
        total = hashlib.sha256()
        for name in FILES:
            path = self.folder / name
            body = path.read_bytes().replace(b"\r\n", b"\n") if path.is_file() else b""
            total.update(f"{name} {len(body)}\n".encode() + body)
        return total.hexdigest()


def layer_sizes(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the widths of the layers whose weights, each (n_out, n_in), are given in order."""
    weights = [shape for shape in shapes.values() if len(shape) == 2]
    return (weights[0][1], *(shape[0] for shape in weights))


def shapes_for(params: Mapping[str, Array], sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return the shapes that the parameters of a case take in a network of other layer widths."""
    shapes: dict[str, tuple[int, ...]] = {}
    layer = 0
    for name, array in params.items():
        layer += array.ndim == 2
        shapes[name] = (sizes[layer], sizes[layer - 1]) if array.ndim == 2 else (sizes[layer],)
    return shapes


def names() -> tuple[str, ...]:
    """Names of the cases that come with nncheck, in the document's order.

    Raises
    ------
    CaseError
        If the folder of cases is missing or holds none.
    """
    return tuple(case.name for case in every())


def every() -> tuple[Case, ...]:
    """Read all cases that come with nncheck, in the document's order."""
    cases = [read_folder(folder) for folder in _folders()]
    return tuple(sorted(cases, key=lambda case: (case.order is None, case.order or 0, case.name)))


def find(wanted: str | Path) -> Case:
    """Read one case by its name (with - or _) or by the path of its folder.

    Raises
    ------
    CaseError
        If there is no such case, with the nearest name; or if its case.toml is wrong, with every fault in it.
    """
    text = str(wanted)
    folders = {folder.name: folder for folder in _folders()}
    name = text.strip().lower().replace("-", "_")
    if name in folders and not isinstance(wanted, Path):
        return read_folder(folders[name])
    path = Path(text).expanduser()
    try:
        if text.strip() and path.is_dir():
            return read_folder(path)
        if path.is_file():
            raise CaseError(phrase("{text} is a file; give the folder that it stands in.", text=text))
    except (OSError, ValueError):  # a text that no path can be
        pass
    match = difflib.get_close_matches(name, folders, n=1)
    hint = phrase(" Did you mean {match}?", match=match[0]) if match else ""
    raise CaseError(
        phrase(
            "There is no case {text!r}.{hint}\nCases: {cases}; or give the path of a folder with a case.toml.",
            text=text,
            hint=hint,
            cases=", ".join(folders),
        )
    )


def read_folder(folder: Path) -> Case:
    """Read a case from its folder.

    Raises
    ------
    CaseError
        If case.toml is missing or wrong; every fault is named at once, with its place in the file.
    """
    path = folder / "case.toml"
    if not path.is_file():
        raise CaseError(phrase("{folder} is not a case folder: it has no case.toml.", folder=folder))
    try:
        content = casefile.parse(source.read_text(path))
    except InputError as error:
        raise CaseError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
    return Case(
        name=folder.resolve().name,
        folder=folder.resolve(),
        titles=MappingProxyType({key: text for key, text in content.title.items() if text}),
        X=_frozen(content.X),
        YT=_frozen(content.YT),
        params=MappingProxyType({name: _frozen(numbers) for name, numbers in content.parameters.items()}),
        lr=content.lr,
        steps=content.steps,
        order=content.order,
        optimizer=Optimizer(content.optimizer, content.settings),
    )


def _folders() -> list[Path]:
    """Return the case folders that come with nncheck: installed as nncheck.reference, beside nncheck in a checkout."""
    spec = importlib.util.find_spec("nncheck.reference")
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    package = Path(__file__).resolve().parent
    places += [package / "reference", package.parent / "reference"]
    for place in places:
        found = sorted(path.parent for path in place.glob("*/case.toml"))
        if found:
            return found
    raise CaseError(
        phrase(
            "No cases found: no folder with a case.toml in {places}. The installation is incomplete; install "
            "nncheck again.",
            places=" or ".join(map(str, dict.fromkeys(places))),
        )
    )


def _frozen(numbers: Any) -> Array:
    array = np.array(numbers, dtype=np.float64)
    array.flags.writeable = False
    return array
