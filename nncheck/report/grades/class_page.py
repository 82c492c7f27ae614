"""index.html: the whole class for its instructor, in a table that sorts and filters, with a link to every page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nncheck.grades import STATUSES, AssignmentFacts, Graded
from nncheck.language import phrase
from nncheck.language import translate as _
from nncheck.report.grades import points
from nncheck.report.grades.files import Stream
from nncheck.report.grades.sheet import Sheet
from nncheck.report.grades.summary import alike_words, first_words, spread, whose
from nncheck.report.grades.table import first_mistake
from nncheck.report.grades.terminal import status_words
from nncheck.report.html.clean import clip
from nncheck.report.html.page import page as document
from nncheck.report.html.page import script, style, template
from nncheck.summary import MistakeCount, Summary

#: Rows on the page at once, and rows that stand there without a script.
ROWS = 100
#: Characters of one cell: a row is short, whoever wrote it.
_CELL = 200
_GROUPS = 50
_TENTHS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bin:
    """A tenth of the points: ``share`` is the length of its bar, in percent of the longest."""

    place: int
    points: str
    count: str
    share: float


class ClassPage:
    """A sink for the instructor; of each student it holds one short row.

    Parameters
    ----------
    folder : Path or None
        Where it stands, with the pages of the students beside it; None for a page alone, whose rows lead nowhere.
    assignment : AssignmentFacts
    overview : callable
        Gives what is told of the whole batch, once every result has been taken.
    """

    def __init__(
        self, folder: Path | None, assignment: AssignmentFacts, overview: Callable[[], Summary | None]
    ) -> None:
        self._file = Stream(folder / "index.html") if folder else None
        self._title, self._of, self._overview = assignment.title, points.millionths(assignment.of), overview
        self._checks = len(assignment.checks)
        self._faults: list[list[Any]] = []
        self._rest: list[list[Any]] = []
        self._mistakes: dict[str, int] = {}
        self._bins = [0] * _TENTHS

    def add(self, graded: Graded, sheet: Sheet, page: str) -> None:
        """Keep the student's row."""
        mistakes = dict.fromkeys(one.id for part in graded.grade.parts for one in part.mistakes)
        first = first_mistake(graded)
        tenth = -1
        if sheet.score is not None and sheet.of:
            tenth = max(0, min(_TENTHS - 1, sheet.score * _TENTHS // sheet.of))
            self._bins[tenth] += 1
        row = [
            clip(sheet.student, _CELL).strip() or page,
            clip(sheet.name, _CELL),
            f"html/{quote(page)}.html" if self._file else "",
            None if sheet.score is None else points.number(sheet.score),
            sum(check.passed for check in sheet.rows),
            STATUSES.index(graded.grade.status),
            int(graded.late),
            [
                self._mistakes.setdefault(name, len(self._mistakes))
                for name in ({first: None} | mistakes if first else ())
            ],
            tenth,
        ]
        (self._faults if sheet.is_fault else self._rest).append(row)

    def finish(self) -> Path:
        """Write the page and put it in its place."""
        assert self._file is not None, "only a page with a place of its own can be put there"
        self._file.write(self.document())
        return self._file.finish()

    def drop(self) -> None:
        """Leave nothing."""
        if self._file:
            self._file.drop()

    def document(self) -> str:
        """Return the page of what was added until now."""
        rows, summary = [*self._faults, *self._rest], self._overview()
        fields = self._fields(rows)
        statuses = {place: status_words(STATUSES[place]) for place in sorted({row[5] for row in rows})}
        mistakes = [clip(name, _CELL) for name in self._mistakes]
        words = {
            "shown": _("{shown} of {all} students"),
            "page": _("Page {page} of {pages}"),
            "late": _("late"),
        }
        body = template("class.html").render(
            title=self._title,
            first=list(first_words(summary)) if summary else [],
            bins=self._shown_bins(),
            spread=spread(summary.scores)[0] if summary and summary.scores else "",
            of=points.text(self._of),
            mistakes=[_mistake(one, self._mistakes) for one in summary.mistakes] if summary else [],
            other_mistakes=summary.other_mistakes if summary else 0,
            alike=list(_alike(summary)) if summary else [],
            ground=summary.ground if summary else (),
            fields=fields,
            rows=rows[:ROWS],
            count=len(rows),
            most=ROWS,
            statuses=statuses,
            names=sorted(range(len(mistakes)), key=mistakes.__getitem__),
            mistake_names=mistakes,
        )
        data = {
            "class": {
                "rows": rows,
                "fields": [field for field, _ in fields],
                "most": ROWS,
                "statuses": {str(place): said for place, said in statuses.items()},
                "mistakes": mistakes,
                "words": words,
            }
        }
        return document(self._title, body, scripts=[script("class.js")], styles=[style("class.css")], data=data)

    def _fields(self, rows: list[list[Any]]) -> list[tuple[int, str]]:
        """Return the places in a row that have a column, with its heading; what nobody has gets none."""
        fields = [(0, phrase("student"))]
        fields += [(1, phrase("name"))] if any(row[1] for row in rows) else []
        fields += [(3, phrase("points")), (4, phrase("checks of {of}", of=self._checks)), (5, phrase("status"))]
        fields += [(6, phrase("late"))] if any(row[6] for row in rows) else []
        return [*fields, (7, phrase("first mistake"))]

    def _shown_bins(self) -> list[_Bin]:
        most, width = max(self._bins) or 1, self._of / points.MILLION / _TENTHS
        shown = []
        for place, count in enumerate(self._bins):
            ends = {"low": place * width, "high": (place + 1) * width}
            last = place == _TENTHS - 1
            said = phrase("{low:g} to {high:g}", **ends) if last else phrase("{low:g} to below {high:g}", **ends)
            shown.append(_Bin(place=place, points=said, count=f"{count:,}", share=round(100 * count / most, 2)))
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mistake:
    """A row of the most frequent mistakes: ``place`` is what the table is filtered by, -1 if it is nobody's first."""

    count: str
    case: str
    name: str
    text: str
    whose: str
    place: int


def _mistake(one: MistakeCount, first: dict[str, int]) -> _Mistake:
    return _Mistake(
        count=f"{one.count:,}",
        case=one.case,
        name=phrase("{id} (convention)", id=one.id) if one.convention else one.id,
        text=one.text,
        whose=whose(one.whose),
        place=first.get(one.id, -1),
    )


def _alike(summary: Summary) -> Iterator[str]:
    yield from (alike_words(group) for group in summary.alike[:_GROUPS])
    if len(summary.alike) > _GROUPS:
        yield phrase("more groups: {count}", count=len(summary.alike) - _GROUPS)
