"""Which column of a table is which quantity: the step, the loss, an element of a parameter."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.language import phrase

#: A column's role: ``("step", ())``, ``("E", ())`` or a parameter and an index.
Role = tuple[str, tuple[int, ...]]
STEP: Role = ("step", ())
LOSS: Role = ("E", ())
_STEPS = frozenset("step steps epoch epochs iter iteration iterations t n i # index 세대 에폭".split())  # noqa: SIM905
_LOSSES = frozenset("e loss losses error err cost mse ce crossentropy j trainloss 오차 손실 비용".split())  # noqa: SIM905


def roles_of(header: Sequence[str], case: Case, mapping: Mapping[str, Sequence[str]] | None) -> dict[int, Role]:
    """Read a header.

    Raises
    ------
    InputError
        If no column is known, one that looks like a parameter is not, two mean the same, or a mapping does not fit.
    """
    roles: dict[int, Role] = {}
    given = _mapped(header, case, mapping or {})
    aliases = _aliases(header, case)
    for place, name in enumerate(header):
        role = given.get(place) or (None if _taken(given, name) else aliases.get(_plain(name)))
        if role is not None and role not in roles.values():
            roles[place] = role
        elif role is not None:
            raise InputError(phrase("column {name!r}: {role} is given twice.", name=name, role=_words(role)))
    unknown = [name for place, name in enumerate(header) if place not in roles]
    suspicious = [name for name in unknown if re.match(r"(?i)^\s*[wb]\d*([\[_(. ]|\d|$)", name)]
    if suspicious or not set(roles.values()) - {STEP}:
        raise InputError(_unknown(suspicious or unknown, header, case))
    return roles


def roles_without_header(width: int, case: Case, first_is_step: bool) -> dict[int, Role]:
    """Read a table without a header: perhaps the step, then the loss, the parameters, or both.

    Raises
    ------
    InputError
        If the number of columns fits none of these.
    """
    elements = _elements(case)
    start = int(first_is_step)
    left = width - start
    orders = {1: [LOSS], len(elements): elements, len(elements) + 1: [LOSS, *elements]}
    if left not in orders:
        raise InputError(
            phrase(
                "got {columns} columns without a header, expected step and E, or step, E and all {count} elements of "
                "{names} row by row. Write a header: step,E,{header},...",
                columns=width,
                count=len(elements),
                names=", ".join(case.params),
                header=",".join(map(_words, elements[:3])),
            )
        )
    roles: dict[int, Role] = {0: STEP} if first_is_step else {}
    return {**roles, **{start + place: role for place, role in enumerate(orders[left])}}


def _elements(case: Case) -> list[Role]:
    return [(name, tuple(index)) for name, start in case.params.items() for index in np.ndindex(start.shape)]


def _aliases(header: Sequence[str], case: Case) -> dict[str, Role]:
    found: dict[str, Role] = {**dict.fromkeys(_STEPS, STEP), **dict.fromkeys(_LOSSES, LOSS)}
    for name, index in _elements(case):
        stems = [name.lower()] + ([f"{name.lower()}1"] if name in ("W", "B") else [])
        for stem in stems:
            for joined in ("[{}]", "_{}", ".{}", "({})", "{}"):
                texts = map(str, index)
                if joined == "{}" and len(index) == 1:
                    continue  # b2 is the parameter B2 or the second bias
                parts = ["".join(joined.format(part) for part in texts)]
                if joined in ("[{}]", "({})"):
                    parts.append(joined.format(",".join(map(str, index))))
                for part in parts:
                    found.setdefault(stem + part, (name, index))
        if case.params[name].size == 1:
            for stem in stems:
                found.setdefault(stem, (name, index))
    found.update(_numbered({_plain(name) for name in header}, case))
    return found


def _numbered(present: set[str], case: Case) -> dict[str, Role]:
    """Read w1 ... w8 and b1 ... b4, the elements counted through all layers, if exactly those are there."""
    found: dict[str, Role] = {}
    for letter, rank in (("w", 2), ("b", 1)):
        elements = [role for role in _elements(case) if case.params[role[0]].ndim == rank]
        names = [f"{letter}{number}" for number in range(1, len(elements) + 1)]
        there = [name for name in present if re.fullmatch(rf"{letter}\d+", name)]
        if set(there) <= set(names) and (len(there) > 1 or len(names) > 1):
            found.update(zip(names, elements))
    return found


def _mapped(header: Sequence[str], case: Case, mapping: Mapping[str, Sequence[str]]) -> dict[int, Role]:
    roles: dict[int, Role] = {}
    for quantity, names in mapping.items():
        wanted = [STEP] if quantity == "step" else [LOSS] if quantity == "E" else [
            role for role in _elements(case) if role[0] == quantity
        ]  # fmt: skip
        if not wanted:
            known = ["step", "E", *case.params]
            near = difflib.get_close_matches(quantity, known, n=1)
            hint = phrase("; did you mean {match}?", match=near[0]) if near else "."
            raise InputError(
                phrase(
                    "--map {quantity}=...: there is no {quantity}{hint} Expected one of {known}.",
                    quantity=quantity,
                    hint=hint,
                    known=", ".join(known),
                )
            )
        if len(names) != len(wanted):
            raise InputError(
                phrase(
                    "--map {quantity}={names}: got {count} column(s), expected {wanted}, row by row.",
                    quantity=quantity,
                    names=",".join(names),
                    count=len(names),
                    wanted=len(wanted),
                )
            )
        for name, role in zip(names, wanted):
            if name not in header:
                near = difflib.get_close_matches(name, header, n=1)
                hint = phrase("; did you mean {match}?", match=near[0]) if near else "."
                raise InputError(
                    phrase(
                        "--map {quantity}: there is no column {name}{hint} Columns: {columns}.",
                        quantity=quantity,
                        name=name,
                        hint=hint,
                        columns=", ".join(header),
                    )
                )
            roles[list(header).index(name)] = role
    return roles


def _taken(given: Mapping[int, Role], name: str) -> bool:
    """Whether a mapping leaves no room for what a header would mean by itself."""
    return (_plain(name) in _LOSSES and LOSS in given.values()) or (_plain(name) in _STEPS and STEP in given.values())


def _plain(name: str) -> str:
    plain = re.sub(r"[\s\"']", "", name).lower()
    return {"train_loss": "trainloss", "cross_entropy": "crossentropy", "": "step"}.get(plain, plain)


def _words(role: Role) -> str:
    return f"{role[0]}[{','.join(map(str, role[1]))}]" if role[1] else role[0]


def _unknown(names: Sequence[str], header: Sequence[str], case: Case) -> str:
    elements = _elements(case)
    return phrase(
        "unknown column(s) {names} of {header}. Expected step, E and {first}, ... {last}; or say which "
        "is which, for example  --map {name}={columns}",
        names=", ".join(map(repr, names)),
        header=", ".join(header),
        first=", ".join(map(_words, elements[:4])),
        last=_words(elements[-1]),
        name=elements[0][0],
        columns=",".join(f"column{i}" for i in range(1, case.params[elements[0][0]].size + 1)),
    )
