"""The result of verify, derive and check_backward as a page: what is wrong, hints one by one, the file itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup

from nncheck.language import N_, phrase, translate
from nncheck.report import verification_words as words
from nncheck.report.html.own_file import Mark, anchor, own_file
from nncheck.report.html.page import page, script, style, template
from nncheck.report.words import SIGNS
from nncheck.verification import Finding, Kind, VerifyResult

#: What kind of thing a finding is, where that may be told.
_KINDS: dict[Kind, str] = {
    "code": N_("the code stops"),
    "missing": N_("something is missing"),
    "shape": N_("a wrong shape"),
    "dtype": N_("a type that loses decimals"),
    "aliasing": N_("two results share their memory"),
    "mutated": N_("something of the caller is changed"),
    "state": N_("a second call gives something else"),
    "value": N_("a wrong value"),
    "convention": N_("another convention"),
}
_UNUSABLE = N_("a line that cannot be used")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One finding as the page shows it.

    Attributes
    ----------
    id, title : str
    place, target : str
        Where in the file it stands, in words, and the id of that line's element; empty if that is not known.
    hints : tuple of str
        Of the first finding; they end with its evidence, as far as that was asked for.
    text : str
        Evidence, of a finding without hints.
    """

    id: str
    title: str
    place: str
    target: str
    hints: tuple[str, ...]
    text: str


def render(result: VerifyResult) -> str:
    """Return the page."""
    shown, marks = [], []
    for number, finding in enumerate(_findings(result), start=1):
        own = _shown(result, finding, f"finding-{number}")
        shown.append(own)
        if own.target and finding.line is not None and result.listing is not None:
            marks.append(Mark(line=result.listing.at(finding.line, finding.cell), text=_said(own), back=own.id))
    listing = Markup("")
    if result.listing is not None:
        listing = own_file(result.listing, result.file, marks)
    name = re.split(r"[\\/]", result.file)[-1] or result.file
    body = template("verified.html").render(
        result=result,
        name=name,
        sign=SIGNS[result.verdict],
        verdict=words.verdict(result.verdict),
        sentence=words.sentence(replace(result, file=name)),
        findings=[_unlinked(own) if not listing else own for own in shown],
        hidden=words.hidden(result),
        listing=listing,
        head=words.head(result),
        rows=list(zip(result.quantities, words.rows(result))),
        notes=[*words.untold(result), *result.notes],
        read_as=[words.judged_by(result), *result.read_as],
        versions=", ".join(f"{name} {version}" for name, version in result.versions.items()),
    )
    return page(f"{name} · {result.case}", body, scripts=[script("hints.js")], styles=[style("own.css")])


def _findings(result: VerifyResult) -> Iterator[Finding]:
    first = words.hinted(result)
    if first is not None:
        yield first
    yield from words.told(result)


def _shown(result: VerifyResult, finding: Finding, name: str) -> Shown:
    hinted = finding is words.hinted(result)
    kind = translate(_UNUSABLE if finding.kind == "code" and result.form == "formulas" else _KINDS[finding.kind])
    if hinted and result.level < 3 and finding.kind in ("value", "shape"):
        kind = phrase("something is wrong")  # which of the two is more than the hints tell
    title = phrase("{quantity}: {kind}", quantity=finding.quantity, kind=kind) if finding.quantity else _first_up(kind)
    place = finding.place
    target = ""
    if place and finding.line is not None and result.listing is not None:
        target = anchor(result.listing.at(finding.line, finding.cell))
    return Shown(
        id=name,
        title=title,
        place=place,
        target=target,
        hints=result.hints if hinted else (),
        text="" if hinted else words.evidence(finding),
    )


def _said(own: Shown) -> str:
    return phrase("Look here. {finding}", finding=own.title)


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _unlinked(own: Shown) -> Shown:
    return Shown(id=own.id, title=own.title, place=own.place, target="", hints=own.hints, text=own.text)
