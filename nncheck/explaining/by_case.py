"""Trains a case's own manual.py up to a step, from the numbers that `nncheck run` starts from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nncheck import manual
from nncheck.case import Case
from nncheck.errors import CaseError
from nncheck.explaining.reached import Progress, Reached, hand_values, states_after
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.kept import Point
from nncheck.language import phrase
from nncheck.optimizers import States

_CHUNK = 2_000


def reached_by_case(case: Case, derivation: Derivation, step: int, progress: Progress) -> Reached:
    """Train manual.py up to a step.

    Parameters
    ----------
    case : Case
        Its numbers already rounded as a run rounds them.
    derivation : Derivation
    step : int
    progress : callable

    Raises
    ------
    CaseError
        If manual.py cannot be loaded, or stops before or at that step.
    """
    hand = manual.load(case.folder / "manual.py")
    trainer = manual.Trainer(hand, case.X, case.YT, case.params, case.lr, case.optimizer)
    states: States = case.optimizer.zeros(case.params)
    done = 0
    while done < step:
        count = min(_CHUNK, step - done)
        trained = trainer.train(count)
        _refuse_slip(case, done, trained)
        before = {name: array[:-1] for name, array in trained.states.items()}
        states = states_after(case, states, before, trained.gradients, done)
        done += count
        progress(case.name, done, step)
    trained = trainer.train(1)
    _refuse_slip(case, done, trained)
    params = {name: array[0] for name, array in trained.states.items()}
    after = {name: array[1] for name, array in trained.states.items()}
    values = hand_values(trained.losses[0], {name: array[0] for name, array in trained.gradients.items()}, after)
    values |= {name: array for name, array in _others(hand, case, derivation, params).items() if name not in values}
    point = Point(step=step, why=(), params=params, hand=values)
    return Reached(point=point, X=case.X, YT=case.YT, lr=case.lr, states=states)


def _refuse_slip(case: Case, done: int, trained: manual.Trained) -> None:
    if trained.slip:
        said = phrase(
            "{path} stops at step {step}: {slip}",
            path=case.folder / "manual.py",
            step=done + len(trained.losses),
            slip=trained.slip,
        )
        raise CaseError(said)


def _others(hand: manual.Manual, case: Case, derivation: Derivation, params: Mapping[str, Array]) -> dict[str, Array]:
    """Return what forward and backward give besides: Y, what the cache holds by a line's name, gradients on the way."""
    own = {name: array.copy() for name, array in params.items()}
    try:
        with manual.prints_to_stderr(), np.errstate(all="ignore"):
            Y, cache = hand.forward(own, case.X.copy())
            gradients = hand.backward(own, cache, case.YT.copy())
    except Exception:  # it did not mind a moment ago: a code that counts its calls
        return {}
    found = {**(cache if isinstance(cache, Mapping) else {}), "Y": Y}
    found |= {f"d{name}": value for name, value in gradients.items()}
    return {
        name: np.array(value, dtype=np.float64)
        for name, value in found.items()
        if name in derivation.names and isinstance(value, (np.ndarray, float)) and np.asarray(value).dtype.kind == "f"
    }
