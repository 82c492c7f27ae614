"""Which loop of a script trains, and which of its variables are the parameters, the data and the learning rate."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts import flow, syntax
from nncheck.manual.scripts.candidates import MAX_READINGS, Choices, by_value
from nncheck.manual.scripts.data import data_source
from nncheck.manual.scripts.evidence import Data, Evidence
from nncheck.manual.scripts.pool import Element, Pool, Source, element_name, natural, pool_of
from nncheck.manual.scripts.watched import Seen, Watched


@dataclass(frozen=True)
class NeedsMap:
    """The roles of some variables cannot be told; ``text`` shows the candidates and an example of ``--map``."""

    text: str


@dataclass(frozen=True)
class Failure:
    """The script could not be observed: it raised, has no loop, or changes no parameter."""

    text: str


@dataclass(frozen=True)
class Training:
    """The loop that trains.

    Attributes
    ----------
    statements : tuple of Statement
        Of one iteration.
    choices : Choices
        What may be which parameter.
    data : Data
        Where X and YT lie.
    """

    loop: int
    pool: Pool
    statements: tuple[flow.Statement, ...]
    choices: Choices
    data: Data


def find_training(watched: Watched, tree: ast.Module, case: Case) -> Training | Failure:
    """Choose the outermost loop in which the parameters change."""
    loops = {loop.id: loop for loop in syntax.loops(tree)}
    if not loops:
        return Failure(
            phrase("there is no loop in this file; expected  for epoch in range(...):  around forward and update.")
        )
    best: tuple[tuple[int, int, int], Training] | None = None
    for seen in watched.loops:
        if seen.loop not in loops:
            continue
        training = _training(seen, tree, loops[seen.loop], case)
        if not training.pool.state:
            continue
        rank = (
            training.choices.matched + _moving(training) if _moving(training) else 0,
            -len(training.choices.missing),
            -len(seen.under),
        )
        if best is None or rank > best[0]:
            best = rank, training
    if best is None:
        return Failure(_nothing_changes(watched, tree))
    return best[1]


def _training(seen: Seen, tree: ast.Module, loop: syntax.Loop, case: Case) -> Training:
    statements = flow.iteration(tree, loop)
    targets = syntax.names_of(loop.node.target) if isinstance(loop.node, (ast.For, ast.AsyncFor)) else ()
    pool = pool_of(seen, statements, targets)
    choices = by_value(pool, case)
    taken = {element[0] for sources in choices.arrays.values() for source in sources for element in source}
    taken |= {element[0] for group in choices.groups for element in group.elements if element[0] in pool.state}
    return Training(seen.loop, pool, statements, choices, _data(pool, case, taken))


def _data(pool: Pool, case: Case, taken: set[str]) -> Data:
    """Find X and YT; what has another number of samples than the other is not it."""
    own = _two(case.X), _two(case.YT)
    X, X_shape = data_source(pool, case.X, False, taken, set()) or (None, own[0])
    YT, YT_shape = data_source(pool, case.YT, True, taken, set(X or ())) or (None, own[1])
    if X_shape[0] != YT_shape[0] and X_shape[0] != own[0][0]:
        X, X_shape = None, own[0]
    if X_shape[0] != YT_shape[0]:
        YT, YT_shape = None, own[1]
    return Data(X, X_shape, YT, YT_shape)


def _two(array: Array) -> tuple[int, int]:
    return array.shape[0], array.shape[1]


def _moving(training: Training) -> int:
    """Count the parameters that the loop reassigns; a variable that only goes through them is none."""
    choices = training.choices
    heads = [statement.writes for statement in training.statements if statement.text.startswith("for ")]
    through = frozenset().union(*heads)
    state = {name for name in training.pool.state if not any(flow.covers(target, name) for target in through)}
    arrays = sum(sources[0][0][0] in state for sources in choices.arrays.values())
    return arrays + sum(group.elements[0][0] in state for group in choices.groups)


def _nothing_changes(watched: Watched, tree: ast.Module) -> str:
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")])
    }
    if watched.failure:
        must = phrase("The file must run by itself before nncheck can watch its loop.")
        return f"{watched.failure}\n{must}"
    if imported & {"torch", "tensorflow", "jax"}:
        return phrase(
            "no loop of this file changes numbers that could be W or B. It imports an autograd library; nncheck "
            "verifies forward, backward and update written by hand, with NumPy arrays or plain numbers."
        )
    if not watched.loops:
        return phrase(
            "no iteration of a loop came to its normal end; expected a loop that runs forward, backward and update."
        )
    return phrase(
        "no loop of this file changes numbers that could be the parameters; expected a loop that reassigns the "
        "weights, such as  W -= lr * dW  or  w1 = w1 - lr * d_w1."
    )


def choose(
    training: Training, runs: Sequence[Seen], case: Case, lr: float | None
) -> tuple[dict[str, Source], tuple[str, ...]] | NeedsMap:
    """Pick the reading under which most of what the script computed is what the case computes.

    Returns
    -------
    reading, words : where each parameter lies, and what is to be said of how that was found
    """
    choices = training.choices
    if choices.missing:
        return NeedsMap(
            _ask(training, case, phrase("no variable was found for {names}", names=", ".join(choices.missing)))
        )
    # those in the order of the names come first; with more than that the first must do
    readings = list(itertools.islice(choices.readings(case.params), MAX_READINGS))
    if not readings:
        return NeedsMap(_ask(training, case, phrase("one variable would have two roles")))
    words = [*choices.words, *_shared_words(choices)]
    if len(readings) == 1:
        return readings[0], tuple(words)
    evidence = Evidence(runs, training.data, case, lr)
    scored = [(evidence.score(reading), reading) for reading in readings]
    top = max(score for score, _ in scored)
    best = [reading for score, reading in scored if score == top]
    if len(best) > 1:
        if sum(top) == 0:
            return NeedsMap(
                _ask(training, case, phrase("several variables start from one number, and nothing tells which"))
            )
        words.append(
            phrase(
                "{names}: {count} readings fit equally well; taken in the order of their names",
                names=_differing(best),
                count=len(best),
            )
        )
    else:
        words.append(phrase("{names}: found by where their values go", names=_differing(readings)))
    return best[0], tuple(words)


def _shared_words(choices: Choices) -> list[str]:
    words = []
    for group in choices.groups:
        if group.shared and len(group.slots) > 1:
            slots = [f"{name}[{place}]" for name, place in group.slots]
            names = reduce(lambda one, other: phrase("{one} and {other}", one=one, other=other), slots)
            own = group.elements[0][0]
            words.append(phrase("{own} stands for {names}: one variable for several elements", own=own, names=names))
    return words


def _differing(readings: Sequence[Mapping[str, Source]]) -> str:
    """Return the variables about which readings do not agree."""
    names: dict[str, None] = {}
    for name in readings[0]:
        for elements in zip(*(reading[name] for reading in readings)):
            if len(set(elements)) > 1:
                names.update(dict.fromkeys(element[0] for element in elements))
    return ", ".join(sorted(names, key=natural))


def _ask(training: Training, case: Case, why: str) -> str:
    pool = training.pool
    state = sorted(pool.state, key=natural)[:40]
    listed = ", ".join(f"{name} = {_short(pool.first[name])}" for name in state) or phrase("none")
    claimed = {element[0] for sources in training.choices.arrays.values() for s in sources for element in s}
    free = [name for name in state if name not in claimed]
    examples = []
    for name in training.choices.missing or case.params:
        size = case.params[name].size
        held = _held(training, name, size)
        if held:
            examples.append(f"--map {name}={','.join(held)}")
            continue
        whole = [n for n in free if pool.first[n].size == size and size > 1]
        given = whole[:1] or [n for n in free if pool.first[n].size == 1][:size]
        free = [n for n in free if n not in given]
        examples.append(f"--map {name}={','.join(given) if whole or len(given) == size else '...'}")
    return phrase(
        "It cannot be told which variables are the parameters: {why}.\n"
        "Changed in the loop: {listed}.\n"
        "Say it with, for example,  {examples}  (a weight row by row: "
        "first all weights into output 1, then all into output 2).",
        why=why,
        listed=listed,
        examples=" ".join(examples),
    )


def _held(training: Training, name: str, size: int) -> list[str]:
    """Return variables that hold the numbers which a parameter starts from, each for another element, if all do."""
    found: dict[int, str] = {}
    used: set[Element] = set()
    for group in training.choices.groups:
        free = (element for element in group.elements if element not in used)
        for slot, element in zip(group.slots, free):
            used.add(element)
            if slot[0] == name:
                found[slot[1]] = source_names((element,), training.pool)[0]
    return [found[place] for place in sorted(found)] if len(found) == size else []


def _short(value: Array) -> str:
    text = np.array2string(value, precision=4, separator=", ", threshold=8).replace("\n", "")
    return " ".join(text.split())


def source_names(source: Source, pool: Pool) -> tuple[str, ...]:
    """Name every element of a source as the script would write it."""
    shapes = {name: stack.shape[1:] for name, stack in {**pool.seen.after, **pool.seen.before}.items()}
    return tuple(element_name(element, shapes[element[0]]) for element in source)
