"""How much of what a script computed fits a reading of its variables: forward quantities, then gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncheck.case import Case
from nncheck.formula import Derivation, PlainArithmetic, evaluate, plain
from nncheck.formula.plain import Array, Plain
from nncheck.manual.scripts.pool import Element, Source, element_of
from nncheck.manual.scripts.watched import Seen

#: Two computations of one value are one value up to this part of the quantity's largest element, by their precision.
SAME = {"float64": 1e-9, "float32": 3e-5}


@dataclass(frozen=True)
class Data:
    """Where input and target lie in the script; None where the case's own are taken."""

    X: Source | None
    X_shape: tuple[int, int]
    YT: Source | None
    YT_shape: tuple[int, int]

    def arrays(self, seen: Seen, case: Case) -> tuple[Array, Array]:
        """Return X (S, N, n_in) and YT (S, N, n_out) of the recorded iterations."""
        return _rows(seen, self.X, self.X_shape, case.X), _rows(seen, self.YT, self.YT_shape, case.YT)


def _rows(seen: Seen, source: Source | None, shape: tuple[int, int], own: Array) -> Array:
    if source is None:
        repeated: Array = np.broadcast_to(own, (len(seen.steps), *own.shape)).copy()
        return repeated
    there = all(name in seen.before and not np.isnan(seen.before[name][0]).any() for name, _ in source)
    side = "before" if there else "after"  # a sample that an inner loop hands out exists only later
    return np.stack([element_of(seen, e, side) for e in source], axis=1).reshape(len(seen.steps), *shape)


def precision_of(seen: Seen) -> str:
    """Return in which precision a loop computes: float32 if something is in it as the loop begins."""
    return "float32" if "s" in seen.kinds.values() else "float64"


def parameters(seen: Seen, reading: Mapping[str, Source], case: Case, side: str) -> dict[str, Array]:
    """Return every parameter in the case's layout at one end of the recorded iterations, (S, ...)."""
    return {
        name: np.stack([element_of(seen, e, side) for e in source], axis=1).reshape(-1, *case.params[name].shape)
        for name, source in reading.items()
    }


def quantities(derivation: Derivation, X: Array, YT: Array, params: Mapping[str, Array]) -> dict[str, Array]:
    """Compute every line of the derivation at each of S points; name to (S, ...)."""
    inputs = {"X": plain(X, stacked=True), "YT": plain(YT, stacked=True)}
    inputs.update({name: plain(array, stacked=True) for name, array in params.items()})
    values = evaluate(derivation, inputs, PlainArithmetic())
    return {name: _stacked(values[name], len(X)) for name in derivation.names}


def _stacked(value: Plain, points: int) -> Array:
    return np.broadcast_to(value.array, (points, *value.shape)) if value.array.ndim == value.rank else value.array


class Evidence:
    """Scores readings against everything that the script's variables held.

    Parameters
    ----------
    runs : sequence of Seen
        The training loop in each run.
    lr : float or None
        Without it, gradients are compared up to one common factor.
    """

    def __init__(self, runs: Sequence[Seen], data: Data, case: Case, lr: float | None) -> None:
        self._runs, self._data, self._case, self._lr = runs, data, case, lr
        self._derivation = case.derivation()
        self._forward = self._derivation.names[: self._derivation.names.index("E")]
        self._inputs = [data.arrays(seen, case) for seen in runs]

    def score(self, reading: Mapping[str, Source]) -> tuple[int, int]:
        """Return how many elements of forward quantities some variable holds, and how many gradients are right."""
        parts = []
        sources = {element for source in reading.values() for element in source}
        for seen, (X, YT) in zip(self._runs, self._inputs):
            before = parameters(seen, reading, self._case, "before")
            after = parameters(seen, reading, self._case, "after")
            parts.append((quantities(self._derivation, X, YT, before), before, after, seen))
        forward = 0
        for name in self._forward:
            held = [
                self._held(values[name].reshape(len(seen.steps), -1), seen, sources) for values, _, _, seen in parts
            ]
            forward += int(np.logical_and.reduce(held).sum())
        return forward, self._gradients(parts)

    def _held(self, true: Array, seen: Seen, sources: set[Element]) -> Array:
        matrix = self._matrix(seen, sources)
        found = np.zeros(true.shape[1], dtype=bool)
        for k in range(true.shape[1]):
            tolerance = SAME[precision_of(seen)] * max(float(np.nanmax(np.abs(true))), 1e-300)
            with np.errstate(invalid="ignore"):
                found[k] = bool((np.abs(matrix - true[:, k, None]) <= tolerance).all(axis=0).any())
        return found

    def _matrix(self, seen: Seen, sources: set[Element]) -> Array:
        names = {name for name, _ in sources}
        flat = [stack.reshape(len(seen.steps), -1) for name, stack in seen.after.items() if name not in names]
        return np.concatenate(flat, axis=1) if flat else np.empty((len(seen.steps), 0))

    def _gradients(self, parts: list[tuple[dict[str, Array], dict[str, Array], dict[str, Array], Seen]]) -> int:
        right = 0
        for name in self._case.params:
            if f"d{name}" not in self._derivation.names or any(name not in before for _, before, _, _ in parts):
                continue
            moved = np.concatenate([before[name] - after[name] for _, before, after, _ in parts])
            true = np.concatenate([values[f"d{name}"] for values, _, _, _ in parts])
            size = np.concatenate([np.abs(before[name]) for _, before, _, _ in parts])
            lr = self._lr if self._lr is not None else _factor(moved, true)
            with np.errstate(invalid="ignore"):
                near = np.abs(moved - lr * true) <= 1e-7 * np.abs(lr * true) + 4e-16 * (size + 1)
            right += int((near.all(axis=0) & (true != 0).any(axis=0)).sum())
        return right


def _factor(moved: Array, true: Array) -> float:
    with np.errstate(all="ignore"):
        ratios = (moved / true).ravel()
    ratios = ratios[np.isfinite(ratios)]
    return float(np.median(ratios)) if ratios.size else 0.0
