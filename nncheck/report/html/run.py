"""A run as a page: which cases agree, and for each its plots, its worked steps and every quantity that was checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nncheck.language import phrase
from nncheck.record import CaseResult, Finding, RunResult
from nncheck.report import words
from nncheck.report.html import plotly
from nncheck.report.html.page import identifier, page, script, style, template
from nncheck.report.html.plots import HEIGHT, WIDTH, Plot, plots_of
from nncheck.report.html.said import array, index, number, verdict
from nncheck.report.html.steps import Worked, worked

#: So many rows of a table a page shows, evenly picked; the other formats have them all.
MOST_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: which columns hold numbers, and a sentence where rows are left out."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """One case as the template shows it.

    ``id`` is that of its section, ``link`` where that is, ``last`` its last step, 1 if it has but one.
    """

    id: str
    link: str
    last: int
    name: str
    title: str
    verdict: str
    verdict_text: str
    sentence: str
    sides: str
    seed: int
    fallback: str
    findings: Sequence[dict[str, Any]]
    plots: Sequence[Plot]
    tables: Sequence[Table]
    worked: Worked | None
    quantities: Table
    final: Table
    notes: Sequence[str]


def render(result: RunResult, *, zooms: bool = True, beside: str = "", home: str = "") -> str:
    """Return the run as one HTML document, in the language that is spoken.

    Parameters
    ----------
    result : RunResult
    zooms : bool
        Without it the plots are drawn only, and the page is smaller by the 4.8 MB of plotly's script.
    beside : str
        File name of plotly's script beside the page; with it the page does not hold the script itself.
    home : str
        File name of a page to go back to.
    """
    ids = _ids(result.cases)
    cases = [_case(case, own, f"#{own}") for case, own in zip(result.cases, ids)]
    zooms = zooms and any(case.plots for case in cases)
    inside = zooms and not beside
    headline = _headline(result.cases)
    return page(
        f"nncheck: {headline}",
        _body(result, cases, headline, zooms=zooms, home=home),
        scripts=[script("steps.js"), *([script("plots.js")] if zooms else [])],
        later={"plotly": plotly.javascript()} if inside else {},
        beside=[beside] if zooms and beside else [],
        data={
            "steps": {case.id: case.worked.data for case in cases if case.worked},
            **({"plots": _plot_data(cases)} if zooms else {}),
        },
        styles=[style("worked.css"), style("run.css")],
    )


def render_index(result: RunResult, links: Sequence[str]) -> str:
    """Return the answers of a run alone, with a link to each case's own page."""
    cases = [_case(case, own, link) for case, own, link in zip(result.cases, _ids(result.cases), links)]
    headline = _headline(result.cases)
    body = _body(result, cases, headline, index=True)
    return page(f"nncheck: {headline}", body, styles=[style("worked.css"), style("run.css")])


def _body(
    result: RunResult,
    cases: Sequence[CaseView],
    headline: str,
    *,
    zooms: bool = False,
    home: str = "",
    index: bool = False,
) -> str:
    head, rows = words.summary(result.cases)
    return template("run.html").render(
        headline=headline,
        lead=_lead(result.cases),
        cases=cases,
        summary=Table(caption="", head=head, rows=rows, numbers=(4, 6, 7, 8)),
        versions=", ".join(f"{name} {version}" for name, version in result.versions.items()),
        width=WIDTH,
        height=HEIGHT,
        zooms=zooms,
        home=home,
        index=index,
        **{name.replace("-", "_"): verdict(name) for name in words.SIGNS},
    )


def _plot_data(cases: Sequence[CaseView]) -> dict[str, Any]:
    """Return what plotly is given, and what it says."""
    return {
        "bound": phrase("bound"),
        "cases": {
            case.id: {"last": case.last, "plots": [plot.data for plot in case.plots]} for case in cases if case.plots
        },
    }


def _headline(cases: Sequence[CaseResult]) -> str:
    wrong = sum(case.verdict == "differ" for case in cases)
    unsure = sum(case.verdict == "cannot-tell" for case in cases)
    if wrong:
        return phrase("{wrong} of {count} cases differ", wrong=wrong, count=len(cases))
    if unsure:
        return phrase("Nothing differs; {unsure} of {count} cases cannot be told", unsure=unsure, count=len(cases))
    return phrase("All {count} cases agree", count=len(cases)) if len(cases) != 1 else phrase("The case agrees")


def _lead(cases: Sequence[CaseResult]) -> str:
    steps = sum(case.steps for case in cases)
    return phrase(
        "Backpropagation written by hand, held against torch autograd at every one of {steps} steps.",
        steps=f"{steps:,}",
    )


def _ids(cases: Sequence[CaseResult]) -> list[str]:
    """Return an id for each case, no two alike."""
    ids: list[str] = []
    for case in cases:
        own = identifier("case", case.case)
        ids.append(own if own not in ids else f"{own}-{len(ids)}")
    return ids


def _case(case: CaseResult, own: str, link: str) -> CaseView:
    plots = plots_of(case)
    return CaseView(
        id=own,
        link=link,
        last=max(case.steps - 1, 1),
        name=case.case,
        title=case.title,
        verdict=case.verdict,
        verdict_text=verdict(case.verdict),
        sentence=_upper(words.sentence(case)),
        sides=_upper(words.sides(case)),
        seed=case.seed,
        fallback=words.replaced(case),
        findings=[_finding(finding) for finding in case.findings],
        plots=plots,
        tables=_row_tables(case) if plots else (),
        worked=worked(case.worked, case.network, case.steps, {finding.first_step for finding in case.findings}),
        quantities=_quantities(case),
        final=_final(case),
        notes=case.notes,
    )


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _finding(finding: Finding) -> dict[str, Any]:
    figures = [
        (phrase("quantity"), f"{finding.quantity}{index(finding.index)}" if finding.quantity else ""),
        (phrase("first step"), f"{finding.first_step:,}"),
        (phrase("worst step"), f"{finding.step:,}"),
        (phrase("steps that differ"), f"{finding.steps:,}"),
        (phrase("got"), _figure(finding.got)),
        (phrase("expected"), _figure(finding.expected)),
        (phrase("error"), _figure(finding.error, 3)),
        (phrase("bound"), _figure(finding.bound, 3)),
    ]
    return {
        "fault": words.called(finding.fault),
        "text": finding.text,
        "figures": [(name, value) for name, value in figures if value],
    }


def _figure(value: float | None, digits: int = 10) -> str:
    return "" if value is None else number(value, digits)


def _row_tables(case: CaseResult) -> tuple[Table, ...]:
    """Return the tables behind the plots: the losses, and the differences of the two runs."""
    if not case.rows:
        return ()
    head, rows = words.headings(case), [words.cells(row) for row in _spread(case.rows)]
    note = ""
    if len(rows) < len(case.rows):
        note = phrase(
            "{shown} of {count} rows, evenly picked; --format csv writes them all.",
            shown=f"{len(rows):,}",
            count=f"{len(case.rows):,}",
        )
    return (
        Table(
            caption=phrase("Losses of {case} as a table", case=case.case),
            head=head[:3],
            rows=[row[:3] for row in rows],
            numbers=(0, 1, 2),
            note=note,
        ),
        Table(
            caption=phrase("Differences of {case} as a table, with the index of the largest", case=case.case),
            head=[head[0], *head[3:]],
            rows=[[row[0], *row[3:]] for row in rows],
            numbers=range(len(head) - 2),
            note=note,
        ),
    )


def _spread(rows: Sequence[Any]) -> list[Any]:
    """Return at most `MOST_ROWS` rows, evenly picked, the first and the last among them."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    last = len(rows) - 1
    return [rows[round(k * last / (MOST_ROWS - 1))] for k in range(MOST_ROWS)]


def _quantities(case: CaseResult) -> Table:
    rows = [
        [
            q.name,
            words.called(q.side),
            verdict(q.verdict),
            number(q.ratio, 3) if q.steps else "–",
            f"{q.step:,}" if q.steps else "–",
            phrase("{differing} of {steps}", differing=f"{q.differing:,}", steps=f"{q.steps:,}"),
            phrase("{resolved} of {elements}", resolved=f"{q.resolved:,}", elements=f"{q.elements:,}"),
        ]
        for q in case.quantities
    ]
    head = [phrase("quantity"), phrase("side"), phrase("verdict"), phrase("largest error / bound")]
    head += [phrase("at step"), phrase("steps that differ"), phrase("elements resolved")]
    caption = phrase("Checks of {case}: each step begun from the same numbers", case=case.case)
    return Table(caption=caption, head=head, rows=rows, numbers=(3, 4, 5, 6))


def _final(case: CaseResult) -> Table:
    sides = {"autograd": phrase("autograd"), "manual": phrase("hand-written")}
    names = list(dict.fromkeys(name for final in case.final.values() for name in final))
    rows = [[name, *(array(case.final.get(side, {}).get(name), 10) for side in sides)] for name in names]
    caption = phrase("Parameters of {case} after the last step", case=case.case)
    return Table(caption=caption, head=[phrase("parameter"), *sides.values()], rows=rows)
