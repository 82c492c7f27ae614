"""The commands verify, derive and explain: somebody's own work, or a case, held against autograd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nncheck.console import Bar
from nncheck.delivery import deliver, format_of
from nncheck.language import N_, phrase, use
from nncheck.options import file_options, format_option, output_option
from nncheck.usage import Command, language_option

if TYPE_CHECKING:
    from nncheck.verification import VerifyResult

AGREES, DIFFERS = 0, 1
#: As report.verification and report.explained have them, which --help should not have to import.
FORMATS = ("table", "markdown", "json", "html")

_EPILOG = N_("Exit codes: 0 nothing differs, 1 something differs, 2 bad use or input, 3 a fault of nncheck itself.")


def _verifying(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that verify and derive share."""
    for option in (
        click.option("--case", required=True, help=N_("Name of a case (see `nncheck cases`), or its folder.")),
        click.option(
            "--hints",
            type=click.IntRange(1, 4),
            default=3,
            show_default=True,
            help=N_("How much to tell: 1 where, 2 a question, 3 the mistake with its evidence, 4 the formula."),
        ),
        click.option(
            "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help=N_("Seed of the probes.")
        ),
        format_option(*FORMATS),
        output_option,
        language_option(),
    ):
        function = option(function)
    return function


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@_verifying
@file_options
def verify(
    file: Path,
    output: Path | None,
    form: str | None,
    read_as: str | None,
    maps: tuple[str, ...],
    lang: str,
    **options: Any,
) -> int:
    """Hold one hand-written derivation against autograd, and say what the first wrong quantity equals.

    FILE holds functions (forward, loss, backward, perhaps update), a plain training script, a notebook, or a
    trajectory of numbers as CSV or NPZ. Its code runs in a process of its own.
    """
    from nncheck.verifier.mapping import mapping_of
    from nncheck.verifier.verify import verify as hold

    mapping = mapping_of(maps)
    with Bar() as bar:
        progress = bar.update
        result = hold(file, form=read_as, mapping=mapping, language=lang, progress=progress, **options)
    return _report(result, output, form, lang)


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@_verifying
def derive(file: Path, output: Path | None, form: str | None, lang: str, **options: Any) -> int:
    """Judge a derivation of formulas line by line, each as a step and as a number.

    FILE holds one formula a line, such as  dZ2 = dY * Y * (1 - Y) . A line is judged from true values of what
    stands above it, so that one wrong line does not spoil those below.
    """
    from nncheck.verifier.derive import derive as judge

    return _report(judge(file, language=lang, **options), output, form, lang)


def _report(result: VerifyResult, output: Path | None, form: str | None, lang: str) -> int:
    from nncheck.files import check_writable
    from nncheck.report.verification import FORMATS as RENDERED

    chosen = format_of(form, output)
    if output is not None:
        check_writable(output)
    with use(lang):
        deliver(RENDERED.get(chosen, RENDERED["table"])(result), output, chosen)
    return DIFFERS if result.differs else AGREES


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("case")
@click.option(
    "--step",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help=N_("Which step, from 0 on: that of this number in `nncheck run`."),
)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=N_("Somebody's own file, in any form that verify or derive takes.  [default: manual.py of the case]"),
)
@file_options
@format_option(*FORMATS)
@output_option
@language_option()
def explain(
    case: str,
    step: int,
    file: Path | None,
    read_as: str | None,
    maps: tuple[str, ...],
    limit: float,
    form: str | None,
    output: Path | None,
    lang: str,
) -> int:
    """Work one step of a CASE out: every line as formula, with its numbers and as value, beside autograd's own.

    CASE is a name that `nncheck cases` lists, or the path of a case folder. With --file it is that file's own step,
    from the parameters that it has there.
    """
    from nncheck.explaining.explain import explain as work_out
    from nncheck.files import check_writable
    from nncheck.report.explained import FORMATS as RENDERED
    from nncheck.verifier.mapping import mapping_of

    if file is None and (read_as or maps):
        raise click.UsageError(phrase("--as and --map go with --file FILE."))
    chosen = format_of(form, output)
    if output is not None:
        output = output.absolute()  # hand-written code may change the current folder
        check_writable(output)
    with Bar() as bar:
        mapping, progress = mapping_of(maps), bar.update
        result = work_out(
            case, step, file, form=read_as, mapping=mapping, language=lang, limit=limit, progress=progress
        )
    with use(lang):
        deliver(RENDERED.get(chosen, RENDERED["table"])(result), output, chosen)
    return DIFFERS if result.differs else AGREES


def register(group: click.Group) -> None:
    """Add the commands."""
    for command in (verify, derive, explain):
        group.add_command(command)
