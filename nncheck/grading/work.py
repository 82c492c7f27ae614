"""What is known of one submission's work on one case: what marks are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from nncheck.case import Case
from nncheck.diagnosis.points import Group
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.grades import Mark
from nncheck.verification import Checked
from nncheck.verifier.assess import Assessment
from nncheck.verifier.functions import Point


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is known of one submission's work on one case.

    Attributes
    ----------
    case, derivation : Case, Derivation
    assessment : Assessment
    points : sequence of Point
        Where functions were called; empty for other forms.
    groups : callable
        Returns the same points, at which any lines can be evaluated; few submissions need it.
    got : for each point a mapping of line names to arrays
    coarse : frozenset of str
        Quantities that are float32.
    stateful : frozenset of str
        What another call gives otherwise.
    stopped : str
        ``forward``, ``loss`` or ``backward`` if it raised at some sizes; the points are those at which all ran.
    reasons : mapping of str to str
        Why a check was not reached, by its name; under the empty name for all others.
    trajectory : Mark or None
        What training gave, without its points.
    too_coarse : bool
        Whether it is the person's own choice of numbers that cannot tell something from rounding.
    """

    case: Case
    derivation: Derivation
    assessment: Assessment
    points: Sequence[Point] = ()
    groups: Callable[[], Sequence[Group]] = tuple
    got: Sequence[Mapping[str, Array]] = ()
    coarse: frozenset[str] = frozenset()
    stateful: frozenset[str] = frozenset()
    stopped: str = ""
    reasons: Mapping[str, str]
    trajectory: Mark | None = None
    too_coarse: bool = False

    @cached_property
    def checked(self) -> dict[str, Checked]:
        """Every judged quantity by its name."""
        return {checked.name: checked for checked in self.assessment.quantities}

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        """Quantities that differ, in the order of the chain."""
        return tuple(n for n in self.derivation.names if n in self.checked and self.checked[n].verdict == "differ")

    @property
    def is_formulas(self) -> bool:
        """Whether every line was judged by itself, as a step from true values."""
        return not self.points and self.trajectory is None

    @property
    def agreed(self) -> bool:
        """Whether loss and gradients differ by a convention alone."""
        return any(finding.convention and finding.quantity == "E" for finding in self.assessment.findings)
