"""Reads one step of a trajectory of numbers: the parameters that stand there, its loss, and what the next row says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.explaining.reached import Reached
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.kept import Point
from nncheck.language import phrase
from nncheck.manual.tables.numbers import Numbers, read
from nncheck.rounding import UNIT, Precision
from nncheck.verifier.truth import EXACT, by_lines

_SINGLE = Precision("float32", "float32")
#: Rows by which it is told whether a row's loss is that before its parameters.
_ROWS = 200


def reached_by_numbers(
    case: Case, derivation: Derivation, path: Path, step: int, mapping: Mapping[str, Sequence[str]] | None = None
) -> Reached:
    """Read a step.

    Raises
    ------
    InputError
        If the file cannot be read, or the parameters of that step do not stand in it.
    """
    numbers = read(path, case, mapping)
    rows = {int(numbers.steps[row]): row for row in _whole(case, numbers)}
    notes = list(numbers.notes)
    if not rows:
        said = phrase("{path} holds the parameters of no step, so that none can be worked out.", path=path)
        raise InputError(said)
    # a row may hold its loss beside the parameters after its update
    shift = -1 if not _fits(case, derivation, numbers, rows, 0) and _fits(case, derivation, numbers, rows, -1) else 0
    if shift:
        notes.append(phrase("A row's parameters are read as those after its update: only so does its loss fit."))
    row = rows.get(step + shift)
    if row is None:
        have = [known - shift for known in rows]
        said = phrase(
            "{path} does not hold the parameters before step {step}; steps that it holds: {first} to {last}.",
            path=path,
            step=step,
            first=min(have),
            last=max(have),
        )
        raise InputError(said)
    return _reached(case, numbers, row, rows.get(step + shift + 1), rows.get(step), step, tuple(notes))


def _reached(
    case: Case, numbers: Numbers, row: int, later: int | None, own: int | None, step: int, notes: tuple[str, ...]
) -> Reached:
    params = {name: numbers.params[name][row] for name in case.params}
    values: dict[str, Array] = {}
    slack: dict[str, Array] = {}
    single = all(np.array_equal(array, array.astype(np.float32).astype(float)) for array in params.values())
    place = own if own is not None else row
    if numbers.E is not None and np.isfinite(numbers.E[place]):
        values["E"] = np.asarray(numbers.E[place])
        slack["E"] = _digits(numbers, "E", place, ())
    if later is not None:
        for name, before in params.items():
            after = numbers.params[name][later]
            digits = _digits(numbers, name, row, before.shape) + _digits(numbers, name, later, before.shape)
            values[f"{name}'"], slack[f"{name}'"] = after, digits
            if case.optimizer.is_plain:
                rounded = 3 * np.abs(before - after) + np.abs(before) + np.abs(after)
                unit = UNIT["float32" if single else "float64"]
                values[f"d{name}"] = (before - after) / case.lr
                slack[f"d{name}"] = (2 * unit * rounded + digits) / case.lr
    return Reached(
        point=Point(step=step, why=(), params=params, hand=values),
        X=case.X,
        YT=case.YT,
        lr=case.lr,
        dtype="float32" if single else "float64",
        states=None if case.optimizer.states and step else case.optimizer.zeros(params),
        slack=slack,
        read_as=tuple(
            phrase("{quantity} is read from {column}", quantity=quantity, column=column)
            for quantity, column in numbers.columns.items()
            if quantity != column
        ),
        notes=notes,
    )


def _whole(case: Case, numbers: Numbers) -> list[int]:
    """Return the rows in which every parameter stands, whole."""
    if any(name not in numbers.params for name in case.params):
        return []
    count = len(numbers.steps)
    finite = [np.isfinite(numbers.params[name]).reshape(count, -1).all(axis=1) for name in case.params]
    return [int(row) for row in np.flatnonzero(np.logical_and.reduce(finite))]


def _digits(numbers: Numbers, name: str, row: int, shape: tuple[int, ...]) -> Array:
    """Return what the digits that were printed leave unknown of a quantity in a row."""
    resolution = np.asarray(numbers.resolution.get(name, 0.0), dtype=np.float64)
    return np.broadcast_to(resolution[row] if resolution.ndim > len(shape) else resolution, shape)


def _fits(case: Case, derivation: Derivation, numbers: Numbers, rows: dict[int, int], shift: int) -> bool:
    """Whether the loss of most rows is that at the parameters of the same row, or of the one before it."""
    if numbers.E is None:
        return shift == 0
    pairs = [(row, rows[step + shift]) for step, row in rows.items() if step + shift in rows][:_ROWS]
    pairs = [pair for pair in pairs if np.isfinite(numbers.E[pair[0]])]
    if not pairs:
        return False
    at = [before for _, before in pairs]
    X, YT = (np.broadcast_to(array, (len(at), *array.shape)) for array in (case.X, case.YT))
    data = {"X": X, "YT": YT, **{name: numbers.params[name][at] for name in case.params}}
    blur = {name: np.stack([_digits(numbers, name, row, p.shape) for row in at]) for name, p in case.params.items()}
    truth = by_lines(case, derivation, data, True, blur)
    E = np.array([numbers.E[row] for row, _ in pairs])
    single = np.array_equal(E, E.astype(np.float32).astype(float))
    digits = np.array([float(_digits(numbers, "E", row, ())) for row, _ in pairs])
    bound = (_SINGLE if single else EXACT).bound(truth.radius["E"]).reshape(-1) + digits
    near = np.abs(E - truth.value["E"].reshape(-1)) <= bound
    return bool(np.mean(near) > 0.5)
