"""The line of a magic, as words."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nncheck import magic


@pytest.mark.parametrize(
    ("platform", "line", "words"),
    [
        ("win32", r'"C:\내 문서\my_case" --hints 2', [r"C:\내 문서\my_case", "--hints", "2"]),
        ("win32", r"C:\cases\new --seed 3", [r"C:\cases\new", "--seed", "3"]),
        ("linux", r'my\ case "#1" --seed 3', ["my case", "#1", "--seed", "3"]),
    ],
)
def test_a_path_is_read_as_the_shells_of_its_system_read_it(
    monkeypatch: pytest.MonkeyPatch, platform: str, line: str, words: list[str]
) -> None:
    monkeypatch.setattr(magic, "sys", SimpleNamespace(platform=platform))
    assert magic._words(line) == words
    with pytest.raises(ValueError, match="No closing quotation"):
        magic._words('"a')
