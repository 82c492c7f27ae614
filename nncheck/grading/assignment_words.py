"""What is wrong with a value of an assignment's TOML: what was got, what was expected, how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nncheck.grading.assignment import FORMS
from nncheck.grading.assignment_format import RANGES, SECTIONS, close, shown
from nncheck.language import LANGUAGES, N_, phrase, translate

_WHERE = {"": N_("stands at the top of the file, above the first [section]"), "cases": N_("belongs into [[cases]]")}

_MISSING = {
    "title": N_('expected a name for the assignment, such as title = "Homework 1"'),
    "cases": N_("expected at least one [[cases]] with a case"),
    "case": N_('expected the name of a case or the path of its folder, such as case = "relu_sigmoid"'),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "language": LANGUAGES,
    "forms": FORMS,
    "multiple": ("last", "first", "best"),
    "policy": ("accept", "penalty", "refuse"),
}
_KINDS = {
    "bool_type": N_("true or false"),
    "string_type": N_('text in quotation marks, "..."'),
    "list_type": N_("a list, [...]"),
    "dict_type": N_("a table of checks and their points, such as { forward = 2, dW = 2 }"),
    "model_type": N_("a table of keys and values"),
}


def words(fault: Mapping[str, Any]) -> str:
    """Return what pydantic found at one place: what was got, what was expected, how to mend it."""
    kind, location, got = fault["type"], fault["loc"], fault.get("input")
    name = next((part for part in reversed(location) if isinstance(part, str)), "")
    if kind == "words":
        return str(fault["ctx"]["words"])
    if kind == "extra_forbidden":
        return _unknown(str(location[-1]), str(location[0]) if len(location) > 1 else "")
    if kind == "missing":
        return phrase("is missing; {expected}", expected=_needed(name))
    if name in ("seed", "seed_file"):  # never shown
        return phrase("expected {expected}, not empty", expected=translate(_KINDS["string_type"]))
    if kind == "literal_error":
        choices = _CHOICES[name]
        guess = close(got, choices) if isinstance(got, str) else ""
        return phrase(
            "got {got}, expected {choices} or {last}{guess}",
            got=shown(got),
            choices=", ".join(choices[:-1]),
            last=choices[-1],
            guess=guess,
        )
    if name == "due":
        offset = phrase("with its offset from UTC, such as 2026-05-01T23:59:00+09:00")
        if kind == "timezone_aware" and isinstance(got, datetime):
            return phrase(
                "got {got}, a local time that says no offset; expected one {offset}", got=shown(got), offset=offset
            )
        return phrase(
            "got {got}, expected date and time without quotation marks, {offset}", got=shown(got), offset=offset
        )
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        return _size(kind, name)
    if location == ("cases",):
        return phrase("got {got}, expected a list of tables: write [[cases]] with two brackets", got=shown(got))
    ranged = "points" if "points" in location[:-1] else name
    if ranged in RANGES and kind != "dict_type":
        low, high, unit = RANGES[ranged]
        whole = phrase("a whole number") if isinstance(low, int) else phrase("a number")
        return phrase(
            "got {got}, expected {whole} from {low:,.12g} to {high:,.12g}{unit}",
            got=shown(got),
            whole=whole,
            low=low,
            high=high,
            unit=translate(unit),
        )
    expected = translate(_KINDS[kind]) if kind in _KINDS else phrase("something else")
    return phrase("got {got}, expected {expected}", got=shown(got), expected=expected)


def _needed(name: str) -> str:
    return translate(_MISSING.get(name, N_("expected a value")))


def _size(kind: str, name: str) -> str:
    if kind.endswith("too_long"):
        return phrase(
            "is too long, expected at most {most}",
            most=phrase("100 of them") if name == "cases" else phrase("200 characters"),
        )
    hint = {
        "points": phrase("leave it out for the default: forward 2, loss 1, each gradient 2"),
        "cases": _needed("cases"),
        "case": _needed("case"),
        "forms": phrase("expected at least one of {forms}", forms=", ".join(FORMS)),
    }
    return phrase("is empty; {expected}", expected=hint.get(name) or _needed(""))


def _unknown(name: str, section: str) -> str:
    """Return the words for a key that its section does not have: where it belongs, or what was meant."""
    here = f"[[{section}]]" if section == "cases" else f"[{section}]" if section else phrase("an assignment")
    for other, table in SECTIONS.items():
        if other != section and name in table.model_fields:
            return phrase(
                "is not a key of {here}; it {belongs}",
                here=here,
                belongs=translate(_WHERE[other])
                if other in _WHERE
                else phrase("belongs into {section}", section=f"[{other}]"),
            )
    known = tuple(SECTIONS[section].model_fields)
    guess = close(name.lower(), known) or phrase(", which has {known}", known=", ".join(known))
    return phrase("is not a key of {here}{guess}", here=here, guess=guess)
