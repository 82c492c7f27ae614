"""From what a person's functions gave at the probes to verdicts, findings and what explains them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nncheck import source
from nncheck.case import Case
from nncheck.diagnosis.conventions import convention
from nncheck.diagnosis.index import Index
from nncheck.diagnosis.points import Observation
from nncheck.diagnosis.relations import relation
from nncheck.diagnosis.search import Diagnosis, diagnose
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.rounding import Precision
from nncheck.verification import Checked, Explanation, Finding, Kind, VerifyFault
from nncheck.verifier import words
from nncheck.verifier.checking import Judged, Pair, judge
from nncheck.verifier.functions import LR, Seen, Sight, place_of
from nncheck.verifier.returned import line_of
from nncheck.verifier.truth import EXACT, Truth

COARSE = Precision("float32", "float32")
#: What a mistake rounds may be larger than what the right line does, by so much at most.
_SPARE = 100.0
#: At fewer points too many mistakes are alike for any to be named.
_FEW = 3
_FLAGS: tuple[Kind, ...] = ("aliasing", "mutated", "state")


@dataclass
class Assessment:
    """Verdicts and findings, collected in the order in which they are looked for.

    Attributes
    ----------
    taken_back : bool
        Whether update takes back a factor of the gradients: read together they are right.
    seen_at : set of str
        Wrong quantities whose finding points at the line where they are seen, not at the one that makes them wrong.
    """

    quantities: list[Checked] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    faults: set[VerifyFault] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    taken_back: bool = False
    seen_at: set[str] = field(default_factory=set)


def assess(
    case: Case, derivation: Derivation, seen: Seen, truths: Sequence[Truth], index: Index, text: str
) -> Assessment:
    """Judge everything that was seen of a person's functions.

    Parameters
    ----------
    case, derivation : Case, Derivation
    seen : Seen
    truths : sequence of Truth
        One for each of ``seen.every``, by the judge.
    index : Index
        Its groups are the points of the first sights, by which mistakes are named; all of them are judged.
    text : str
        The person's file, to point at its lines.
    """
    result = Assessment()
    if seen.problem:
        result.findings.append(_stopped(seen))
        result.faults.add("code")
    if not seen.sights:
        return result
    if seen.missing:
        result.findings.append(_missing(seen))
        result.faults.add("code")
    names = [name for name in derivation.names if any(name in sight.described for sight in seen.every)]
    misshapen = _shapes(seen, names, truths, result, text)
    _dtypes(seen, names, result)
    _flags(seen, result, text)
    judged = _values(seen, [name for name in names if name not in misshapen], truths, result)
    wrong = [n for n in names if n in misshapen or (n in judged and judged[n].checked.verdict == "differ")]
    if wrong:
        _explain(case, derivation, seen, truths, index, text, wrong, misshapen, judged, result)
    if len(index.groups) >= _FEW and any(finding.explanations for finding in result.findings):
        # what runs at the case's own sizes alone is often the very mistake that is named: W for W.T of a square W
        result.findings.sort(key=lambda finding: finding.kind == "code")
    return result


def _stopped(seen: Seen) -> Finding:
    kind: Kind = "missing" if seen.problem.get("kind") == "missing" else "code"
    text = seen.problem.get("text", "")
    if kind == "code" and "place" in seen.problem:
        text += " " + phrase("(called with {place})", place=seen.problem["place"])
    return Finding(kind=kind, quantity=None, index=None, line=_line_in(text), text=text)


def stopped(text: str) -> Finding:
    """Return the finding of code that does not run."""
    return Finding(kind="code", quantity=None, index=None, line=_line_in(text), text=text)


def _line_in(text: str) -> int | None:
    match = re.search(rf"{source.LINE}\b", text)
    return int(match[1]) if match else None


def _missing(seen: Seen) -> Finding:
    text = phrase(
        "backward returned no {missing}; what it returned: {keys}.",
        missing=", ".join(seen.missing),
        keys=", ".join(seen.keys) or phrase("nothing"),
    )
    return Finding(kind="missing", quantity=seen.missing[0], index=None, line=None, text=text)


def _shapes(seen: Seen, names: Sequence[str], truths: Sequence[Truth], result: Assessment, text: str) -> dict[str, str]:
    """Find quantities of a wrong shape, or that are no numbers at all; return each with its sentence."""
    wrong: dict[str, str] = {}
    for name in names:
        for sight, truth in zip(seen.every, truths):
            if name in sight.described and name not in sight.got:
                wrong[name] = phrase("{name} is {what}.", name=name, what=sight.described[name])
                break
            if name in sight.got and sight.got[name].shape != truth.value[name].shape:
                shape = words.shape(name, sight.got[name].shape, truth.value[name].shape, place_of(sight.probe))
                wrong[name] = shape
                break
    for name in wrong:
        size = int(np.prod(truths[0].value[name].shape))
        result.quantities.append(
            Checked(name=name, verdict="differ", ratio=float("inf"), worst=None, wrong=size, of=size, why=wrong[name])
        )
    return wrong


def _dtypes(seen: Seen, names: Sequence[str], result: Assessment) -> None:
    for name in names:
        kinds = {sight.described.get(name, "float64") for sight in seen.every if name in sight.got}
        odd = sorted(kinds - {"float64", "float32", "longdouble", "float128"})
        if odd:
            said = phrase("{name} has dtype {dtype}, expected float64: decimals are lost.", name=name, dtype=odd[0])
            result.findings.append(Finding(kind="dtype", quantity=name, index=None, line=None, text=said))
            result.faults.add("code")


def _flags(seen: Seen, result: Assessment, text: str) -> None:
    flags = dict.fromkeys(flag for sight in seen.sights for flag in sight.flags)
    for kind in _FLAGS:
        found = [flag.split(" ")[1:] for flag in flags if flag.split(" ")[0] == kind]
        if kind == "aliasing":  # of what is returned besides the parameters' gradients nobody minds
            found = [pair for pair in found if _matters(pair)]
        if found:
            said = words.flag(kind, found[0])
            line = line_of(text, found[0][0])
            result.findings.append(Finding(kind=kind, quantity=found[0][0], index=None, line=line, text=said))
            result.faults.add("code")


def _matters(pair: Sequence[str]) -> bool:
    name, other = pair
    parameters = name[:1] == "d" and name[1:2] in ("W", "B")
    return parameters and (other[:1] != "d" or other[1:2] in ("W", "B"))


def _values(seen: Seen, names: Sequence[str], truths: Sequence[Truth], result: Assessment) -> dict[str, Judged]:
    judged: dict[str, Judged] = {}
    coarse = coarse_of(seen, names)
    if coarse:
        said = phrase("{name} is float32: it, and what comes after it, is judged to that precision.", name=coarse[0])
        result.notes.append(said)
    for name in names:
        pairs = []
        for place, (sight, truth) in enumerate(zip(seen.every, truths)):
            if name not in sight.got:
                continue
            precision = COARSE if name in coarse else EXACT
            pairs.append(Pair(sight.got[name], truth.value[name], precision.bound(truth.radius[name]), place))
        if pairs:
            judged[name] = judge(name, pairs)
            result.quantities.append(judged[name].checked)
    kinks = sorted({line for truth in truths for line in truth.kinks})
    if kinks:
        result.notes.append(
            phrase("At a kink, within rounding: {lines}; either side is right.", lines=", ".join(kinks))
        )
    return judged


def coarse_of(seen: Seen, names: Sequence[str]) -> Sequence[str]:
    """Return the first quantity that is float32 and those after it, which are computed from it."""
    first = (i for i, name in enumerate(names) if any(sight.described.get(name) == "float32" for sight in seen.every))
    return names[next(first, len(names)) :]


def _explain(
    case: Case,
    derivation: Derivation,
    seen: Seen,
    truths: Sequence[Truth],
    index: Index,
    text: str,
    wrong: Sequence[str],
    misshapen: Mapping[str, str],
    judged: Mapping[str, Judged],
    result: Assessment,
) -> None:
    gradients = [f"d{name}" for name in case.params]
    values = [sight.got for sight in seen.sights]
    sizes = [_sizes(sight) for sight in seen.sights]
    agreed = convention(values, [truth.value for truth in truths], gradients, sizes)
    if agreed:
        said = agreed.text
        result.findings.append(
            Finding(
                kind="convention",
                quantity="E",
                index=None,
                line=None,
                text=said,
                explanations=(agreed,),
                convention=True,
            )
        )
        return
    observed = _observed(seen, truths, coarse_of(seen, [*judged]))[: len(index.groups)]
    lost = [name for name in wrong if not any(name in own for own in observed)]
    if len(index.groups) >= _FEW:
        result.diagnosis = diagnose(index, observed, [name for name in wrong if name not in lost])
    points = len(index.groups)
    above = [name for name in derivation.names if name in judged and judged[name].checked.verdict == "agree"]
    causes = result.diagnosis.causes
    named = {*(cause.quantity for cause in causes), *result.diagnosis.unexplained, *lost[:1]}
    for name in [name for name in wrong if name in named] or wrong[:1]:  # what is wrong has a finding in any case
        for cause in result.diagnosis.of(name) or (None,):
            if cause:
                explanations = tuple(words.explanation(name, edit, points, cause.together) for edit in cause.edits)
                names = [line.name for line in cause.edits[0].lines]
            else:
                decoded = _related(name, seen.sights, truths, sizes)
                explanations, names = ((decoded,) if decoded else ()), [name]
            finding = _found(name, names, explanations, misshapen, judged, above, derivation, text, seen, result)
            if cause and cause.edits[0].is_convention:
                finding = replace(finding, kind="convention", convention=True)
            elif (cause and cause.aside) or (not causes and [*wrong] == [*result.diagnosis.unexplained] == [name]):
                finding = replace(finding, text=" ".join((finding.text, *_aside(name, index, judged))))
            result.findings.append(finding)
            if not finding.convention:
                result.faults.add("loss" if name == "E" and _only_loss(names) else "derivation")
    rank: tuple[Kind, ...] = ("code", "missing", "shape", "dtype", *_FLAGS, "value", "convention")
    result.findings.sort(key=lambda finding: rank.index(finding.kind))


def _observed(seen: Seen, truths: Sequence[Truth], coarse: Sequence[str]) -> list[dict[str, Observation]]:
    """Return what can be held against mistakes: what is finite, float32 to its own precision.

    At a kink either side is right, and which one a person has taken says nothing of their mistake.
    """
    smooth = [not truth.kinks for truth in truths]
    return [
        {
            name: Observation(array, slack_of(truth, name, COARSE if name in coarse else EXACT))
            for name, array in sight.got.items()
            if np.isfinite(array).all() and (clear or not any(smooth))
        }
        for sight, truth, clear in zip(seen.sights, truths, smooth)
    ]


def slack_of(truth: Truth, name: str, precision: Precision) -> float:
    """Return how far the rounding of a wrong quantity may be off: as that of the right one, with something to spare.

    Near the optimum it is all that is left of Y - YT, and more than a fixed part of it.
    """
    bound = precision.bound(truth.radius[name])
    return _SPARE * float(bound.max(initial=0.0)) if np.isfinite(bound).all() else 0.0


def _aside(name: str, index: Index, judged: Mapping[str, Judged]) -> Sequence[str]:
    """Say of a wrong quantity that what is computed from it is right, if that was seen."""
    below = [n for n in judged if n != name and name in index.upstream(n)]
    if not below or any(judged[n].checked.verdict != "agree" for n in below):
        return ()
    return (phrase("What follows from it is right: only what is handed over as {name} is wrong.", name=name),)


def _only_loss(names: Sequence[str]) -> bool:
    return set(names) == {"E"}


def _found(
    name: str,
    lines: Sequence[str],
    explanations: tuple[Explanation, ...],
    misshapen: Mapping[str, str],
    judged: Mapping[str, Judged],
    above: Sequence[str],
    derivation: Derivation,
    text: str,
    seen: Seen,
    result: Assessment,
) -> Finding:
    """Return the finding of one wrong quantity."""
    before = [n for n in above if derivation.names.index(n) < derivation.names.index(name)]
    said = misshapen.get(name, "")
    index = None
    if not said:
        found = judged[name]
        said = words.value(found.checked, found.differing, found.points, place_of(seen.every[found.place].probe))
        index = found.checked.worst.index if found.checked.worst else None
    line = next((line for line in (line_of(text, n) for n in lines) if line), None)
    if line is None and name not in lines:  # where it is seen, as the line that it comes from is not to be told
        line = line_of(text, name)
        result.seen_at.update([name] if line else [])
    said = " ".join(part for part in (said, words.confirmed(before)) if part)
    return Finding(
        kind="shape" if name in misshapen else "value",
        quantity=name,
        index=index,
        line=line,
        text=said,
        explanations=explanations,
    )


def _sizes(sight: Sight) -> dict[str, float]:
    batch, outputs = sight.probe.YT.shape
    return {"N": float(batch), "K": float(outputs), "lr": LR}


def _related(
    name: str, sights: Sequence[Sight], truths: Sequence[Truth], sizes: Sequence[Mapping[str, float]]
) -> Explanation | None:
    pairs: list[tuple[Array, Array, Mapping[str, float]]] = [
        (sight.got[name], truth.value[name], size)
        for sight, truth, size in zip(sights, truths, sizes)
        if name in sight.got
    ]
    return relation(name, [p[0] for p in pairs], [p[1] for p in pairs], [p[2] for p in pairs]) if pairs else None
