"""The language of what nncheck says: English as it stands in the code, Korean from nncheck/locale.

Messages made while the program runs are marked where they are made::

    _("nothing differs")                                   # translated here
    N_("the derivative of the activation is left out")     # only marked: in a table, translated when it is said
    phrase("{name} differs in {count} elements", name="dW2", count=3)   # translated, then filled in

The docstring of a command and what click itself says need no mark: ``setup.py`` finds them. What is raised in a process
of ours is said there, so that the language goes along with each request.

After changing one, run ``python setup.py catalogue`` and translate what it lists.
"""

from __future__ import annotations

import gettext
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from nncheck.errors import InputError
from nncheck.particles import settle

#: What nncheck speaks; the first is the language of the code.
LANGUAGES = ("en", "ko")
DOMAIN = "nncheck"
FOLDER = Path(__file__).parent / "locale"

_chosen: ContextVar[str] = ContextVar("nncheck_language", default=LANGUAGES[0])
_FORMATTER = string.Formatter()
P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def use(language: str) -> Iterator[None]:
    """Speak a language inside a ``with`` block; other threads keep theirs.

    Raises
    ------
    InputError
        If nncheck does not speak it.
    """
    if language not in LANGUAGES:
        raise InputError(phrase("language: got {language!r}, expected en or ko.", language=language))
    token = _chosen.set(language)
    try:
        yield
    finally:
        _chosen.reset(token)


def speaking(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function that takes ``language`` by name speak it, in its errors too; English where it is not given."""

    @wraps(function)
    def spoken(*args: P.args, **options: P.kwargs) -> T:
        with use(str(options.get("language", LANGUAGES[0]))):
            return function(*args, **options)

    return spoken


def current() -> str:
    """Return the language that is spoken now."""
    return _chosen.get()


def translate(text: str) -> str:
    """Return a message of the code in the language that is spoken now; in English if it has no translation."""
    return _catalogue(current()).gettext(text) if text else ""  # the empty message is the catalogue's own header


def plural(one: str, many: str, count: int) -> str:
    """Return the form of a message that fits a number, in the language that is spoken now; not filled in."""
    return _catalogue(current()).ngettext(one, many, count)


def mark(text: str) -> str:
    """Mark a message for the catalogue and return it as it is, to be translated when it is said."""
    return text


_ = translate
N_ = mark

#: What systems say most often when a file cannot be read or written.
_SYSTEM = (
    N_("No such file or directory"),
    N_("Permission denied"),
    N_("Is a directory"),
    N_("Not a directory"),
    N_("File exists"),
    N_("File name too long"),
    N_("No space left on device"),
    N_("Read-only file system"),
    N_("Invalid argument"),
)


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
    return filled(translate(template), names)


def filled(template: str, names: Mapping[str, object]) -> str:
    """Fill in a message that is translated already, as `phrase` does."""
    korean = current() == "ko"
    text = ""
    for words, field, layout, conversion in _FORMATTER.parse(template):
        text += settle(words, text) if korean else words
        if field is not None:
            value = _FORMATTER.convert_field(_FORMATTER.get_field(field, (), names)[0], conversion)
            text += format(value, (layout or "").format(**names))
    return text


def reason_of(error: OSError) -> str:
    """Return why the system refused something, in the language that is spoken where its words are known."""
    return translate(error.strerror) if error.strerror in _SYSTEM else str(error.strerror or error)


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == LANGUAGES[0]:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, FOLDER, [language], fallback=True)
