"""The command line: arguments to calls, results to text and exit codes."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nncheck import checking_commands, course_commands, device_commands
from nncheck.console import Bar, closed_by_reader, complain, default_language, say
from nncheck.delivery import deliver, format_of
from nncheck.errors import InputError
from nncheck.language import N_, phrase, use
from nncheck.options import format_option, output_option
from nncheck.usage import Group, asked, complain_of, language_option, teach_click
from nncheck.versions import __version__

if TYPE_CHECKING:
    from nncheck.case import Case
    from nncheck.record import RunResult

AGREES, DIFFERS, BAD_INPUT, OWN_FAULT, INTERRUPTED = 0, 1, 2, 3, 130
_FORMATS = (
    "table",
    "markdown",
    "json",
    "csv",
    "html",
    "svg",
    "png",
)  # as report.FORMATS, which --help should not have to import

_EPILOG = N_("Exit codes: 0 nothing differs, 1 something differs, 2 bad use or input, 3 a fault of nncheck itself.")


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        say(phrase("nncheck, version {version}", version=__version__))
        context.exit()


@click.group(
    cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, epilog=_EPILOG
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help=N_("Show the version and exit."),
)
@language_option(default=default_language, expose_value=False)
def cli() -> None:
    """Hold hand-written backpropagation against torch autograd, step by step, and say why they differ."""


_language = language_option()
_spoken = language_option(expose_value=False)


@cli.command(epilog=_EPILOG)
@click.argument("cases", nargs=-1, metavar="[CASE ...]")
@click.option("--device", default="auto", show_default=True, help=N_("auto, cpu, directml, cuda, xpu, mps, or cuda:1."))
@click.option("--steps", type=click.IntRange(min=1), help=N_("Number of steps.  [default: each case's own]"))
@click.option(
    "--every", type=click.IntRange(min=1), default=100, show_default=True, help=N_("Print every so many steps.")
)
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help=N_("Precision of the hand-written side."),
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help=N_("Seed of torch."))
@click.option(
    "--reprobe",
    is_flag=True,
    help=N_("Ask devices again that failed in the last day, which --device auto passes over."),
)
@format_option(*_FORMATS)
@output_option
@_language
def run(cases: tuple[str, ...], output: Path | None, form: str | None, lang: str, **options: Any) -> int:
    """Train both implementations of each CASE (all by default) and compare them at every step.

    CASE is a name that `nncheck cases` lists, with - or _, or the path of a case folder. With --format html and -o of a
    folder there is, it gets a page for each case, and one copy of the script that they share.
    """
    from nncheck import runner
    from nncheck.files import check_writable
    from nncheck.report import ENCODINGS, FORMATS

    into_folder = form == "html" and output is not None and output.is_dir()
    if output is not None:
        output = output.absolute()  # hand-written code may change the current folder
        check_writable(output / "index.html" if into_folder else output)
    form = format_of(form, output)
    if form in ("svg", "png"):
        _check_picture(form, output)
    with Bar() as bar:
        result = runner.run(*cases, language=lang, progress=bar.update, **options)
    with use(lang):
        if into_folder and output is not None:
            _write_pages(output, result)
        else:
            deliver(FORMATS[form](result), output, form, ENCODINGS.get(form, "utf-8"))
    return DIFFERS if result.differs else AGREES


def _write_pages(folder: Path, result: RunResult) -> None:
    from nncheck.report.html.folder import write

    complain(phrase("Written to {path}.", path=write(folder, result)[0]))


@cli.command("cases")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@_spoken
def list_cases(form: str) -> int:
    """List the cases."""
    from nncheck import case as cases
    from nncheck.certificate import is_certified
    from nncheck.report.table import aligned

    every = cases.every()
    if form == "json":
        say(json.dumps([_facts(case) for case in every], indent=1))
        return AGREES
    rows = [
        [
            case.name,
            case.title("ko"),
            case.title("en"),
            "-".join(map(str, case.sizes)),
            f"{case.steps:,}",
            phrase("yes") if is_certified(case) else phrase("no"),
        ]
        for case in every
    ]
    titles = ["제목", "title"]  # each in its own language
    say(aligned(rows, [phrase("case"), *titles, phrase("sizes"), phrase("steps"), phrase("certified")]))
    return AGREES


@cli.command()
@click.argument("case")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@_spoken
def show(case: str, form: str) -> int:
    """Show what a CASE holds: data, parameters, training and derivation."""
    from nncheck import case as cases
    from nncheck.report.wrapping import columns

    found = cases.find(case)
    facts = _facts(found)
    if form == "json":
        say(json.dumps(facts, indent=1))
        return AGREES
    certified = phrase("yes") if facts["certified"] else phrase("no; run  {command}", command=f"nncheck certify {case}")
    layers = phrase("{sizes}, {count} sample(s)", sizes="-".join(map(str, found.sizes)), count=len(found.X))
    training = phrase(
        "{optimizer}, lr = {lr:g}, {steps:,} steps", optimizer=found.optimizer.described, lr=found.lr, steps=found.steps
    )
    heads = {
        phrase("folder"): str(found.folder),
        phrase("layers"): layers,
        phrase("training"): training,
        phrase("certified"): certified,
    }
    lines = [f"{found.name}: {found.title('ko')} / {found.title('en')}"]
    lines += [f"{head}{' ' * max(12 - columns(head), 1)}{words}" for head, words in heads.items()]
    lines += [""]
    for name, array in (("X", found.X), ("YT", found.YT), *found.params.items()):
        shown = array.tolist() if array.size <= 100 else "..."
        lines.append(f"{name:<3} {array.shape!s:<10} {shown}")
    lines += ["", "derivation.txt", *(f"  {line}" for line in facts["derivation"])]
    say("\n".join(lines))
    return AGREES


@cli.command()
@click.argument("cases", nargs=-1, metavar="[CASE ...]")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help=N_("Seed of the probes."))
@_spoken
def certify(cases: tuple[str, ...], seed: int) -> int:
    """Hold autograd, manual.py and derivation.txt of each CASE (all by default) against each other.

    At random probes of other sizes than the case's own; where all three agree, certificate.json is written.
    """
    from nncheck import certificate

    outcomes = certificate.certify(*cases, seed=seed)
    for outcome in outcomes:
        if outcome.faults:
            say(phrase("✗ {case}: not certified", case=outcome.case))
            say("\n".join(f"    {fault}" for fault in outcome.faults))
        else:
            say(
                phrase(
                    "✓ {case}: autograd, manual.py and derivation.txt agree at {probes} probes "
                    "(largest error / bound {ratio:.2g})",
                    case=outcome.case,
                    probes=outcome.probes,
                    ratio=outcome.ratio,
                )
            )
    return DIFFERS if any(outcome.faults for outcome in outcomes) else AGREES


@cli.command()
@click.argument("case", required=False)
@click.option("--case", "folder", metavar="NAME", help=N_("Make the folder of a new case instead, with all its files."))
@click.option("--like", metavar="CASE", help=N_("Start the new case from the files of this one."))
@click.option(
    "--assignment", is_flag=True, help=N_("Write an assignment for `nncheck grade` instead, ./assignment.toml.")
)
@click.option("--force", is_flag=True, help=N_("Write over what stands there."))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help=N_("Write to this file instead of ./CASE.py, or with --assignment of ./assignment.toml."),
)
@_language
def new(
    case: str | None,
    folder: str | None,
    like: str | None,
    assignment: bool,
    force: bool,
    output: Path | None,
    lang: str,
) -> int:
    """Write the file that a student of a CASE starts from, ./CASE.py, or make a new case or an assignment.

    The file holds the signatures, the shapes and what to write; verifying it says what is still missing.
    """
    from nncheck import scaffold

    if assignment and folder is not None:
        raise click.UsageError(phrase("Give --assignment or --case NAME, not both."))
    if not assignment and (case is None) == (folder is None):
        raise click.UsageError(phrase("Give a CASE to start a student's file, or --case NAME to make a new case."))
    if folder is not None and output is not None:
        raise click.UsageError(phrase("-o names a student's file; the folder of a new case is what --case says."))
    if folder is None and like is not None:
        raise click.UsageError(phrase("--like goes with --case NAME."))
    with use(lang):
        if assignment:
            _new_assignment(case or "relu_sigmoid", output, force)
        elif case is not None:
            path = scaffold.write_student_file(case, output, force=force)
            then = f"nncheck verify {scaffold.as_typed(str(path))} --case {scaffold.as_typed(case)}"
            say(phrase("Written to {path}. Fill it in, then run  {then}", path=path, then=then))
        else:
            path = scaffold.write_case(str(folder), like, force=force)
            then = f"nncheck certify {scaffold.as_typed(os.path.join(os.curdir, path))}"
            say(phrase("Made the case folder {path}. Change what you like, then run  {then}", path=path, then=then))
    return AGREES


def _new_assignment(wanted: str, output: Path | None, force: bool) -> None:
    from nncheck import case as cases
    from nncheck import scaffold
    from nncheck.certificate import is_certified
    from nncheck.grading.assignment import default_points

    case = cases.find(wanted)
    path = scaffold.write_assignment(case, default_points(case), output, force=force)
    then = f"nncheck grade SUBMISSIONS --assignment {scaffold.as_typed(str(path))} -o results"
    say(
        phrase(
            "Written to {path}. It holds the secret of the probes: keep it from students. Change what you like, "
            "then run  {then}",
            path=path,
            then=then,
        )
    )
    if not is_certified(case):
        first = f"nncheck certify {scaffold.as_typed(str(case.folder))}"
        say(phrase("The case is not certified yet; before that run  {then}", then=first))


checking_commands.register(cli)
device_commands.register(cli)
course_commands.register(cli)


def main() -> None:
    """Run the command line and exit with its code."""
    teach_click()
    language = asked(sys.argv[1:])
    with use(language):
        code = _run_all(language)
    sys.exit(code)


def _run_all(language: str) -> int:
    try:
        code: int = cli.main(prog_name="nncheck", standalone_mode=False, default_map={"lang": language})
        return code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        complain_of(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        complain(phrase("Interrupted."))
        return INTERRUPTED
    except InputError as error:
        complain(phrase("Error: {message}", message=error))
        return BAD_INPUT
    except Exception as error:
        return _fault(error)


def _fault(error: Exception) -> int:
    """Say what went wrong inside nncheck; a pipe whose reader has seen enough is no fault. Returns the exit code."""
    if isinstance(error, OSError) and closed_by_reader(error):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (the interpreter's own last flush is to be silent too)
        return AGREES
    if os.environ.get("NNCHECK_DEBUG"):
        traceback.print_exc()
    complain(
        phrase(
            "nncheck itself failed: {kind}: {error}\n"
            "This is a fault of nncheck. Set NNCHECK_DEBUG=1 to see where, and report it with the command you gave.",
            kind=type(error).__name__,
            error=error,
        )
    )
    return OWN_FAULT


def _facts(case: Case) -> dict[str, Any]:
    from nncheck import source
    from nncheck.certificate import is_certified

    path = case.folder / "derivation.txt"
    derivation = (
        source.read_text(path).strip().split("\n") if path.is_file() else [phrase("(derivation.txt is missing)")]
    )
    return {
        "case": case.name,
        "title": dict(case.titles),
        "folder": str(case.folder),
        "sizes": list(case.sizes),
        "lr": case.lr,
        "optimizer": {"name": case.optimizer.name, **case.optimizer.settings},
        "steps": case.steps,
        "certified": is_certified(case),
        "X": case.X.tolist(),
        "YT": case.YT.tolist(),
        "params": {name: array.tolist() for name, array in case.params.items()},
        "derivation": derivation,
    }


def _check_picture(form: str, output: Path | None) -> None:
    """Make sure before long work that a picture can be made and put somewhere."""
    from nncheck.report import pictures

    if form == "png" and output is None and sys.stdout.isatty():
        raise click.UsageError(phrase("A PNG picture is nothing for a terminal: name a file with -o."))
    pictures.check()
