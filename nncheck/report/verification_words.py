"""What a result of verify, derive and check_backward says in words; shared by the formats that people read."""

from __future__ import annotations

from collections.abc import Iterator

from nncheck.language import N_, phrase, translate
from nncheck.report.words import SIGNS
from nncheck.verification import Checked, Finding, VerifyResult

FORMS = {
    "functions": N_("functions"),
    "script": N_("a training script"),
    "notebook": N_("a notebook"),
    "numbers": N_("a trajectory of numbers"),
    "formulas": N_("formulas"),
    "layer": N_("a layer"),
}
JUDGES = {
    "autograd": N_("torch autograd (float64)"),
    "certified derivation": N_("the certified derivation of the case"),
    "complex step": N_("the complex step on the forward function itself"),
    "central differences": N_("central differences of the forward function itself"),
}
_VERDICTS = {"agree": N_("agrees"), "differ": N_("differs"), "cannot-tell": N_("cannot tell")}


def sentence(result: VerifyResult) -> str:
    """Say in a sentence what came of it."""
    if result.verdict == "agree":
        return phrase("{file} agrees with {case} in all {count} quantities.", **_facts(result))
    if result.verdict == "cannot-tell":
        return phrase("{file}: nothing differs, but not everything could be told.", **_facts(result))
    unusable = sum(finding.kind == "code" for finding in result.findings) if result.form == "formulas" else 0
    first = next((finding for finding in result.findings if finding.kind != "code" or not unusable), result.findings[0])
    wrong = _facts(result)["wrong"]
    if first.convention:
        said = phrase("{file} differs from {case} by a convention.", **_facts(result))
    elif first.quantity and wrong == 1:
        said = phrase("{file}: of all that was judged {first} alone is wrong.", first=first.quantity, **_facts(result))
    elif first.quantity and wrong:
        said = phrase(
            "{file}: {first} is the first of {wrong} wrong quantities.", first=first.quantity, **_facts(result)
        )
    elif unusable:
        said = phrase("{file}: nothing that can be read of it differs from {case}.", **_facts(result))
    elif result.quantities and not wrong and first.kind in ("code", "missing"):
        said = phrase(
            "{file}: what it gives agrees with {case}, but it does not give everything yet.", **_facts(result)
        )
    elif result.quantities and not wrong:
        said = phrase("{file}: every value agrees with {case}, but the code does what it must not.", **_facts(result))
    else:
        said = phrase("{file} cannot be held against {case} yet.", **_facts(result))
    more = phrase("Lines that cannot be used: {count}.", count=unusable) if unusable else ""
    return f"{said} {more}" if more else said


def _facts(result: VerifyResult) -> dict[str, object]:
    wrong = sum(checked.verdict == "differ" for checked in result.quantities)
    return {"file": result.file, "case": result.case, "count": len(result.quantities), "wrong": wrong}


def judged_by(result: VerifyResult) -> str:
    """Say as what the file was read, and who judged it."""
    form, judge = FORMS.get(result.form, result.form), JUDGES.get(result.judged_by, result.judged_by)
    return phrase("Read as {form}; judged by {judge}.", form=translate(form), judge=translate(judge))


def head(result: VerifyResult) -> list[str]:
    """Return the headings that belong to `rows`."""
    verdicts = [phrase("as a step"), phrase("as a number")] if _twice(result) else [phrase("verdict")]
    return [phrase("quantity"), *verdicts, phrase("error / bound"), phrase("wrong elements")]


def rows(result: VerifyResult) -> list[list[str]]:
    """Return a row of cells for each quantity."""
    return [_row(checked, _twice(result)) for checked in result.quantities]


def _row(checked: Checked, twice: bool) -> list[str]:
    verdicts = [_said(checked.verdict), *([_said(checked.number)] if twice else [])]
    wrong = phrase("{wrong} of {of}", wrong=checked.wrong, of=checked.of) if checked.wrong else ""
    return [checked.name, *verdicts, _ratio(checked.ratio) if checked.worst else "", wrong]


def verdict(name: str) -> str:
    """Return a verdict in words: agrees, differs, cannot tell."""
    return translate(_VERDICTS[name])


def _said(name: str) -> str:
    return f"{SIGNS[name]} {verdict(name)}" if name else ""


def _twice(result: VerifyResult) -> bool:
    """Whether formulas were judged as steps from true values, and as numbers from the person's own lines too."""
    return any(checked.number for checked in result.quantities)


def others(result: VerifyResult) -> Iterator[str]:
    """Yield what is wrong besides what the hints speak of, to whom the mistake itself may be told."""
    for finding in told(result):
        yield evidence(finding)
    if hidden(result):
        yield hidden(result)


def hinted(result: VerifyResult) -> Finding | None:
    """Return the finding that the hints speak of."""
    return result.findings[0] if result.hints and result.findings else None


def told(result: VerifyResult) -> list[Finding]:
    """Return the other findings that may be told: below level 3 no wrong values, which may follow from the first."""
    others = result.findings[1 if hinted(result) else 0 :]
    return [finding for finding in others if result.level >= 3 or finding.kind not in ("value", "shape")]


def hidden(result: VerifyResult) -> str:
    """Say that there are findings which are not told yet; empty if there are none."""
    count = len(result.findings) - len(told(result)) - bool(hinted(result))
    if not count:
        return ""
    return phrase("{count} more wrong, which may follow from it or not: mend this first.", count=count)


def evidence(finding: Finding) -> str:
    """Say what is wrong and what explains it."""
    explained = dict.fromkeys(e.text for e in finding.explanations if e.text not in finding.text)
    return " ".join([finding.text, *explained])


def notes(result: VerifyResult) -> Iterator[str]:
    """Yield what is worth knowing and no finding."""
    yield from untold(result)
    for note in result.notes:
        yield phrase("Note: {note}", note=note)


def untold(result: VerifyResult) -> Iterator[str]:
    """Yield what could not be told, and why."""
    for checked in result.quantities:
        if checked.verdict == "cannot-tell" and checked.why:
            yield phrase("{name} cannot be told: {why}.", name=checked.name, why=checked.why)


def _ratio(value: float) -> str:
    """Return error / bound; beyond a million the number itself says nothing more."""
    return "> 1e6" if value > 1e6 else f"{value:.3g}"
