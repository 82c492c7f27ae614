"""A person's lines at one point, each computed twice: as a step from true values, and from the person's own lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nncheck.errors import FormulaError
from nncheck.formula import BoundArithmetic, Bounded, Line, exact, plain, radius_like
from nncheck.formula.evaluate import value_of
from nncheck.formula.plain import Array
from nncheck.formula.sizes import ShapeArithmetic, shape_of
from nncheck.language import phrase
from nncheck.probes import Probe
from nncheck.rounding import UNIT
from nncheck.verifier.checking import Judged, Pair, judge
from nncheck.verifier.functions import data_of
from nncheck.verifier.truth import EXACT, Truth


@dataclass(frozen=True)
class Computed:
    """A person's lines at one probe; what could not be computed is missing.

    Attributes
    ----------
    step, number : dict of line name to Bounded
        Of the case's quantities: from true values of what a line uses, and from the person's own lines, with the
        case's lines for what they do not give.
    problem : dict of line name to str
        Why a line could not be computed from true values.
    """

    probe: Probe
    truth: Truth
    step: Mapping[str, Bounded]
    number: Mapping[str, Bounded]
    problem: Mapping[str, str]


def computed(probe: Probe, truth: Truth, program: Sequence[Line], given: frozenset[str], limit: int) -> Computed:
    """Compute a person's lines, each only after its shape is known to be small enough.

    Parameters
    ----------
    probe, truth : Probe, Truth
    program : sequence of Line
        Each below what it uses.
    given : set of str
        Which of these lines are the person's own.
    limit : int
        How many elements all operations of one pass may give and sum.
    """
    inputs = {name: exact(array) for name, array in data_of(probe).items()}
    true = {**inputs, **{n: Bounded(plain(v), plain(truth.radius[n])) for n, v in truth.value.items()}}
    problem: dict[str, str] = {}
    step, number = dict(true), dict(inputs)
    found = {}
    steps, numbers = ShapeArithmetic(limit), ShapeArithmetic(limit)
    for line in program:
        if line.name in given:
            try:
                value = _value(line, step, steps)
            except FormulaError as error:
                problem[line.name] = error.problem
            else:
                if line.name in truth.value:
                    found[line.name] = value
                else:
                    step[line.name] = value
        try:
            number[line.name] = _value(line, number, numbers)
        except FormulaError:
            continue
    return Computed(probe, truth, found, {n: v for n, v in number.items() if n in truth.value}, problem)


def _value(line: Line, values: Mapping[str, Bounded], shapes: ShapeArithmetic) -> Bounded:
    shape_of(line, {name: value.value.shape for name, value in values.items()}, shapes)
    with np.errstate(all="ignore"):  # what is not finite is judged where values are compared
        return value_of(line, values, BoundArithmetic(UNIT["float64"]))


def judged(name: str, places: Sequence[Computed], number: bool = False) -> Judged:
    """Judge one line's values; all of them are there, and of the right shape.

    What is inside the case's own bound is right, however it is written. The person's way of writing it may round more,
    so that its bound decides what differs; but no formula becomes right by rounding badly: what agrees only by a bound
    that tells less than the case's cannot be told.
    """
    by_case = judge(name, [_pair(name, at, place, number, own=False) for place, at in enumerate(places)])
    if by_case.checked.verdict != "differ":
        return by_case
    pairs = [_pair(name, at, place, number) for place, at in enumerate(places)]
    outcome = judge(name, pairs)
    if outcome.checked.verdict == "agree" and not all(_as_well_known(name, pair, places[pair.place]) for pair in pairs):
        why = phrase("as it is written, rounding leaves too little of it at some points")
        return replace(outcome, checked=replace(outcome.checked, verdict="cannot-tell", why=why))
    return outcome


def _pair(name: str, at: Computed, place: int, number: bool, own: bool = True) -> Pair:
    value = (at.number if number else at.step)[name]
    radius = at.truth.radius[name]
    if own:
        wider = radius_like(value)
        radius = np.maximum(radius, np.where(np.isnan(wider), np.inf, wider))
    return Pair(value.value.array, at.truth.value[name], _bound(radius), place)


def _as_well_known(name: str, pair: Pair, at: Computed) -> bool:
    by_case = Pair(pair.expected, pair.expected, _bound(at.truth.radius[name]), pair.place)
    return judge(name, [by_case]).checked.verdict != "agree" or judge(name, [pair]).checked.verdict == "agree"


def _bound(radius: Array) -> Array:
    with np.errstate(all="ignore"):
        return EXACT.bound(radius)


def number_verdict(name: str, places: Sequence[Computed]) -> str:
    """Return the verdict on a line's number, as it comes out of the person's own lines."""
    for at in places:
        if name not in at.number or at.number[name].value.shape != at.truth.value[name].shape:
            return "differ"
    return judged(name, places, number=True).checked.verdict
