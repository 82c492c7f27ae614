"""NumPy arrays from a file (NPZ): which is which, their shapes and sizes checked, nothing unpickled."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.manual.tables.columns import roles_of

MAX_BYTES = 1 << 28


def read_arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of an NPZ file.

    Raises
    ------
    InputError
        If it is none, is too large when unpacked, or holds something else than plain numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(item.file_size for item in archive.infolist())
            if total > MAX_BYTES:
                raise InputError(f"holds {total:,} bytes unpacked, expected at most {MAX_BYTES:,}.")
            raw = {name[:-4]: archive.read(name) for name in archive.namelist() if name.endswith(".npy")}
        return {name: np.load(io.BytesIO(body), allow_pickle=False) for name, body in raw.items()}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"is no NPZ file of plain numbers ({error}); save it with numpy.savez(path, E=E, W=W)."
        ) from None


def sort_arrays(
    arrays: Mapping[str, Array], case: Case, mapping: Mapping[str, Sequence[str]]
) -> tuple[dict[str, tuple[str, Array]], list[str]]:
    """Tell which array is which.

    Returns
    -------
    known, passed : quantity to its name in the file and its values (S, ...); names of the others

    Raises
    ------
    InputError
        If none is known, or their shapes do not fit the case or each other.
    """
    known: dict[str, tuple[str, Array]] = {}
    given = {names[0]: quantity for quantity, names in mapping.items() if names}
    passed = []
    for name, array in arrays.items():
        quantity = given.get(name) or _quantity(name, case)
        if quantity is None or array.dtype.kind not in "fiu" or quantity in known:
            passed.append(name)
        else:
            known[quantity] = name, _shaped(name, array, _shape_of(quantity, case))
    if not set(known) - {"step"}:
        shapes = (f"{n} (S, {', '.join(map(str, a.shape))})" for n, a in case.params.items())
        raise InputError(f"holds the arrays {', '.join(arrays) or 'none'}; expected step, E (S,), {', '.join(shapes)}.")
    counts = {name: len(array) for name, array in known.values()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(f"its arrays have different numbers of steps: {listed}.")
    return known, passed


def _shape_of(quantity: str, case: Case) -> tuple[int, ...]:
    return () if quantity in ("step", "E") else case.params[quantity].shape


def _shaped(name: str, array: Array, expected: tuple[int, ...]) -> Array:
    size = math.prod(expected)
    if array.ndim and len(array) and array[0].size == size and (len(expected) < 2 or array.ndim == 2):
        array = array.reshape(len(array), *expected)
    if array.ndim == 0 or array.shape[1:] != expected:
        shape = ", ".join(map(str, ("S", *expected)))
        raise InputError(f"{name} has shape {array.shape}, expected ({shape}) with S steps.")
    return array


def _quantity(name: str, case: Case) -> str | None:
    exact = next((parameter for parameter in case.params if parameter.lower() == name.lower()), None)
    first = {"w1": "W", "b1": "B"}.get(name.lower(), "")
    if exact or first in case.params:
        return exact or first
    if name.lower() in ("step", "steps", "epoch", "epochs"):
        return "step"
    try:
        return next(iter(roles_of([name], case, None).values()))[0]
    except InputError:
        return None
