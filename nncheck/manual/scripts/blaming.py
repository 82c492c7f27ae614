"""The line of the slip: the first statement behind the wrong gradients whose value no true quantity explains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nncheck.manual.scripts import flow, syntax
from nncheck.manual.scripts.flow import Statement, covers
from nncheck.manual.scripts.judge import Judge
from nncheck.manual.scripts.matching import Match
from nncheck.manual.scripts.observed import Observed


@dataclass(frozen=True)
class Blame:
    """The first line whose value no true quantity explains.

    Attributes
    ----------
    line : int
    text : str
        The line as it stands in the file.
    variable : str
        What it assigns.
    """

    line: int
    text: str
    variable: str


def blame(
    text: str,
    observed: Observed,
    matches: Mapping[str, Match],
    wrong: Iterable[str],
    right: Iterable[str],
    quantities: Iterable[str] = (),
) -> Blame | None:
    """Find the line of the slip behind wrong gradients.

    One slip lies in the backward slice of every wrong parameter and of no right one. Of those statements it is the
    first whose value is no true quantity, or not the one that its siblings (``d1``, ``d2``) and its use say.

    Parameters
    ----------
    wrong, right : iterable of str
        Variables of the parameters as ``observed.sources`` names them: ``w5``, ``W2[0, 1]``.
    quantities : iterable of str
        Names of the true values that ``matches`` were held against: an array that bears one of them is meant to be it.
    """
    tree = syntax.parse(text)
    loop = next(loop for loop in syntax.loops(tree) if loop.id == observed.loop)
    statements = flow.iteration(tree, loop)
    wrong_names, right_names = _variables(statements, wrong), _variables(statements, right)
    common, suspects = _suspects(statements, wrong_names, right_names - wrong_names)
    # each step is judged by the rate that it has: what the rate is computed from is no slip
    rate = flow.slice_of(statements, [observed.rate]) if observed.rate else frozenset()
    suspects = [place for place in suspects if place not in rate] or suspects
    common = [place for place in common if place not in rate]
    if not suspects:
        return None
    # the heads of inner loops only count
    suspects = [place for place in suspects if not statements[place].text.startswith("for ")] or suspects
    common = [place for place in common if not statements[place].text.startswith("for ")]
    judge = Judge(statements, observed, matches, frozenset(quantities))
    states = {place: judge.state(place) for place in {*common, *suspects}}
    # a unit that is closed hides a slip from a parameter that is right only for that: its slice does not clear it
    hidden = [place for place in common if states[place] == "odd" and judge.at_times(place)]
    place = min(_first_suspect(suspects, states), *hidden) if hidden else _first_suspect(suspects, states)
    statement = statements[_computing(place, suspects, statements)]
    lines = text.split("\n")
    return Blame(statement.line, lines[statement.line - 1].strip(), ", ".join(sorted(statement.writes)))


def _first_suspect(suspects: Sequence[int], states: Mapping[int, str]) -> int:
    """Return the first odd statement, else the first that is a multiple of what it should be.

    If there is neither: the update, if what it reads is right; else the last statement common to all.
    """
    odd = [place for place in suspects if states[place] == "odd"]
    updates = [place for place in suspects if states[place] == "update"]
    others = [place for place in suspects if states[place] != "update"]
    odd = odd or [place for place in suspects if states[place] == "scaled"]
    if odd:
        return odd[0]
    if updates and (not others or states[others[-1]] == "right"):
        return updates[0]
    return others[-1]


def _computing(place: int, suspects: Sequence[int], statements: Sequence[Statement]) -> int:
    """Return the statement that computes what this one begins: ``h[j] += w[j][i] * x[i]``, not ``h = [0, 0]``."""
    if statements[place].reads and not statements[place].copies:
        return place
    same = [p for p in suspects if p > place and statements[p].writes & statements[place].writes]
    return next((p for p in same if statements[p].reads and not statements[p].copies), place)


def _variables(statements: Sequence[Statement], names: Iterable[str]) -> set[str]:
    """Return names as the flow calls them: an element by itself only where the script writes single elements."""
    written = {name for statement in statements for name in statement.writes}
    found = set()
    for name in names:
        element = re.sub(r"\[([\d, ]+)\]$", lambda m: "".join(f"[{n.strip()}]" for n in m[1].split(",")), name)
        whole = [other for other in written if covers(other, element) and other != element]
        found.add(max(whole, key=len) if whole and element not in written else element)
    return found


def _suspects(statements: Sequence[Statement], wrong: set[str], right: set[str]) -> tuple[list[int], list[int]]:
    """Return the statements behind every wrong parameter, and those of them behind no right one."""
    slices = [flow.slice_of(statements, [name]) for name in sorted(wrong)]
    if not slices:
        return [], []
    cleared: frozenset[int] = frozenset().union(*(flow.slice_of(statements, [name]) for name in right))
    common = frozenset.intersection(*slices)
    for found in (common - cleared, frozenset().union(*slices) - cleared, common):
        if found:
            return sorted(common), sorted(found)
    return [], []
