"""Line by line: each wrong quantity explained on the ground of what explained those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nncheck.diagnosis.catalogue import COMMON
from nncheck.diagnosis.index import Index, Observed, shortest
from nncheck.diagnosis.mistakes import Edit
from nncheck.diagnosis.points import Values, equal, evidence, features, needed
from nncheck.formula import Line
from nncheck.formula.plain import Array

#: So many different explanations of one quantity are followed down the chain, and so many states looked at in all.
_WIDTH, _STATES = 3, 24


@dataclass(frozen=True)
class Found:
    """What a search line by line came to.

    Attributes
    ----------
    causes : tuple of (quantity, edits, together)
    unexplained : tuple of str
    """

    causes: tuple[tuple[str, tuple[Edit, ...], bool], ...] = ()
    unexplained: tuple[str, ...] = ()

    @property
    def cost(self) -> tuple[int, int, int]:
        """What is left unexplained, how many mistakes explain the rest, and how many of them have no name."""
        unnamed = sum(not edits[0].text for _, edits, _ in self.causes)
        return len(self.unexplained), len(self.causes), unnamed


class Follower:
    """A derivation with some lines changed and some values taken from the person, beside what was observed.

    Parameters
    ----------
    index : Index
    observed : Observed
    chosen : mapping of line names to lines
        Changed lines.
    given : for each group a mapping of line names to arrays
        Values that the person's code gave and nothing explains: what follows is computed from them.
    """

    def __init__(
        self,
        index: Index,
        observed: Observed,
        chosen: Mapping[str, Line] | None = None,
        given: Sequence[Mapping[str, Array]] = (),
    ) -> None:
        self.index, self.observed = index, observed
        self.chosen = dict(chosen or {})
        self.given = list(given) or [{} for _ in index.groups]

    @cached_property
    def values(self) -> list[Values]:
        """The lines' values in each group."""
        return [group.values(self.chosen, given) for group, given in zip(self.index.groups, self.given)]

    @cached_property
    def row(self) -> Array:
        """What stands for them, as in the index."""
        return features(self.index.names, self.values)

    @property
    def is_plain(self) -> bool:
        """Whether nothing is changed, so that the index has the row of every edit."""
        return not self.chosen and not any(self.given)

    def with_edit(self, edit: Edit) -> Follower:
        """Return this with one mistake more."""
        lines = {**self.chosen, **{line.name: line for line in edit.lines}}
        return Follower(self.index, self.observed, lines, self.given)

    def taking(self, name: str) -> Follower:
        """Return this with the person's own value of a quantity."""
        given = [
            {**values, name: seen[name].value} if name in seen else values
            for values, seen in zip(self.given, self.observed)
        ]
        return Follower(self.index, self.observed, self.chosen, given)

    def fits(self, name: str) -> bool:
        """Whether the values of a quantity are what was observed in every group."""
        return all(
            name not in seen or (name in values and equal(values[name], seen[name]))
            for values, seen in zip(self.values, self.observed)
        )

    def fits_at_once(self, edit: Edit, name: str) -> bool:
        """Whether with one mistake more a quantity fits, group by group: most edits fail in the first."""
        lines = {**self.chosen, **{line.name: line for line in edit.lines}}
        for group, given, seen in zip(self.index.groups, self.given, self.observed):
            if name in seen:
                values = group.values(lines, given)
                if not (name in values and equal(values[name], seen[name])):
                    return False
        return True


def line_by_line(index: Index, observed: Observed, wrong: Sequence[str]) -> Found:
    """Explain one quantity after the other.

    A quantity that nothing explains is taken as the person has it, so that what follows from it is not blamed again.
    Of several explanations that differ further down, each is followed; the best leaves least unexplained, then needs
    the fewest mistakes.
    """
    names = [name for name in index.names if any(name in group for group in observed)]
    return _Search(index, observed, names, wrong).best(Follower(index, observed), Found(), 0)


class _Search:
    def __init__(self, index: Index, observed: Observed, names: Sequence[str], wrong: Sequence[str]) -> None:
        self.index, self.observed, self.names, self.wrong = index, observed, names, set(wrong)
        self.left = _STATES

    def best(self, state: Follower, found: Found, start: int) -> Found:
        """Return the best that can be made of a state whose quantities before a place are settled."""
        self.left -= 1
        place = next((i for i in range(start, len(self.names)) if not state.fits(self.names[i])), None)
        if place is None:
            return found
        name = self.names[place]
        results = []
        for edits in self._outcomes(state, found, place):
            more = replace(found, causes=(*found.causes, *((name, alike, len(edits) > 1) for alike in edits)))
            after = state
            for alike in edits:
                after = after.with_edit(alike[0])
            results.append(self.best(after, more, place + 1))
            if self.left <= 0 or results[-1].cost == (0, len(found.causes) + 1, 0):
                break
        if results:
            return min(results, key=lambda result: result.cost)
        unexplained = (*found.unexplained, name) if name in self.wrong else found.unexplained
        return self.best(state.taking(name), replace(found, unexplained=unexplained), place + 1)

    def _outcomes(self, state: Follower, found: Found, place: int) -> list[tuple[tuple[Edit, ...], ...]]:
        """Return what explains a quantity, the most telling first: edits that give the same are together.

        Each outcome is one cause, or two where no single mistake explains the quantity.
        """
        name, settled = self.names[place], self.names[:place]
        taken = {name for values in state.given for name in values}
        for kind in ("named", "small"):
            fitting = list(self._candidates(kind, state, name, [n for n in settled if n not in taken]))
            if fitting:
                return [(alike,) for alike in self._alike(state, fitting)]
        if state.is_plain and not found.unexplained:
            pairs = self.index.pairs(self.observed, (*settled, name))[:_WIDTH]
            return [((a,), (b,)) for a, b in pairs if not {x.name for x in a.lines} & {x.name for x in b.lines}]
        return []

    def _candidates(self, kind: str, state: Follower, name: str, settled: Sequence[str]) -> Iterator[Edit]:
        """Yield the edits that make one more quantity fit and spoil none that is settled."""
        edits = self.index.named if kind == "named" else self.index.small
        if state.is_plain:
            yield from (edits[i] for i in self.index.fitting(kind, self.observed, (*settled, name)))
            return
        own = [{name: group[name]} if name in group else {} for group in self.observed]
        # what a mistake would be told by is how far the quantity is from what is expected of it here
        if evidence(own, state.values) < needed(len(edits)):
            return
        touched = self.index.touched(kind)
        order = self.index.names.index
        spoils = touched[:, [order(n) for n in settled]].any(axis=1) if settled else np.zeros(len(edits), dtype=bool)
        upstream = self.index.upstream(name)
        for i in np.flatnonzero(touched[:, order(name)] & ~spoils):
            changed = {line.name for line in edits[i].lines}
            if changed & upstream and not changed & set(state.chosen) and state.fits_at_once(edits[i], name):
                yield edits[i]

    def _alike(self, state: Follower, edits: Sequence[Edit]) -> list[tuple[Edit, ...]]:
        """Put edits together that give the same everywhere; those that make more fit come first."""
        groups: dict[bytes, list[Edit]] = {}
        fitting: dict[bytes, int] = {}
        seen = [self.index.names.index(name) for name in self.names]
        for edit in edits[: 8 * _WIDTH]:
            after = state.with_edit(edit)
            values = after.row.reshape(len(self.index.groups), -1)[:, seen]
            with np.errstate(all="ignore"):
                key = np.array([f"{value:.8e}" for value in values.ravel()]).tobytes()
            groups.setdefault(key, []).append(edit)
            if key not in fitting:
                fitting[key] = sum(after.fits(name) for name in self.names)
        order = sorted(groups, key=lambda key: (-fitting[key], -COMMON.get(groups[key][0].id, 1)))
        return [tuple(groups[key] if groups[key][0].text else shortest(groups[key])) for key in order[:_WIDTH]]
