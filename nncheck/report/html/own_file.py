"""A person's own file in a page: its lines with their numbers, those that are spoken of marked by a sign and in words.

What is large is shown around those lines alone, and says so: a page stays readable whatever somebody handed in.
"""

from __future__ import annotations

import html
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from nncheck.language import phrase
from nncheck.listing import Listing
from nncheck.report.html.clean import clean, clip

#: Of a file with more characters or lines only those around the marks are shown.
MOST, MOST_LINES = 300_000, 5_000
#: Characters of one line.
_LONGEST = 2_000
#: Lines before and behind a marked one, of a file that is too large and of an excerpt; lines where nothing is marked.
_AROUND, _NEAR, _BEGINNING = 60, 5, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is to be said at a line.

    Attributes
    ----------
    line : int
        Of the listing, from 1.
    text : str
    back : str
        Id of the element that speaks of it; empty if there is none.
    """

    line: int
    text: str
    back: str = ""


def own_file(
    listing: Listing, name: str, marks: Sequence[Mark], prefix: str = "", most: int = MOST, most_lines: int = MOST_LINES
) -> Markup:
    """Return a file as markup; empty where there is nothing of it worth showing.

    Parameters
    ----------
    listing : Listing
    name : str
        What the file is called.
    marks : sequence of Mark
    prefix : str
        Of the ids of its lines, see `anchor`.
    most, most_lines : int
        Characters and lines of a file that is shown whole.
    """
    lines = listing.text.split("\n")
    if lines[-1] == "":
        del lines[-1]
    said: dict[int, list[Mark]] = {}
    for mark in marks:
        if 1 <= mark.line <= len(lines):
            said.setdefault(mark.line, []).append(mark)
    whole = not listing.excerpt and len(listing.text) <= most and len(lines) <= most_lines
    ranges = [range(1, len(lines) + 1)] if whole else _ranges(listing, len(lines), [*said])
    if not ranges or not lines:
        return Markup("")
    rows = "".join(_rows(lines, listing.starts, ranges, said, prefix))
    note, shown = "", sum(map(len, ranges))
    if shown < len(lines):
        note = Markup('<p class="soft">{}</p>\n').format(_left_out(shown, len(lines), bool(said)))
    label = escape(phrase("The lines of {file}", file=clip(name, 200)))
    box = f'<div class="code" role="region" tabindex="0" aria-label="{label}">'
    return Markup(f'{note}{box}<div class="lines">\n{rows}</div></div>\n')


def anchor(line: int, prefix: str = "") -> str:
    """Return the id of a line's element."""
    return f"{prefix}line-{line}"


def _ranges(listing: Listing, count: int, marked: Sequence[int]) -> list[range]:
    """Return the lines to show, in order and apart."""
    if not marked:
        return [] if listing.excerpt else [range(1, min(count, _BEGINNING) + 1)]
    reach = _NEAR if listing.excerpt else _AROUND
    found: list[range] = [range(1, 2)] if listing.excerpt else []  # the head of a table
    for line in sorted(marked):
        first, last = max(1, line - reach), min(count, line + reach)
        if found and first <= found[-1].stop:
            found[-1] = range(found[-1].start, max(last + 1, found[-1].stop))
        else:
            found.append(range(first, last + 1))
    return found


def _rows(
    lines: Sequence[str],
    starts: Sequence[int],
    ranges: Sequence[range],
    said: Mapping[int, Sequence[Mark]],
    prefix: str,
) -> Iterator[str]:
    """Yield the markup of every line that is shown, with what is said between them."""
    before = 0
    for part in ranges:
        if part.start > before + 1:
            yield _gap(before + 1, part.start - 1)
        first = 1  # line of the text that the person counts as the first
        for number in part:
            if starts and (number == part.start or number in starts):
                cell = bisect_right(starts, number)
                first = starts[cell - 1] if cell else 1
                yield Markup('<p class="cell">{}</p>\n').format(phrase("Code cell {cell}", cell=max(cell, 1)))
            yield _row(number, number - first + 1, lines[number - 1], said.get(number, ()), prefix)
        before = part.stop - 1
    if before < len(lines):
        yield _gap(before + 1, len(lines))


def _row(number: int, own: int, text: str, marks: Sequence[Mark], prefix: str) -> str:
    """Return a line's markup; ``own`` is its number as the person counts, in a notebook from the top of its cell."""
    name, shown = anchor(number, prefix), _line(text)
    if not marks:
        return f'<div class="line" id="{name}"><span class="no">{own}</span><code>{shown}</code></div>\n'
    notes = "".join(map(_note, marks))
    return (
        f'<div class="line marked" id="{name}"><span class="no"><span aria-hidden="true">▶ </span>{own}</span>'
        f"<code>{shown}</code></div>\n{notes}"
    )


def _note(mark: Mark) -> Markup:
    text = Markup('<a href="#{}">{}</a>').format(mark.back, clip(mark.text)) if mark.back else escape(clip(mark.text))
    return Markup('<p class="says"><span aria-hidden="true">▲ </span>{}</p>\n').format(text)


def _line(text: str) -> str:
    shown = html.escape(clean(text[:_LONGEST]), quote=False)
    if len(text) <= _LONGEST:
        return shown
    more = phrase("… {count} more characters", count=f"{len(text) - _LONGEST:,}")
    return f'{shown}<span class="more"> {escape(more)}</span>'


def _gap(first: int, last: int) -> Markup:
    said = phrase("line {first} is not shown", first=first)
    if last > first:
        said = phrase("lines {first:,} to {last:,} are not shown", first=first, last=last)
    return Markup('<p class="gap">⋮ {}</p>\n').format(said)


def _left_out(shown: int, count: int, marked: bool) -> str:
    if marked:
        return phrase("Of {count:,} lines {shown:,} are shown, those around what is marked.", count=count, shown=shown)
    return phrase("Of {count:,} lines the first {shown:,} are shown.", count=count, shown=shown)
