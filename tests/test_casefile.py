"""Faults of a file's values are told in nncheck's own words, in every language: none is left to pydantic."""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nncheck import casefile, casewords, language
from nncheck.errors import InputError
from nncheck.grading import assignment_format, assignment_words

#: Whatever TOML can say, right and wrong, at any place.
VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, 3, -1, 10**400, 10**9 + 1, 0.5, -1.5, 1e39, 1e-300, float("nan"), float("inf"), float("-inf")),
    *("", "x", "x" * 300, "sgd", date(2026, 5, 1), [], {}, [[]], [{}], [1.0], [1.0, 2.0], [1.0, 2.0, 3.0]),
    *([0.9, 1.5], ["x"], [[1.0], 2.0], [[1.0, "x"]], [[float("nan")]], [[1e39]], {"W": 1.0}, {"W": [[1e39]]}),
    *({"forward": -1}, {"forward": "x"}, {"": 1.0}, [{"case": ""}], [{"case": 1, "colour": "red"}]),
)
CASE: dict[str, Any] = {
    "order": 1,
    "title": {"ko": "가", "en": "a"},
    "data": {"X": [[1.0]], "YT": [[1.0]]},
    "parameters": {"W": [[1.0]], "B": [1.0]},
    "training": {"lr": 0.1, "steps": 3, "optimizer": "adam", "momentum": 0.9, "betas": [0.9, 0.99], "alpha": 0.9}
    | {"eps": 1e-8, "weight_decay": 0.1},
}
ASSIGNMENT: dict[str, Any] = {
    **{"title": "A", "language": "en", "hints": 1, "follow_through": True, "convention_cost": 1.0, "forms": ["script"]},
    **{"imports": ["scipy"], "seed": "0123456789abcdef", "seed_file": "a.txt", "seeed": 1},
    "cases": [{"case": "hidden", "file": "*.py", "steps": 3, "points": {"forward": 1.0}}],
    "limits": {"check": 1.0, "seconds": 9.0, "memory": 512, "output": 9, "disk": 9, "processes": 1},
    "files": {"student": "", "multiple": "last"},
    "late": {"due": None, "policy": "accept", "penalty": 0.1},
}


def _spoilt(content: Any) -> Iterator[Any]:
    """Yield content with each of the values at each place in it, with a key too many, and with one left out."""
    yield from VALUES
    if isinstance(content, dict):
        yield {**content, "unknown": 1}
        for key, value in content.items():
            yield {other: kept for other, kept in content.items() if other != key}
            for changed in _spoilt(value):
                yield {**content, key: changed}
    elif isinstance(content, list):
        for place, value in enumerate(content):
            for changed in _spoilt(value):
                yield [*content[:place], changed, *content[place + 1 :]]


def _faults(model: type[BaseModel], content: Any) -> Iterator[ErrorDetails]:
    for spoilt in _spoilt(content):
        if isinstance(spoilt, dict):
            try:
                model.model_validate(spoilt)
            except ValidationError as error:
                yield from error.errors(include_url=False)


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Translate every message to signs alone, so that English words that remain are those of pydantic."""

    class Signs(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            fields = language._FORMATTER.parse(message)
            return "가" + "".join(f"{{{field}}}" for _, field, _, _ in fields if field)

    monkeypatch.setattr(language, "_catalogue", lambda name: Signs() if name == "ko" else gettext.NullTranslations())


def test_no_fault_of_a_case_is_told_in_pydantics_words(signs: None) -> None:
    found = {fault["type"]: fault for fault in _faults(casefile._CaseFile, CASE)}
    assert {"missing", "extra_forbidden", "greater_than", "finite_number", "int_type", "too_short"} <= found.keys()
    with language.use("ko"):
        for fault in found.values():
            said = casewords.words(fault)
            assert "가" in said
            assert fault["msg"].lower() not in said, fault


def test_no_fault_of_an_assignment_is_told_in_pydantics_words() -> None:
    found = {}
    for fault in _faults(assignment_format.AssignmentTable, ASSIGNMENT):
        place = next((part for part in reversed(fault["loc"]) if isinstance(part, str)), "")
        found[fault["type"], place] = fault
    assert {"literal_error", "extra_forbidden", "string_too_long", "words"} <= {kind for kind, _ in found}
    for (kind, _), fault in found.items():
        said = assignment_words.words(fault)
        assert fault["msg"] not in said or kind == "words", fault
        assert "something else" not in said, fault


def test_a_fault_of_a_kind_that_was_not_thought_of_is_told_all_the_same() -> None:
    fault = {"type": "new_kind", "loc": ("training", "lr"), "input": 3, "msg": "Input should be new"}
    assert casewords.words(fault) == "got 3, input should be new"


def test_a_case_is_faulted_in_the_language_that_is_spoken(signs: None) -> None:
    with language.use("ko"), pytest.raises(InputError) as error:
        casefile.parse("[training]\nlr = 'x'\n")
    assert str(error.value).split("\n")[0] == "가4"
    assert "\n  training.lr: 가'x' (가)가" in str(error.value)
