"""Trains with a person's functions, as the document's loop does, and keeps every step.

Runs in the process of the person's code (`child`); of what it gives nothing is judged here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.layouts import Layout
from nncheck.manual.person import Aliases, Given, Person, Stopped


@dataclass(frozen=True, kw_only=True)
class Training:
    """What to train with, from where, and for how long.

    Attributes
    ----------
    X, YT, params, layout
        As of `Person.step`.
    names : mapping of str to str
        Which gradient each thing is that backward returns: ``{"g:W": "dW"}``.
    lr : float
    steps : int
    most : float
        Seconds after which no further step is begun.
    """

    X: Array
    YT: Array
    params: Mapping[str, Array]
    layout: Layout
    names: Mapping[str, str]
    lr: float
    steps: int
    most: float


def train(person: Person, training: Training) -> Given:
    """Do some steps; those that are done before anything goes wrong are kept.

    Returns
    -------
    Given
        ``E`` (S,), ``g:W`` (S, ...) and ``p:W`` (S + 1, ...), in nncheck's layout.
    """
    given, rows = Given(), dict[str, list[Array]]()
    now: dict[str, Array] = {name: np.array(array) for name, array in training.params.items()}
    state, end = dict[str, Any](), time.monotonic() + training.most
    with np.errstate(all="ignore"):
        try:
            for _ in range(training.steps):
                if time.monotonic() > end:
                    break
                one = _step(person, training, now)
                after = _after(person, given, now, {name: one[f"g:{name}"] for name in now}, training.lr, state)
                for name, value in {**one, **{f"p:{name}": array for name, array in now.items()}}.items():
                    rows.setdefault(name, []).append(value)
                now = after
        except Stopped as stop:
            given.problem = {"kind": stop.args[0], "text": stop.args[1]}
    if rows:
        for name, array in now.items():
            rows[f"p:{name}"].append(array)
    given.arrays = {name: np.stack(values) for name, values in rows.items()}
    return given


def _step(person: Person, training: Training, params: Mapping[str, Array]) -> dict[str, Array]:
    """Return E and every gradient at the parameters, each in the shape that it has to have."""
    one = Given()
    person.once(one, training.X, training.YT, params, training.layout)
    found = {training.names[key]: array for key, array in one.arrays.items() if key in training.names}
    row: dict[str, Array] = {}
    for key, name, shape in (("E", "E", ()), *((f"g:{n}", f"d{n}", array.shape) for n, array in params.items())):
        value = one.arrays.get("E") if name == "E" else found.get(name)
        if value is None:
            what = next((one.described[k] for k, n in training.names.items() if n == name and k in one.described), "")
            if what:
                raise Stopped("missing", phrase("no {quantity} to go on with: it is {what}.", quantity=name, what=what))
            raise Stopped("missing", phrase("no {quantity} to go on with.", quantity=name))
        value = training.layout.back_weight(value) if len(shape) == 2 else value
        if value.size != int(np.prod(shape)) or (len(shape) == 2 and value.shape != shape):
            said = phrase("{quantity} has shape {got}, expected {shape}.", quantity=name, got=value.shape, shape=shape)
            raise Stopped("code", said)
        row[key] = value.reshape(shape)
    return row


def _after(
    person: Person,
    given: Given,
    now: Mapping[str, Array],
    grads: Mapping[str, Array],
    lr: float,
    state: dict[str, Any],
) -> dict[str, Array]:
    """Return the parameters after one update: the person's own, or plain gradient descent."""
    if not person.has_update:
        return {name: now[name] - lr * grads[name] for name in now}
    after = person.updated(given, Aliases({name: a.copy() for name, a in now.items()}), grads, lr, state)
    result = {}
    for name, before in now.items():
        try:
            result[name] = np.array(after[name], dtype=np.float64).reshape(before.shape)
        except (TypeError, ValueError):
            said = phrase("update gives no {name} of shape {shape}.", name=name, shape=before.shape)
            raise Stopped("code", said) from None
    return result
