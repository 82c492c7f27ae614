"""The language of what nncheck says: English as it stands in the code, Korean from nncheck/locale.

Messages made while the program runs are marked where they are made::

    _("nothing differs")                                   # translated here
    N_("the derivative of the activation is left out")     # only marked: in a table, translated when it is said
    phrase("{name} differs in {count} elements", name="dW2", count=3)   # translated, then filled in

After changing one, run ``python setup.py catalogue`` and translate what it lists.
"""

from __future__ import annotations

import gettext
import string
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from nncheck.errors import InputError
from nncheck.particles import settle

#: What nncheck speaks; the first is the language of the code.
LANGUAGES = ("en", "ko")
DOMAIN = "nncheck"
FOLDER = Path(__file__).parent / "locale"

_chosen: ContextVar[str] = ContextVar("nncheck_language", default=LANGUAGES[0])
_FORMATTER = string.Formatter()


@contextmanager
def use(language: str) -> Iterator[None]:
    """Speak a language inside a ``with`` block; other threads keep theirs.

    Raises
    ------
    InputError
        If nncheck does not speak it.
    """
    if language not in LANGUAGES:
        raise InputError(f"language: got {language!r}, expected {' or '.join(LANGUAGES)}.")
    token = _chosen.set(language)
    try:
        yield
    finally:
        _chosen.reset(token)


def current() -> str:
    """Return the language that is spoken now."""
    return _chosen.get()


def translate(text: str) -> str:
    """Return a message of the code in the language that is spoken now; in English if it has no translation."""
    return _catalogue(current()).gettext(text) if text else ""  # the empty message is the catalogue's own header


def mark(text: str) -> str:
    """Mark a message for the catalogue and return it as it is, to be translated when it is said."""
    return text


_ = translate
N_ = mark


def phrase(template: str, /, **names: object) -> str:
    """Return a message in the language that is spoken now, its ``{placeholders}`` filled in as `str.format` does.

    In Korean the particles behind them get the form that fits: ``{name}을(를)`` becomes ``dW를`` and ``dW2[0, 1]을``.
    What is filled in stays as it is.

    Parameters
    ----------
    template : str
        The English message.
    **names
        What its placeholders stand for.
    """
    korean = current() == "ko"
    text = ""
    for words, field, layout, conversion in _FORMATTER.parse(translate(template)):
        text += settle(words, text) if korean else words
        if field is not None:
            value = _FORMATTER.convert_field(_FORMATTER.get_field(field, (), names)[0], conversion)
            text += format(value, (layout or "").format(**names))
    return text


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == LANGUAGES[0]:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, FOLDER, [language], fallback=True)
