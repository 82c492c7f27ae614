"""Options of the command line that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from nncheck.language import N_

AnyFunction = Callable[..., Any]


def output_option(function: AnyFunction) -> AnyFunction:
    """Add ``-o``, as ``output``."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help=N_("Write to this file, whole or not at all, instead of the terminal."),
    )(function)


def format_option(*formats: str) -> Callable[[AnyFunction], AnyFunction]:
    """Return ``--format``, as ``form``: None where it is to be told by the ending of ``-o``."""
    return click.option(
        "--format", "form", type=click.Choice(formats), help=N_("[default: by the ending of -o, else table]")
    )


def file_options(function: AnyFunction) -> AnyFunction:
    """Add how somebody's own FILE is read and run: ``--as`` as ``read_as``, ``--map`` as ``maps``, ``--limit``."""
    for option in (
        click.option(
            "--limit",
            type=click.FloatRange(min=0.1),
            default=10.0,
            show_default=True,
            help=N_("Seconds for one call of the code."),
        ),
        click.option(
            "--map",
            "maps",
            multiple=True,
            metavar="NAME=VARIABLE,...",
            help=N_(
                "Which variables or columns of FILE are a parameter, row by row: --map W=w1,w2,w3,w4. May be given "
                "again."
            ),
        ),
        click.option(
            "--as",
            "read_as",
            type=click.Choice(["functions", "script", "notebook", "numbers"]),
            help=N_("What FILE is.  [default: recognised from the file itself]"),
        ),
    ):
        function = option(function)
    return function
