"""Whether a statement of a script gives what it should, as far as values, names and use tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncheck.formula.plain import Array
from nncheck.manual.scripts.flow import Statement, covers
from nncheck.manual.scripts.matching import Held, Match
from nncheck.manual.scripts.observed import Observed


class Judge:
    """Says of a statement's value whether it is what it should be, as far as values, names and use tell."""

    def __init__(
        self,
        statements: Sequence[Statement],
        observed: Observed,
        matches: Mapping[str, Match],
        quantities: frozenset[str],
    ) -> None:
        self._statements = statements
        self._quantities = quantities - {"Y", "E"}  # Y is often the softmax of it, E is in no gradient
        self._forward = {name for name in quantities if re.fullmatch(r"[A-Z]\w*", name)}
        self._sound = _sound_functions(observed)
        self._parameters = {name for names in observed.sources.values() for name in names}
        self._matches = matches
        self._inner = Counter(n for s in statements for n in s.writes if "()" in n or _is_inner(n, statements))
        self._stems: dict[str, list[str]] = {}
        for name in matches:
            self._stems.setdefault(_stem(name), []).append(name)
        self._places: dict[str, Counter[tuple[int, ...]]] = {}
        for name, found in matches.items():
            indices = {h.index for h in found.held if len(h.index) == 1}
            if len(indices) == 1:
                digits = "".join(re.findall(r"\d+", name))
                self._places.setdefault(digits, Counter())[indices.pop()] += 1
        self._asked = _asked_of(statements, observed, matches)

    def state(self, place: int) -> str:
        """Return ``right``, ``odd``, ``scaled`` (a multiple of what is right), ``neutral`` (unknown) or ``update``."""
        states = [self._at(place, name) for name in self._statements[place].writes]
        for state in ("odd", "scaled", "update", "right", "neutral"):
            if state in states:
                return state
        return "neutral"

    def _at(self, place: int, name: str) -> str:
        """Return the state of one variable after a statement, which may be another than what it holds in the end."""
        then = self._matches.get(f"{name} (line {self._statements[place].line})")
        if then is not None and any(not held.factor for held in then.held):
            return "right"
        return self._of(name)

    def _of(self, name: str) -> str:
        if any(covers(name, _flat(p)) or covers(_flat(p), name) for p in self._parameters):
            return "update"
        if name[0] == "?" or self._inner[name] > 1 or name not in self._matches:
            return "neutral"
        if name.endswith("()") and name[:-2] in self._sound:
            return "right"  # a right sigmoid of a wrong number: the call is to blame
        held = self._matches[name].held
        siblings = [other for other in self._stems[_stem(name)] if other != name and self._is_single(other)]
        siblings = siblings if self._is_single(name) else []
        if not held:
            return "odd" if not siblings or any(self._matches[other].held for other in siblings) else "neutral"
        if not self._fits(name, held, siblings):
            return "odd"
        if any(not h.factor for h in held):
            return "right"
        # minus the gradient may be a convention; minus the output is none
        return "odd" if any(h.quantity in self._forward for h in held) else "scaled"

    def _fits(self, name: str, held: Sequence[Held], siblings: Sequence[str]) -> bool:
        asked = self._asked.get(name)
        if asked and not any(asked.is_met_by(h) for h in held):
            return False
        if len(self._matches[name].elements) > 1:  # arrays have no siblings, but they say what they are
            said = name.split(".")[-1].replace("_", "")
            return said not in self._quantities or any(h.quantity == said for h in held)
        others = {h for other in siblings for h in self._matches[other].held}
        kinds = {(h.quantity, h.factor) for h in others}
        return not kinds or any(
            (h.quantity, h.factor) in kinds and (h not in others or not h.index or self._counts_so(name, h))
            for h in held
        )

    def _counts_so(self, name: str, held: Held) -> bool:
        """Whether the digits in a name stand for this place elsewhere too: z1 and h1 for the first unit."""
        places = Counter(self._places.get("".join(re.findall(r"\d+", name)), Counter()))
        places[held.index] -= 1  # its own
        return len(held.index) == 1 and places[held.index] > 0 and places[held.index] == max(places.values())

    def at_times(self, place: int) -> bool:
        """Whether a statement gives a true value at some steps only."""
        return any(self._matches[n].at_times for n in self._statements[place].writes if n in self._matches)

    def _is_single(self, name: str) -> bool:
        return len(self._matches[name].elements) == 1


@dataclass(frozen=True)
class _Asked:
    """What a variable must be, for the update of one element, or of a whole parameter, reads nothing else.

    ``transposed`` says whether a whole array must lie column by column, as its parameter does; None if both may be.
    """

    quantity: str
    index: tuple[int, ...]
    transposed: bool | None

    def is_met_by(self, held: Held) -> bool:
        if self.quantity != held.quantity or held.index not in ((), self.index):
            return False
        return bool(held.index) or self.transposed in (None, held.transposed)


def _asked_of(statements: Sequence[Statement], observed: Observed, matches: Mapping[str, Match]) -> dict[str, _Asked]:
    """Return which gradient a variable must be, for the update of one element reads nothing else."""
    asked = {}
    for parameter, names in observed.sources.items():
        shape = observed.before[parameter].shape[1:]
        for place, name in enumerate(names):
            index = tuple(int(i) for i in np.unravel_index(place, shape))
            for statement in statements:
                base = re.sub(r"(\[[\d, ]+\])+$", "", name)
                whole = base != name and base in statement.writes
                key = name[name.find("['") : name.find("']") + 2] if "['" in name else ""
                read = [other for other in statement.reads if other in matches]
                if key and name.split("[")[0] in statement.writes:  # params[key] -= lr * grads[key]
                    whole, read = True, [other + key for other in statement.reads if other + key in matches]
                    read = [other for other in read if not name.startswith(other)]
                if len(read) == 1 and (whole or _flat(name) in statement.writes):
                    turned = _is_transposed(names, shape) if whole and ".T" not in statement.text else None
                    asked[read[0]] = _Asked(f"d{parameter}", () if whole else index, turned)
    return asked


def _is_transposed(names: Sequence[str], shape: tuple[int, ...]) -> bool | None:
    """Whether the script keeps a weight column by column, by the names of its elements; None if they do not tell."""
    if len(shape) != 2 or min(shape) < 2:
        return None
    second = re.search(r"\[(\d+), (\d+)\]$", names[1])
    return None if second is None else second.groups() == ("1", "0")


def _flat(name: str) -> str:
    return re.sub(r"\[([\d, ]+)\]$", lambda m: "".join(f"[{n.strip()}]" for n in m[1].split(",")), name)


def _stem(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _is_inner(name: str, statements: Sequence[Statement]) -> bool:
    return any(f"{name.split('.')[0]}()" in statement.writes for statement in statements) if "." in name else False


def _sound_functions(observed: Observed) -> set[str]:
    """Return functions of one argument that give a customary function of it, as far as was seen."""
    values = {variable.name: variable.values for variable in observed.variables}
    sound = set()
    for name, result in values.items():
        if name.endswith("()"):
            arguments = [n for n in values if n.startswith(name[:-2] + ".") and "(call" not in n]
            if len(arguments) == 1 and _customary(values[arguments[0]], result):
                sound.add(name[:-2])
    return sound


def _customary(a: Array, result: Array) -> bool:
    if a.shape != result.shape:
        return False
    with np.errstate(all="ignore"):
        sigmoid = 1 / (1 + np.exp(-a))
        soft = np.exp(a - a.max(axis=-1, keepdims=True)) if a.ndim > 1 else np.exp(a)
        known = [sigmoid, np.maximum(a, 0), np.tanh(a), sigmoid * (1 - sigmoid), a * (1 - a), a > 0, np.exp(a), a**2]
        known.append(soft / soft.sum(axis=-1, keepdims=True) if a.ndim > 1 else soft)
        return any(np.allclose(result, value, rtol=1e-9, atol=0, equal_nan=True) for value in known)
