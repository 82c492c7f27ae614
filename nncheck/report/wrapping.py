"""Wraps sentences to the columns of a terminal, on which Korean signs take two; nothing of them is lost."""

from __future__ import annotations

import re

from wcwidth import wcswidth

WIDTH = 100
#: A formula in backticks stays in one piece up to so many columns.
_FORMULA = 60
_PIECES = re.compile(r"\S*`[^`]+`\S*|\S+")


def wrapped(text: str, first: str = "", rest: str = "", width: int = WIDTH) -> str:
    """Return a text in lines of at most so many columns, longer only where one word is.

    Parameters
    ----------
    text : str
        Its own line ends stay.
    first, rest : str
        What the first line and all others begin with.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = first if not lines else rest
        empty = True
        for gap, word in _words(paragraph):
            if not empty and columns(line) + len(gap) + columns(word) > width:
                lines.append(line)
                line, gap = rest, ""
            line += gap + word
            empty = False
        lines.append(line)
    return "\n".join(lines)


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return max(wcswidth(text), 0) or len(text)


def _words(text: str) -> list[tuple[str, str]]:
    """Return each word with the space before it, a short formula in backticks as one word."""
    found = []
    end = 0
    for match in _pieces(text):
        found.append((text[end : match[0]], text[match[0] : match[1]]))
        end = match[1]
    return found


def _pieces(text: str) -> list[tuple[int, int]]:
    spans = []
    for match in _PIECES.finditer(text):
        if columns(match.group()) <= _FORMULA:
            spans.append(match.span())
        else:
            spans += [
                (match.start() + word.start(), match.start() + word.end())
                for word in re.finditer(r"\S+", match.group())
            ]
    return spans
