"""A record as a notebook shows it: terminal text, Markdown, and its page in a frame that can do nothing but draw.

To show another record: a line in `_WAYS`.
"""

from __future__ import annotations

import html as escaping
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from nncheck.grades import AssignmentFacts, Graded
from nncheck.language import current, phrase, use
from nncheck.record import SCHEMA, CaseResult, RunResult
from nncheck.report import devices, explained, markdown, table
from nncheck.report import verification as verified
from nncheck.report.grades.class_page import ClassPage
from nncheck.report.grades.sheet import sheet
from nncheck.report.grades.summary import summary_markdown, summary_text
from nncheck.summary import Summary
from nncheck.verification import VerifyResult


class _Graded(Protocol):
    """A grading run, which is made by what reports do not know."""

    assignment: AssignmentFacts

    def __iter__(self) -> Iterator[Graded]: ...

    def summary(self) -> Summary: ...


#: So many rows of a run are shown, the first and the last among them; the page has its curves besides.
_ROWS = 12


@dataclass(frozen=True, kw_only=True)
class Way:
    """How one kind of record is shown.

    Attributes
    ----------
    text, markdown : callable
    page : callable or None
        Returns a whole document; None where there is none.
    height : int
        Of its frame, in CSS pixels.
    """

    text: Callable[[Any], str]
    markdown: Callable[[Any], str]
    page: Callable[[Any], str] | None = None
    height: int = 640


def bundle(
    record: Any, include: Collection[str] | None = None, exclude: Collection[str] | None = None
) -> dict[str, str]:
    """Return what a notebook is given of a record, by mimetype, in the language of its texts.

    What cannot be made is left out; the text always stands.

    Parameters
    ----------
    record : object
        Of a class that has a line in `_WAYS`.
    include, exclude : collection of str, optional
        Mimetypes that are wanted alone, and those that are not.
    """
    way = _WAYS[type(record).__name__]
    makers: dict[str, Callable[[], str]] = {
        "text/plain": lambda: way.text(record).rstrip("\n"),
        "text/markdown": lambda: way.markdown(record),
    }
    if way.page is not None:
        page = way.page
        makers["text/html"] = lambda: framed(page(record), way.height)
    wanted = [kind for kind in makers if (not include or kind in include) and kind not in (exclude or ())]
    shown: dict[str, str] = {}
    with use(getattr(record, "language", "") or current()):
        for kind in wanted:
            with suppress(Exception):  # the others are as good
                shown[kind] = makers[kind]()
    if "text/plain" in wanted:
        shown.setdefault("text/plain", repr(record))
    return shown


def framed(page: str, height: int) -> str:
    """Return a page in a frame: its scripts run, and reach neither the notebook nor anything else.

    ``sandbox`` without ``allow-same-origin`` gives the page an origin of its own, in which a student's name or file
    that got past the escaping could do no harm.
    """
    title = escaping.escape(phrase("nncheck report"))
    quoted = page.replace("&", "&amp;").replace("'", "&#39;")  # a page has many more of the other quotation marks
    return (
        f'<iframe sandbox="allow-scripts" title="{title}" loading="lazy" '
        f'style="width: 100%; height: {height}px; border: 1px solid #8888; border-radius: 4px" '
        f"srcdoc='{quoted}'></iframe>"
    )


def _thinned(result: RunResult) -> RunResult:
    """Return a run with few of its rows: a notebook keeps its outputs, and of 100,000 steps there are a thousand."""
    return replace(result, cases=tuple(replace(case, rows=_few(case.rows)) for case in result.cases))


def _few(rows: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(rows) <= _ROWS:
        return rows
    return tuple(rows[round(k * (len(rows) - 1) / (_ROWS - 1))] for k in range(_ROWS))


def _alone(case: CaseResult) -> RunResult:
    return RunResult(schema=SCHEMA, versions={}, cases=(case,))


def _run_page(run: RunResult) -> str:
    """Return the page of a run; its plots do not zoom.

    What makes them zoom is 4.8 MB of plotly's script. A frame with an origin of its own can share it with no other
    frame, so that each output would have to hold it, and a notebook keeps every output.
    """
    from nncheck.report.html import run as html

    return html.render(run, zooms=False)


def _verified_page(result: VerifyResult) -> str:
    from nncheck.report.html import verified as html

    return html.render(result)


def _class_page(run: _Graded) -> str:
    """Return the page of a class; the students' own pages are files, to which a frame has no way."""
    page = ClassPage(None, run.assignment, run.summary)
    for graded in run:
        page.add(graded, sheet(graded, run.assignment), graded.student)
    return page.document()


_WAYS: dict[str, Way] = {
    "RunResult": Way(
        text=lambda run: table.render(_thinned(run)),
        markdown=lambda run: markdown.render(_thinned(run)),
        page=_run_page,
        height=760,
    ),
    "CaseResult": Way(
        text=lambda case: table.render(_thinned(_alone(case))),
        markdown=lambda case: markdown.render(_thinned(_alone(case))),
        page=lambda case: _run_page(_alone(case)),
        height=760,
    ),
    "DeviceCheck": Way(text=devices.check_text, markdown=devices.check_markdown),
    "Explained": Way(text=explained.text, markdown=explained.markdown, page=explained.html),
    "VerifyResult": Way(text=verified.text, markdown=verified.markdown, page=_verified_page),
    "Summary": Way(text=summary_text, markdown=summary_markdown),
    "GradeRun": Way(
        text=lambda run: summary_text(run.summary()),
        markdown=lambda run: summary_markdown(run.summary(), run.notes),
        page=_class_page,
        height=760,
    ),
}
