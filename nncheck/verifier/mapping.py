"""Reads ``--map W=w1,w2,w3,w4``: which of a person's names are which parameter."""

from __future__ import annotations

from collections.abc import Sequence

from nncheck.errors import InputError
from nncheck.language import phrase


def mapping_of(maps: Sequence[str]) -> dict[str, list[str]] | None:
    """Return the mapping that the options give, None if there is none.

    Raises
    ------
    InputError
        If one of them is not ``NAME=VARIABLE,...``, or names a parameter a second time.
    """
    mapping: dict[str, list[str]] = {}
    for given in maps:
        name, equals, rest = given.partition("=")
        names = [part.strip() for part in _split(rest)]
        if not equals or not name.strip() or not all(names):
            raise InputError(
                phrase("--map: got {given!r}, expected NAME=VARIABLE,... such as  --map W=w1,w2,w3,w4", given=given)
            )
        if name.strip() in mapping:
            raise InputError(
                phrase("--map: {name} is mapped twice; give all of its variables at once.", name=name.strip())
            )
        mapping[name.strip()] = names
    return mapping or None


def _split(text: str) -> list[str]:
    """Split at commas, but not inside brackets: ``W[0, 1]`` is one name."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts
