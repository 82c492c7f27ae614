"""The result of verify, derive and check_backward as text for the terminal, as Markdown and as JSON."""

from __future__ import annotations

import json as json_
from collections.abc import Callable, Iterator

from nncheck.language import N_, phrase, translate
from nncheck.report.markdown import plain
from nncheck.report.table import aligned
from nncheck.report.words import SIGNS
from nncheck.report.wrapping import wrapped
from nncheck.verification import Checked, VerifyResult

_FORMS = {
    "functions": N_("functions"),
    "script": N_("a training script"),
    "notebook": N_("a notebook"),
    "numbers": N_("a trajectory of numbers"),
    "formulas": N_("formulas"),
    "layer": N_("a layer"),
}
_JUDGES = {
    "autograd": N_("torch autograd (float64)"),
    "certified derivation": N_("the certified derivation of the case"),
    "complex step": N_("the complex step on the forward function itself"),
    "central differences": N_("central differences of the forward function itself"),
}
_VERDICTS = {"agree": N_("agrees"), "differ": N_("differs"), "cannot-tell": N_("cannot tell")}


def text(result: VerifyResult) -> str:
    """Return the result as lines for a terminal: the sentence first, then how it was read, each quantity, the hints."""
    parts = [wrapped(f"{SIGNS[result.verdict]} {_sentence(result)}", rest="  ")]
    parts.append("\n".join([wrapped(_judged_by(result)), *(wrapped(said, "  ", "    ") for said in result.read_as)]))
    if result.quantities:
        parts.append(aligned(_rows(result), _head(result)))
    parts += [wrapped(hint, f"{number}. ", "   ") for number, hint in enumerate(result.hints, start=1)]
    parts += [wrapped(other, "- ", "  ") for other in _others(result)]
    parts += [wrapped(note, rest="  ") for note in _notes(result)]
    return "\n\n".join(parts) + "\n"


def markdown(result: VerifyResult) -> str:
    """Return the result as Markdown."""
    from tabulate import tabulate

    parts = [
        f"# {plain(result.file)}",
        f"**{SIGNS[result.verdict]} {plain(_sentence(result))}**",
        plain(_judged_by(result)),
    ]
    if result.read_as:
        parts.append("\n".join(f"- {plain(said)}" for said in result.read_as))
    if result.quantities:
        rows = [[plain(cell) for cell in row] for row in _rows(result)]
        parts.append(tabulate(rows, _head(result), tablefmt="pipe", disable_numparse=True))
    if result.hints:
        parts.append("\n".join(f"{number}. {plain(hint)}" for number, hint in enumerate(result.hints, start=1)))
    others = [*_others(result), *_notes(result)]
    if others:
        parts.append("\n".join(f"- {plain(other)}" for other in others))
    return "\n\n".join(parts) + "\n"


def json(result: VerifyResult) -> str:
    """Return the result as JSON, schema nncheck/verify/1, ASCII only."""
    return json_.dumps(result.to_dict(), indent=1, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[VerifyResult], str]] = {"table": text, "markdown": markdown, "json": json}


def _sentence(result: VerifyResult) -> str:
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
    elif result.quantities and not wrong:
        said = phrase("{file}: every value agrees with {case}, but the code does what it must not.", **_facts(result))
    else:
        said = phrase("{file} cannot be held against {case} yet.", **_facts(result))
    more = phrase("Lines that cannot be used: {count}.", count=unusable) if unusable else ""
    return f"{said} {more}" if more else said


def _facts(result: VerifyResult) -> dict[str, object]:
    wrong = sum(checked.verdict == "differ" for checked in result.quantities)
    return {"file": result.file, "case": result.case, "count": len(result.quantities), "wrong": wrong}


def _judged_by(result: VerifyResult) -> str:
    form, judge = _FORMS.get(result.form, result.form), _JUDGES.get(result.judged_by, result.judged_by)
    return phrase("Read as {form}; judged by {judge}.", form=translate(form), judge=translate(judge))


def _head(result: VerifyResult) -> list[str]:
    verdicts = [phrase("as a step"), phrase("as a number")] if _twice(result) else [phrase("verdict")]
    return [phrase("quantity"), *verdicts, phrase("error / bound"), phrase("wrong elements")]


def _rows(result: VerifyResult) -> list[list[str]]:
    return [_row(checked, _twice(result)) for checked in result.quantities]


def _row(checked: Checked, twice: bool) -> list[str]:
    verdicts = [_said(checked.verdict), *([_said(checked.number)] if twice else [])]
    wrong = phrase("{wrong} of {of}", wrong=checked.wrong, of=checked.of) if checked.wrong else ""
    return [checked.name, *verdicts, _ratio(checked.ratio) if checked.worst else "", wrong]


def _said(verdict: str) -> str:
    return f"{SIGNS[verdict]} {translate(_VERDICTS[verdict])}" if verdict else ""


def _twice(result: VerifyResult) -> bool:
    """Whether formulas were judged as steps from true values, and as numbers from the person's own lines too."""
    return any(checked.number for checked in result.quantities)


def _others(result: VerifyResult) -> Iterator[str]:
    """Yield what is wrong besides what the hints speak of, to whom the mistake itself may be told."""
    told = result.level >= 3
    hidden = 0
    for finding in result.findings[1 if result.hints else 0 :]:
        if told or finding.kind not in ("value", "shape"):
            explained = dict.fromkeys(e.text for e in finding.explanations if e.text not in finding.text)
            yield " ".join([finding.text, *explained])
        else:
            hidden += 1
    if hidden:
        yield phrase("{count} more wrong, which may follow from it or not: mend this first.", count=hidden)


def _notes(result: VerifyResult) -> Iterator[str]:
    for checked in result.quantities:
        if checked.verdict == "cannot-tell" and checked.why:
            yield phrase("{name} cannot be told: {why}.", name=checked.name, why=checked.why)
    for note in result.notes:
        yield phrase("Note: {note}", note=note)


def _ratio(value: float) -> str:
    """Return error / bound; beyond a million the number itself says nothing more."""
    return "> 1e6" if value > 1e6 else f"{value:.3g}"
