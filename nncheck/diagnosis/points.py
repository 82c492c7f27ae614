"""Where derivations with a mistake are evaluated: the probes, or the steps of a person's own run."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncheck.diagnosis.arithmetic import MistakenArithmetic
from nncheck.errors import FormulaError
from nncheck.formula import Derivation, Line, Name, Plain
from nncheck.formula.evaluate import value_of
from nncheck.formula.lines import walk
from nncheck.formula.plain import Array

#: A value equals another to this part of the tensor's largest element.
MATCH = 1e-10

Values = Mapping[str, Array]

#: So many values of lines are remembered; the mistakes of a net of four layers need about a third.
_REMEMBERED = 100_000


@dataclass(frozen=True)
class Observation:
    """What was observed of one quantity at one group of points.

    Attributes
    ----------
    value : array
        Of any shape; stacked along the first axis where the group is.
    slack : array or float
        How far it may be off by its own making: of a gradient recovered from an update, or of printed digits.
    """

    value: Array
    slack: Array | float = 0.0


class Group:
    """Points of one shape, at which any derivation can be evaluated; what was computed once is remembered.

    Parameters
    ----------
    inputs : mapping of names to Plain
        X, YT, the parameters, lr.
    derivation : Derivation
        The right one.
    stack : int, optional
        How many points are stacked along the first axis of the inputs, if they are.
    """

    def __init__(self, inputs: Mapping[str, Plain], derivation: Derivation, stack: int | None = None) -> None:
        self.derivation, self.stack = derivation, stack
        self.inputs = dict(inputs)
        self._arithmetic = MistakenArithmetic()
        self._known: dict[tuple[int, ...], Plain | None] = {}
        self._needs: dict[int, tuple[Line, tuple[str, ...]]] = {}
        self._order = {name: i for i, name in enumerate(derivation.names)}
        self._truth: dict[str, Plain] = {}
        self._truth = self._evaluated({}, {})
        self.truth = self._arrays(self._truth)

    def values(self, replaced: Mapping[str, Line], given: Mapping[str, Array] | None = None) -> Values:
        """Evaluate the derivation with some of its lines replaced; a line that cannot be computed has no value.

        Parameters
        ----------
        replaced : mapping of line names to lines
        given : mapping of line names to arrays, optional
            Values to go on with whatever their line says: follow-through.
        """
        fixed = {} if given is None else {name: self._plain(name, value) for name, value in given.items()}
        return self._arrays(self._evaluated(replaced, fixed))

    def _evaluated(self, replaced: Mapping[str, Line], fixed: Mapping[str, Plain]) -> dict[str, Plain]:
        if len(self._known) > _REMEMBERED:  # of thousands of submissions each may be wrong in its own way
            self._known.clear()  # here, where nothing that it holds is in use
            self._needs.clear()
        values = dict(self.inputs)
        first = min(
            (self._order[name] for name in (*replaced, *fixed)), default=0 if not self._truth else len(self._order)
        )
        values.update((name, self._truth[name]) for name in self.derivation.names[:first] if name in self._truth)
        with np.errstate(all="ignore"):
            for line in self.derivation.lines[first:]:
                value = fixed.get(line.name) or self._value(replaced.get(line.name, line), values, not fixed)
                if value is not None:
                    values[line.name] = value
        return values

    def _arrays(self, values: Mapping[str, Plain]) -> dict[str, Array]:
        arrays = {}
        for name in self.derivation.names:
            if name in values:
                value = values[name]
                array = value.array
                if self.stack is not None and array.ndim == value.rank:
                    array = np.broadcast_to(array, (self.stack, *array.shape))
                arrays[name] = array
        return arrays

    def _plain(self, name: str, value: Array) -> Plain:
        return Plain(value, value.ndim - (self.stack is not None))

    def _value(self, line: Line, values: Mapping[str, Plain], remember: bool) -> Plain | None:
        known = self._needs.get(id(line))
        if known is None:  # the line is kept, so that its id stays its own
            names = tuple({node.id for node in walk(line.expression) if isinstance(node, Name)})
            known = self._needs[id(line)] = (line, names)
        operands = [values.get(name) for name in known[1]]
        if any(operand is None for operand in operands):
            return None
        if not remember:  # given values do not live long enough to be known by their ids
            return self._computed(line, values)
        key = (id(line), *map(id, operands))  # values live as long as this memory does
        if key not in self._known:
            self._known[key] = self._computed(line, values)
        return self._known[key]

    def _computed(self, line: Line, values: Mapping[str, Plain]) -> Plain | None:
        try:
            return value_of(line, values, self._arithmetic)
        except (FormulaError, ValueError, IndexError):
            return None


def equal(value: Array, seen: Observation) -> bool:
    """Whether a value is what was observed: to `MATCH` of its largest element, and the observation's own slack."""
    if value.shape != seen.value.shape:
        return False
    with np.errstate(all="ignore"):
        allowed = MATCH * np.abs(seen.value).max(initial=0.0) + seen.slack + 1e-300
        return bool((np.abs(value - seen.value) <= allowed).all())


def features(
    names: Sequence[str], groups: Sequence[Values], row: Array | None = None, known: Sequence[Values] = ()
) -> Array:
    """Return a number for every name in every group that stands for its value, NaN where there is none.

    It is the product of the value with fixed random weights, others for each shape.

    Parameters
    ----------
    names : sequence of str
    groups : sequence of mappings of names to arrays
    row : array, optional
        To be filled in; what is in it is left where the value is the very one of ``known``.
    known : sequence of mappings of names to arrays, optional
    """
    if row is None:
        row = np.full(len(names) * len(groups), np.nan)
    with np.errstate(all="ignore"):  # a mistake may overflow
        for g, values in enumerate(groups):
            for i, name in enumerate(names):
                value = values.get(name)
                if value is None:
                    row[g * len(names) + i] = np.nan
                elif not known or value is not known[g].get(name):
                    row[g * len(names) + i] = np.dot(_weights(name, value.shape), value.reshape(-1))
    return row


def seen_features(names: Sequence[str], observed: Sequence[Mapping[str, Observation]]) -> tuple[Array, Array]:
    """Return the features of what was observed, NaN where nothing was, and how far an equal value's may be off."""
    row = features(names, [{name: seen.value for name, seen in group.items()} for group in observed])
    allowance = np.full(row.shape, np.inf)
    for g, group in enumerate(observed):
        for i, name in enumerate(names):
            if name in group:
                seen = group[name]
                weights = _weights(name, seen.value.shape)
                slack = np.broadcast_to(seen.slack, seen.value.shape).reshape(-1)
                largest = np.abs(seen.value).max(initial=0.0)
                allowance[g * len(names) + i] = MATCH * largest * weights.sum() + np.dot(weights, slack) + 1e-300
    return row, allowance


#: A number tells at most so many bits, and chance may match one of a few thousand mistakes to so many more than needed.
_MOST_BITS, _SPARE_BITS = 32.0, 10.0


def evidence(observed: Sequence[Mapping[str, Observation]], truths: Sequence[Values]) -> float:
    """Return how many bits speak for a mistake that fits: how far the observed is from right, in what it may be off.

    A number printed to four digits tells thirteen bits, and with a few thousand mistakes some fit it by chance.
    """
    total = 0.0
    for group, truth in zip(observed, truths):
        for name, seen in group.items():
            right = truth.get(name)
            if right is None or right.shape != seen.value.shape:
                total += _MOST_BITS
                continue
            with np.errstate(all="ignore"):
                allowed = MATCH * np.abs(seen.value).max(initial=0.0) + seen.slack + 1e-300
                bits = np.log2(np.abs(seen.value - right) / allowed)
            total += float(np.where(bits > 0, np.minimum(bits, _MOST_BITS), 0.0).sum())  # NaN tells nothing
    return total


def needed(hypotheses: int) -> float:
    """Return how many bits must speak for one of so many hypotheses, lest it fit by chance."""
    return float(np.log2(max(hypotheses, 1)) + _SPARE_BITS)


_WEIGHTS: dict[tuple[str, tuple[int, ...]], Array] = {}


def _weights(name: str, shape: tuple[int, ...]) -> Array:
    key = (name, shape)
    if key not in _WEIGHTS:
        seed = zlib.crc32(repr(key).encode())
        _WEIGHTS[key] = np.random.default_rng(seed).uniform(0.5, 1.5, int(np.prod(shape)))
    return _WEIGHTS[key]
