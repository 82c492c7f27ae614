"""Mistakes of the catalogue planted in programs: whether they are found, named first, or taken for something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from nncheck.diagnosis.index import Index
from nncheck.diagnosis.mistakes import Edit, combined
from nncheck.formula import Line
from nncheck.manual.layouts import LAYOUTS
from nncheck.verifier.assess import Assessment

from .programs import Judge, program, sized
from .slipped import gradients_of, nets_of

CASES = ("relu_sigmoid", "softmax_cross_entropy", "hidden")
SIZES = ((2, 2, 2), (3, 4, 5))


class Field:
    """One case at one size, in which mistakes are planted.

    Parameters
    ----------
    name : str
        Of the case.
    sizes : tuple of int
    """

    def __init__(self, name: str, sizes: tuple[int, ...]) -> None:
        self.name, self.case = name, sized(name, sizes)
        self.derivation = self.case.derivation()
        self.judge = Judge(self.case, self.derivation)

    @cached_property
    def index(self) -> Index:
        """The index that is asked where nothing stops."""
        return self.judge.index(program(self.derivation, tuple(self.case.params), {}))

    @property
    def pairs(self) -> list[tuple[Edit, Edit]]:
        """Every pair that is indexed."""
        return self.index._pairs

    def outcome(self, edits: Sequence[Edit]) -> str:
        """Plant one mistake or two, and return what is made of it.

        ``undetected``, ``stops`` (no value at all), ``layout`` (it is right in another layout,
        in which other lines are wrong), ``unique``, ``first`` (of a family of equals), ``family``, ``equal``
        (another name for the same values, on nets that were not seen), ``unexplained``, ``wrong``.
        """
        lines = {line.name: line for line in edits[0].lines}
        if len(edits) > 1:
            lines = combined(*edits) or {}
        try:
            planted = program(self.derivation, tuple(self.case.params), lines)
        except ValueError:  # lines that need each other
            return "stops"
        assessment = self.judge.assess(planted)
        if not assessment.findings:
            return "undetected"
        if self.judge.layout != LAYOUTS[0]:
            return "layout"
        if not any(finding.kind in ("value", "shape", "convention") for finding in assessment.findings):
            return "stops"
        return self._named(edits, lines, assessment)

    def _named(self, edits: Sequence[Edit], lines: dict[str, Line], assessment: Assessment) -> str:
        causes = assessment.diagnosis.causes
        if not causes:
            ids = [e.id for finding in assessment.findings for e in finding.explanations if finding.convention]
            if ids == [edits[0].id] and len(edits) == 1:
                return "unique"
            return "equal" if ids else "unexplained"
        if assessment.diagnosis.unexplained:
            return "unexplained"
        families = [[_key(edit) for edit in cause.edits] for cause in causes]
        keys = [_key(edit) for edit in edits]
        if len(families) == len(edits) and all(any(key in family for family in families) for key in keys):
            if all(len(family) == 1 for family in families):
                return "unique"
            return "first" if all(any(key == family[0] for family in families) for key in keys) else "family"
        said = {line.name: line for cause in causes for line in cause.edits[0].lines}
        if len(causes) == 2 and (both := combined(causes[0].edits[0], causes[1].edits[0])):
            said = both
        return "equal" if self._alike(lines, said) else "wrong"

    def _alike(self, lines: dict[str, Line], said: dict[str, Line]) -> bool:
        """Whether two programs give the same on nets that were not seen, wherever the first gives anything."""
        params = tuple(self.case.params)
        one, other = (program(self.derivation, params, changed) for changed in (lines, said))
        for net in nets_of(self.name, "rows"):
            a, b = gradients_of(one, net), gradients_of(other, net)
            if isinstance(a, str):
                continue
            if isinstance(b, str) or any(
                a[k].shape != b[k].shape or not np.allclose(a[k], b[k], rtol=1e-8, atol=1e-11, equal_nan=True)
                for k in a
            ):
                return False
        return True


def _key(edit: Edit) -> tuple[str, ...]:
    """Return what tells mistakes apart: two ways to write one in the same line are one."""
    return (edit.id, *(line.name for line in edit.lines))


def shares(outcomes: Sequence[str]) -> tuple[Counter[str], dict[str, float]]:
    """Return the counts, and of the detectable ones the shares that are asked for."""
    counted = Counter(outcomes)
    of = sum(counted[kind] for kind in ("unique", "first", "family", "equal", "unexplained", "wrong")) or 1
    family = sum(counted[kind] for kind in ("unique", "first", "family"))
    return counted, {
        "unique": counted["unique"] / of,
        "first": (counted["unique"] + counted["first"]) / of,
        "named": (family + counted["equal"]) / of,
        "wrong": counted["wrong"] / of,
    }
