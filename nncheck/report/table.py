"""A result for the terminal: each case's verdict, rows and evidence, and a summary of all cases at the end."""

from __future__ import annotations

from tabulate import tabulate

from nncheck.record import CaseResult, RunResult
from nncheck.report import words
from nncheck.report.wrapping import wrapped

_WIDTH = 118


def render(result: RunResult) -> str:
    """Return the result as text; columns stay aligned under Korean titles."""
    blocks = [_case(case) for case in result.cases]
    if len(result.cases) > 1:
        head, rows = words.summary(result.cases)
        blocks.append(aligned(rows, head))
    return "\n\n".join(blocks) + "\n"


def aligned(rows: list[list[str]], head: list[str]) -> str:
    """Return a table whose cells stand as they are: numbers to the right, text to the left."""
    columns = list(zip(*rows)) if rows else [()] * len(head)
    align = ["right" if all(_is_number(cell) for cell in column) else "left" for column in columns]
    return tabulate(rows, head, tablefmt="simple", disable_numparse=True, colalign=align if rows else None)


def _case(case: CaseResult) -> str:
    first = f"{words.SIGNS[case.verdict]} {case.case}: {words.sentence(case)}"
    parts = [first, f"  {case.title} - {words.sides(case)}"]
    parts += [_wrapped(words.replaced(case))] if case.device.fallback else []
    parts += [_wrapped(f"{words.called(finding.fault)}: {finding.text}") for finding in case.findings]
    if case.rows:
        parts += ["", aligned([words.cells(row) for row in case.rows], words.headings(case)), ""]
    parts += [_wrapped(line) for line in words.details(case)]
    return "\n".join(parts)


def _wrapped(text: str) -> str:
    return wrapped(" ".join(text.splitlines()), "  ", "    ", _WIDTH)


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", ""))
    except ValueError:
        return False
    return True
