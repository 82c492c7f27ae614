"""A pytest plugin: the fixture ``backprop`` holds hand-written backpropagation against autograd inside a test.

::

    def test_my_derivation(backprop):
        backprop.check("relu_sigmoid", "my_derivation.py")

Every pytest run where nncheck is installed imports this module, so it imports what does the work when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nncheck.language import LANGUAGES, N_, phrase, use

if TYPE_CHECKING:
    from nncheck.case import Case
    from nncheck.verification import VerifyResult


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--nncheck-hints`` and ``--nncheck-lang``, and settings of the same names for the configuration file."""
    group = parser.getgroup("nncheck", _said(N_("hand-written backpropagation (nncheck)")))
    hints = _said(N_("How many hints a failing backprop.check gives: 0 none, 1 where to look, ..., 4 the formula."))
    language = _said(N_("Language in which backprop.check says what is wrong: en or ko."))
    group.addoption("--nncheck-hints", metavar="N", help=hints)
    group.addoption("--nncheck-lang", metavar="LANG", help=language)
    parser.addini("nncheck_hints", hints)
    parser.addini("nncheck_lang", language)


def _said(text: str) -> str:
    from nncheck.console import default_language

    with use(default_language()):
        return phrase(text)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse settings that cannot be used before any test runs."""
    _settings(config)


class Backprop:
    """What the fixture ``backprop`` gives.

    Parameters
    ----------
    **settings
        Options of `nncheck.verify` that hold for each check unless it gives its own: ``hints``, ``language``.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings

    def __repr__(self) -> str:
        return "nncheck"  # pytest shows it above the test that failed

    def check(self, case: str | Path | Case, what: Any, **options: Any) -> VerifyResult:
        """Hold a hand-written implementation against autograd.

        Parameters
        ----------
        case : str, Path or Case
            Name of a case, or the path of its folder.
        what : path, module or object
            What was written by hand: a file in any form that ``nncheck verify`` reads, or whatever holds the functions
            ``forward``, ``loss`` and ``backward``.
        **options
            As of `nncheck.verify`, such as ``seed=1``.

        Returns
        -------
        result : VerifyResult
            Of verdict agree or cannot-tell.

        Raises
        ------
        AssertionError
            If anything differs; its text is the report of ``nncheck verify``.
        InputError
            If the case or the file cannot be used at all.
        """
        __tracebackhide__ = True
        import nncheck

        return _held(nncheck.verify, what, case, **{**self._settings, **options})

    def check_backward(
        self, forward: Callable[..., Any], backward: Callable[..., Any], *arguments: Any, **options: Any
    ) -> VerifyResult:
        """Hold one backward function against its forward function, as `nncheck.check_backward` does.

        Parameters
        ----------
        forward, backward : callable
        *arguments, **options
            As of `nncheck.check_backward`.

        Returns
        -------
        result : VerifyResult
            Of verdict agree or cannot-tell.

        Raises
        ------
        AssertionError
            If anything differs.
        InputError
            If the functions cannot be checked at all.
        """
        __tracebackhide__ = True
        import nncheck

        settings = {name: value for name, value in self._settings.items() if name != "hints"}  # a layer has none
        return _held(nncheck.check_backward, forward, backward, *arguments, **{**settings, **options})


@pytest.fixture
def backprop(pytestconfig: pytest.Config) -> Backprop:
    """Hold hand-written backpropagation against autograd: ``backprop.check("relu_sigmoid", "my_derivation.py")``."""
    return Backprop(**_settings(pytestconfig))


def _held(check: Callable[..., VerifyResult], *arguments: Any, **options: Any) -> VerifyResult:
    """Return the result of a check, or raise what pytest is to show: no frames of nncheck's own."""
    __tracebackhide__ = True
    from nncheck.errors import InputError

    try:
        result = check(*arguments, **options)
    except InputError as error:
        raise error.with_traceback(None) from None
    if result.differs:
        import sys

        from nncheck.console import printable
        from nncheck.report import verification

        with use(str(options.get("language", "en"))):
            raise AssertionError(printable(verification.text(result), sys.__stdout__))
    return result


def _settings(config: pytest.Config) -> dict[str, Any]:
    """Return the options of `nncheck.verify` that the command line or the configuration file sets.

    Raises
    ------
    pytest.UsageError
        If one of them cannot be used.
    """
    hints = config.getoption("--nncheck-hints") or config.getini("nncheck_hints")
    language = config.getoption("--nncheck-lang") or config.getini("nncheck_lang")
    from nncheck.console import default_language

    spoken = language if language in LANGUAGES else default_language()
    with use(spoken):
        if hints and not (hints.isascii() and hints.isdigit()):
            raise pytest.UsageError(phrase("--nncheck-hints: got {hints!r}, expected a number from 0 on.", hints=hints))
        if language not in ("", None, *LANGUAGES):
            raise pytest.UsageError(phrase("--nncheck-lang: got {language!r}, expected en or ko.", language=language))
    return {"language": spoken, **({"hints": int(hints)} if hints else {})}
