"""What the terminal shows when a batch is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median

from nncheck.grades import STATUSES, AssignmentFacts, GroundFacts
from nncheck.language import N_, phrase, translate
from nncheck.report.grades.clean import clean
from nncheck.report.grades.tally import Tally
from nncheck.report.table import aligned
from nncheck.report.wrapping import wrapped

_WORDS = {
    "grader-fault": N_("the grader itself failed"),
    "unreadable": N_("unreadable"),
    "forbidden-import": N_("a forbidden import"),
    "crashed": N_("crashed"),
    "timed-out": N_("timed out"),
    "too-much-memory": N_("too much memory"),
    "too-much-output": N_("too much output"),
    "graded": N_("graded"),
}
_BARS = " ▁▂▃▄▅▆▇█"


def status_words(status: str) -> str:
    """Return a status in words."""
    return translate(_WORDS[status])


def terminal(tally: Tally, assignment: AssignmentFacts, ground: GroundFacts, paths: Sequence[Path]) -> str:
    """Return counts per status, the distribution, where the files are and what isolated the code.

    What the grader itself failed on comes first.
    """
    parts = []
    if tally.faults:
        parts.append(_faults(tally))
    title = phrase("{title}, submissions: {count}", title=clean(assignment.title), count=f"{tally.count:,}")
    rows = [[status_words(name), f"{tally.statuses[name]:,}"] for name in STATUSES if tally.statuses[name]]
    parts.append(wrapped(title))
    if rows:
        parts.append(aligned(rows, [phrase("status"), phrase("count")]))
    if tally.shares:
        parts.append(_distribution(tally, assignment))
    if tally.late:
        parts.append(phrase("Handed in late: {count}.", count=tally.late))
    parts.append("\n".join(wrapped(clean(str(path)), "  ", "    ") for path in paths))
    parts.append(wrapped(phrase("Isolation: {words}", words=clean(ground.words)), rest="  "))
    return "\n\n".join(part for part in parts if part) + "\n"


def bars(shares: Sequence[float]) -> str:
    """Return ten signs, one for each tenth of the points, as high as there are submissions in it."""
    counts = [0] * 10
    for share in shares:
        counts[min(9, max(0, int(share * 10 + 1e-9)))] += 1
    most = max(counts)
    return "".join(_BARS[0 if not count else max(1, round(count / most * 8))] for count in counts)


def _faults(tally: Tally) -> str:
    count = tally.statuses["grader-fault"]
    lines = [
        phrase(
            "Submissions that the grader itself failed on; this is nncheck's fault, they have no score: {count}",
            count=count,
        )
    ]
    lines += [f"- {clean(label)}: {clean(reason)}" for label, reason in tally.faults]
    if count > len(tally.faults):
        lines.append(phrase("and {count} more, first in grades.csv", count=count - len(tally.faults)))
    return "\n".join(wrapped(line, rest="  ") for line in lines)


def _distribution(tally: Tally, assignment: AssignmentFacts) -> str:
    of = assignment.of
    return phrase(
        "Points: 0 |{bars}| {of}, mean {mean}, median {median}.",
        bars=bars(tally.shares),
        of=f"{of:g}",
        mean=f"{fmean(tally.shares) * of:.3g}",
        median=f"{median(tally.shares) * of:.3g}",
    )
