"""A plain training script as records: parameters before and after each step, in the case's layout, for several runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts import flow, syntax
from nncheck.manual.scripts.candidates import Choices
from nncheck.manual.scripts.evidence import SAME, parameters, precision_of, quantities
from nncheck.manual.scripts.losses import find_loss
from nncheck.manual.scripts.mapping import as_mapped
from nncheck.manual.scripts.pool import Source, element_of
from nncheck.manual.scripts.rate import Rate, in_force, learning_rate
from nncheck.manual.scripts.reruns import from_other_numbers
from nncheck.manual.scripts.roles import Failure as Failure
from nncheck.manual.scripts.roles import NeedsMap as NeedsMap
from nncheck.manual.scripts.roles import Training, choose, find_training, source_names
from nncheck.manual.scripts.variable import Variable as Variable
from nncheck.manual.scripts.watched import Seen, Watched
from nncheck.manual.scripts.words import data_words, own_numbers, size_notes, start_words

#: Iterations of a loop with none around it after which the first run ends.
MOST = 1001


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Steps of one script, over several runs.

    Attributes
    ----------
    run : (S,)
        0 as the file is, 1 and up with other numbers in place of its literals.
    step : (S,)
        Iteration of the training loop.
    X, YT : (S, N, n_in), (S, N, n_out)
    before, after : mapping of str to (S, ...)
        Each parameter in the case's layout; NaN where an update gave it another size.
    E : (S,) or None
        The loss as the script has it; NaN at steps where it has none.
    E_from : str
        Name of the variable or the expression that is the loss.
    lr : float or None
    lr_from : str
        Where the learning rate comes from, or why there is none.
    rates : (S,) or None
        The learning rate of each step; None where there is none.
    rate : str
        The variable that is the learning rate; empty where it is none.
    precision : str
        ``float32`` if something that the loop starts from is in it, else ``float64``.
    chain : (S,)
        Whether a step starts from where the one before it ended: what an update carries along can be replayed.
    variables : tuple of Variable
        Everything else that the loop computed.
    sources : mapping of str to tuple of str
        For each parameter the variable of each element, row by row.
    lines : mapping of str to int
        Line of the last assignment of each variable in the loop.
    loop : int
        Number of the training loop, as `syntax.loops` counts.
    read_as : tuple of str
        How the script was read, a sentence for each thing that was not plain.
    notes : tuple of str
        What is worth knowing of the runs.
    """

    run: Array
    step: Array
    X: Array
    YT: Array
    before: Mapping[str, Array]
    after: Mapping[str, Array]
    E: Array | None
    E_from: str
    lr: float | None
    lr_from: str
    rates: Array | None
    rate: str = ""
    precision: str
    chain: Array
    variables: tuple[Variable, ...]
    sources: Mapping[str, tuple[str, ...]]
    lines: Mapping[str, int]
    loop: int
    read_as: tuple[str, ...]
    notes: tuple[str, ...]


def observe(
    run_watch: Callable[..., Watched],
    text: str,
    case: Case,
    mapping: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> Observed | NeedsMap | Failure:
    """Watch a script as it is, then from other numbers, and read its variables as the case's quantities.

    Parameters
    ----------
    run_watch : callable
        Runs `script.watch` on the text in the person's process: ``run_watch(literals=..., loop=..., most=...)``.
    text : str
        Of the script.
    mapping : mapping of str to sequence of str, optional
        What a person said: ``{"W": ["w1", "w2", "w3", "w4"]}``.

    Raises
    ------
    InputError
        If the mapping names what is not there.
    """
    with np.errstate(all="ignore"):  # a training may diverge
        return _observed(run_watch, text, case, mapping, seed)


def _observed(
    run_watch: Callable[..., Watched],
    text: str,
    case: Case,
    mapping: Mapping[str, Sequence[str]] | None,
    seed: int,
) -> Observed | NeedsMap | Failure:
    try:
        tree = syntax.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Failure(run_watch(literals=None, loop=None, most=1).failure or phrase("the file is not Python."))
    watched = run_watch(literals=None, loop=None, most=MOST)
    training = find_training(watched, tree, case)
    unfound = isinstance(training, Failure) or training.choices.matched == 0
    if unfound and watched.stopped == "steps":
        watched = run_watch(literals=None, loop=None, most=None)  # a long loop before the one that trains
        training = find_training(watched, tree, case)
    if isinstance(training, Failure):
        return training
    if watched.failure and _is_unfinished(training, watched):
        return Failure(watched.failure)
    others: dict[str, str] = {}
    if mapping:
        training, others = as_mapped(training, mapping, case)
    names = _parameter_names(training.choices)
    rate = learning_rate(training, names, others.get("lr", ""))
    runs, notes = from_other_numbers(run_watch, tree, training, case, np.random.default_rng(seed), rate.value)
    picked = choose(training, [training.pool.seen, *runs], case, rate.value)
    if isinstance(picked, NeedsMap):
        return Failure(watched.failure) if watched.failure else picked
    reading, words = picked
    if training.pool.seen.broken:
        notes.append(phrase("The loop is left by break in its first iteration: that one is all there is to see."))
    if watched.failure:
        notes.append(phrase("After the steps that were seen it stopped: {failure}", failure=watched.failure))
    return _assembled(training, runs, case, reading, rate, watched, words, tuple(notes), others.get("E", ""))


def _is_unfinished(training: Training, watched: Watched) -> bool:
    """Whether a loop around the one that seems to train never came to the end of an iteration: its step was cut off."""
    finished = {seen.loop for seen in watched.loops if not seen.broken}
    return bool(set(training.pool.seen.under) - finished)


def _parameter_names(choices: Choices) -> set[str]:
    names = {e[0] for sources in choices.arrays.values() for source in sources for e in source}
    return names | {e[0] for group in choices.groups for e in group.elements}


def _assembled(
    training: Training,
    runs: Sequence[Seen],
    case: Case,
    reading: Mapping[str, Source],
    rate: Rate,
    watched: Watched,
    words: Sequence[str],
    notes: tuple[str, ...],
    loss: str,
) -> Observed:
    every = [training.pool.seen, *runs]
    data = [training.data.arrays(seen, case) for seen in every]
    before = [parameters(seen, reading, case, "before") for seen in every]
    after = [parameters(seen, reading, case, "after") for seen in every]
    X, YT = np.concatenate([pair[0] for pair in data]), np.concatenate([pair[1] for pair in data])
    joined_before = {name: np.concatenate([side[name] for side in before]) for name in reading}
    joined_after = {name: np.concatenate([side[name] for side in after]) for name in reading}
    run = np.concatenate([np.full(len(seen.steps), number) for number, seen in enumerate(every)])
    step = np.concatenate([np.array(seen.steps) for seen in every])
    lines = {**watched.lines, **flow.lines_of(training.statements)}
    variables = tuple(_variables(training, reading, every, lines, rate))
    precision = precision_of(training.pool.seen)
    E, E_from, E_words = find_loss(case, X, YT, joined_before, joined_after, variables, loss, SAME[precision])
    sources = {name: source_names(source, training.pool) for name, source in reading.items()}
    read_as = [*words, *E_words, *data_words(training, case), *start_words(training.pool, reading, case)]
    return Observed(
        run=run,
        step=step,
        X=X,
        YT=YT,
        before=joined_before,
        after=joined_after,
        E=E,
        E_from=E_from,
        lr=rate.value,
        lr_from=rate.source,
        rate=rate.variable,
        rates=_rates(training, rate, case, X, YT, joined_before, joined_after, every),
        precision=precision,
        chain=_chain(run, step, joined_before, joined_after),
        variables=tuple(variable for variable in variables if variable.name != E_from),
        sources=sources,
        lines=lines,
        loop=training.loop,
        read_as=tuple(read_as),
        notes=(*notes, *own_numbers(training, reading, case), *size_notes(training.pool, reading)),
    )


def _rates(
    training: Training,
    rate: Rate,
    case: Case,
    X: Array,
    YT: Array,
    before: Mapping[str, Array],
    after: Mapping[str, Array],
    every: Sequence[Seen],
) -> Array | None:
    """Return the rate of each step; of one that changes in the loop, the value that the update reads.

    Where the text does not tell which that is, the end of the iteration that explains more of the updates.
    """
    if rate.value is not None:
        constant: Array = np.full(len(X), rate.value)
        return constant
    if not rate.variable:
        return None
    true = quantities(case.derivation(), X, YT, before)
    best: tuple[int, Array] | None = None
    told = in_force(training, rate.variable, _parameter_names(training.choices))
    for side in ("before", "after"):
        rates: Array = np.abs(np.concatenate([element_of(seen, (rate.variable, 0), side) for seen in every]))
        if side == told and np.isfinite(rates).all():
            return rates
        if not np.isfinite(rates).all():  # not bound before the loop
            continue
        fitting = 0
        for name in before:
            steps = rates.reshape(-1, *(1,) * (before[name].ndim - 1))
            with np.errstate(all="ignore"):
                fitting += int(
                    np.isclose(before[name] - after[name], steps * true[f"d{name}"], rtol=1e-6, atol=0).sum()
                )
        if best is None or fitting > best[0]:
            best = fitting, rates
    return best[1] if best else None


def _chain(run: Array, step: Array, before: Mapping[str, Array], after: Mapping[str, Array]) -> Array:
    joined = np.zeros(len(run), dtype=bool)
    joined[1:] = (run[1:] == run[:-1]) & (step[1:] == step[:-1] + 1)
    for name in before:
        width = (len(run), -1)
        joined[1:] &= (before[name].reshape(width)[1:] == after[name].reshape(width)[:-1]).all(axis=1)
    return joined


def _variables(
    training: Training, reading: Mapping[str, Source], every: Sequence[Seen], lines: Mapping[str, int], rate: Rate
) -> Iterable[Variable]:
    used = {element[0] for source in reading.values() for element in source} | {rate.variable}
    used |= {e[0] for source in (training.data.X, training.data.YT) if source for e in source}
    still = set(training.pool.first) - training.pool.state
    model = every[0]
    for name, stack in model.after.items():
        if name in used or name in still or name in training.pool.counters:
            continue
        parts = [seen.after.get(name) for seen in every]
        values = [
            part if part is not None and part.shape[1:] == stack.shape[1:] else np.full(
                (len(seen.steps), *stack.shape[1:]), np.nan
            )
            for part, seen in zip(parts, every)
        ]  # fmt: skip
        base = name.split(" (call")[0]
        yield Variable(name, lines.get(base), np.concatenate(values))
