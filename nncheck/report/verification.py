"""The result of verify, derive and check_backward as text for the terminal, as Markdown, as JSON and as a page."""

from __future__ import annotations

import json as json_
from collections.abc import Callable

from nncheck.report import verification_words as words
from nncheck.report.markdown import plain
from nncheck.report.table import aligned
from nncheck.report.words import SIGNS
from nncheck.report.wrapping import wrapped
from nncheck.verification import VerifyResult


def text(result: VerifyResult) -> str:
    """Return the result as lines for a terminal: the sentence first, then how it was read, each quantity, the hints."""
    parts = [wrapped(f"{SIGNS[result.verdict]} {words.sentence(result)}", rest="  ")]
    parts.append(
        "\n".join([wrapped(words.judged_by(result)), *(wrapped(said, "  ", "    ") for said in result.read_as)])
    )
    if result.quantities:
        parts.append(aligned(words.rows(result), words.head(result)))
    parts += [wrapped(hint, f"{number}. ", "   ") for number, hint in enumerate(result.hints, start=1)]
    parts += [wrapped(other, "- ", "  ") for other in words.others(result)]
    parts += [wrapped(note, rest="  ") for note in words.notes(result)]
    return "\n\n".join(parts) + "\n"


def markdown(result: VerifyResult) -> str:
    """Return the result as Markdown."""
    from tabulate import tabulate

    parts = [
        f"# {plain(result.file)}",
        f"**{SIGNS[result.verdict]} {plain(words.sentence(result))}**",
        plain(words.judged_by(result)),
    ]
    if result.read_as:
        parts.append("\n".join(f"- {plain(said)}" for said in result.read_as))
    if result.quantities:
        rows = [[plain(cell) for cell in row] for row in words.rows(result)]
        parts.append(tabulate(rows, words.head(result), tablefmt="pipe", disable_numparse=True))
    if result.hints:
        parts.append("\n".join(f"{number}. {plain(hint)}" for number, hint in enumerate(result.hints, start=1)))
    others = [*words.others(result), *words.notes(result)]
    if others:
        parts.append("\n".join(f"- {plain(other)}" for other in others))
    return "\n\n".join(parts) + "\n"


def json(result: VerifyResult) -> str:
    """Return the result as JSON, schema nncheck/verify/1, ASCII only."""
    return json_.dumps(result.to_dict(), indent=1, allow_nan=False) + "\n"


def html(result: VerifyResult) -> str:
    """Return the result as a page."""
    from nncheck.report.html import verified

    return verified.render(result)


FORMATS: dict[str, Callable[[VerifyResult], str]] = {"table": text, "markdown": markdown, "json": json, "html": html}
