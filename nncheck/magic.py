"""What ``%load_ext nncheck`` gives a notebook: ``%%nncheck CASE`` checks the functions that a cell defines."""

from __future__ import annotations

import contextlib
import inspect
import io
import linecache
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from nncheck.console import default_language
from nncheck.errors import InputError
from nncheck.language import LANGUAGES, phrase, use

if TYPE_CHECKING:
    from nncheck.verification import VerifyResult


class Refused(InputError):
    """Why nothing was checked; a notebook shows its text alone, and a run of all cells stops here."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def register(shell: Any) -> None:
    """Give IPython the magic, for a line and for a cell.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        IPython itself is never imported: it is there where this is called.
    """

    def nncheck(line: str, cell: str | None = None) -> VerifyResult | None:
        return _checked(shell, line, cell)

    nncheck.__doc__ = __doc__
    shell.register_magic_function(nncheck, magic_kind="line_cell", magic_name="nncheck")


def _checked(shell: Any, line: str, cell: str | None) -> VerifyResult | None:
    """Run a cell as IPython does, then check what the notebook has defined; what is returned is displayed."""
    with use(default_language()):
        wanted = _wanted(line)
    with use(wanted["lang"]), _telling():
        if wanted["help"]:
            print(wanted["help"])
            return None
        from nncheck import case as cases

        case = cases.find(wanted["case"])  # before the cell runs: a name that is wrong is no reason to wait
        if cell is not None:
            # the magic's own line stays as a comment, so that lines are counted as the reader sees them
            ran = shell.run_cell(f"# In [{_now(shell)}]: %%nncheck {line}\n{cell}", store_history=False)
            if not ran.success:  # IPython has shown why
                raise Refused(phrase("Nothing was checked: the cell stopped before its end."))
        with contextlib.redirect_stderr(io.StringIO()):  # what the functions print at the probes tells nobody anything
            return _verified(shell, case, wanted["hints"], wanted["seed"])


def _wanted(line: str) -> dict[str, Any]:
    """Read the magic's own line: the case and the options, which are those of `nncheck verify`."""
    import click

    command = click.Command(
        "%%nncheck",
        params=[
            click.Argument(["case"]),
            click.Option(["--hints"], type=click.IntRange(1, 4), default=3, show_default=True),
            click.Option(["--lang"], type=click.Choice(LANGUAGES), default=default_language()),
            click.Option(["--seed"], type=click.IntRange(0, 2**63 - 1), default=0, show_default=True),
            click.Option(["-h", "--help"], is_flag=True, is_eager=True),
        ],
        add_help_option=False,
    )
    try:
        words = _words(line)
        asked = bool({"-h", "--help"} & set(words))
        with command.make_context("%%nncheck", words, resilient_parsing=asked) as context:
            return {**context.params, "help": context.get_help() if asked else ""}
    except click.UsageError as error:
        usage = phrase("%%nncheck CASE [--hints N] [--lang en|ko] [--seed N]")
        raise Refused(f"{error.format_message()}\n{usage}") from None
    except ValueError as error:  # a quotation mark that is not closed
        raise Refused(f"%%nncheck: {error}") from None


def _words(line: str) -> list[str]:
    """Split the line of a magic command as a shell does; on Windows a backslash is part of a path.

    Raises
    ------
    ValueError
        If a quotation mark is not closed.
    """
    words = shlex.shlex(line, posix=True)
    words.whitespace_split, words.commenters = True, ""
    if sys.platform == "win32":
        words.escape = ""
    return list(words)


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """Turn what nncheck raises for a reader into its text alone."""
    from nncheck.process import ProcessFailure

    try:
        yield
    except Refused:
        raise
    except InputError as error:
        raise Refused(str(error)) from None
    except ProcessFailure as failure:
        raise Refused(phrase("Nothing was checked: {reason}.", reason=failure.reason)) from None
    except KeyboardInterrupt:
        raise Refused(phrase("Interrupted: nothing was checked.")) from None


def _verified(shell: Any, case: Any, hints: int, seed: int) -> VerifyResult:
    from nncheck.manual.client import Local
    from nncheck.manual.loading import holder_of
    from nncheck.manual.notebook import Cells
    from nncheck.verifier.verify import verify_cell

    holder = holder_of(SimpleNamespace(**_own(shell.user_ns)))
    file = _file_of(getattr(holder, "backward", None))
    text = "".join(linecache.getlines(file)) if file else ""
    number = _number(shell, file, text)
    later = _defined_later(holder, file, text)
    if later:  # what stands in backward's cell under that name is not what is checked
        text, file = "", later[-1]
        number = max(_number(shell, one, "".join(linecache.getlines(one))) for one in later)
    called = f"In [{number}]"
    local = Local(holder, Path(file or called), called)
    return verify_cell(local, case, called, text, Cells((1,), (number,)) if text else None, hints, seed)


def _defined_later(holder: object, file: str, text: str) -> list[str]:
    """Return the cells of functions that backward's own cell defines too, but an earlier or later cell defined last."""
    own = set(re.findall(r"^\s*def (\w+)", text, re.MULTILINE))
    cells = [_file_of(getattr(holder, name, None)) for name in ("forward", "loss", "update") if name in own]
    return [cell for cell in cells if cell not in ("", file)]


def _own(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person has defined: not IPython's own names, nor an ``update`` that is for something else."""
    own = {name: value for name, value in names.items() if not name.startswith("_") and name not in ("In", "Out")}
    if "update" in own and not _takes_three(own["update"]):
        del own["update"]
    return own


def _takes_three(function: Any) -> bool:
    """Whether it could be given params, grads and lr; that of an animation takes a frame."""
    try:
        return len(inspect.signature(function).parameters) >= 3
    except (TypeError, ValueError):  # it is no function, or tells none of them
        return False


def _now(shell: Any) -> int:
    """Return the number of the cell that runs: IPython's own counter is one ahead, or not, by its version."""
    return max(len(shell.user_ns.get("In", ())) - 1, 0)


def _number(shell: Any, file: str, text: str) -> int:
    """Return the number of the cell that a file is; one that ran under the magic says it in its first line."""
    own = re.match(r"# In \[(\d+)\]: %%nncheck", text)
    if own:
        return int(own[1])
    numbers: Mapping[str, int] = getattr(shell.compile, "_filename_map", {})
    return numbers.get(file, _now(shell))


def _file_of(function: Any) -> str:
    """Return what IPython calls the cell that a function was defined in, empty if that is not known."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return getattr(code, "co_filename", "")
