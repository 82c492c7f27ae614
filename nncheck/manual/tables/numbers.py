"""A trajectory of numbers from any language: a table (CSV), NumPy arrays (NPZ), or what a training run printed.

It may hold only some steps, only the loss, only some elements, or only a few digits; how many digits were printed is
kept beside every value.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nncheck import source
from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.tables.arrays_file import MAX_BYTES, read_arrays, sort_arrays
from nncheck.manual.tables.columns import LOSS, STEP, Role, roles_of, roles_without_header
from nncheck.manual.tables.digits import resolution_of, significant_of
from nncheck.manual.tables.printout import read_printout
from nncheck.manual.tables.table import MAX_ROWS, Row, read_table

#: No training has more steps.
_LAST_STEP = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """A trajectory.

    Attributes
    ----------
    steps : (S,) int
        0 is the first; parameters are those before the step's update, the loss is taken there.
    E : (S,) or None
    params : mapping of str to (S, ...)
        In the case's layout; NaN for elements that are not given. Parameters of which nothing is given are missing.
    final : mapping of str to array
        Parameters after the last step, where a printout ends with them.
    resolution : mapping of str to array
        For ``E``, each parameter and ``final NAME``: half a unit in the last digit that was printed; 0 if all were.
    columns : mapping of str to str
        Quantity to the column that it was read from.
    notes : tuple of str
        What was passed over, and how it was read.
    lines : tuple of int
        Line of the file in which each row of a table stands; empty where there is no table.
    """

    steps: Array
    E: Array | None
    params: Mapping[str, Array]
    final: Mapping[str, Array]
    resolution: Mapping[str, Array]
    columns: Mapping[str, str]
    notes: tuple[str, ...]
    lines: tuple[int, ...] = ()


def read(path: Path, case: Case, mapping: Mapping[str, Sequence[str]] | None = None) -> Numbers:
    """Read a file of numbers.

    Raises
    ------
    InputError
        If it cannot be read, with the line and what was expected.
    """
    try:
        if path.suffix.lower() in (".npz", ".npy") or _is_zip(path):
            return _from_arrays(path, case, mapping or {})
        return read_text(source.read_text(path), case, mapping)
    except InputError as error:
        raise InputError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None


def read_text(text: str, case: Case, mapping: Mapping[str, Sequence[str]] | None = None) -> Numbers:
    """Read a table, with or without a header, or what a run printed; raises InputError."""
    if len(text) > MAX_BYTES:
        raise InputError(
            phrase("got {count:,} characters, expected at most {most:,}.", count=len(text), most=MAX_BYTES)
        )
    lines = [(number, line.strip()) for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith(("#", "//", "%"))]
    if not lines:
        raise InputError(phrase("holds no numbers; expected lines such as  step,E  then  0,0.298371109"))
    table = read_table(lines)
    if table is None:
        return _from_printout(text, [line for _, line in lines], case)
    header, rows = table
    if header is None:
        first = [cells[0] for _, cells in rows]
        whole = all(re.fullmatch(r"\d+(\.0*)?", cell) for cell in first) and len(set(first)) == len(first)
        roles = roles_without_header(len(rows[0][1]), case, whole and len(rows[0][1]) > 1)
        names = [phrase("column {number}", number=place + 1) for place in range(len(rows[0][1]))]
    else:
        roles, names = roles_of(header, case, mapping), list(header)
    return _from_rows(rows, roles, names, case)


def _from_rows(rows: list[Row], roles: Mapping[int, Role], names: Sequence[str], case: Case) -> Numbers:
    values: dict[Role, Array] = {}
    resolutions: dict[Role, Array] = {}
    columns: dict[str, str] = {}
    significant = significant_of([[row[at] for _, row in rows] for at, role in roles.items() if role != STEP])
    for at, role in roles.items():
        texts = [row[at] for _, row in rows]
        values[role] = np.array([float(text) if text else math.nan for text in texts])
        resolutions[role] = resolution_of(texts, significant)
        columns[_name(role)] = names[at]
    steps = _steps(values.get(STEP), rows)
    params, resolution = {}, {}
    for name, start in case.params.items():
        given = {role[1]: values[role] for role in values if role[0] == name and role[1]}
        if given:
            params[name] = np.full((len(rows), *start.shape), math.nan)
            resolution[name] = np.zeros_like(params[name])
            for index, column in given.items():
                place: Any = (slice(None), *index)
                params[name][place] = column
                resolution[name][place] = resolutions[name, index]
    if LOSS in values:
        resolution["E"] = resolutions[LOSS]
    passed = [name for at, name in enumerate(names) if at not in roles]
    notes = [phrase("passed over: column(s) {names}", names=", ".join(passed))] if passed else []
    if STEP not in values:
        notes.append(phrase("no column of steps: the rows are taken as steps 0, 1, 2, ..."))
    return Numbers(
        steps=steps,
        E=values.get(LOSS),
        params=params,
        final={},
        resolution=resolution,
        columns=columns,
        notes=tuple(notes),
        lines=tuple(number for number, _ in rows),
    )


def _name(role: Role) -> str:
    return f"{role[0]}[{', '.join(map(str, role[1]))}]" if role[1] else role[0]


def _steps(given: Array | None, rows: Sequence[Row]) -> Array:
    if given is None:
        return np.arange(len(rows))
    whole = np.isfinite(given) & (given >= 0) & (given == np.floor(given))
    if not whole.all():
        place = int(np.argmin(whole))
        raise InputError(
            phrase("line {line}: step {step!r} is no whole number from 0.", line=rows[place][0], step=rows[place][1][0])
        )
    if (given > _LAST_STEP).any():
        place = int(np.argmax(given > _LAST_STEP))
        raise InputError(
            phrase(
                "line {line}: got step {step:g}, expected at most {most:,}.",
                line=rows[place][0],
                step=given[place],
                most=_LAST_STEP,
            )
        )
    steps = given.astype(int)
    if (np.diff(steps) <= 0).any():
        place = int(np.argmax(np.diff(steps) <= 0)) + 1
        raise InputError(
            phrase(
                "line {line}: step {step} comes after step {before}.",
                line=rows[place][0],
                step=steps[place],
                before=steps[place - 1],
            )
        )
    return steps


def _is_zip(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except OSError:
        return False


def _from_printout(text: str, lines: Sequence[str], case: Case) -> Numbers:
    printed = read_printout(text, lines)
    final, resolution = {}, {"E": resolution_of(printed.losses)}
    for written, texts in printed.finals:
        name = _parameter(written, case)
        if name and len(texts) == case.params[name].size:
            shape = case.params[name].shape
            final[name] = np.array([float(number) for number in texts]).reshape(shape)
            resolution[f"final {name}"] = resolution_of(texts).reshape(shape)
    count = len(printed.steps)
    return Numbers(
        steps=np.array(printed.steps),
        E=np.array([float(number) for number in printed.losses]),
        params={},
        final=final,
        resolution=resolution,
        columns={},
        notes=(
            phrase(
                "read as a printout: {count} lines with a step and a loss, {passed} others passed over",
                count=count,
                passed=printed.passed,
            ),
        ),
    )


def _parameter(written: str, case: Case) -> str | None:
    """Return the parameter that is printed under a name; W1 and b1 are W and B."""
    exact = next((name for name in case.params if name.lower() == written.lower()), None)
    first = {"W1": "W", "B1": "B"}.get(written.upper())
    return exact or (first if first in case.params else None)


def _from_arrays(path: Path, case: Case, mapping: Mapping[str, Sequence[str]]) -> Numbers:
    known, passed = sort_arrays(read_arrays(path), case, mapping)
    size = len(next(iter(known.values()))[1])
    if size > MAX_ROWS:
        raise InputError(phrase("holds {count:,} steps, expected at most {most:,}.", count=size, most=MAX_ROWS))
    values = {quantity: array.astype(np.float64) for quantity, (_, array) in known.items()}
    rows = [(place, [str(place)]) for place in range(size)]
    return Numbers(
        steps=_steps(values.get("step"), rows),
        E=values.get("E"),
        params={name: values[name] for name in case.params if name in values},
        final={},
        resolution={q: np.abs(values[q]) * _unit(array) for q, (_, array) in known.items() if q != "step"},
        columns={quantity: name for quantity, (name, _) in known.items()},
        notes=(phrase("passed over: {names}", names=", ".join(passed)),) if passed else (),
    )


def _unit(array: Array) -> float:
    """Return the unit roundoff of a type coarser than float64, else 0."""
    return float(np.finfo(array.dtype).eps) / 2 if array.dtype.kind == "f" and array.dtype.itemsize < 8 else 0.0
