"""Verifies a trajectory of numbers: the loss and the next parameters, each from the parameters that stand there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from nncheck.case import Case
from nncheck.diagnosis.arithmetic import MistakenArithmetic
from nncheck.diagnosis.index import Index
from nncheck.diagnosis.mistakes import Edit, named_edits
from nncheck.diagnosis.points import Group, Observation
from nncheck.diagnosis.search import Cause, Diagnosis, diagnose
from nncheck.errors import FormulaError, InputError
from nncheck.formula import Derivation, evaluate, plain
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.tables.numbers import Numbers
from nncheck.rounding import UNIT, Precision
from nncheck.verification import Finding
from nncheck.verifier import words
from nncheck.verifier.assess import Assessment
from nncheck.verifier.checking import Judged, Pair, judge
from nncheck.verifier.truth import EXACT, Autograd, Truth, by_lines

#: Two free runs in float32 and in float64 come apart by this part of each value, and outputs by this part of their
#: size; the document's own, over up to 100,000 steps, by a third of it.
_DRIFT, _DRIFT_OF_OUTPUTS = 1e-3, 1e-5
#: A free run resolves what it tells to this part.
_TOLD = 0.1
_LEAST = 1e-12
#: Steps for which a case is trained beside numbers, and mistakes are, when only free runs can tell.
_MOST, _MOST_MISTAKEN = 200_000, 300
_SINGLE = Precision("float32", "float32")


def check_numbers(case: Case, derivation: Derivation, numbers: Numbers, autograd: Autograd) -> Assessment:
    """Judge a trajectory.

    Where all parameters of a step stand there, its loss is judged at these; where those of the next step stand there
    too, so is the gradient behind the update, (W - W') / lr. Where only the loss does, or only some steps, the case is
    trained beside it and the two are compared, to what the digits and the drift of float32 leave.
    """
    result = Assessment()
    whole = _whole(case, numbers)
    judged: dict[str, Judged] = {}
    observed: dict[str, Observation] = {}
    pairs = [(a, b) for a, b in itertools.pairwise(whole) if numbers.steps[b] == numbers.steps[a] + 1]
    if pairs:
        truth, observed = _from_updates(case, derivation, numbers, autograd, pairs, judged)
        _losses_at(numbers, truth, pairs, judged, observed, result)
    else:
        _beside(case, derivation, numbers, judged)
    if not judged:
        raise InputError("holds neither a loss nor the parameters of a step; expected columns step, E, W[0,0], ...")
    order = [*derivation.names, *(f"{name}'" for name in case.params)]
    names = sorted(judged, key=order.index)
    result.quantities += [judged[name].checked for name in names]
    wrong = [name for name in names if judged[name].checked.verdict == "differ"]
    if wrong:
        _explain(case, derivation, numbers, pairs, observed, wrong, judged, result)
    return result


def _whole(case: Case, numbers: Numbers) -> list[int]:
    """Return the rows in which every parameter stands, whole."""
    if any(name not in numbers.params for name in case.params):
        return []
    return [
        s for s in range(len(numbers.steps)) if all(np.isfinite(numbers.params[name][s]).all() for name in case.params)
    ]


def _from_updates(
    case: Case,
    derivation: Derivation,
    numbers: Numbers,
    autograd: Autograd,
    pairs: Sequence[tuple[int, int]],
    judged: dict[str, Judged],
) -> tuple[Truth, dict[str, Observation]]:
    """Judge the gradient behind every update that stands there."""
    rows = [a for a, _ in pairs]
    params = {name: numbers.params[name][rows] for name in case.params}
    blur = {name: _digits(numbers.resolution.get(name, np.zeros(())), rows, params[name]) for name in params}
    lines = by_lines(case, derivation, _stacked(case, params, len(rows)), True, blur)
    truth = autograd.judge(case.sizes, {"X": case.X, "YT": case.YT, **params}, lines, stacked=True)
    observed: dict[str, Observation] = {}
    for name in case.params:
        after = numbers.params[name][[b for _, b in pairs]]
        line = f"d{name}"
        if line not in truth.value:
            continue
        moved = params[name] - after
        later = _digits(numbers.resolution.get(name, np.zeros(())), [b for _, b in pairs], after)
        slack = (blur[name] + later + _rounding(params[name], after, moved)) / case.lr
        bound = EXACT.bound(truth.radius[line]) + slack
        observed[line] = Observation(moved / case.lr, bound)
        judged[line] = judge(
            line, [Pair(moved[s] / case.lr, truth.value[line][s], bound[s], s) for s in range(len(rows))]
        )
    return truth, observed


def _digits(resolution: Array, rows: Sequence[int], like: Array) -> Array:
    """Return what the printed digits leave unknown, in the shape of a parameter over the rows."""
    array = np.asarray(resolution, dtype=float)
    return np.broadcast_to(array[rows] if array.shape[:1] and array.ndim == like.ndim else array, like.shape)


def _rounding(before: Array, after: Array, moved: Array) -> Array:
    """Return what one update may round, in the precision that the numbers have themselves."""
    single = all(np.array_equal(a, a.astype(np.float32).astype(float)) for a in (before, after))
    unit = UNIT["float32"] if single else UNIT["float64"]
    return 2 * unit * (3 * np.abs(moved) + np.abs(before) + np.abs(after))


def _losses_at(
    numbers: Numbers,
    truth: Truth,
    pairs: Sequence[tuple[int, int]],
    judged: dict[str, Judged],
    observed: dict[str, Observation],
    result: Assessment,
) -> None:
    """Judge the losses; of a row that holds the parameters after its update, at those of the row before."""
    if numbers.E is None:
        return
    here = _loss_pairs(numbers, truth, [a for a, _ in pairs])
    after = _loss_pairs(numbers, truth, [b for _, b in pairs])
    if not here:
        return
    found = judge("E", here)
    if found.checked.verdict == "differ" and after and judge("E", after).checked.verdict != "differ":
        result.notes.append(phrase("A row's parameters are read as those after its update: only so does its loss fit."))
        here, found = after, judge("E", after)
    judged["E"] = found
    if len(here) == len(pairs):
        got, bound = np.array([pair.got for pair in here]), np.array([pair.bound for pair in here])
        observed["E"] = Observation(got, bound)


def _loss_pairs(numbers: Numbers, truth: Truth, rows: Sequence[int]) -> list[Pair]:
    """Return the losses of some rows, each beside that at the parameters of its pair."""
    assert numbers.E is not None
    E = numbers.E[list(rows)]
    digits = np.broadcast_to(np.asarray(numbers.resolution.get("E", 0.0), dtype=float), numbers.E.shape)[list(rows)]
    single = np.array_equal(E, E.astype(np.float32).astype(float), equal_nan=True)
    bound = (_SINGLE if single else EXACT).bound(truth.radius["E"]) + digits
    return [Pair(E[s], truth.value["E"][s], bound[s], s) for s in range(len(rows)) if np.isfinite(E[s])]


def _beside(case: Case, derivation: Derivation, numbers: Numbers, judged: dict[str, Judged]) -> None:
    """Train the case beside a trajectory that is not whole, and compare what stands there."""
    E, states = trained(case, derivation, _length(case, numbers))
    if numbers.E is not None:
        pairs = _loss_beside(case, numbers, E)
        if pairs:
            judged["E"] = judge("E", pairs, "drift", _TOLD)
    for name in numbers.params:
        found = [_states_beside(numbers, name, states[name], shift) for shift in (0, 1)]
        outcomes = [judge(f"{name}'", pairs, "drift", _TOLD) for pairs in found if pairs]
        if outcomes:  # before or after the update of their row: whichever fits
            judged[f"{name}'"] = min(outcomes, key=lambda outcome: outcome.checked.ratio)
    _final(case, numbers, states, judged)


def _length(case: Case, numbers: Numbers) -> int:
    """Return how many steps to train: to the last row, and to the case's end for what a printout ends with."""
    last = int(numbers.steps.max()) + 1 if len(numbers.steps) else 0
    return min(max(last, case.steps if numbers.final else 0), _MOST)


def _loss_beside(case: Case, numbers: Numbers, E: Array) -> list[Pair]:
    assert numbers.E is not None
    # near the optimum the drift of the outputs is all there is of the loss
    d = _DRIFT_OF_OUTPUTS * (1 + np.abs(case.YT).max())
    digits = np.broadcast_to(np.asarray(numbers.resolution.get("E", 0.0), dtype=float), numbers.E.shape)
    return [
        Pair(numbers.E[s], E[step], digits[s] + _DRIFT * np.abs(E[step]) + 2 * d * np.sqrt(np.abs(E[step])) + d * d, s)
        for s, step in enumerate(int(step) for step in numbers.steps)
        if step < len(E) and np.isfinite(numbers.E[s])
    ]


def _states_beside(numbers: Numbers, name: str, states: Array, shift: int) -> list[Pair]:
    array = numbers.params[name]
    digits = np.broadcast_to(np.asarray(numbers.resolution.get(name, 0.0), dtype=float), array.shape)
    pairs = []
    for s, step in enumerate(int(step) for step in numbers.steps):
        if step + shift < len(states):
            seen = np.isfinite(array[s])  # elements that are not given agree with anything
            true = np.where(seen, states[step + shift], 0.0)
            pairs.append(Pair(np.where(seen, array[s], 0.0), true, digits[s] + _DRIFT * np.abs(true) + _LEAST, s))
    return pairs


def _final(case: Case, numbers: Numbers, states: Mapping[str, Array], judged: dict[str, Judged]) -> None:
    """Compare parameters that a printout ends with, where it tells after how many steps: those of the case."""
    for name, array in numbers.final.items():
        if f"{name}'" in judged or len(states[name]) <= case.steps:
            continue
        digits = np.asarray(numbers.resolution.get(f"final {name}", 0.0), dtype=float)
        true = states[name][case.steps]
        if array.shape == true.shape:
            bound = np.broadcast_to(digits, true.shape) + _DRIFT * np.abs(true) + _LEAST
            judged[f"{name}'"] = judge(f"{name}'", [Pair(array, true, bound, len(numbers.steps) - 1)], "drift", _TOLD)


def trained(case: Case, derivation: Derivation, steps: int) -> tuple[Array, dict[str, Array]]:
    """Train the case by some lines in float64; return the losses, and the parameters before each step and at the end.

    Raises
    ------
    FormulaError
        If a line cannot be computed.
    """
    params = {name: np.array(array) for name, array in case.params.items()}
    data = {"X": plain(case.X), "YT": plain(case.YT), "lr": plain(case.lr)}
    states = {name: np.empty((steps + 1, *array.shape)) for name, array in params.items()}
    losses = np.empty(steps)
    kept = case.optimizer.zeros(params)
    for t in range(steps):
        values = evaluate(derivation, {**data, **{n: plain(a) for n, a in params.items()}}, MistakenArithmetic())
        losses[t] = float(values["E"].array.reshape(-1)[0])
        for name in params:
            states[name][t] = params[name]
        gradients = {name: np.asarray(values[f"d{name}"].array) for name in params}
        if case.optimizer.is_plain:
            params = {name: params[name] - case.lr * gradients[name] for name in params}
        else:
            params, kept = case.optimizer.step(params, gradients, kept, t + 1, case.lr)
    for name in params:
        states[name][steps] = params[name]
    return losses, states


def _explain(
    case: Case,
    derivation: Derivation,
    numbers: Numbers,
    pairs: Sequence[tuple[int, int]],
    observed: Mapping[str, Observation],
    wrong: Sequence[str],
    judged: Mapping[str, Judged],
    result: Assessment,
) -> None:
    points = len(pairs) or len(numbers.steps)
    explained: dict[str, tuple[Edit, ...]] = {}
    if pairs and all(name in observed for name in wrong):
        result.diagnosis = _by_steps(case, derivation, numbers, pairs, observed, wrong)
        explained = {cause.quantity: cause.edits for cause in result.diagnosis.causes}
    elif not pairs:
        found = tuple(_by_runs(case, derivation, numbers))
        explained = {wrong[0]: found} if found else {}
        result.diagnosis = Diagnosis((Cause(wrong[0], found),)) if found else Diagnosis()
    for name in [n for n in wrong if n in explained or n in result.diagnosis.unexplained] or list(wrong[:1]):
        found_here = judged[name]
        row = found_here.place
        place = phrase("step {step}", step=int(numbers.steps[pairs[row][0] if pairs else row]))
        worst = found_here.checked.worst
        result.findings.append(
            Finding(
                kind="value",
                quantity=name,
                index=worst.index if worst else None,
                line=None,
                text=words.value(found_here.checked, found_here.differing, found_here.points, place),
                explanations=tuple(words.explanation(name, edit, points) for edit in explained.get(name, ())),
            )
        )
        result.faults.add("loss" if name == "E" and list(wrong) == ["E"] and pairs else "derivation")


def _by_steps(
    case: Case,
    derivation: Derivation,
    numbers: Numbers,
    pairs: Sequence[tuple[int, int]],
    observed: Mapping[str, Observation],
    wrong: Sequence[str],
) -> Diagnosis:
    rows = [a for a, _ in pairs]
    data = _stacked(case, {name: numbers.params[name][rows] for name in case.params}, len(rows))
    inputs = {name: plain(array, stacked=True) for name, array in data.items()}
    group = Group({**inputs, "lr": plain(case.lr)}, derivation, stack=len(rows))
    return diagnose(Index(derivation, ("X", "YT", *case.params), [group]), [dict(observed)], wrong)


def _by_runs(case: Case, derivation: Derivation, numbers: Numbers) -> Iterator[Edit]:
    """Yield the named mistakes with which the case, trained freely, gives everything that stands in the first steps."""
    steps = min(_length(case, numbers), _MOST_MISTAKEN)
    early = [s for s, step in enumerate(numbers.steps) if step < steps]
    if len(early) < 2:
        return
    right, _ = trained(case, derivation, steps)
    for edit in named_edits(derivation):
        replaced = {line.name: line for line in edit.lines}
        mistaken = Derivation(tuple(replaced.get(line.name, line) for line in derivation.lines))
        try:
            E, states = trained(case, mistaken, steps)
        except (
            FormulaError,
            ValueError,
            KeyError,
        ):  # a line with another shape, or one of the catalogue's own functions
            continue
        if np.allclose(E, right, rtol=10 * _DRIFT, atol=0):  # not to be seen in so few steps
            continue
        judged: list[Judged] = []
        if numbers.E is not None:
            judged.append(judge("E", [pair for pair in _loss_beside(case, numbers, E) if pair.place in early]))
        for name in numbers.params:
            found = [_states_beside(numbers, name, states[name], shift) for shift in (0, 1)]
            judged.append(min((judge(name, pairs) for pairs in found if pairs), key=lambda j: j.checked.ratio))
        if judged and all(outcome.checked.ratio <= 1 for outcome in judged):
            yield edit


def _stacked(case: Case, params: Mapping[str, Array], points: int) -> dict[str, Array]:
    X, YT = (np.broadcast_to(array, (points, *array.shape)) for array in (case.X, case.YT))
    return {"X": X, "YT": YT, **params}
