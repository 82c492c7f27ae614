"""What of a case stays the same for all submissions: its points, what is true there, the index of its mistakes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cached_property

from nncheck.case import Case
from nncheck.diagnosis.index import Index
from nncheck.diagnosis.points import Group
from nncheck.formula import Derivation, plain
from nncheck.probes import draw
from nncheck.verifier.functions import LR, Point, data_of, has_labels, points_of, probes_of
from nncheck.verifier.groups import index_of

#: The points at which mistakes are named are the same for everybody, so that one index serves all.
DIAGNOSIS_SEED = 0
#: Of marking probes, which are each submission's own.
_WIDTHS, _BATCHES = (2, 3, 4, 5, 6), (3, 4, 5, 6, 8)
_INDICES = 64


class Standing:
    """One case of an assignment, ready for any number of submissions.

    Parameters
    ----------
    case : Case
        Certified.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.derivation: Derivation = case.derivation()
        self._indices: dict[tuple[int, ...], Index] = {}

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The points of the diagnosis, the case's own numbers among them."""
        return points_of(self.case, self.derivation, probes_of(self.case, self.derivation, DIAGNOSIS_SEED))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The same points, at which any lines can be evaluated."""
        return self.groups_of(self.points)

    def groups_of(self, points: Sequence[Point]) -> tuple[Group, ...]:
        """Return points as groups."""
        return tuple(
            Group({**{n: plain(a) for n, a in data_of(point.probe).items()}, "lr": plain(LR)}, self.derivation)
            for point in points
        )

    def marking(self, seed: int) -> tuple[Point, ...]:
        """Return the marking point of one submission: its own batch size, its own widths, no two neighbours alike.

        What shows at other sizes only shows at the points of the diagnosis; here is what nobody can have prepared for.
        """
        chance = random.Random(seed)
        widths = [chance.choice(_WIDTHS)]
        while len(widths) < len(self.case.sizes):
            widths.append(chance.choice([width for width in _WIDTHS if width != widths[-1]]))
        return self._drawn(seed, tuple(widths), (chance.choice(_BATCHES),))

    def square(self, seed: int) -> tuple[Point, ...]:
        """Return further marking points with layers of one width, where a W that should be transposed runs too."""
        chance = random.Random(seed)
        return self._drawn(seed, (chance.choice(_WIDTHS),) * len(self.case.sizes), chance.sample(_BATCHES, 2))

    def _drawn(self, seed: int, sizes: tuple[int, ...], batches: Sequence[int]) -> tuple[Point, ...]:
        probes = draw(self.case, self.derivation, seed, (sizes,), batches, one_hot=self._labels)
        return points_of(self.case, self.derivation, probes)

    @cached_property
    def _labels(self) -> bool:
        return has_labels(self.case, self.derivation)

    def index(self, places: Sequence[int]) -> Index:
        """Return the index of mistakes at some of the points, by their places."""
        key = tuple(places)
        if key not in self._indices:
            if len(self._indices) >= _INDICES:
                self._indices.clear()
            self._indices[key] = index_of(self.case, self.derivation, [self.points[place].probe for place in key])
        return self._indices[key]
