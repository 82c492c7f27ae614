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
from nncheck.language import phrase
from nncheck.manual.tables.columns import roles_of

MAX_BYTES = 1 << 28
_MAX_ARRAYS = 1_000
#: Numbers, truth values and texts; only numbers are read, the others are passed over.
_KINDS = "biufcSU"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of an NPZ file.

    Raises
    ------
    InputError
        If it is none, is too large when unpacked, or holds something else than plain numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > _MAX_ARRAYS:
                raise InputError(
                    phrase(
                        "holds {count:,} arrays, expected at most {most:,}.",
                        count=len(archive.infolist()),
                        most=_MAX_ARRAYS,
                    )
                )
            total = sum(item.file_size for item in archive.infolist())
            if total > MAX_BYTES:
                raise InputError(
                    phrase(
                        "holds {total:,} bytes unpacked, expected at most {most:,}.",
                        total=total,
                        most=MAX_BYTES,
                    )
                )
            raw = {name[:-4]: archive.read(name) for name in archive.namelist() if name.endswith(".npy")}
        return {name: _array(body) for name, body in raw.items()}
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds at a file made to break them
        raise InputError(
            phrase("is no NPZ file of plain numbers ({error}); save it with numpy.savez(path, E=E, W=W).", error=error)
        ) from None


def _array(body: bytes) -> Array:
    """Return one array, once its header claims no more than is there: memory is taken for what it claims."""
    file = io.BytesIO(body)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(phrase("a header of version {version}", version=version))
    shape, _, dtype = _HEADERS[version](file)
    if dtype.kind not in _KINDS:
        raise ValueError(phrase("an array of {dtype}", dtype=dtype))
    if math.prod(shape) * max(dtype.itemsize, 1) > len(body) - file.tell() or any(n > MAX_BYTES for n in shape):
        raise ValueError(phrase("an array of shape {shape} in {count:,} bytes", shape=shape, count=len(body)))
    loaded: Array = np.load(io.BytesIO(body), allow_pickle=False)
    return loaded


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
        raise InputError(
            phrase(
                "holds the arrays {arrays}; expected step, E (S,), {names}.",
                arrays=", ".join(arrays) or phrase("none"),
                names=", ".join(shapes),
            )
        )
    counts = {name: len(array) for name, array in known.values()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(phrase("its arrays have different numbers of steps: {listed}.", listed=listed))
    return known, passed


def _shape_of(quantity: str, case: Case) -> tuple[int, ...]:
    return () if quantity in ("step", "E") else case.params[quantity].shape


def _shaped(name: str, array: Array, expected: tuple[int, ...]) -> Array:
    size = math.prod(expected)
    if array.ndim and len(array) and array[0].size == size and (len(expected) < 2 or array.ndim == 2):
        array = array.reshape(len(array), *expected)
    if array.ndim == 0 or array.shape[1:] != expected:
        shape = ", ".join(map(str, ("S", *expected)))
        raise InputError(
            phrase(
                "{name} has shape {shape}, expected ({expected}) with S steps.",
                name=name,
                shape=array.shape,
                expected=shape,
            )
        )
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
