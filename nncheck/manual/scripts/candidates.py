"""Which variables may be which parameters: by what the loop reassigns, then by initial values, then by shapes."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts.pool import Element, Pool, Source, layouts, natural

MAX_READINGS = 400
_MOST = 0.6  # of the numbers of a variable must be the case's: fewer are so by chance
_LOSS = r"(e|loss|err|error|cost|mse|ce|total_?error|total_?loss|avg_?loss|j|오차|손실|비용)"
LOSS_NAME = re.compile(rf"(?i)^(.*[._])?{_LOSS}(_?(total|val|value|sum|mean|avg))?(\[\d+\])?$")
RATE_NAME = re.compile(
    r"(?i)^(.*[._])?(lr|learning_?rate|l_?rate|eta|alpha|rate|step_?size|학습률|lambda_?lr)\d*( \(call \d\))?$"
)
_BIAS_NAME = re.compile(r"(?i)^(.*\.)?(b|c|bias|biases|편향)[_\d\[\]hoyz]*$")


@dataclass(frozen=True)
class Choices:
    """What may be which parameter.

    Attributes
    ----------
    arrays : mapping of str to tuple of Source
        Parameters that lie whole in one variable, each with every variable and layout that fits.
    groups : tuple of Group
        Single numbers: slots of parameters, and the variables of which each must be one.
    missing : tuple of str
        Parameters for which nothing fits.
    words : tuple of str
        What is to be said of how they were found.
    matched : int
        How many elements were found by the numbers that the case starts from.
    """

    arrays: Mapping[str, tuple[Source, ...]]
    groups: tuple[Group, ...]
    missing: tuple[str, ...]
    words: tuple[str, ...]
    matched: int
    names: tuple[str, ...] = field(default=())

    @property
    def count(self) -> int:
        """Number of readings."""
        ways = [len(sources) for sources in self.arrays.values()]
        ways += [math.perm(len(g.elements), len(g.slots)) if not g.shared else 1 for g in self.groups]
        return math.prod(ways)

    def readings(self, params: Mapping[str, Array]) -> Iterator[dict[str, Source]]:
        """Yield every reading that gives no variable two roles; those in the order of the names first."""
        for picked in itertools.product(*(self.arrays.values()), *(group.ways() for group in self.groups)):
            sources = dict(zip(self.arrays, picked))
            slots: dict[str, dict[int, Element]] = {}
            for group, elements in zip(self.groups, picked[len(self.arrays) :]):
                for (name, place), element in zip(group.slots, elements):
                    slots.setdefault(name, {})[place] = element
            sources.update({name: tuple(found[i] for i in sorted(found)) for name, found in slots.items()})
            used = [element for name, source in sources.items() for element in set(source)]
            if len(used) == len(set(used)):
                yield {name: sources[name] for name in params if name in sources}


@dataclass(frozen=True)
class Group:
    """Slots (parameter, place) that start from one number, and the elements that hold it."""

    slots: tuple[tuple[str, int], ...]
    elements: tuple[Element, ...]

    @property
    def shared(self) -> bool:
        """Whether one variable stands for all slots, as one bias for a whole layer."""
        return len(self.elements) == 1

    def ways(self) -> Iterator[Source]:
        """Yield the assignments of elements to slots."""
        if self.shared:
            yield self.elements * len(self.slots)
        else:
            yield from itertools.permutations(self.elements, len(self.slots))


def by_value(pool: Pool, case: Case) -> Choices:
    """Find the parameters by the numbers that the case starts from, then what is left by shapes and names."""
    arrays: dict[str, tuple[Source, ...]] = {}
    for name, start in case.params.items():
        sources = _arrays(pool, start)
        if sources:
            arrays[name] = sources
    claimed = {sources[0][0][0] for sources in arrays.values() if len({s[0][0] for s in sources}) == 1}
    slots: dict[float, list[tuple[str, int]]] = {}
    for name, start in case.params.items():
        if name not in arrays:
            for place, value in enumerate(start.ravel()):
                slots.setdefault(float(value), []).append((name, place))
    groups: list[Group] = []
    open_slots: list[tuple[str, int]] = []
    held = {value: _holding(pool, value, len(wanted), claimed) for value, wanted in slots.items()}
    chance = _by_chance(pool, held, sum(len(wanted) for wanted in slots.values()))
    for value, wanted in slots.items():
        elements = tuple(element for element in held[value] if element[0] not in chance)
        if len(elements) >= len(wanted) or len(elements) == 1:
            groups.append(Group(tuple(wanted), elements))
        else:
            open_slots += wanted
    groups, open_slots = _without_partial(groups, open_slots)
    matched = sum(case.params[name].size for name in arrays) + sum(len(g.slots) for g in groups)
    return _completed(pool, case, arrays, groups, open_slots, matched)


def _arrays(pool: Pool, start: Array) -> tuple[Source, ...]:
    found: dict[bool, list[Source]] = {True: [], False: []}
    for name, value in pool.first.items():
        if name in pool.counters:
            continue
        for _, places in layouts(start.shape, value.shape):
            if is_start(value.ravel()[list(places)], start.ravel()).all():
                source = tuple((name, place) for place in places)
                if source not in found[name in pool.state]:
                    found[name in pool.state].append(source)
    return tuple(found[True] or found[False])


def _holding(pool: Pool, value: float, wanted: int, claimed: set[str]) -> tuple[Element, ...]:
    """Return the elements that hold a number: those that the loop reassigns if they suffice, else all; or none."""
    names = sorted((name for name in pool.first if name not in claimed | pool.counters), key=natural)
    held = [(e, e[0] in pool.state) for e, v in pool.elements(names) if bool(is_start(np.array(v), np.array(value)))]
    moving = tuple(element for element, moves in held if moves)
    still = tuple(element for element, moves in held if not moves)
    for elements in (moving, moving + still):
        if len(elements) >= wanted or len(elements) == 1:
            return elements
    return ()


def _without_partial(
    groups: list[Group], open_slots: list[tuple[str, int]]
) -> tuple[list[Group], list[tuple[str, int]]]:
    """Open the slots again that have more variables than they need, if other slots of that parameter have none."""
    partial = {name for name, _ in open_slots}
    loose = [g for g in groups if len(g.elements) > len(g.slots) and all(name in partial for name, _ in g.slots)]
    kept = [group for group in groups if group not in loose]
    return kept, sorted([*open_slots, *(slot for group in loose for slot in group.slots)])


def _by_chance(pool: Pool, held: Mapping[float, tuple[Element, ...]], wanted: int) -> set[str]:
    """Return variables of which so few numbers are the case's that the person has chosen other ones."""
    found = {element for elements in held.values() for element in elements}
    if len(found) < _MOST * wanted and sum(map(bool, held.values())) < _MOST * len(held):
        return {name for name, _ in found}
    names = {name for name, _ in found}
    return {name for name in names if sum(e[0] == name for e in found) < _MOST * pool.first[name].size}


def _completed(
    pool: Pool,
    case: Case,
    arrays: dict[str, tuple[Source, ...]],
    groups: list[Group],
    open_slots: list[tuple[str, int]],
    matched: int,
) -> Choices:
    """Fill what no number gave: whole parameters by shape, single numbers by the order of the names."""
    words: list[str] = []
    claimed = {s[0][0] for sources in arrays.values() for s in sources} | {e[0] for g in groups for e in g.elements}
    for name in case.params:
        start = case.params[name]
        if start.size > 1 and sum(slot[0] == name for slot in open_slots) == start.size:
            fitting = _by_shape(pool, start.shape, claimed)
            if fitting:
                arrays[name] = fitting
                open_slots = [slot for slot in open_slots if slot[0] != name]
                words.append(
                    phrase("{name} was found by its shape: it starts from other numbers than the case's", name=name)
                )
    if open_slots:
        taken = {e for group in groups for e in group.elements} | {e for v in arrays.values() for s in v for e in s}
        filled = _by_name(pool, open_slots, taken)
        if filled:
            groups = [*groups, *filled]
            names = ", ".join(dict.fromkeys(e[0] for group in filled for e in group.elements))
            words.append(phrase("{names}: taken by name, for the numbers are not the case's", names=names))
            open_slots = []
    unfilled = {name for name, _ in open_slots}
    missing = tuple(name for name in case.params if name in unfilled)
    return Choices(arrays, tuple(groups), missing, tuple(words), matched, tuple(case.params))


def _by_shape(pool: Pool, shape: tuple[int, ...], taken: set[str]) -> tuple[Source, ...]:
    found: list[Source] = []
    for name in sorted(pool.state, key=natural):
        if name in taken:
            continue
        for _, places in layouts(shape, pool.first[name].shape):
            source = tuple((name, place) for place in places)
            if source not in found:
                found.append(source)
    return tuple(found)


def _by_name(pool: Pool, slots: Sequence[tuple[str, int]], taken: set[Element]) -> list[Group]:
    """Give the free numbers of the loop to the open slots, if there are exactly as many: weights, then biases."""
    free = [
        (name, place)
        for name in sorted(pool.state, key=natural)
        for place in range(pool.first[name].size)
        if (name, place) not in taken and not LOSS_NAME.match(name) and pool.first[name].size <= 64
    ]
    biases = [element for element in free if _BIAS_NAME.match(element[0])]
    weights = [element for element in free if element not in biases]
    wanted = {kind: [slot for slot in slots if slot[0].startswith("B") == kind] for kind in (True, False)}
    if len(biases) != len(wanted[True]) or len(weights) != len(wanted[False]):
        return []
    pairs = [*zip(wanted[False], weights), *zip(wanted[True], biases)]
    return [Group((slot,), (element,)) for slot, element in pairs]


def is_start(got: Array, wanted: Array) -> Array:
    """Whether numbers are those that the case starts from, as float64 or rounded to float32."""
    same: Array = (got == wanted) | (got == np.asarray(wanted, dtype=np.float32).astype(np.float64))
    return same
