"""A place keeps its numbers in whatever language it is worded, and on its way to another process."""

from __future__ import annotations

import gettext
import pickle

import pytest

from nncheck import language
from nncheck.errors import FormulaError
from nncheck.formula.place import Place, at_column, numbers
from nncheck.formula.reader import read


@pytest.mark.parametrize("spoken", ["en", "ko"])
def test_a_place_is_words_with_numbers(spoken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Small(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return {
                "{path}, line {line}": "{path}, {line}번째 줄",
                "{place}, column {column}": "{place}, {column}번째 칸",
            }[message]

    monkeypatch.setattr(language, "_catalogue", lambda name: Small() if name == "ko" else gettext.NullTranslations())
    with language.use(spoken):
        line = Place.of("my.txt", 3)
        column = at_column(line, 7)
    assert str(column) == {"en": "my.txt, line 3, column 7", "ko": "my.txt, 3번째 줄, 7번째 칸"}[spoken]
    assert numbers(line) == (3, 0)
    assert numbers(column) == (3, 7)
    assert numbers(pickle.loads(pickle.dumps(column))) == (3, 7)
    assert numbers("the catalogue") == (0, 0)


def test_an_error_of_the_grammar_says_apart_what_a_formula_may_hold() -> None:
    with pytest.raises(FormulaError) as error:
        read("\ndW = dY.foo")
    assert numbers(error.value.where) == (2, 6)
    assert error.value.problem == "got .foo."
    assert error.value.grammar.startswith("A formula may hold + - * /")
    assert str(error.value).startswith("derivation.txt, line 2, column 6: got .foo. A formula may hold + -")
