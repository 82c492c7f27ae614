"""The numbers that a script's variables hold, by name: ``w1``, ``W``, ``layers[0].W``, ``params['b']``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nncheck.formula.plain import Array

MAX_SIZE = 4096  # elements of one variable
MAX_TOTAL = 20_000  # elements of one snapshot
MAX_NAMES = 600
_MAX_ENTRIES = 64  # of one list or dict that is no array
_MAX_DEPTH = 6
_MAX_NAME = 120


class Snapshot:
    """Copies of every number within reach, bounded in count and size.

    Attributes
    ----------
    values : dict of str to array
        float64 copies.
    kinds : dict of str to str
        ``i`` for whole numbers, ``b`` for booleans, ``s`` for float32 and less; float64 is left out.
    """

    def __init__(self, home: str) -> None:
        self._home = home
        self._total = 0
        self.values: dict[str, Array] = {}
        self.kinds: dict[str, str] = {}

    def take(self, variables: Mapping[str, Any], objects: bool = True) -> None:
        """Add variables; ``objects`` says whether to look into instances of the file's own classes."""
        for name, value in list(variables.items()):
            if isinstance(name, str) and not name.startswith("__"):
                self._add(name, value, _MAX_DEPTH if objects else 2, objects)

    def add(self, name: str, value: Any) -> None:
        """Add one value under a name."""
        self._add(name, value, 2, False)

    def _add(self, name: str, value: Any, depth: int, objects: bool) -> None:
        if len(self.values) >= MAX_NAMES or len(name) > _MAX_NAME or depth < 0:
            return
        array = as_numbers(value)
        if array is not None:
            self._keep(name, array)
        elif isinstance(value, (list, tuple)):
            self._each(((f"{name}[{i}]", part) for i, part in enumerate(value[:_MAX_ENTRIES])), depth, objects)
        elif isinstance(value, dict):
            parts = list(value.items())[:_MAX_ENTRIES]
            self._each(((f"{name}[{key!r:.40}]", part) for key, part in parts), depth, objects)
        elif objects and self._is_own(value):
            parts = list(vars(value).items())[:_MAX_ENTRIES]
            self._each(((f"{name}.{key}", part) for key, part in parts if not key.startswith("__")), depth, objects)

    def _each(self, parts: Iterable[tuple[str, Any]], depth: int, objects: bool) -> None:
        for name, part in parts:
            self._add(name, part, depth - 1, objects)

    def _keep(self, name: str, array: Array) -> None:
        if self._total + array.size > MAX_TOTAL:
            return
        self._total += array.size
        self.values[name] = array.astype(np.float64)
        if array.dtype.kind != "f":
            self.kinds[name] = "b" if array.dtype.kind == "b" else "i"
        elif array.dtype.itemsize < 8:
            self.kinds[name] = "s"

    def _is_own(self, value: Any) -> bool:
        owner = value if isinstance(value, type) else type(value)
        own = owner.__module__ == self._home or owner.__name__ == "SimpleNamespace"
        return own and hasattr(value, "__dict__")


def as_numbers(value: Any) -> Array | None:
    """Return a number, an array, or a list (of lists) of numbers as an array; None for anything else."""
    if isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        try:
            array = np.asarray(value if not isinstance(value, int) or abs(value) < 2**62 else float(value))
        except OverflowError:
            return None
        return array
    if isinstance(value, np.ndarray):
        plain = np.asarray(value)
        return plain if plain.dtype.kind in "biuf" and 0 < plain.size <= MAX_SIZE else None
    if isinstance(value, (list, tuple)) and 0 < len(value) <= MAX_SIZE and _is_numeric(value, 3):
        try:
            array = np.asarray(value)
        except (ValueError, OverflowError):  # rows of unequal length
            return None
        return array if array.dtype.kind in "biuf" and 0 < array.size <= MAX_SIZE else None
    return None


def _is_numeric(value: Any, depth: int) -> bool:
    if isinstance(value, (list, tuple)):
        return depth > 0 and len(value) > 0 and all(_is_numeric(part, depth - 1) for part in value[:MAX_SIZE])
    # arrays of more than one element in a list keep names of their own: layers of a network
    return isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)) or (
        isinstance(value, np.ndarray) and value.size == 1 and value.ndim == 0
    )
