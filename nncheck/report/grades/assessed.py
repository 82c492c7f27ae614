"""What an assignment would catch, as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from nncheck.assessed import Assessed, PartAssessed, Planted, equal_reasons
from nncheck.language import phrase
from nncheck.report.wrapping import wrapped

_LISTED = 8


def assessed_text(assessed: Assessed) -> str:
    """Return it as lines for a terminal, case by case."""
    blocks = [assessed.title]
    for part in assessed.parts:
        lines = [phrase("{case} (points: {of:g})", case=part.case, of=part.of)]
        lines += [wrapped(line, "  ", "    ") for line in _lines(part)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _lines(part: PartAssessed) -> Iterator[str]:
    known, caught = len(part.mistakes), len(part.caught)
    yield phrase(
        "{caught} of {known} known mistakes lose points ({share:.0%}); {named} are named rightly.",
        caught=caught,
        known=known,
        share=caught / known if known else 0.0,
        named=part.named,
    )
    if part.slips:
        yield phrase(
            "{caught} of {count} slips of the pen lose points.", caught=part.slips_caught, count=len(part.slips)
        )
    yield phrase("One mistake costs {share:.0%} of the points on average.", share=part.mean_cost)
    for why, planted in equal_reasons((*part.missed, *(one for one in part.slips if one.lost <= 0))).items():
        yield phrase("Lose nothing, {why}: {mistakes}.", why=why, mistakes=_listed(planted))
    if part.costing_all:
        yield phrase("Cost every point: {mistakes}.", mistakes=_listed(part.costing_all))
    if part.idle:
        yield phrase("Checks that no mistake fails: {checks}.", checks=", ".join(part.idle))
    for one in part.wronged:
        failed = "; ".join(f"{check}: {why}" if why else check for check, _, why in one.checks)
        yield phrase(
            "A correct file loses points ({lost:g} of {of:g}): {file} ({why}).",
            lost=one.lost,
            of=part.of,
            file=one.file,
            why=one.reason or failed,
        )
    if not part.wronged:
        yield phrase("All {count} correct files of the case have all points.", count=len(part.correct))


def _listed(planted: tuple[Planted, ...] | list[Planted]) -> str:
    """Name mistakes by the lines that they write: ``db.mean (`dB = dZ.mean(axis=0)`)``."""
    named = [f"{one.id} (`{one.equals}`)" for one in planted[:_LISTED]]
    more = len(planted) - len(named)
    if more > 0:
        named.append(phrase("{count} more", count=more))
    return ", ".join(named)
