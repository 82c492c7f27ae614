"""Hints for the first finding, each saying more than the one before: where, a question, the mistake, the formula."""

from __future__ import annotations

from collections.abc import Iterator

from nncheck.diagnosis.anatomy import parts_of
from nncheck.formula import Derivation
from nncheck.language import N_, phrase
from nncheck.verification import Finding
from nncheck.verifier.assess import Assessment
from nncheck.verifier.words import element

#: The question about one entry, by what the line is for.
_QUESTIONS = {
    "linear": N_("Which inputs, which weights and which bias make up {entry}? Add them up by hand at one sample."),
    "mse": N_("Over how many numbers is the mean taken, and what stands inside it before the mean?"),
    "ce": N_("Which probability does the loss of one sample take the logarithm of, and over what is averaged?"),
    "dmse": N_(
        "How does E change if one output alone, say that of {entry}, grows a little? Count what the mean divides by."
    ),
    "dce": N_("How does E change if one logit alone grows a little? Count what the mean divides by."),
    "dweight": N_(
        "{entry}: by which input is this weight multiplied, and what comes back to the output that it feeds?"
    ),
    "dbias": N_("{entry}: this bias is added in every sample. What has to be done with the samples' gradients?"),
    "dinput": N_("{entry}: through which weights does this unit reach the outputs, and what comes back along each?"),
    "activation": N_(
        "What is the derivative of the activation at the input that belongs to {entry}, and what is it multiplied by?"
    ),
}
_DEFAULT = N_("What would {entry} be if you computed it by hand from what stands above it?")


def hints_of(derivation: Derivation, assessment: Assessment, level: int) -> Iterator[str]:
    """Yield the hints up to a level for the first finding; none if nothing is wrong."""
    if not assessment.findings or level < 1:
        return
    finding = assessment.findings[0]
    name = finding.quantity
    if finding.kind in ("code", "missing", "dtype", "aliasing", "mutated", "state", "convention") or name is None:
        yield finding.text
        return
    line = _root(derivation, assessment, name)
    yield _where(finding, line, name in assessment.seen_at)
    if level >= 2:
        yield _question(derivation, line, finding)
    if level >= 3:
        yield " ".join([finding.text, *(explanation.text for explanation in finding.explanations)])
    if level >= 4:
        yield from _formula(derivation, line, name)


def _root(derivation: Derivation, assessment: Assessment, name: str) -> str:
    """Return the line that is wrong as far as that is known, else the first wrong quantity's own."""
    for cause in assessment.diagnosis.causes:
        if cause.quantity == name and cause.edits:
            changed = {line.name for edit in cause.edits[:1] for line in edit.lines}
            return next((line for line in derivation.names if line in changed), name)
    return name


def _where(finding: Finding, line: str, seen_at: bool) -> str:
    """Say which line is wrong and where in the file it stands; ``seen_at`` says that only its effect stands there."""
    place = finding.place
    if finding.quantity == line or not (seen_at and place):
        text = phrase("Look at {line}.", line=line)
        if place:
            text = phrase("Look at {line} ({place}).", line=line, place=place)
        if finding.quantity != line:
            text += " " + phrase("It is first seen in {quantity}.", quantity=finding.quantity)
        return text
    first = phrase("It is first seen in {quantity} ({place}).", quantity=finding.quantity, place=place)
    return " ".join((phrase("Look at {line}.", line=line), first))


def _question(derivation: Derivation, line: str, finding: Finding) -> str:
    kind = next((part.kind for part in parts_of(derivation) if part.line == line), "")
    if kind in ("drelu", "dsigmoid", "dtanh"):
        kind = "activation"
    entry = element(line, finding.index) if line == finding.quantity and finding.index else line
    template = _QUESTIONS.get(kind, _DEFAULT)
    return phrase(template, entry=entry)


def _formula(derivation: Derivation, line: str, name: str) -> Iterator[str]:
    formula = next((x.text for x in derivation.lines if x.name in (line, name)), None)
    if formula:
        yield phrase("The case has  {formula}", formula=formula)
    elif name.endswith("'"):
        yield phrase("Gradient descent has  {formula}", formula=f"{name} = {name[:-1]} - lr * d{name[:-1]}")
