"""The format of an assignment's TOML: which keys there are, what each may hold, and the words for what it may not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from nncheck.grading.assignment import FORMS, Assignment, Late, Part
from nncheck.language import LANGUAGES
from nncheck.sandbox.limits import Limits

LEAST_SECRET = 16
#: Modules that would do the homework.
_ANSWERS = ("torch", "tensorflow", "jax", "jaxlib", "autograd", "keras", "mxnet", "paddle", "tinygrad", "nncheck")
_COPIED = re.compile(r"change.?me|example|placeholder|replace|your.?(seed|secret)|password|12345678|abcdefgh", re.I)

# From, to, of what; whole numbers where the ends are. Python with NumPy alone needs about 200 megabytes.
_RANGES: dict[str, tuple[float, float, str]] = {
    "hints": (0, 4, ""),
    "convention_cost": (0.0, 1e6, " points"),
    "points": (0.0, 1e6, " points"),
    "steps": (1, 100_000, " steps"),
    "check": (0.1, 600.0, " seconds"),
    "seconds": (0.1, 86_400.0, " seconds"),
    "memory": (256, 1_048_576, " megabytes"),
    "output": (1, 102_400, " kilobytes"),
    "disk": (1, 102_400, " megabytes"),
    "processes": (0, 1_000, ""),
    "penalty": (0.0, 1.0, "; 0.1 is ten percent of the points a day"),
}


def _within(name: str, default: Any = ...) -> Any:
    low, high, _ = _RANGES[name]
    return Field(default, ge=low, le=high)


def _refuse(words: str) -> PydanticCustomError:
    return PydanticCustomError("words", "{words}", {"words": words})


def _line(text: str) -> str:
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise _refuse(f"got {shown(text)}, expected a title of one line, of 1 to 200 characters")
    return text.strip()


def secret(text: str) -> str:
    """Return a secret without the blanks around it.

    Raises
    ------
    ValueError
        With a sentence that does not show it, if it is short or can be guessed.
    """
    text = text.strip()
    how = 'make one with  python -c "import secrets; print(secrets.token_hex(32))"'
    if len(text) < LEAST_SECRET:
        raise ValueError(f"got {len(text)} characters, expected a secret of at least {LEAST_SECRET}; {how}")
    if _COPIED.search(text) or len(set(text)) < 6:
        raise ValueError(f"can be guessed, and the probes with it; {how}")
    return text


def _secret(text: str) -> str:
    try:
        return secret(text)
    except ValueError as error:
        raise _refuse(str(error)) from None


def _pattern(text: str) -> str:
    if not text:
        return text
    try:
        groups = sorted(re.compile(text).groupindex)
    except (re.error, OverflowError, RecursionError) as error:
        raise _refuse(f"got {shown(text)}, which is not a regular expression: {error}") from None
    if "student" not in groups:
        has = f"the group(s) {', '.join(groups)}" if groups else "no named group"
        raise _refuse(f"got {shown(text)} with {has}, expected the group student, as in '(?P<student>[^_]+)_.*'")
    return text


def _module(name: str) -> str:
    if not name.isidentifier():
        raise _refuse(f"got {shown(name)}, expected the name of a package alone, such as scipy")
    if name in _ANSWERS:
        raise _refuse(f"{name} would do the homework, and is never there while grading; remove it")
    return name


_Points = Annotated[float, _within("points")]
_Form = Literal["functions", "script", "notebook", "numbers", "formulas"]
_FORMS: Any = list(Assignment.forms)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class PartTable(_Strict):
    """One [[cases]]."""

    case: str = Field(min_length=1)
    file: str = Field(Part.file, max_length=200)
    steps: int = _within("steps", Part.steps)
    points: dict[str, _Points] | None = Field(None, min_length=1)


class LimitsTable(_Strict):
    """[limits]."""

    check: float = _within("check", Limits.check)
    seconds: float = _within("seconds", Limits.seconds)
    memory: int = _within("memory", Limits.memory)
    output: int = _within("output", Limits.output)
    disk: int = _within("disk", Limits.disk)
    processes: int = _within("processes", Limits.processes)


class FilesTable(_Strict):
    """[files]."""

    student: Annotated[str, AfterValidator(_pattern)] = Assignment.student
    multiple: Literal["last", "first", "best"] = Assignment.multiple


class LateTable(_Strict):
    """[late]."""

    due: AwareDatetime | None = Late.due
    policy: Literal["accept", "penalty", "refuse"] = Late.policy
    penalty: float = _within("penalty", Late.penalty)


class AssignmentTable(_Strict):
    """The whole file."""

    title: Annotated[str, AfterValidator(_line)]
    language: Literal["en", "ko"] = "en"
    hints: int = _within("hints", Assignment.hints)
    follow_through: bool = Assignment.follow_through
    convention_cost: float = _within("convention_cost", Assignment.convention_cost)
    forms: list[_Form] = Field(_FORMS, min_length=1)
    imports: list[Annotated[str, AfterValidator(_module)]] = []
    seed: Annotated[str, AfterValidator(_secret)] | None = None
    seed_file: str | None = Field(None, min_length=1)
    cases: list[PartTable] = Field(min_length=1, max_length=100)
    limits: LimitsTable = LimitsTable()
    files: FilesTable = FilesTable()
    late: LateTable = LateTable()


_SECTIONS: dict[str, type[BaseModel]] = {
    "": AssignmentTable,
    "cases": PartTable,
    "limits": LimitsTable,
    "files": FilesTable,
    "late": LateTable,
}
_WHERE = {"": "stands at the top of the file, above the first [section]", "cases": "belongs into [[cases]]"}

_MISSING = {
    "title": 'expected a name for the assignment, such as title = "Homework 1"',
    "cases": "expected at least one [[cases]] with a case",
    "case": 'expected the name of a case or the path of its folder, such as case = "relu_sigmoid"',
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "language": LANGUAGES,
    "forms": FORMS,
    "multiple": ("last", "first", "best"),
    "policy": ("accept", "penalty", "refuse"),
}
_KINDS = {
    "bool_type": "true or false",
    "string_type": 'text in quotation marks, "..."',
    "list_type": "a list, [...]",
    "dict_type": "a table of checks and their points, such as { forward = 2, dW = 2 }",
    "model_type": "a table of keys and values",
}


def place(location: tuple[int | str, ...]) -> str:
    """Return where something stands in the file: ``cases[0].points.dW``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{key(part)}"
    return text


def key(name: str) -> str:
    """Return a key as TOML writes it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name) else shown(name)


def shown(value: Any) -> str:
    """Return a value of the file in a few characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:57]}...")
    if isinstance(value, int) and abs(value) >= 10**18:  # one of thousands of digits cannot even be printed
        return "a huge number"
    if isinstance(value, (int, float)):
        return f"{value:.17g}" if value % 1 == 0 else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    return "a list" if isinstance(value, list) else "a table" if isinstance(value, dict) else type(value).__name__


def close(name: str, known: tuple[str, ...]) -> str:
    """Return ``. Did you mean NAME?`` for the nearest of the names that there are, if one is near."""
    match = difflib.get_close_matches(name[:60], known, n=1)
    return f". Did you mean {match[0]}?" if match else ""


def words(fault: Mapping[str, Any]) -> str:
    """Return what pydantic found at one place: what was got, what was expected, how to mend it."""
    kind, location, got = fault["type"], fault["loc"], fault.get("input")
    name = next((part for part in reversed(location) if isinstance(part, str)), "")
    if kind == "words":
        return str(fault["ctx"]["words"])
    if kind == "extra_forbidden":
        return _unknown(str(location[-1]), str(location[0]) if len(location) > 1 else "")
    if kind == "missing":
        return f"is missing; {_MISSING.get(name, 'expected a value')}"
    if name in ("seed", "seed_file"):  # never shown
        return f"expected {_KINDS['string_type']}, not empty"
    if kind == "literal_error":
        choices = _CHOICES[name]
        guess = close(got, choices) if isinstance(got, str) else ""
        return f"got {shown(got)}, expected {', '.join(choices[:-1])} or {choices[-1]}{guess}"
    if name == "due":
        offset = "with its offset from UTC, such as 2026-05-01T23:59:00+09:00"
        if kind == "timezone_aware" and isinstance(got, datetime):
            return f"got {shown(got)}, a local time that says no offset; expected one {offset}"
        return f"got {shown(got)}, expected date and time without quotation marks, {offset}"
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        return _size(kind, name)
    if location == ("cases",):
        return f"got {shown(got)}, expected a list of tables: write [[cases]] with two brackets"
    ranged = "points" if "points" in location[:-1] else name
    if ranged in _RANGES and kind != "dict_type":
        low, high, unit = _RANGES[ranged]
        whole = "a whole number" if isinstance(low, int) else "a number"
        return f"got {shown(got)}, expected {whole} from {low:,.12g} to {high:,.12g}{unit}"
    return f"got {shown(got)}, expected {_KINDS.get(kind, 'something else')}"


def _size(kind: str, name: str) -> str:
    if kind.endswith("too_long"):
        return f"is too long, expected at most {'100 of them' if name == 'cases' else '200 characters'}"
    hint = {
        "points": "leave it out for the default: forward 2, loss 1, each gradient 2",
        "cases": _MISSING["cases"],
        "case": _MISSING["case"],
        "forms": f"expected at least one of {', '.join(FORMS)}",
    }
    return f"is empty; {hint.get(name, 'expected a value')}"


def _unknown(name: str, section: str) -> str:
    """Return the words for a key that its section does not have: where it belongs, or what was meant."""
    here = f"[[{section}]]" if section == "cases" else f"[{section}]" if section else "an assignment"
    for other, table in _SECTIONS.items():
        if other != section and name in table.model_fields:
            return f"is not a key of {here}; it {_WHERE.get(other, f'belongs into [{other}]')}"
    known = tuple(_SECTIONS[section].model_fields)
    guess = close(name.lower(), known) or f", which has {', '.join(known)}"
    return f"is not a key of {here}{guess}"
