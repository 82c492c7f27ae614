"""The format of an assignment's TOML: which keys there are, and what each may hold."""

from __future__ import annotations

import difflib
import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from nncheck.grading.assignment import Assignment, Late, Part
from nncheck.language import N_, phrase
from nncheck.sandbox.limits import Limits

LEAST_SECRET = 16
#: Modules that would do the homework.
_ANSWERS = ("torch", "tensorflow", "jax", "jaxlib", "autograd", "keras", "mxnet", "paddle", "tinygrad", "nncheck")
_COPIED = re.compile(r"change.?me|example|placeholder|replace|your.?(seed|secret)|password|12345678|abcdefgh", re.I)

#: From, to, of what; whole numbers where the ends are. Python with NumPy alone needs about 200 megabytes.
RANGES: dict[str, tuple[float, float, str]] = {
    "hints": (0, 4, ""),
    "convention_cost": (0.0, 1e6, N_(" points")),
    "points": (0.0, 1e6, N_(" points")),
    "steps": (1, 100_000, N_(" steps")),
    "check": (0.1, 600.0, N_(" seconds")),
    "seconds": (0.1, 86_400.0, N_(" seconds")),
    "memory": (256, 1_048_576, N_(" megabytes")),
    "output": (1, 102_400, N_(" kilobytes")),
    "disk": (1, 102_400, N_(" megabytes")),
    "processes": (0, 1_000, ""),
    "penalty": (0.0, 1.0, N_("; 0.1 is ten percent of the points a day")),
}


def _within(name: str, default: Any = ...) -> Any:
    low, high, _ = RANGES[name]
    return Field(default, ge=low, le=high)


def _refuse(words: str) -> PydanticCustomError:
    return PydanticCustomError("words", "{words}", {"words": words})


def _line(text: str) -> str:
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise _refuse(phrase("got {text}, expected a title of one line, of 1 to 200 characters", text=shown(text)))
    return text.strip()


def secret(text: str) -> str:
    """Return a secret without the blanks around it.

    Raises
    ------
    ValueError
        With a sentence that does not show it, if it is short or can be guessed.
    """
    text = text.strip()
    how = phrase('make one with  python -c "import secrets; print(secrets.token_hex(32))"')
    if len(text) < LEAST_SECRET:
        raise ValueError(
            phrase(
                "got {count} characters, expected a secret of at least {least_secret}; {how}",
                count=len(text),
                least_secret=LEAST_SECRET,
                how=how,
            )
        )
    if _COPIED.search(text) or len(set(text)) < 6:
        raise ValueError(phrase("can be guessed, and the probes with it; {how}", how=how))
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
        raise _refuse(
            phrase("got {text}, which is not a regular expression: {error}", text=shown(text), error=error)
        ) from None
    if "student" not in groups:
        has = phrase("the group(s) {groups}", groups=", ".join(groups)) if groups else phrase("no named group")
        raise _refuse(
            phrase(
                "got {text} with {has}, expected the group student, as in '(?P<student>[^_]+)_.*'",
                text=shown(text),
                has=has,
            )
        )
    return text


def _module(name: str) -> str:
    if not name.isidentifier():
        raise _refuse(phrase("got {name}, expected the name of a package alone, such as scipy", name=shown(name)))
    if name in _ANSWERS:
        raise _refuse(phrase("{name} would do the homework, and is never there while grading; remove it", name=name))
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


#: The tables of the file by the names of their sections.
SECTIONS: dict[str, type[BaseModel]] = {
    "": AssignmentTable,
    "cases": PartTable,
    "limits": LimitsTable,
    "files": FilesTable,
    "late": LateTable,
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
        return phrase("a huge number")
    if isinstance(value, (int, float)):
        return f"{value:.17g}" if value % 1 == 0 else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, dict)):
        return phrase("a list") if isinstance(value, list) else phrase("a table")
    return type(value).__name__


def close(name: str, known: tuple[str, ...]) -> str:
    """Return ``. Did you mean NAME?`` for the nearest of the names that there are, if one is near."""
    match = difflib.get_close_matches(name[:60], known, n=1)
    return phrase(". Did you mean {match}?", match=match[0]) if match else ""
