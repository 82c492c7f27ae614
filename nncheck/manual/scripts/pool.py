"""The numbers that a loop's variables held, element by element, and how a parameter may lie in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts.flow import Statement, touches
from nncheck.manual.scripts.watched import Seen

#: One number: the name of a variable and the place in it, row by row.
Element: TypeAlias = tuple[str, int]
#: Where the elements of a quantity lie, in the quantity's own order, row by row.
Source: TypeAlias = tuple[Element, ...]


@dataclass(frozen=True)
class Pool:
    """Variables of one loop in one run.

    Attributes
    ----------
    seen : Seen
    first : mapping of str to array
        Value of each variable that exists as the first iteration begins.
    state : frozenset of str
        Those of them that the loop changes or assigns.
    counters : frozenset of str
        Whole numbers that go up by a fixed step, and the loop's own variable: never a parameter.
    """

    seen: Seen
    first: dict[str, Array]
    state: frozenset[str]
    counters: frozenset[str]

    def values(self, source: Source, side: str = "before") -> Array:
        """Return a source's values, (S, number of elements)."""
        return np.stack([element_of(self.seen, element, side) for element in source], axis=1)

    def elements(self, names: Sequence[str]) -> Iterator[tuple[Element, float]]:
        """Yield every element of variables with its first value."""
        for name in names:
            for place, value in enumerate(self.first[name].ravel()):
                yield (name, place), float(value)


def pool_of(seen: Seen, statements: Sequence[Statement], targets: Sequence[str]) -> Pool:
    """Sort the variables of a loop; ``targets`` are the loop's own variables (``epoch``)."""
    written = {name for statement in statements for name in statement.writes}
    first = {name: stack[0] for name, stack in seen.before.items() if not np.isnan(stack[0]).any()}
    counters = {name for name in first if name in targets or _counts(seen, name)}
    state = set()
    for name in first:
        before, after = seen.before[name], seen.after.get(name)
        changed = after is None or after.shape != before.shape or not np.array_equal(before, after, equal_nan=True)
        if changed or any(touches(name, other) for other in written):
            state.add(name)
    first = _without_aliases(first, seen, frozenset(state))
    return Pool(seen, first, frozenset(state & first.keys()) - counters, frozenset(counters))


def layouts(shape: tuple[int, ...], stored: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
    """Return how a quantity may lie in a variable: a word, and for each of its elements the place in the variable."""
    size = int(np.prod(shape))
    if int(np.prod(stored)) != size or size == 1:
        return []
    places = np.arange(size)
    straight = tuple(range(size))
    squeezed = tuple(n for n in stored if n != 1)
    own = tuple(n for n in shape if n != 1)
    if len(own) <= 1:  # a vector, however it is laid
        return [("", straight)] if len(squeezed) == 1 else []
    found = []
    if stored == shape:
        found.append(("", straight))
    if stored == shape[::-1]:
        found.append((phrase("transposed"), tuple(places.reshape(stored).T.ravel().tolist())))
    if len(squeezed) == 1:
        found.append((phrase("row by row"), straight))
        found.append((phrase("column by column"), tuple(places.reshape(shape[::-1]).T.ravel().tolist())))
    return found


def element_of(seen: Seen, element: Element, side: str) -> Array:
    """Return one element over the recorded iterations, NaN where it has none; (S,)."""
    stacks = seen.before if side == "before" else seen.after
    stack = stacks.get(element[0])
    missing: Array = np.full(len(seen.steps), np.nan)
    if stack is None:
        return missing
    flat = stack.reshape(len(seen.steps), -1)
    return flat[:, element[1]] if element[1] < flat.shape[1] else missing


def element_name(element: Element, shape: tuple[int, ...]) -> str:
    """Name one element as the script would write it: ``w1``, ``W[0, 1]``."""
    if int(np.prod(shape)) == 1:
        return element[0]
    index = np.unravel_index(element[1], shape)
    return f"{element[0]}[{', '.join(str(int(i)) for i in index)}]"


def natural(name: str) -> list[tuple[int, int | str]]:
    """Sort key under which w2 stands before w10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]


def _counts(seen: Seen, name: str) -> bool:
    before, after = seen.before[name], seen.after.get(name)
    if seen.kinds.get(name) != "i" or before.ndim != 1 or after is None or after.shape != before.shape:
        return False
    moved = after - before
    return bool(moved[0] != 0 and (moved == moved[0]).all() and float(moved[0]).is_integer())


def _without_aliases(first: dict[str, Array], seen: Seen, state: frozenset[str]) -> dict[str, Array]:
    """Keep one name of each array that several names show: W1 and params['W1']."""
    kept: dict[bytes, str] = {}
    for name in sorted(first, key=lambda n: (sum(n.count(sign) for sign in ".[("), len(n))):
        after = seen.after.get(name)
        key = seen.before[name].tobytes() + (after.tobytes() if after is not None else b"")
        if name not in state or first[name].size == 1:  # equal numbers need not be one number
            key += name.encode()
        kept.setdefault(key, name)
    chosen = set(kept.values())
    return {name: value for name, value in first.items() if name in chosen}
