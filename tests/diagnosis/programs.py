"""Programs to diagnose: lines of a derivation as NumPy functions, nets of other sizes, and the path that judges them.

Nothing of nncheck computes here: the lines run as Python does, so that what a planted mistake gives is found a second
time and not looked up where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nncheck import case as cases
from nncheck.case import Case, shapes_for
from nncheck.diagnosis.index import Index
from nncheck.formula import Derivation, Line, Name
from nncheck.formula.lines import walk
from nncheck.manual.client import Local
from nncheck.manual.layouts import LAYOUTS
from nncheck.verifier.assess import Assessment, assess
from nncheck.verifier.functions import LR, Seen, look, points_of, probes_of
from nncheck.verifier.groups import index_of
from nncheck.verifier.outputs import probabilities
from nncheck.verifier.updates import check_update


def sized(name: str, sizes: tuple[int, ...], seed: int = 5, batch: int = 4) -> Case:
    """Return a reference case with a net of other widths and random data."""
    case = cases.find(name)
    rng = np.random.default_rng(seed)
    params = {key: rng.uniform(-1, 1, shape) for key, shape in shapes_for(case.params, sizes).items()}
    labels = set(np.unique(case.YT)) <= {0.0, 1.0}
    YT = np.eye(sizes[-1])[rng.integers(0, sizes[-1], batch)] if labels else rng.uniform(0.1, 0.9, (batch, sizes[-1]))
    return replace(case, params=params, X=rng.uniform(-1, 1, (batch, sizes[0])), YT=YT)


class Judge:
    """Assesses functions as `nncheck.verify` does, without torch: the lines' own truth with its bounds.

    Parameters
    ----------
    case, derivation : Case, Derivation
    """

    def __init__(self, case: Case, derivation: Derivation, seed: int = 0) -> None:
        self.case, self.derivation, self.seed = case, derivation, seed
        self.layout = LAYOUTS[0]
        self._points = points_of(case, derivation, probes_of(case, derivation, seed))
        self._indices: dict[tuple[int, ...], Index] = {}

    def assess(self, holder: object, names: Sequence[str] = (), text: str = "") -> Assessment:
        """Return the assessment of functions, of their update too if they have one."""
        guest, seen = self._look(holder, names)
        truths = [sight.truth for sight in seen.every]
        assessment = assess(self.case, self.derivation, seen, truths, self._index(seen), text)
        if guest.has_update:
            check_update(self.case, guest, seen, truths, assessment)
        return assessment

    def index(self, holder: object) -> Index:
        """Return the index at the probes at which functions give something."""
        return self._index(self._look(holder, ())[1])

    def _look(self, holder: object, names: Sequence[str]) -> tuple[Local, Seen]:
        guest = Local(holder, Path("own.py"))
        seen = look(self.case, self.derivation, guest, names, self._points)
        probabilities(self.derivation, seen)
        self.layout = seen.layout
        return guest, seen

    def _index(self, seen: Seen) -> Index:
        probes = [sight.probe for sight in seen.sights]
        key = tuple(hash((probe.X.tobytes(), probe.YT.tobytes())) for probe in probes)
        if key not in self._indices:
            self._indices[key] = index_of(self.case, self.derivation, probes)
        return self._indices[key]


def program(derivation: Derivation, params: Sequence[str], replaced: Mapping[str, Line], steps: bool = False) -> object:
    """Return an object with forward, loss and backward whose lines are a derivation's, some of them replaced.

    Parameters
    ----------
    derivation : Derivation
    params : sequence of str
    replaced : mapping of line names to lines
    steps : bool
        Whether backward returns every gradient on the way too.
    """
    lines = [replaced.get(line.name, line) for line in derivation.lines]
    at = derivation.names.index("E")
    return Program(lines[:at], lines[at], _ordered(lines[at + 1 :]), tuple(params), steps)


def _ordered(lines: Sequence[Line]) -> list[Line]:
    """Return lines so that each stands after what it needs: a mistake may use what a later line gives."""
    names = {line.name for line in lines}
    done: list[Line] = []
    left = list(lines)
    while left:
        given = {line.name for line in done}
        for line in left:
            if not {n.id for n in walk(line.expression) if isinstance(n, Name) and n.id in names} - given:
                break
        else:
            raise ValueError("lines that need each other")
        done.append(line)
        left.remove(line)
    return done


class Program:
    """Functions made of lines."""

    def __init__(
        self, forward: Sequence[Line], loss: Line, backward: Sequence[Line], params: tuple[str, ...], steps: bool
    ) -> None:
        self._forward, self._backward = _code(forward), _code(backward)
        self._loss = _code([loss])
        returned = [line.name for line in backward if line.name[:1] == "d"]
        self._returned = [name for name in returned if steps or name[1:] in params]

    def forward(self, params: Mapping[str, Any], X: np.ndarray) -> Any:
        values = {**FUNCTIONS, **params, "X": X}
        exec(self._forward, values)
        return values["Y"], values

    def loss(self, Y: np.ndarray, YT: np.ndarray) -> Any:
        values = {**FUNCTIONS, "Y": Y, "YT": YT}
        exec(self._loss, values)
        return values["E"]

    def backward(self, params: Mapping[str, Any], cache: dict[str, Any], YT: np.ndarray) -> Any:
        values = {**cache, "YT": YT}
        exec(self._backward, values)
        return {name[1:]: np.array(values[name]) for name in self._returned}


def _code(lines: Sequence[Line]) -> Any:
    return compile("\n".join(line.text for line in lines), "lines", "exec")


def _softmax(Y: np.ndarray) -> np.ndarray:
    e = np.exp(Y - Y.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _kept_row(row: int) -> Any:
    def keep(a: np.ndarray) -> np.ndarray:
        kept = np.zeros(a.shape)
        kept[row] = a[row]
        return kept

    return keep


FUNCTIONS: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("maximum", "minimum", "exp", "log", "sqrt", "abs", "sign", "tanh")},
    **{name: getattr(np, name) for name in ("where", "dot", "outer", "zeros_like", "ones_like")},
    "lr": LR,
    "sigmoid": lambda z: np.exp(-np.logaddexp(0, -z)),
    "relu": lambda z: np.maximum(z, 0),
    "softmax": _softmax,
    "log_softmax": lambda Y: np.log(_softmax(Y)),
    "last_row": _kept_row(-1),
    "first_row": _kept_row(0),
    "first_column": lambda a: a[:, 0],
    "next_column": lambda a: a[:, [-1, *range(a.shape[1] - 1)]],
    "previous_column": lambda a: a[:, [*range(1, a.shape[1]), 0]],
    "label": lambda a: a.argmax(axis=1)[:, None],
    "softmax_all": lambda Y: np.exp(Y - Y.max()) / np.exp(Y - Y.max()).sum(),
    "softmax_axis0": lambda Y: _softmax(Y.T).T,
}
