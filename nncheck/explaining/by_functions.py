"""Trains a person's functions up to a step, in the process of their code, and asks what they give there."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np

from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.explaining.reached import Progress, Reached, hand_values, states_after
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.kept import Point
from nncheck.language import phrase
from nncheck.manual.client import Guest
from nncheck.manual.loop import Training
from nncheck.manual.person import Given
from nncheck.optimizers import States
from nncheck.verifier.functions import Seen, look, points_of, probes_of
from nncheck.verifier.returned import return_names

_CHUNK = 500


def reached_by_functions(
    case: Case, derivation: Derivation, path: Path, text: str, step: int, limit: float, progress: Progress
) -> Reached:
    """Train a person's functions up to a step.

    Parameters
    ----------
    case : Case
        Its numbers already rounded as a run rounds them.
    derivation : Derivation
    path, text : Path, str
        The file and what it holds.
    step : int
    limit : float
        Seconds for one call of the person's code.
    progress : callable

    Raises
    ------
    InputError
        If they stop before that step, with what stopped them.
    """
    with Guest(path, text, limit) as guest:
        problem = guest.open()
        _refuse(path, problem, 0)
        points = points_of(case, derivation, islice(probes_of(case, derivation, 0), 1))
        seen = look(case, derivation, guest, return_names(text), points)
        _refuse(path, seen.problem, 0)
        run = _Run(case, guest, seen, path, limit, progress)
        now, states = run.until(step)
        one = run.steps(now, states, step, 1)
        there = _laid_out(guest.step(case.X, case.YT, now, seen.layout), seen, case, derivation)
        guest_read = tuple(seen.read_as)
    after = {name: one.arrays[f"p:{name}"][1] for name in case.params}
    gradients = {name: one.arrays[f"g:{name}"][0] for name in case.params}
    values = {**there, **hand_values(float(one.arrays["E"][0]), gradients, after)}
    point = Point(step=step, why=(), params=now, hand=values)
    return Reached(point=point, X=case.X, YT=case.YT, lr=case.lr, states=states, read_as=guest_read)


class _Run:
    """A training of a person's functions, continued as far as is asked."""

    def __init__(self, case: Case, guest: Guest, seen: Seen, path: Path, limit: float, progress: Progress) -> None:
        self._case, self._guest, self._seen, self._path = case, guest, seen, path
        self._limit, self._progress = limit, progress
        self._last: Given | None = None

    def until(self, step: int) -> tuple[dict[str, Array], States]:
        """Return the parameters before a step, and what the case's optimizer keeps of those before it."""
        now = {name: np.array(array) for name, array in self._case.params.items()}
        states: States = self._case.optimizer.zeros(now)
        if self._guest.has_update:  # what update keeps between its calls lives as long as one training
            self._last = self._trained(now, step + 1, 0)
            before = {name: self._last.arrays[f"p:{name}"][:step] for name in now}
            gradients = {name: self._last.arrays[f"g:{name}"][:step] for name in now}
            states = states_after(self._case, states, before, gradients, 0)
            return {name: self._last.arrays[f"p:{name}"][step] for name in now}, states
        done = 0
        while done < step:
            count = min(_CHUNK if self._case.optimizer.is_plain else 1, step - done)
            given = self.steps(now, states, done, count)
            before = {name: given.arrays[f"p:{name}"][:-1] for name in now}
            gradients = {name: given.arrays[f"g:{name}"] for name in now}
            states = states_after(self._case, states, before, gradients, done)
            now = {name: given.arrays[f"p:{name}"][-1] for name in now}
            done += count
            self._progress(str(self._path), done, step)
        return now, states

    def steps(self, now: dict[str, Array], states: States, done: int, count: int) -> Given:
        """Do some steps from the parameters; the update is the person's own, else that of the case's optimizer."""
        if self._last is not None:
            rows = {name: array[done:] for name, array in self._last.arrays.items()}
            return Given({name: array[: count + (name[:2] == "p:")] for name, array in rows.items()})
        given = self._trained(now, count, done)
        if not self._case.optimizer.is_plain:  # one step, and its update by the case's own lines
            gradients = {name: given.arrays[f"g:{name}"][0] for name in now}
            after, _ = self._case.optimizer.step(now, gradients, states, done + 1, self._case.lr)
            given.arrays.update({f"p:{name}": np.stack([now[name], array]) for name, array in after.items()})
        return given

    def _trained(self, now: dict[str, Array], count: int, done: int) -> Given:
        training = Training(
            X=self._case.X,
            YT=self._case.YT,
            params=now,
            layout=self._seen.layout,
            names=self._seen.names,
            lr=self._case.lr,
            steps=count,
            most=self._limit / 2,
        )
        given = self._guest.train(training)
        reached = len(given.arrays.get("E", ()))
        if reached < count:
            _refuse(self._path, given.problem, done + reached)
            said = phrase(
                "{path} came to step {step} within {limit:g} seconds, not to step {wanted}; allow more with --limit.",
                path=self._path,
                step=done + reached,
                limit=self._limit / 2,
                wanted=done + count - 1,
            )
            raise InputError(said)
        return given


def _refuse(path: Path, problem: dict[str, str], step: int) -> None:
    if problem:
        said = phrase("{path} stops at step {step}: {problem}", path=path, step=step, problem=problem.get("text", ""))
        raise InputError(said)


def _laid_out(given: Given, seen: Seen, case: Case, derivation: Derivation) -> dict[str, Array]:
    """Return what the functions give at one point by the names of the lines, laid out as nncheck has it."""
    values = {}
    for key, array in given.arrays.items():
        name = seen.names.get(key)
        if name is None or name not in derivation.names or name == "E" or name[1:] in case.params:
            continue
        values[name] = seen.layout.back_data(array)
    return values
