"""The format of case.toml: what may stand in it, and every fault of a file at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from nncheck.casewords import place_of, words
from nncheck.errors import InputError
from nncheck.hyperparameters import SETTINGS, Value
from nncheck.language import phrase

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LARGEST = 3.4028234663852886e38  # of float32, to which both sides' numbers are rounded
_LEAST = 1.1754943508222875e-38  # above zero, without loss of digits
_MOST_STEPS = 10**9

Vector = list[Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]]
Matrix = list[Vector]


def _rank(value: Any) -> str:
    return "matrix" if isinstance(value, list) and any(isinstance(row, list) for row in value) else "vector"


Parameter = Annotated[Annotated[Matrix, Tag("matrix")] | Annotated[Vector, Tag("vector")], Discriminator(_rank)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Title(_Strict):
    ko: str = ""
    en: str = ""


class _Data(_Strict):
    X: Matrix = Field(min_length=1)
    YT: Matrix = Field(min_length=1)


_Fading = Annotated[float, Field(ge=0, lt=1)]  # of an average: what is kept of it in a step


class _Training(_Strict):
    lr: float = Field(gt=0, allow_inf_nan=False, le=_LARGEST)
    steps: int = Field(gt=0, le=_MOST_STEPS)
    optimizer: str = "sgd"
    momentum: float | None = Field(None, gt=0, lt=1)
    betas: Annotated[list[_Fading], Field(min_length=2, max_length=2)] | None = None
    alpha: _Fading | None = None
    eps: float | None = Field(None, ge=_LEAST, le=_LARGEST)
    weight_decay: float | None = Field(None, ge=0, le=_LARGEST)

    def settings(self) -> dict[str, Value]:
        """Return the settings that are given, by torch's names."""
        given = {name: getattr(self, name) for name in _SETTINGS if getattr(self, name) is not None}
        return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


_SETTINGS = tuple(dict.fromkeys(name for settings in SETTINGS.values() for name in settings))


class _CaseFile(_Strict):
    order: int | None = None
    title: _Title = _Title()
    data: _Data
    parameters: dict[str, Parameter] = Field(min_length=1)
    training: _Training


@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """What a valid case.toml says, as plain numbers."""

    order: int | None
    title: Mapping[str, str]
    X: Matrix
    YT: Matrix
    parameters: Mapping[str, Matrix | Vector]
    lr: float
    steps: int
    optimizer: str
    settings: Mapping[str, Value]


def parse(text: str) -> CaseFile:
    """Read the text of a case.toml.

    Raises
    ------
    InputError
        If it is not TOML, or with every fault found: unknown keys, text for a number, NaN, ragged rows, shapes
        that do not fit each other; each with its path in the file.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(phrase("is not TOML: {error}.", error=error)) from None
    except (ValueError, RecursionError):
        said = phrase("is not TOML that can be read: a number of thousands of digits, or brackets too deep.")
        raise InputError(said) from None
    faults: dict[str, str] = {}
    content = None
    try:
        content = _CaseFile.model_validate(raw)
    except ValidationError as error:
        for fault in error.errors():
            faults.setdefault(place_of(fault["loc"]), words(fault))
    for place, said in (*_shape_faults(raw), *_optimizer_faults(raw)):
        if not any(known == place or known.startswith((f"{place}[", f"{place}.")) for known in faults):
            faults[place] = said
    if content is None or faults:
        count = phrase("{count} faults", count=len(faults)) if len(faults) > 1 else phrase("1 fault")
        listing = "\n".join(f"  {place}: {said}" for place, said in faults.items())
        raise InputError(f"{count}\n{listing}")
    return CaseFile(
        order=content.order,
        title={"ko": content.title.ko, "en": content.title.en},
        X=content.data.X,
        YT=content.data.YT,
        parameters=content.parameters,
        lr=content.training.lr,
        steps=content.training.steps,
        optimizer=content.training.optimizer,
        settings=content.training.settings(),
    )


def _shape_faults(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the faults between well-formed arrays: ragged rows, and layers that do not join."""
    data, parameters = raw.get("data"), raw.get("parameters")
    data = data if isinstance(data, dict) else {}
    parameters = parameters if isinstance(parameters, dict) else {}
    shapes: dict[str, tuple[int, ...]] = {}  # empty where the array itself is malformed
    for place, value in [
        *((f"data.{k}", v) for k, v in data.items()),
        *((f"parameters.{k}", v) for k, v in parameters.items()),
    ]:
        if place.startswith("parameters.") and not re.fullmatch(r"[A-Z][A-Za-z]*\d*", place[11:]):
            yield place, phrase("is not a name for a parameter; expected W, B, W2, B2 and the like")
        elif place in ("parameters.X", "parameters.YT", "parameters.Y", "parameters.E"):
            yield place, phrase("names data or a result; expected W, B, W2, B2 and the like")
        shapes[place] = ()
        if not isinstance(value, list) or not value:
            if isinstance(value, list):
                yield place, phrase("is empty")
            continue
        if _rank(value) == "vector":
            shapes[place] = (len(value),)
            continue
        widths = [len(row) if isinstance(row, list) else 0 for row in value]
        if len(set(widths)) > 1 or widths[0] == 0:
            yield (
                place,
                phrase(
                    "got rows of {widths} numbers, expected rows of one length",
                    widths=", ".join(map(str, sorted(set(widths)))),
                ),
            )
            continue
        shapes[place] = (len(value), widths[0])
    yield from _chain_faults(shapes)


def _chain_faults(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, str]]:
    X, YT = shapes.get("data.X", ()), shapes.get("data.YT", ())
    if len(X) == len(YT) == 2 and X[0] != YT[0]:
        yield (
            "data.YT",
            phrase("has {rows} row(s), expected one for each of the {expected} row(s) of X", rows=YT[0], expected=X[0]),
        )
    n_in: int | None = X[1] if len(X) == 2 else None
    source, n_out, layers = "data.X", None, 0
    for place, shape in shapes.items():
        if not place.startswith("parameters."):
            continue
        if not shape:
            if not re.fullmatch(r"parameters\.B\d*", place):  # the layers after it cannot be told
                n_in, n_out, source, layers = None, None, place, layers + 1
        elif re.fullmatch(r"parameters\.B\d*", place) and len(shape) == 2:
            yield (
                place,
                phrase(
                    "has shape {shape}, expected a vector ({n_out},): a bias has one axis",
                    shape=shape,
                    n_out=n_out or "n_out",
                ),
            )
        elif re.fullmatch(r"parameters\.W\d*", place) and len(shape) == 1:
            yield (
                place,
                phrase("has shape {shape}, expected (n_out, n_in): a weight has two axes, [[...]]", shape=shape),
            )
        elif len(shape) == 2:
            if n_in is not None and shape[1] != n_in:
                yield (
                    place,
                    phrase(
                        "has shape {shape}, expected (n_out, n_in) with n_in = {n_in} as in {source}",
                        shape=shape,
                        n_in=n_in,
                        source=source,
                    ),
                )
            n_in, n_out, source, layers = shape[0], shape[0], place, layers + 1
        elif not layers:
            yield place, phrase("is a bias before any weight; expected the order W, B, W2, B2, ...")
        elif n_out is not None and shape[0] != n_out:
            yield (
                place,
                phrase(
                    "has {count} number(s), expected n_out = {n_out} as in {source}",
                    count=shape[0],
                    n_out=n_out,
                    source=source,
                ),
            )
    if n_out is not None and len(YT) == 2 and n_out != YT[1]:
        yield (
            "data.YT",
            phrase(
                "has {columns} column(s), expected n_out = {n_out} as in {source}",
                columns=YT[1],
                n_out=n_out,
                source=source,
            ),
        )
    if shapes and not layers and any(place.startswith("parameters.") for place in shapes):
        yield "parameters", phrase("hold no weight; expected at least one matrix (n_out, n_in)")


def _optimizer_faults(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield an optimizer that there is not, and the settings that the chosen one does not have."""
    training = raw.get("training")
    training = training if isinstance(training, dict) else {}
    name = training.get("optimizer", "sgd")
    if not isinstance(name, str):
        return
    if name not in SETTINGS:
        yield (
            "training.optimizer",
            phrase("got {name!r:.40}, expected {settings}", name=name, settings=", ".join(SETTINGS)),
        )
        return
    for setting in _SETTINGS:
        if setting in training and setting not in SETTINGS[name]:
            yield (
                f"training.{setting}",
                phrase(
                    "is no setting of {name}, which has {settings}; remove it",
                    name=name,
                    settings=", ".join(SETTINGS[name]),
                ),
            )
