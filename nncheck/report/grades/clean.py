"""Text that others wrote, made harmless for files, XML, Markdown and spreadsheets."""

from __future__ import annotations

import re

from nncheck.report.markdown import plain

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
# What XML 1.0 forbids, the rest of the control characters, and those that turn the direction of a line around.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# A cell that begins so is a formula to Excel, LibreOffice or Google Sheets; the wide signs are to some as well.
_FORMULA = re.compile("[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def clean(text: str) -> str:
    """Return a text without control characters and terminal codes, its line ends as on Unix."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _SURROGATES.sub("\ufffd", _FORBIDDEN.sub("", text))


def ends(text: str, most: int, left_out: str) -> str:
    """Return a long text's head and tail with a line between them that says so."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2].rstrip()}\n{left_out}\n{text[-(most // 2) :].lstrip()}"


def cell(text: str) -> str:
    """Return a text as a cell of a spreadsheet: what would be taken for a formula gets a ``'`` before it.

    References
    ----------
    OWASP, "CSV Injection".
    """
    # the csv module leaves a lone \r unquoted, so that what follows it would begin a cell of its own
    text = _SURROGATES.sub("\ufffd", text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n"))
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def escaped(text: str) -> str:
    """Return a text as one line of Markdown that is shown as it is: no markup, links, pictures or HTML."""
    text = plain(text.replace("&", "&amp;"))
    for sign in "[]!#~":
        text = text.replace(sign, f"\\{sign}")
    return text


def paragraph(text: str) -> str:
    """Return a text as Markdown that is shown as it is, its lines apart."""
    return "\\\n".join(escaped(line.strip()) for line in text.split("\n") if line.strip())


def fenced(text: str) -> str:
    """Return a text as a code block of Markdown that nothing in it can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"
