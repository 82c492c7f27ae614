"""Every known mistake of a case, evaluated once at its points: then a diagnosis is a look-up.

The outputs of a mistake depend on the points alone. Each mistake is one row of numbers that stand for its values
(`points.features`); what a person's code gave is another such row, and the mistakes whose row equals it explain it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from nncheck.diagnosis.catalogue import COMMON
from nncheck.diagnosis.edits import small_edits
from nncheck.diagnosis.mistakes import Edit, combined, named_edits
from nncheck.diagnosis.points import Group, Observation, evidence, features, needed, seen_features
from nncheck.formula import Derivation, Line
from nncheck.formula.lines import upstream
from nncheck.formula.plain import Array

Observed = Sequence[Mapping[str, Observation]]
Keep = Callable[[str, int, int, Callable[[], Array]], Array]

#: So many pairs are indexed at most, those of the most common mistakes; a net of four layers has three times as many.
MAX_PAIRS = 20_000
#: Of small edits that give the same, the shortest are told.
_TOLD = 3


class Index:
    """The mistakes of one derivation at some groups of points.

    Parameters
    ----------
    derivation : Derivation
    inputs : sequence of str
        X, YT and the names of the parameters.
    groups : sequence of Group

    Attributes
    ----------
    named, small : tuple of Edit
        The mistakes of the catalogue, and the small edits of the lines.
    """

    def __init__(self, derivation: Derivation, inputs: Sequence[str], groups: Sequence[Group]) -> None:
        self.derivation, self.groups = derivation, groups
        self.names = derivation.names
        self.named = named_edits(derivation)
        self.small = small_edits(derivation, tuple(inputs))
        self._rows: dict[str, Array] = {}
        self._last: tuple[Observed, tuple[Array, Array]] | None = None
        self._kept: Keep = lambda _kind, _group, _count, compute: compute()
        self.right = features(self.names, [group.truth for group in groups])

    def keep(self, kept: Keep) -> None:
        """Let the rows of each group be kept between runs.

        ``kept`` gets their kind, the number of the group, how many they are, and what computes them.
        """
        self._kept = kept

    def singles(self, observed: Observed) -> list[Edit]:
        """Return the named mistakes that give just what was observed; if there is none, the small edits that do."""
        named = _different([self.named[i] for i in self.fitting("named", observed)])
        return named or shortest([self.small[i] for i in self.fitting("small", observed)])

    def pairs(self, observed: Observed, upto: Sequence[str] = ()) -> list[tuple[Edit, Edit]]:
        """Return the pairs of named mistakes that together give just what was observed, the most common first.

        Parameters
        ----------
        observed : Observed
        upto : sequence of str, optional
            The quantities that are to fit; by default all that were observed.
        """
        return sorted((self._pairs[i] for i in self.fitting("pairs", observed, upto)), key=_plausible)

    def fitting(self, kind: str, observed: Observed, upto: Sequence[str] = ()) -> list[int]:
        """Return which of the ``named``, ``small`` or ``pairs`` fit what was observed of some quantities, or of all."""
        if upto:
            observed = [{name: seen for name, seen in group.items() if name in upto} for group in observed]
        rows = self.rows(kind)
        found = self._equal(rows, observed)
        if found and evidence(observed, [group.truth for group in self.groups]) < needed(len(rows)):
            return []
        return found

    def rows(self, kind: str) -> Array:
        """Return the rows of the ``named``, ``small`` or ``pairs``, computed when first asked for."""
        if kind not in self._rows:
            lines = list(self._lines(kind))
            parts = [
                self._kept(kind, g, len(lines), lambda group=group: self._computed(lines, group))  # type: ignore[misc]
                for g, group in enumerate(self.groups)
            ]
            self._rows[kind] = np.hstack(parts)
        return self._rows[kind]

    def touched(self, kind: str) -> Array:
        """Return which quantities each edit changes, (edits, names)."""
        with np.errstate(all="ignore"):
            same = np.abs(self.rows(kind) - self.right) <= 1e-12 * np.abs(self.right)
        same |= np.isnan(self.rows(kind)) & np.isnan(self.right)
        changed: Array = ~same.reshape(len(same), len(self.groups), len(self.names)).all(axis=1)
        return changed

    def upstream(self, name: str) -> frozenset[str]:
        """Return the lines that a line's value depends on, itself among them."""
        return upstream(self.derivation)[name]

    @cached_property
    def _pairs(self) -> list[tuple[Edit, Edit]]:
        edits = list(self.named)  # the most common first
        while len(edits) * (len(edits) - 1) // 2 > MAX_PAIRS:
            edits.pop()
        return [
            (a, b)
            for i, a in enumerate(edits)
            for b in edits[i + 1 :]
            if not (a.is_convention and b.is_convention) and combined(a, b) is not None
        ]

    def _lines(self, kind: str) -> Iterator[Mapping[str, Line]]:
        if kind == "pairs":
            for a, b in self._pairs:
                yield combined(a, b) or {}
        else:
            for edit in self.named if kind == "named" else self.small:
                yield {line.name: line for line in edit.lines}

    def _computed(self, replacements: Sequence[Mapping[str, Line]], group: Group) -> Array:
        rows = np.tile(features(self.names, [group.truth]), (len(replacements), 1))
        for row, replaced in zip(rows, replacements):
            features(self.names, [group.values(replaced)], row, [group.truth])
        return rows

    def _wanted(self, observed: Observed) -> tuple[Array, Array]:
        """Return what stands for what was observed, and how far it may be off; the last is remembered."""
        if self._last is None or self._last[0] is not observed:
            self._last = observed, seen_features(self.names, observed)
        return self._last[1]

    def _equal(self, rows: Array, observed: Observed) -> list[int]:
        """Return which rows equal what was observed wherever something was."""
        wanted, allowance = self._wanted(observed)
        columns = np.flatnonzero(~np.isnan(wanted))
        # most rows fail at the first value that is wrong, so that column goes first
        wrong = ~(np.abs(self.right - wanted) <= allowance)
        candidates = np.arange(len(rows))
        for column in sorted(columns, key=lambda c: not wrong[c]):
            near = np.abs(rows[candidates, column] - wanted[column]) <= allowance[column]
            candidates = candidates[near]
            if not candidates.size:
                return []
        differs = np.array([np.any(~(np.abs(rows[i] - self.right)[columns] <= allowance[columns])) for i in candidates])
        return [int(i) for i in candidates[differs]]


def _plausible(pair: tuple[Edit, Edit]) -> tuple[bool, int]:
    """Return what pairs are told in the order of: two mistakes in different lines first, then the most common ones."""
    first, second = ({line.name for line in edit.lines} for edit in pair)
    return bool(first & second), -sum(COMMON.get(edit.id, 1) for edit in pair)


def _different(edits: Sequence[Edit]) -> list[Edit]:
    """Return each mistake in the same lines once: some are written in two ways that are equal here.

    Conventions come last: where another mistake gives the same, no gradient was seen that follows the loss.
    """
    different = list({(e.id, *(line.name for line in e.lines)): e for e in reversed(edits)}.values())[::-1]
    return sorted(different, key=lambda edit: edit.is_convention)


def shortest(edits: Sequence[Edit]) -> list[Edit]:
    """Return the few shortest of small edits that give the same: the rest are longer ways to write it."""
    ordered = sorted(edits, key=lambda edit: (len(edit.lines), len(edit.equals)))
    return [edit for edit in ordered if len(edit.lines) == len(ordered[0].lines)][:_TOLD]
