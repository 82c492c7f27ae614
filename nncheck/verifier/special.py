"""Sizes at which a wrong line is right all the same: one sample, two outputs, layers of one width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from nncheck.case import Case
from nncheck.errors import FormulaError
from nncheck.formula import Derivation, Line, Name
from nncheck.formula.lines import walk
from nncheck.language import N_, phrase
from nncheck.probes import Probe, draw, widths
from nncheck.verdicts import Verdict
from nncheck.verifier.computed import computed, judged
from nncheck.verifier.functions import data_of, has_labels
from nncheck.verifier.truth import Truth, by_lines

Cell = tuple[tuple[int, ...], int]  # widths of the layers, number of samples

# no number of samples or outputs is as large as a layer of `widths`, lest two things be taken for one
_BATCHES, _OUTPUTS = (1, 2, 3, 7), (1, 2, 3, 6)

Rule = Callable[[tuple[int, ...], int], bool]

#: What is said where a line is right at all sizes s and samples N for which this holds, and wrong at all others tried.
_BY_COUNT: tuple[tuple[str, Rule], ...] = (
    (N_("It is right with two outputs, and only then."), lambda s, N: s[-1] == 2),
    (N_("It is right with one sample, and only then."), lambda s, N: N == 1),
    (N_("It is right with two samples, and only then."), lambda s, N: N == 2),
    (N_("It is right with one output, and only then."), lambda s, N: s[-1] == 1),
    (N_("It is right with one sample and two outputs, and only then."), lambda s, N: (N, s[-1]) == (1, 2)),
    (N_("It is right with one sample and one output, and only then."), lambda s, N: (N, s[-1]) == (1, 1)),
    (N_("It is right where samples times outputs are two, and only there."), lambda s, N: N * s[-1] == 2),
    (N_("It is right where there are as many samples as outputs, and only there."), lambda s, N: s[-1] == N),
)
_BY_WIDTH: tuple[tuple[str, Rule], ...] = (
    (N_("It is right where all layers are equally wide, and only there."), lambda s, N: len(set(s)) == 1),
    (N_("It is right where there are as many inputs as outputs, and only there."), lambda s, N: s[0] == s[-1]),
    (
        N_("It is right where the last hidden layer is as wide as the output, and only there."),
        lambda s, N: s[-2] == s[-1],
    ),
    (
        N_("It is right where the first hidden layer is as wide as the input, and only there."),
        lambda s, N: s[0] == s[1],
    ),
)


class Special:
    """Judges lines at special sizes; what was drawn for one line serves the next.

    Parameters
    ----------
    case, derivation : Case, Derivation
    seed : int
        Of the points.
    limit : int
        As of `computed`.
    """

    def __init__(self, case: Case, derivation: Derivation, seed: int, limit: int) -> None:
        self._case, self._derivation, self._seed, self._limit = case, derivation, seed, limit
        self._labels = has_labels(case, derivation)
        self._points: dict[tuple[Cell, int], tuple[Probe, Truth] | None] = {}

    def only(self, line: Line, steps: Sequence[Line]) -> str:
        """Say under which sizes alone a wrong line is right; empty if there are none, or no simple rule has them.

        Parameters
        ----------
        line : Line
        steps : sequence of Line
            The person's own steps that it may use, each below what it uses.
        """
        program = (*_used(steps, line), line)
        for cells, rules in ((tuple(self._counts()), _BY_COUNT), (tuple(self._shapes()), _BY_WIDTH)):
            right = {cell: self._right(program, cell) for cell in cells}
            if not any(right.values()):
                continue
            said = next((text for text, rule in rules if _is(rule, right)), "")
            certain = all(self._right(program, cell, draw) for cell in right if right[cell] for draw in (1, 2, 3))
            return phrase(said) if said and certain else ""
        return self._own_sizes(program)

    def _counts(self) -> Iterator[Cell]:
        hidden = widths(self._case)[0][:-1]
        return (((*hidden, outputs), batch) for outputs in _OUTPUTS for batch in _BATCHES)

    def _shapes(self) -> Iterator[Cell]:
        layers = len(self._case.sizes)
        yield from (((width,) * layers, 5) for width in (2, 3, 4))
        yield tuple(range(2, layers + 2)), 7
        for layer in range(layers):
            yield (*(3,) * layer, 4, *(3,) * (layers - layer - 1)), 5

    def _own_sizes(self, program: Sequence[Line]) -> str:
        own, batch = self._case.sizes, len(self._case.X)
        if not all(self._right(program, (own, batch), draw) for draw in range(4)):
            return ""
        if self._right(program, (own, batch + 4)):
            return phrase("It is right at the case's own widths, and at no others that were tried.")
        return phrase("It is right at the case's own sizes, and at no others that were tried.")

    def _right(self, program: Sequence[Line], cell: Cell, draw: int = 0) -> bool | None:
        """Whether a line is right as a step; None where that cannot be told, as where all is zero."""
        point = self._point(cell, draw)
        if point is None:
            return None
        name = program[-1].name
        at = computed(*point, program, frozenset(line.name for line in program), self._limit)
        if name not in at.step or at.step[name].value.shape != at.truth.value[name].shape:
            return False
        verdict: Verdict = judged(name, [at]).checked.verdict
        return None if verdict == "cannot-tell" else verdict == "agree"

    def _point(self, cell: Cell, number: int) -> tuple[Probe, Truth] | None:
        key = (cell, number)
        if key not in self._points:
            sizes, batch = cell
            seed = self._seed + 3 + number
            drawn = draw(self._case, self._derivation, seed, shapes=(sizes,), batches=(batch,), one_hot=self._labels)
            try:
                probe = next(drawn)
            except FormulaError:  # no probe of that size takes both branches of a kink
                self._points[key] = None
            else:
                self._points[key] = (probe, by_lines(self._case, self._derivation, data_of(probe)))
        return self._points[key]


def _is(rule: Rule, right: Mapping[Cell, bool | None]) -> bool:
    """Whether a rule holds just where a line is right, and there are sizes of both kinds."""
    told = {cell: value for cell, value in right.items() if value is not None}
    says = [rule(*cell) for cell in told]
    return list(told.values()) == says and any(says) and not all(says)


def _used(steps: Sequence[Line], line: Line) -> list[Line]:
    """Return the steps that a line's value depends on, in their order."""
    wanted = {node.id for node in walk(line.expression) if isinstance(node, Name)}
    found: list[Line] = []
    for step in reversed(steps):
        if step.name in wanted:
            found.insert(0, step)
            wanted |= {node.id for node in walk(step.expression) if isinstance(node, Name)}
    return found
