"""From what a person's code gave to what explains it: one mistake before two, two before a search line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nncheck.diagnosis.following import Follower, line_by_line
from nncheck.diagnosis.index import Index, Observed, shortest
from nncheck.diagnosis.mistakes import Edit


@dataclass(frozen=True)
class Cause:
    """One mistake that explains a wrong quantity.

    Attributes
    ----------
    quantity : str
        The first observed quantity that it makes wrong.
    edits : tuple of Edit
        Each fits by itself; several where the points cannot tell them apart, the most telling first.
    together : bool
        Whether it explains its quantity only together with the causes before it.
    aside : bool
        Whether only what is handed over under the name of the quantity is wrong: what is computed from it is right.
    """

    quantity: str
    edits: tuple[Edit, ...]
    together: bool = False
    aside: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What explains a set of wrong quantities.

    Attributes
    ----------
    causes : tuple of Cause
        In the order of the chain; with all of them everything wrong is explained, but for ``unexplained``.
    unexplained : tuple of str
        Wrong quantities that nothing known explains.
    """

    causes: tuple[Cause, ...] = ()
    unexplained: tuple[str, ...] = field(default=())

    def of(self, quantity: str) -> tuple[Cause, ...]:
        """Return what explains a quantity: several causes only together."""
        return tuple(cause for cause in self.causes if cause.quantity == quantity)


def diagnose(index: Index, observed: Observed, wrong: Sequence[str]) -> Diagnosis:
    """Explain the wrong quantities.

    Parameters
    ----------
    index : Index
    observed : for each group of the index, a mapping of line names to what was observed
    wrong : sequence of str
        Which of them differ, in the order of the chain.
    """
    if not wrong:
        return Diagnosis()
    singles = index.singles(observed)
    if singles and not _all_zero(index, singles[0]):
        return Diagnosis((Cause(wrong[0], tuple(singles)),))
    aside = _aside(index, observed, wrong)
    if aside:
        return aside
    pairs = index.pairs(observed)
    if pairs:
        return Diagnosis(_causes_of_pairs(index, observed, pairs, wrong))
    if singles:
        return Diagnosis((Cause(wrong[0], tuple(singles)),))
    found = line_by_line(index, observed, wrong)
    causes = tuple(Cause(name, edits, together) for name, edits, together in found.causes)
    return Diagnosis(causes, found.unexplained)


def _all_zero(index: Index, edit: Edit) -> bool:
    """Whether an edit that has no name only makes zeros of its line: two mistakes with a name are more telling."""
    lines = {line.name: line for line in edit.lines}
    values = [group.values(lines) for group in index.groups]
    return not edit.text and not any(value[name].any() for value in values for name in lines if name in value)


def _aside(index: Index, observed: Observed, wrong: Sequence[str]) -> Diagnosis | None:
    """Explain a gradient that is wrong as it is handed over, while what is computed from it is right."""
    if len(wrong) > 1:
        return None
    name = wrong[0]
    seen = {other for group in observed for other in group}
    if not any(name in index.upstream(other) for other in seen - {name}):
        return None
    named = [index.named[i] for i in index.fitting("named", observed, (name,))]
    edits = named or shortest([index.small[i] for i in index.fitting("small", observed, (name,))])
    own = [edit for edit in edits if [line.name for line in edit.lines] == [name]]
    if own:
        return Diagnosis((Cause(name, tuple(own), aside=True),))
    return Diagnosis((), (name,))


def _causes_of_pairs(
    index: Index, observed: Observed, pairs: Sequence[tuple[Edit, Edit]], wrong: Sequence[str]
) -> tuple[Cause, ...]:
    """Return the two mistakes in the order of the chain, each with what may stand in its place in another pair."""
    first, second = sorted(pairs[0], key=lambda edit: _place(index, edit))
    instead_of_first = [a if b is second else b for a, b in pairs if a is second or b is second]
    instead_of_second = [a if b is first else b for a, b in pairs if a is first or b is first]
    # the second shows where the first alone does not give what was observed
    follower = Follower(index, observed).with_edit(first)
    seen = [name for name in wrong if not follower.fits(name)]
    at_first = _first_hit(index, first, wrong)
    at_second = next(iter(seen), at_first)
    return (
        Cause(at_first, tuple(instead_of_first), together=at_first == at_second),
        Cause(at_second, tuple(instead_of_second), together=True),
    )


def _place(index: Index, edit: Edit) -> int:
    return min(index.names.index(line.name) for line in edit.lines)


def _first_hit(index: Index, edit: Edit, wrong: Sequence[str]) -> str:
    """Return the first wrong quantity that a mistake can have made wrong."""
    changed = {line.name for line in edit.lines}
    return next((name for name in wrong if changed & index.upstream(name)), wrong[0])
