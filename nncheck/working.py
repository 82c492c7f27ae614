"""Works steps of a run out: every line of the derivation with its numbers, beside what torch autograd gives for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncheck.autograd.client import Worker
from nncheck.case import Case
from nncheck.errors import CaseError
from nncheck.formula import (
    Apply,
    BoundArithmetic,
    Bounded,
    Derivation,
    Line,
    Name,
    evaluate,
    exact,
    plain,
    radius_like,
    text_of,
)
from nncheck.formula.filled import filled, filled_latex
from nncheck.formula.latex import latex_of, symbol
from nncheck.formula.lines import Node
from nncheck.formula.plain import Array
from nncheck.holding import Held, hold
from nncheck.judging import ZERO
from nncheck.kept import Point
from nncheck.language import phrase
from nncheck.optimizers import States
from nncheck.rounding import TINY, UNIT, Precision, target_slack, update_radius
from nncheck.worked import Part, WorkedLine, WorkedStep

_EXACT = Precision("float64", "float64")
# Roundings that an update of a form equal on paper may have more than the lines: see `updates`.
_FORMS = 2


def work_out(
    case: Case,
    derivation: Derivation,
    points: Sequence[Point],
    worker: Worker | None,
    *,
    X: Array,
    YT: Array,
    dtype: str = "float64",
    lr: float | None = None,
    states: Mapping[int, States] | None = None,
    slack: Mapping[int, Mapping[str, Array]] | None = None,
    refuse: bool = False,
) -> tuple[WorkedStep, ...]:
    """Work out some steps.

    Parameters
    ----------
    case : Case
    derivation : Derivation
        Its lines; one is E.
    points : sequence of Point
        Each a step with the parameters before it, and what the hand-written code gave there.
    worker : Worker or None
        A torch process that has loaded the case; None where torch cannot be had: then the hand's values are held
        against the lines.
    X, YT : (N, n_in), (N, n_out)
        As the run had them.
    dtype : str
        Precision of the hand-written side.
    lr : float, optional
        The learning rate; the case's by default.
    states : mapping of step to states, optional
        What an optimizer kept of earlier steps, before each step; without them only the first step's update is worked
        out, unless the optimizer keeps nothing.
    slack : mapping of step to mapping of line to array, optional
        What is unknown of the hand's own values, as of numbers that were printed with few digits.
    refuse : bool
        Whether lines that contradict the network of autograd.py are refused; else it shows where they first differ.

    Raises
    ------
    CaseError
        If autograd.py is at fault; or, if told to refuse, derivation.txt.
    FormulaError
        If a line cannot be computed.
    ProcessFailure
        If the torch process fails.
    """
    rate = case.lr if lr is None else lr
    given = _Given(case, derivation, worker, X, YT, rate, Precision(dtype, "float64"), refuse)
    worked = []
    with np.errstate(all="ignore"):  # what is not finite is judged where values are compared
        for point in points:
            kept = (states or {}).get(point.step)
            if kept is None and (point.step == 0 or not case.optimizer.states):
                kept = case.optimizer.zeros(case.params)
            worked.append(_Step(given, point, kept, (slack or {}).get(point.step, {})).worked())
    return tuple(worked)


@dataclass(frozen=True)
class _Given:
    """What all steps share."""

    case: Case
    derivation: Derivation
    worker: Worker | None
    X: Array
    YT: Array
    lr: float
    precision: Precision
    refuse: bool


@dataclass(frozen=True)
class _Known:
    """What is known of one line's value: as the formula gives it, by hand, by autograd, and its radius."""

    value: Array
    radius: Array
    autograd: Array | None
    scale: Array | None = None  # what is to be resolved, if not the value itself


class _Step:
    """One step on its way to the record.

    Parameters
    ----------
    given : _Given
    point : Point
    states : mapping of parameter to states, or None
        None where they are not known, so that the update cannot be worked out.
    slack : mapping of line to array
    """

    def __init__(self, given: _Given, point: Point, states: States | None, slack: Mapping[str, Array]) -> None:
        self._given, self._point, self._states, self._slack = given, point, states, slack
        self._data = {"X": given.X, "YT": given.YT, **point.params}
        self._values: dict[str, Array] = dict(self._data)
        self._by_autograd = self._asked()

    def worked(self) -> WorkedStep:
        """Return the record."""
        lines = [*self._passes(), *self._updates()]
        return WorkedStep(
            step=self._point.step,
            why=self._point.why,
            differs=any(line.verdict == "differ" for line in lines),
            inputs={name: array.tolist() for name, array in self._data.items()},
            lines=tuple(lines),
        )

    def _asked(self) -> dict[str, Array]:
        """Ask the torch process for its values."""
        given, point = self._given, self._point
        if given.worker is None:
            return {}
        text = "\n".join(f"{line.name} = {text_of(line.expression)}" for line in given.derivation.lines)
        arrays = dict(self._data)
        for name, kept in (self._states or {}).items():
            arrays.update((f"{state}:{name}", array) for state, array in kept.items())
        updates, t = self._states is not None, point.step + 1
        stage = phrase("work step {step:,} out", step=self._point.step)
        _, answer = given.worker.ask("lines", arrays, derivation=text, updates=updates, t=t, lr=given.lr, stage=stage)
        return answer

    # forward and backward ----------------------------------------------------------------------------------------

    def _passes(self) -> list[WorkedLine]:
        given = self._given
        slack = target_slack(given.case, given.YT, given.derivation)
        unit = UNIT[given.precision.coarser]
        inputs = {name: exact(array) for name, array in self._data.items()}
        if slack is not None:
            inputs["YT"] = Bounded(plain(given.YT), plain(np.broadcast_to(slack / unit, given.YT.shape)))
        carried = evaluate(given.derivation, inputs, BoundArithmetic(unit))
        self._carried = {name: carried[name] for name in given.derivation.names}
        last = given.derivation.names.index("E")
        lines = []
        for place, line in enumerate(given.derivation.lines):
            value = carried[line.name].value.array
            known = _Known(value, radius_like(carried[line.name]), self._judge_of(line.name, carried[line.name]))
            lines.append(self._line(line, "forward" if place <= last else "backward", known))
        return lines

    def _judge_of(self, name: str, carried: Bounded) -> Array | None:
        """Return autograd's value of a line: of the network itself where that gives it, else of its own lines."""
        own, by_lines = self._by_autograd.get(f"own:{name}"), self._by_autograd.get(name)
        if own is None or by_lines is None or own.shape != by_lines.shape:
            return by_lines
        off = hold(by_lines, own, _EXACT.bound(radius_like(carried)) if carried.value.shape == own.shape else None)
        told = np.isfinite(by_lines).all() and np.isfinite(own).all()  # what diverged shows nothing about the lines
        if self._given.refuse and off.verdict == "differ" and told:
            case = self._given.case
            said = phrase(
                "{name}: autograd gives another {quantity} than derivation.txt, so that nothing can be judged by them; "
                "run  nncheck certify {folder}",
                name=case.name,
                quantity=name,
                folder=case.folder,
            )
            raise CaseError(said)
        return own

    # update ------------------------------------------------------------------------------------------------------

    def _updates(self) -> list[WorkedLine]:
        if self._states is None:
            return []
        return [line for name in self._given.case.params if f"d{name}" in self._carried for line in self._update(name)]

    def _update(self, parameter: str) -> list[WorkedLine]:
        """Work out the update of one parameter, by the optimizer's lines with that parameter's names in them."""
        case, before = self._given.case, self._data[parameter]
        assert self._states is not None
        optimizer, states = case.optimizer, self._states[parameter]
        numbers = {**optimizer.numbers, "lr": self._given.lr, "t": self._point.step + 1.0}
        gradient = self._carried[f"d{parameter}"]
        if gradient.value.shape != before.shape:
            return []
        formed = radius_like(gradient) + (np.abs(gradient.value.array) if optimizer.states else 0)
        inputs: dict[str, Bounded] = {
            **{name: exact(value) for name, value in numbers.items()},
            **optimizer.rounded(self._given.lr),
            **{state: exact(array) for state, array in states.items()},
            "W": exact(before),
            "dW": Bounded(gradient.value, plain(formed)),
        }
        carried = evaluate(optimizer.lines, inputs, BoundArithmetic(UNIT[self._given.precision.coarser]))
        names = {local: _own_name(local, parameter) for local in carried if local not in numbers}
        self._values |= {names.get(local, local): inputs[local].value.array for local in inputs}
        lines = []
        for line in optimizer.lines.lines:
            value, radius, scale = carried[line.name].value.array, radius_like(carried[line.name]), None
            if line.name == "W_":
                scale = before - value
                radius = self._radius_after(radius, gradient, before, value)
            elif line.name.endswith("_"):
                radius = radius + _FORMS * np.abs(value)
            known = _Known(value, radius, self._by_autograd.get(f"{line.name}:{parameter}"), scale)
            own = Line(names[line.name], _renamed(line.expression, names), "", line.where)
            lines.append(self._line(own, "update", known))
        return lines

    def _radius_after(self, radius: Array, gradient: Bounded, before: Array, after: Array) -> Array:
        if self._given.case.optimizer.is_plain:
            formed = radius_like(gradient)
            # a gradient of exactly 0, as behind a closed ReLU: W - lr * 0 is W
            still = (gradient.value.array == 0) & (UNIT["float64"] * formed <= ZERO * TINY["float64"])
            return np.where(still, 0.0, update_radius(self._given.lr, formed, before - after, after))
        return radius + np.abs(before)

    # one line ----------------------------------------------------------------------------------------------------

    def _line(self, line: Line, part: Part, known: _Known) -> WorkedLine:
        """Judge a line, print it and keep its value for the lines after it."""
        hand = self._point.hand.get(line.name)
        held = self._judged(known, hand, self._slack.get(line.name))
        scalars = [name for name, array in self._values.items() if array.ndim == 0]
        name = symbol(line.name)
        record = WorkedLine(
            name=line.name,
            part=part,
            formula=f"{line.name} = {text_of(line.expression)}",
            latex=f"{name} = {latex_of(line.expression, scalars=scalars)}",
            filled=f"{line.name} = {filled(line.expression, self._values)}",
            filled_latex=f"{name} = {filled_latex(line.expression, self._values)}",
            value=known.value.tolist(),
            hand=None if hand is None else np.asarray(hand).tolist(),
            autograd=None if known.autograd is None else known.autograd.tolist(),
            difference=held.difference,
            bound=held.bound,
            index=held.index,
            verdict=held.verdict,
        )
        self._values[line.name] = known.value
        return record

    def _judged(self, known: _Known, hand: Array | None, slack: Array | None) -> Held:
        """Hold the hand's value against autograd's, and the line's too: a line may be wrong where the code is right."""
        if known.autograd is None and hand is None:
            return Held(None, None, None, "cannot-tell")
        bound = self._given.precision.bound(known.radius) + (0 if slack is None else slack)
        if known.autograd is None:
            assert hand is not None
            return hold(np.asarray(hand), known.value, bound, known.scale)
        fits = known.autograd.shape == known.value.shape
        by_line = hold(known.value, known.autograd, _EXACT.bound(known.radius) if fits else None, known.scale)
        if hand is None:
            return by_line
        by_hand = hold(np.asarray(hand), known.autograd, bound if fits else None, known.scale)
        return by_line if by_line.verdict == "differ" and by_hand.verdict != "differ" else by_hand


def _own_name(local: str, parameter: str) -> str:
    """Return what a name of the optimizer's lines is called for one parameter: W2, dW2, W2', and M[W2] of its state."""
    stem = local.removesuffix("_")
    own = parameter if stem == "W" else f"d{parameter}" if stem == "dW" else f"{stem}[{parameter}]"
    return own + "'" * (stem != local)


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    if isinstance(node, Name):
        return Name(names.get(node.id, node.id), node.column)
    if isinstance(node, Apply):
        operands = tuple(_renamed(operand, names) for operand in node.operands)
        return Apply(node.op, operands, node.options, node.column)
    return node
