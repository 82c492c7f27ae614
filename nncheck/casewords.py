"""What is wrong with a value of case.toml, in nncheck's words instead of pydantic's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nncheck.language import N_, phrase, translate

_EXPECTED = {
    "float_type": N_("expected a number"),
    "int_type": N_("expected a whole number"),
    "int_from_float": N_("expected a whole number"),
    "string_type": N_("expected text"),
    "finite_number": N_("expected a finite number"),
    "list_type": N_("expected a list of numbers"),
    "dict_type": N_("expected a table"),
    "model_type": N_("expected a table"),
}
_INPUTS: Mapping[type, str] = {
    str: N_("text"),
    bool: N_("true or false"),
    list: N_("a list"),
    dict: N_("a table"),
}
_RANGES = {
    "momentum": N_("a number between 0 and 1, such as 0.9"),
    "betas": N_("numbers from 0 to less than 1"),
    "alpha": N_("a number from 0 to less than 1"),
    "eps": N_("a number from 1.2e-38, which float32 can hold, to 3.4e38"),
    "weight_decay": N_("a number from 0 to 3.4e38"),
}


def place_of(location: tuple[int | str, ...]) -> str:
    """Return where something stands in the file: ``data.X[0][1]``."""
    text = ""
    for part in location:
        if part in ("matrix", "vector"):
            continue
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text


def words(fault: Mapping[str, Any]) -> str:
    """Return what pydantic found at one place: what was got, and what was expected."""
    kind, got = fault["type"], fault.get("input")
    if kind == "extra_forbidden":
        return phrase("is not a key of case.toml; remove it or correct its spelling")
    if kind == "missing":
        return phrase("is missing")
    place = next((part for part in fault["loc"][1:] if isinstance(part, str)), "")
    if place in _RANGES and kind in ("greater_than", "greater_than_equal", "less_than_equal", "less_than"):
        return phrase("got {got!r}, expected {range}", got=got, range=translate(_RANGES[place]))
    if kind == "greater_than":
        return phrase("got {got!r}, expected more than 0", got=got)
    if kind in ("greater_than_equal", "less_than_equal"):
        limit = "10^9" if fault["loc"][-1] == "steps" else phrase("3.4e38, which float32 can hold")
        return phrase("got {got!r}, expected at most {limit}", got=got, limit=limit)
    if kind in ("too_short", "too_long") and place == "betas":
        return phrase("got {count} number(s), expected two, such as [0.9, 0.999]", count=len(got or ()))
    if kind == "too_short":
        return phrase("is empty")
    kind_of_input = translate(_INPUTS.get(type(got), ""))
    shown = f"{got!r:.40}" + (f" ({kind_of_input})" if kind_of_input else "")
    expected = translate(_EXPECTED[kind]) if kind in _EXPECTED else fault["msg"].lower()  # of a type that none here has
    return phrase("got {got}, {expected}", got=shown, expected=expected)
