"""A result as Markdown."""

from __future__ import annotations

from tabulate import tabulate

from nncheck.language import phrase
from nncheck.record import CaseResult, RunResult
from nncheck.report import words


def render(result: RunResult) -> str:
    """Return the result as Markdown: the summary first, then each case."""
    head, rows = words.summary(result.cases)
    parts = ["# nncheck", _table(rows, head), *(_case(case) for case in result.cases)]
    used = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    return "\n\n".join([*parts, phrase("Made with {used}.", used=used)]) + "\n"


def _case(case: CaseResult) -> str:
    parts = [
        f"## {plain(case.case)}: {plain(case.title)}",
        f"**{words.SIGNS[case.verdict]} {words.verdict(case)}**: {plain(words.sentence(case))}",
        f"{plain(words.sides(case))}.",
    ]
    if case.device.fallback:
        parts.append(plain(words.replaced(case)))
    if case.findings:
        parts.append(
            "\n".join(f"- **{words.called(finding.fault)}**: {plain(finding.text)}" for finding in case.findings)
        )
    if case.rows:
        parts.append(_table([words.cells(row) for row in case.rows], words.headings(case)))
    details = words.details(case)
    if details:
        parts.append("\n".join(f"- {plain(line)}" for line in details))
    return "\n\n".join(parts)


def _table(rows: list[list[str]], head: list[str]) -> str:
    return tabulate([[plain(cell) for cell in row] for row in rows], head, tablefmt="pipe", disable_numparse=True)


def plain(text: str) -> str:
    """Escape what Markdown would take for markup."""
    for sign in "\\|<>*_`":
        text = text.replace(sign, {"<": "&lt;", ">": "&gt;"}.get(sign, f"\\{sign}"))
    return " ".join(text.split("\n"))
