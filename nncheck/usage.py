"""Help and usage errors of the command line in the language that is spoken: nncheck's words and click's own.

click takes its messages from gettext, whose catalogue hangs on the environment of the whole process. Here the two
functions by which its modules look them up are nncheck's, so that they come from nncheck's catalogue.
"""

from __future__ import annotations

import gettext
import inspect
import io
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import click

from nncheck.console import complain, default_language, printable
from nncheck.language import LANGUAGES, N_, current, filled, plural, translate, use

#: Stands behind each sign of two columns while click measures by `len`; a letter, so that no line is broken there.
_SECOND_COLUMN = "\u1160"

#: Kinds of values as click's types are called, which it does not translate.
_KINDS: Mapping[object, str] = {
    kind: kind
    for kind in (N_("integer"), N_("float"), N_("integer range"), N_("float range"), N_("text"), N_("choice"))
}


def asked(arguments: Sequence[str]) -> str:
    """Return the language that the arguments of a command line ask for, before anything is made of them.

    One that nncheck does not speak is click's to refuse.
    """
    language = default_language()
    for here, behind in zip(arguments, [*arguments[1:], ""]):
        if here == "--":
            break
        value = behind if here == "--lang" else here.removeprefix("--lang=")
        language = value if value in LANGUAGES else language
    return language


class _Message(str):
    """A message of click, filled in as nncheck's own are: with the particles that fit, kinds of values named."""

    def format(self, *args: object, **names: object) -> str:
        if args:
            return super().format(*args, **names)
        named = {
            name: translate(_KINDS[value]) if isinstance(value, str) and value in _KINDS else value
            for name, value in names.items()
        }
        return filled(str(self), named)


def _said(message: str) -> str:
    return _Message(translate(message))


def _counted(one: str, many: str, count: int) -> str:
    return _Message(plural(one, many, count))


def teach_click() -> None:
    """Let click say its messages in the language that is spoken when it says them."""
    for name, module in list(sys.modules.items()):
        if name == "click" or name.startswith("click."):
            if getattr(module, "_", None) is gettext.gettext:
                module._ = _said  # type: ignore[attr-defined]
            if getattr(module, "ngettext", None) is gettext.ngettext:
                module.ngettext = _counted  # type: ignore[attr-defined]


def complain_of(error: click.ClickException) -> None:
    """Print what click found wrong, on a console of any encoding."""
    text = io.StringIO()
    error.show(file=text)
    complain(text.getvalue().rstrip("\n"))


def _speak(context: click.Context, _: click.Parameter, language: str) -> str:
    context.with_resource(use(language))
    return language


def language_option(
    help: str = N_("Language of titles and texts."),
    default: Callable[[], str] = current,
    expose_value: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--lang``: the command speaks that language.

    Parameters
    ----------
    help : str
    default : callable
        Returns the language where it is not given: that of the command above.
    expose_value : bool
        Whether the command's function takes it, as ``lang``.
    """
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        default=default,
        show_default=N_("NNCHECK_LANG, else the locale's"),
        help=help,
        is_eager=True,  # so that what is wrong with the others is said in it
        callback=_speak,
        expose_value=expose_value,
    )


class _Formatter(click.HelpFormatter):
    """Aligns and wraps by the columns of a terminal, of which Korean signs take two."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        prefix = f"{translate('Usage:')} " if prefix is None else prefix
        super().write_usage(_widened(prog), _widened(args), _widened(prefix))

    def write_text(self, text: str) -> None:
        super().write_text(_widened(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], *args: Any, **options: Any) -> None:
        super().write_dl([(_widened(term), _widened(words)) for term, words in rows], *args, **options)

    def getvalue(self) -> str:
        return _narrowed(super().getvalue())


class _Context(click.Context):
    formatter_class = _Formatter


class Command(click.Command):
    """A command whose docstring, options and epilog are translated when its help is shown."""

    context_class = _Context

    def get_help(self, ctx: click.Context) -> str:
        """Return the help, with the signs that standard output has."""
        return printable(super().get_help(ctx), sys.stdout)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help``, which click keeps: in English, to be translated like the others."""
        with use(LANGUAGES[0]):
            return super().get_help_option(ctx)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the beginning of the help, at most so many columns of it."""
        with _changed(self, help=_widened(_translated(self.help))):
            return _narrowed(super().get_short_help_str(limit))

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in the language that is spoken."""
        with ExitStack() as until_written:
            texts = {"help": _translated(self.help), "epilog": _translated(self.epilog)}
            until_written.enter_context(_changed(self, **texts))
            for option in self.get_params(ctx):
                if isinstance(option, click.Option):
                    texts = {"help": _translated(option.help)}
                    if isinstance(option.show_default, str):
                        texts["show_default"] = translate(option.show_default)
                    until_written.enter_context(_changed(option, **texts))
            super().format_help(ctx, formatter)


class Group(Command, click.Group):
    """A group of such commands."""

    command_class = Command


@contextmanager
def _changed(owner: object, **values: object) -> Iterator[None]:
    before = {name: getattr(owner, name) for name in values}
    vars(owner).update(values)
    try:
        yield
    finally:
        vars(owner).update(before)


def _translated(text: str | None) -> str:
    return translate(inspect.cleandoc(text)) if text else ""


def _widened(text: str) -> str:
    return "".join(sign + _SECOND_COLUMN if unicodedata.east_asian_width(sign) in ("W", "F") else sign for sign in text)


def _narrowed(text: str) -> str:
    return text.replace(_SECOND_COLUMN, "")
