"""The command explain: one step of a case, or of somebody's own file, with all its numbers."""

from __future__ import annotations

from pathlib import Path

import click

from nncheck.console import Bar, complain, hand_over, say
from nncheck.language import N_, phrase, use
from nncheck.usage import Command, language_option

AGREES, DIFFERS = 0, 1
#: As report.explained has them, which --help should not have to import.
FORMATS = ("table", "markdown", "json", "html")

_EPILOG = N_("Exit codes: 0 nothing differs, 1 something differs, 2 bad use or input, 3 a fault of nncheck itself.")


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
@click.option(
    "--as",
    "read_as",
    type=click.Choice(["functions", "script", "notebook", "numbers"]),
    help=N_("What FILE is.  [default: recognised from the file itself]"),
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="NAME=VARIABLE,...",
    help=N_("Which variables or columns of FILE are a parameter, row by row: --map W=w1,w2,w3,w4. May be given again."),
)
@click.option(
    "--limit",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help=N_("Seconds for one call of the code."),
)
@click.option("--format", "form", type=click.Choice(FORMATS), help=N_("[default: by the ending of -o, else table]"))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help=N_("Write to this file, whole or not at all, instead of the terminal."),
)
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
    from nncheck.files import check_writable, write_whole
    from nncheck.report import ENDINGS
    from nncheck.report.explained import FORMATS as RENDERED
    from nncheck.verifier.mapping import mapping_of

    if file is None and (read_as or maps):
        raise click.UsageError(phrase("--as and --map go with --file FILE."))
    chosen = form or ENDINGS.get(output.suffix.lower() if output else "", "table")
    if output is not None:
        output = output.absolute()  # hand-written code may change the current folder
        check_writable(output)
    with Bar() as bar:
        mapping, progress = mapping_of(maps), bar.update
        result = work_out(
            case, step, file, form=read_as, mapping=mapping, language=lang, limit=limit, progress=progress
        )
    with use(lang):
        text = RENDERED.get(chosen, RENDERED["table"])(result)
        if output is None and chosen == "html":
            hand_over(text.encode())  # a page says of itself that it is UTF-8, whatever the console has
        elif output is None:
            say(text.rstrip("\n"))
        else:
            write_whole(output, text)
            complain(phrase("Written to {path}.", path=output))
    return DIFFERS if result.differs else AGREES


def register(group: click.Group) -> None:
    """Add the command."""
    group.add_command(explain)
