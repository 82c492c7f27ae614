"""How what a command makes reaches its user: printed, or written to the file of ``-o``."""

from __future__ import annotations

from pathlib import Path

from nncheck.console import complain, hand_over, say
from nncheck.language import phrase


def format_of(form: str | None, output: Path | None) -> str:
    """Return the format: as asked for, else by the ending of the file, else a table."""
    from nncheck.report import ENDINGS

    return form or ENDINGS.get(output.suffix.lower() if output else "", "table")


def deliver(content: str | bytes, output: Path | None, form: str, encoding: str = "utf-8") -> None:
    """Print a result, or write it to a file and say so.

    Parameters
    ----------
    content : str or bytes
    output : Path or None
    form : str
        Its format: a page says of itself that it is UTF-8, and is printed so whatever the console has.
    encoding : str
        Of a text in a file.
    """
    if output is not None:
        from nncheck.files import write_whole

        write_whole(output, content, encoding)
        complain(phrase("Written to {path}.", path=output))
    elif isinstance(content, bytes):
        hand_over(content)
    elif form == "html":
        hand_over(content.encode())
    else:
        say(content.rstrip("\n"))
