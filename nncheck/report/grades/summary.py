"""The summary of a batch for its instructor, as Markdown and as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from nncheck.grades import Status
from nncheck.language import N_, phrase, translate
from nncheck.report.markdown import plain
from nncheck.report.table import aligned
from nncheck.report.wrapping import wrapped
from nncheck.summary import AlikeGroup, Likeness, MistakeCount, Scores, Summary, Whose

_STATUSES: dict[Status, str] = {
    "grader-fault": N_("the grader's own fault"),
    "unreadable": N_("could not be read"),
    "forbidden-import": N_("imports what it may not"),
    "crashed": N_("crashed"),
    "timed-out": N_("took too long"),
    "too-much-memory": N_("took too much memory"),
    "too-much-output": N_("printed too much"),
    "graded": N_("graded"),
}
_LIKENESS: dict[Likeness, str] = {
    "bytes": N_("the same file"),
    "program": N_("the same program"),
    "pieces": N_("mostly the same"),
}
_BAR = 40
_SHOWN, _GROUPS = 8, 50


def summary_markdown(summary: Summary, notes: Sequence[str] = ()) -> str:
    """Return the summary as Markdown.

    Parameters
    ----------
    summary : Summary
    notes : sequence of str
        On how the submissions were read.
    """
    parts = [f"# {plain(summary.title)}"]
    read: tuple[_Section, ...] = ((phrase("How the submissions were read"), (), (), notes),) if notes else ()
    for title, head, rows, lines in (*_sections(summary), *read):
        block = [f"## {title}"] if title else []
        if rows:
            cells = [[plain(cell) for cell in row] for row in rows]
            block.append(tabulate(cells, head, tablefmt="pipe", disable_numparse=True))
        block += ["\n".join(f"- {plain(line)}" for line in lines)] if lines else []
        parts.append("\n\n".join(block))
    return "\n\n".join(parts) + "\n"


def summary_text(summary: Summary) -> str:
    """Return the summary as lines for a terminal."""
    parts = [summary.title]
    for title, head, rows, lines in _sections(summary):
        block = [title] if title else []
        if rows:
            block.append(aligned([list(row) for row in rows], list(head)))
        block += [wrapped(line, "  ", "    ") for line in lines]
        parts.append("\n".join(block))
    return "\n\n".join(parts) + "\n"


def whose(who: Whose) -> str:
    """Name some students: ``kim, lee and 3 more``."""
    named = ", ".join(who.students)
    if not who.more:
        return named
    return phrase("{names} and {count} more", names=named, count=who.more) if named else str(who.more)


_Section = tuple[str, Sequence[str], Sequence[Sequence[str]], Sequence[str]]


def _sections(summary: Summary) -> Iterator[_Section]:
    """Yield title, headings, rows and lines of each part that there is something to say of."""
    yield "", (), (), tuple(first_words(summary))
    if summary.scores:
        yield (
            phrase("Scores"),
            (phrase("points"), phrase("submissions"), ""),
            _bins(summary.scores),
            spread(summary.scores),
        )
    if summary.checks:
        head = [phrase(word) for word in (N_("case"), N_("check"), N_("points"), N_("passed"), N_("wrong"))]
        head += [phrase(word) for word in (N_("not reached"), N_("cannot tell"), N_("by follow-through"))]
        yield phrase("Checks"), head, _checks(summary), ()
    if summary.mistakes:
        head = [phrase(word) for word in (N_("count"), N_("case"), N_("mistake"), N_("what is done"), N_("whose"))]
        lines = [phrase("other kinds: {count}", count=summary.other_mistakes)] if summary.other_mistakes else []
        yield phrase("Most frequent mistakes"), head, [_mistake(one) for one in summary.mistakes], lines
    if summary.alike:
        note = phrase("These are facts about files. They say nothing of how the files came to be.")
        lines = [alike_words(group) for group in summary.alike[:_GROUPS]]
        if len(summary.alike) > _GROUPS:
            lines.append(phrase("more groups: {count}", count=len(summary.alike) - _GROUPS))
        yield phrase("Near-identical submissions"), (), (), [*lines, note]
    if summary.ground:
        yield phrase("Isolation"), (), (), summary.ground


def first_words(summary: Summary) -> Iterator[str]:
    """Yield how many there are, and how they ended."""
    yield phrase("submissions: {count}", count=f"{summary.submissions:,}")
    for one in summary.statuses:
        said = phrase("{status}: {count}", status=translate(_STATUSES[one.status]), count=f"{one.count:,}")
        yield f"{said} ({whose(one.whose)})" if one.whose.students else said
    if any(one.status == "grader-fault" for one in summary.statuses):
        yield phrase("The grader's own faults cost nobody a point and are in no score below: run them again.")
    if summary.late:
        yield phrase("late: {count}", count=summary.late)
    if summary.refused:
        yield phrase("refused for being late: {count}", count=summary.refused)
    if summary.several:
        yield phrase("students with several submissions, of which one counts: {count}", count=summary.several)


def _bins(scores: Scores) -> list[tuple[str, str, str]]:
    most = max(scores.histogram) or 1
    width = scores.of / len(scores.histogram)
    rows = []
    for i, count in enumerate(scores.histogram):
        bar = "#" * (max(1, round(_BAR * count / most)) if count else 0)
        last = i == len(scores.histogram) - 1
        ends = {"low": i * width, "high": (i + 1) * width}
        upto = phrase("{low:g} to {high:g}", **ends) if last else phrase("{low:g} to below {high:g}", **ends)
        rows.append((upto, f"{count:,}", bar))
    return rows


def spread(scores: Scores) -> tuple[str, ...]:
    """Say how the scores are spread."""
    low, median, high = scores.quartiles
    said = phrase(
        "mean {mean:.4g} of {of:g}; least {least:g}, quartiles {low:g}, {median:g}, {high:g}, most {most:g}",
        mean=scores.mean,
        of=scores.of,
        least=scores.least,
        low=low,
        median=median,
        high=high,
        most=scores.most,
    )
    return (said,)


def _checks(summary: Summary) -> list[list[str]]:
    return [
        [
            c.case,
            c.check,
            f"{c.of:g}",
            *(f"{n:,}" for n in (c.passed, c.wrong, c.not_reached, c.cannot_tell, c.follows)),
        ]
        for c in summary.checks
    ]


def _mistake(one: MistakeCount) -> list[str]:
    name = phrase("{id} (convention)", id=one.id) if one.convention else one.id
    return [f"{one.count:,}", one.case, name, one.text, whose(one.whose)]


def alike_words(group: AlikeGroup) -> str:
    """Say whose submissions are alike, and in what."""
    shown = Whose(students=group.students[:_SHOWN], more=max(0, len(group.students) - _SHOWN))
    return f"{translate(_LIKENESS[group.likeness])}: {whose(shown)}. {group.why}"
