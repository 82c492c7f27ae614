"""Verifies a trajectory of numbers: the loss and the next parameters, each from the parameters that stand there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
from nncheck.judging import RESOLUTION
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
#: Steps for which a case is trained beside numbers, if it has not more itself; and mistakes are, when only free runs
#: can tell.
_MOST, _MOST_MISTAKEN = 20_000, 200
#: Rows that are looked at one by one, those from which a mistake is told, and those that are held against a free run
#: of one. All rows are compared.
_ROWS, _ROWS_DIAGNOSED, _ROWS_MISTAKEN = 1_000, 200, 50
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
    truth: Truth | None = None
    pairs = [(a, b) for a, b in itertools.pairwise(whole) if numbers.steps[b] == numbers.steps[a] + 1]
    if pairs:
        truth, observed = _from_updates(case, derivation, numbers, autograd, pairs, judged)
        _losses_at(numbers, truth, pairs, judged, observed, result)
    else:
        _beside(case, derivation, numbers, judged)
        if not judged and _holds_any(numbers):
            result.notes.append(_beyond(case))
            return result
    if not judged:
        raise InputError(
            phrase("holds neither a loss nor the parameters of a step; expected columns step, E, W[0,0], ...")
        )
    order = [*derivation.names, *(f"{name}'" for name in case.params)]
    names = sorted(judged, key=order.index)
    result.quantities += [judged[name].checked for name in names]
    wrong = [name for name in names if judged[name].checked.verdict == "differ"]
    if wrong:
        _explain(case, derivation, numbers, pairs, truth, observed, wrong, judged, result)
    return result


def _whole(case: Case, numbers: Numbers) -> list[int]:
    """Return the rows in which every parameter stands, whole."""
    if any(name not in numbers.params for name in case.params):
        return []
    count = len(numbers.steps)
    finite = [np.isfinite(numbers.params[name]).reshape(count, -1).all(axis=1) for name in case.params]
    return np.flatnonzero(np.logical_and.reduce(finite)).tolist()  # type: ignore[no-any-return]


def _holds_any(numbers: Numbers) -> bool:
    """Whether there is a loss or a parameter at all."""
    arrays = [*numbers.params.values(), *([] if numbers.E is None else [numbers.E])]
    return any(np.isfinite(array).any() for array in arrays)


def _beyond(case: Case) -> str:
    return phrase(
        "Its rows cannot be told right or wrong: the case is trained beside them for {most} steps only, and none of "
        "them is among these.",
        most=_most(case),
    )


def _judged(name: str, all_rows: Pair, places: Sequence[int], rule: str = "bound", part: float = RESOLUTION) -> Judged:
    """Judge a quantity of which the first axis counts rows.

    Of many rows all are compared, but only some of those that differ, and some from first to last, one by one.
    """
    got, expected, bound = np.broadcast_arrays(all_rows.got, all_rows.expected, all_rows.bound)
    if len(got) <= _ROWS:
        chosen = np.arange(len(got))
    else:
        wrong = _wrong_rows(name, all_rows)
        chosen = _some(wrong, _ROWS)
    found = judge(name, [Pair(got[s], expected[s], bound[s], places[s]) for s in chosen.tolist()], rule, part)
    return found if len(got) <= _ROWS else replace(found, differing=int(wrong.sum()), points=len(got))


def _wrong_rows(name: str, rows: Pair) -> Array:
    """Tell in which rows a quantity differs."""
    return np.asarray(judge(name, [rows]).wrong_elements.reshape(len(rows.got), -1).any(axis=1))


def _some(wrong: Array, most: int) -> Array:
    """Return at most so many rows in their order: some from first to last, and as many of those that are wrong."""
    spread = np.linspace(0, len(wrong) - 1, most // 2).astype(int)
    return np.unique(np.concatenate([spread, np.flatnonzero(wrong)[: most // 2]]))


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
        judged[line] = _judged(line, Pair(moved / case.lr, truth.value[line], bound, 0), range(len(rows)))
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
    here, places = _losses(numbers, truth, [a for a, _ in pairs])
    if not places:
        return
    found = _judged("E", here, places)
    if found.checked.verdict == "differ":
        after, later = _losses(numbers, truth, [b for _, b in pairs])
        shifted = _judged("E", after, later) if later else found
        if shifted.checked.verdict != "differ":
            said = phrase("A row's parameters are read as those after its update: only so does its loss fit.")
            result.notes.append(said)
            here, places, found = after, later, shifted
    judged["E"] = found
    if len(places) == len(pairs):
        observed["E"] = Observation(here.got, here.bound)


def _losses(numbers: Numbers, truth: Truth, rows: Sequence[int]) -> tuple[Pair, list[int]]:
    """Return the losses of some rows beside those at the parameters of their pairs, and which pairs have one."""
    assert numbers.E is not None
    E = numbers.E[list(rows)]
    digits = np.broadcast_to(np.asarray(numbers.resolution.get("E", 0.0), dtype=float), numbers.E.shape)[list(rows)]
    single = np.array_equal(E, E.astype(np.float32).astype(float), equal_nan=True)
    bound = (_SINGLE if single else EXACT).bound(truth.radius["E"]) + digits
    there = np.flatnonzero(np.isfinite(E))
    return Pair(
        E[there], truth.value["E"].reshape(len(rows))[there], bound.reshape(len(rows))[there], 0
    ), there.tolist()


def _beside(case: Case, derivation: Derivation, numbers: Numbers, judged: dict[str, Judged]) -> None:
    """Train the case beside a trajectory that is not whole, and compare what stands there."""
    E, states = _trained_once(case, derivation, _length(case, numbers))
    judged.update(_against(case, numbers, range(len(numbers.steps)), E, states, "drift", _TOLD))
    _final(case, numbers, states, judged)


def _against(
    case: Case,
    numbers: Numbers,
    rows: Sequence[int],
    E: Array,
    states: Mapping[str, Array],
    rule: str = "bound",
    part: float = RESOLUTION,
) -> dict[str, Judged]:
    """Judge some rows against a free run, as far as it goes."""
    judged = {}
    if numbers.E is not None:
        pair, places = _loss_beside(case, numbers, rows, E)
        if places:
            judged["E"] = _judged("E", pair, places, rule, part)
    for name in numbers.params:
        found = [_states_beside(numbers, rows, name, states[name], shift) for shift in (0, 1)]
        outcomes = [_judged(f"{name}'", pair, places, rule, part) for pair, places in found if places]
        if outcomes:  # before or after the update of their row: whichever fits
            judged[f"{name}'"] = min(outcomes, key=lambda outcome: outcome.checked.ratio)
    return judged


def _most(case: Case) -> int:
    return max(_MOST, case.steps)


def _length(case: Case, numbers: Numbers) -> int:
    """Return how many steps to train: to the last row, and to the case's end for what a printout ends with."""
    within = numbers.steps[numbers.steps < _most(case)]
    return max(int(within.max(initial=-1)) + 1, case.steps if numbers.final else 0)


def _loss_beside(case: Case, numbers: Numbers, rows: Sequence[int], E: Array) -> tuple[Pair, list[int]]:
    """Return the losses of some rows beside those of a run, and which rows have one."""
    assert numbers.E is not None
    # near the optimum the drift of the outputs is all there is of the loss
    d = _DRIFT_OF_OUTPUTS * (1 + np.abs(case.YT).max())
    digits = np.broadcast_to(np.asarray(numbers.resolution.get("E", 0.0), dtype=float), numbers.E.shape)
    given = np.asarray(rows, dtype=int)
    there = given[(numbers.steps[given] < len(E)) & np.isfinite(numbers.E[given])]
    true = E[numbers.steps[there]]
    bound = digits[there] + _DRIFT * np.abs(true) + 2 * d * np.sqrt(np.abs(true)) + d * d
    return Pair(numbers.E[there], true, bound, 0), there.tolist()


def _states_beside(
    numbers: Numbers, rows: Sequence[int], name: str, states: Array, shift: int
) -> tuple[Pair, list[int]]:
    """Return a parameter in some rows beside that of a run, and in which rows it is compared."""
    array = numbers.params[name]
    digits = np.broadcast_to(np.asarray(numbers.resolution.get(name, 0.0), dtype=float), array.shape)
    given = np.asarray(rows, dtype=int)
    there = given[numbers.steps[given] + shift < len(states)]
    seen = np.isfinite(array[there])  # elements that are not given agree with anything
    true = np.where(seen, states[numbers.steps[there] + shift], 0.0)
    pair = Pair(np.where(seen, array[there], 0.0), true, digits[there] + _DRIFT * np.abs(true) + _LEAST, 0)
    return pair, there.tolist()


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


#: A trained case: its losses and states, and those with every named mistake, each as far as it was trained.
_Run = tuple[Array, dict[str, Array]]


@dataclass
class _Kept:
    case: Case
    derivation: Derivation
    right: _Run | None = None
    steps: int = 0
    mistaken: list[tuple[Edit, Array, dict[str, Array]]] = field(default_factory=list)


#: The last cases that were trained beside numbers: a class hands in many files of a few.
_kept: list[_Kept] = []
_MOST_KEPT = 4


def _kept_of(case: Case, derivation: Derivation) -> _Kept:
    for kept in _kept:
        if kept.case is case and kept.derivation is derivation:
            return kept
    _kept.insert(0, _Kept(case, derivation))
    del _kept[_MOST_KEPT:]
    return _kept[0]


def _trained_once(case: Case, derivation: Derivation, steps: int) -> tuple[Array, dict[str, Array]]:
    """Train the case by its own lines, or cut what it was trained for before."""
    kept = _kept_of(case, derivation)
    if kept.right is None or len(kept.right[0]) < steps:
        kept.right = trained(case, derivation, steps)
    E, states = kept.right
    return E[:steps], {name: array[: steps + 1] for name, array in states.items()}


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
    truth: Truth | None,
    observed: Mapping[str, Observation],
    wrong: Sequence[str],
    judged: Mapping[str, Judged],
    result: Assessment,
) -> None:
    points = len(pairs) or len(numbers.steps)
    explained: dict[str, tuple[Edit, ...]] = {}
    if truth is not None and all(name in observed for name in wrong):
        result.diagnosis = _by_steps(case, derivation, numbers, pairs, truth, observed, wrong)
        explained = {cause.quantity: cause.edits for cause in result.diagnosis.causes}
    elif not pairs:
        found = tuple(_by_runs(case, derivation, numbers))
        explained = {wrong[0]: found} if found else {}
        result.diagnosis = Diagnosis((Cause(wrong[0], found),)) if found else Diagnosis()
    for name in [n for n in wrong if n in explained or n in result.diagnosis.unexplained] or list(wrong[:1]):
        found_here = judged[name]
        row = pairs[found_here.place][0] if pairs else found_here.place
        place = phrase("step {step}", step=int(numbers.steps[row]))
        worst = found_here.checked.worst
        result.findings.append(
            Finding(
                kind="value",
                quantity=name,
                index=worst.index if worst else None,
                line=numbers.lines[row] if numbers.lines else None,
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
    truth: Truth,
    observed: Mapping[str, Observation],
    wrong: Sequence[str],
) -> Diagnosis:
    rows = [a for a, _ in pairs]
    if len(rows) > _ROWS_DIAGNOSED:
        differing = np.logical_or.reduce([_wrong_rows(name, _at(truth, name, observed[name])) for name in wrong])
        chosen = _some(differing, _ROWS_DIAGNOSED)
        rows = [rows[place] for place in chosen]
        observed = {
            name: Observation(seen.value[chosen], np.asarray(seen.slack)[chosen]) for name, seen in observed.items()
        }
    data = _stacked(case, {name: numbers.params[name][rows] for name in case.params}, len(rows))
    inputs = {name: plain(array, stacked=True) for name, array in data.items()}
    group = Group({**inputs, "lr": plain(case.lr)}, derivation, stack=len(rows))
    return diagnose(Index(derivation, ("X", "YT", *case.params), [group]), [dict(observed)], wrong)


def _mistaken(case: Case, derivation: Derivation, steps: int) -> Iterator[tuple[Edit, Array, dict[str, Array]]]:
    """Yield every named mistake with the case trained with it, remembered like `_trained_once`."""
    kept = _kept_of(case, derivation)
    if kept.steps < steps:
        runs = []
        for edit in named_edits(derivation):
            replaced = {line.name: line for line in edit.lines}
            mistaken = Derivation(tuple(replaced.get(line.name, line) for line in derivation.lines))
            try:
                runs.append((edit, *trained(case, mistaken, steps)))
            except (FormulaError, ValueError, KeyError):  # a line of another shape, or the catalogue's own function
                continue
        kept.steps, kept.mistaken = steps, runs
    for edit, E, states in kept.mistaken:
        yield edit, E[:steps], {name: array[: steps + 1] for name, array in states.items()}


def _by_runs(case: Case, derivation: Derivation, numbers: Numbers) -> Iterator[Edit]:
    """Yield the named mistakes with which the case, trained freely, gives everything that stands in the first steps."""
    steps = min(_length(case, numbers), _MOST_MISTAKEN)
    early = np.flatnonzero(numbers.steps < steps)
    if len(early) < 2:
        return
    early = early[np.unique(np.linspace(0, len(early) - 1, _ROWS_MISTAKEN).astype(int))]
    right, _ = trained(case, derivation, steps)
    for edit, E, states in _mistaken(case, derivation, steps):
        if np.allclose(E, right, rtol=10 * _DRIFT, atol=0):  # not to be seen in so few steps
            continue
        judged = _against(case, numbers, early.tolist(), E, states)
        if judged and all(outcome.checked.ratio <= 1 for outcome in judged.values()):
            yield edit


def _at(truth: Truth, name: str, seen: Observation) -> Pair:
    return Pair(seen.value, truth.value[name].reshape(seen.value.shape), np.asarray(seen.slack), 0)


def _stacked(case: Case, params: Mapping[str, Array], points: int) -> dict[str, Array]:
    X, YT = (np.broadcast_to(array, (points, *array.shape)) for array in (case.X, case.YT))
    return {"X": X, "YT": YT, **params}
