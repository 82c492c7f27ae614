"""The command devices: which there are and why not the others, and whether what they compute is right."""

from __future__ import annotations

from pathlib import Path

import click

from nncheck.console import Bar
from nncheck.delivery import deliver, format_of
from nncheck.language import N_, use
from nncheck.options import format_option, output_option
from nncheck.usage import Command, language_option

AGREES, DIFFERS, UNFINISHED = 0, 1, 2
#: As report.devices has them, which --help should not have to import.
FORMATS = ("table", "markdown", "json")

#: What --check without a name stands for.
_EVERY = "every"

_EPILOG = N_(
    "Exit codes: 0 nothing differs, 1 something differs, 2 bad use or input, or not everything could be checked, "
    "3 a fault of nncheck itself."
)


@click.command(cls=Command, epilog=_EPILOG)
@click.option(
    "--check",
    is_flag=False,
    flag_value=_EVERY,
    metavar="[NAME]",
    help=N_(
        "Check every operator of this device, forward and backward, against float64 on the CPU: directml, cuda, "
        "cuda:1, xpu, mps or cpu; without NAME every device that works. With --format markdown fit for a bug report."
    ),
)
@click.option("--reprobe", is_flag=True, help=N_("Ask devices again that failed in the last day."))
@format_option(*FORMATS)
@output_option
@language_option()
def devices(check: str | None, reprobe: bool, form: str | None, output: Path | None, lang: str) -> int:
    """List the devices that torch can train on here, in the order of choice, and why not the others."""
    from nncheck.autograd.survey import survey
    from nncheck.files import check_writable
    from nncheck.report import devices as report

    chosen = format_of(form, output)
    chosen = chosen if chosen in FORMATS else "table"
    if output is not None:
        check_writable(output)
    if check is None:
        deliver(report.LISTS[chosen](survey(reprobe=reprobe)), output, chosen)
        return AGREES
    from nncheck.conformance.check import check_device

    with Bar(N_("operators")) as bar:
        result = check_device(None if check == _EVERY else check, language=lang, progress=bar.update)
    with use(lang):
        deliver(report.CHECKS[chosen](result), output, chosen)
    return DIFFERS if result.wrong else AGREES if result.finished else UNFINISHED


def register(group: click.Group) -> None:
    """Add the command."""
    group.add_command(devices)
