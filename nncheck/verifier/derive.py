"""Judges a person's formulas, each twice: as a step from true values, and as a number from their own lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from nncheck import case as cases
from nncheck import source
from nncheck.case import Case
from nncheck.diagnosis.conventions import convention
from nncheck.diagnosis.index import Index
from nncheck.diagnosis.points import Observation
from nncheck.diagnosis.relations import relation
from nncheck.diagnosis.search import Cause, Diagnosis
from nncheck.errors import FormulaError, InputError
from nncheck.formula import Derivation, Line, read_each
from nncheck.formula.place import numbers
from nncheck.formula.sizes import shortened
from nncheck.language import phrase, speaking
from nncheck.probes import Probe
from nncheck.verification import Checked, Explanation, Finding, VerifyResult
from nncheck.verifier import words
from nncheck.verifier.assess import Assessment
from nncheck.verifier.computed import Computed, computed, judged, number_verdict
from nncheck.verifier.following import followers
from nncheck.verifier.formulas import Formulas, settled
from nncheck.verifier.functions import LR, data_of, place_of, probes_of
from nncheck.verifier.groups import index_of
from nncheck.verifier.result import result_of
from nncheck.verifier.special import Special
from nncheck.verifier.task import Task
from nncheck.verifier.truth import Autograd, by_lines


@speaking
def derive(
    what: str | Path, case: str | Path | Case, *, hints: int = 3, language: str = "en", seed: int = 0
) -> VerifyResult:
    """Judge a file of formulas line by line.

    Parameters
    ----------
    what : path
        One formula a line, in the grammar of derivation.txt; lines may be left out.
    case : str, Path or Case
        Name of a case, or its folder.
    hints, language, seed
        As of `verify`.

    Returns
    -------
    VerifyResult
        Each line judged as a step from true values (``verdict``) and as a number from the person's own lines
        (``number``), with the case's lines for what they do not give.

    Raises
    ------
    InputError
        If the file cannot be read, or none of its lines can.
    CaseError, CertificateError
        If the case cannot be used.
    """
    if hints not in (1, 2, 3, 4):
        raise InputError(phrase("hints: got {hints!r}, expected 1 to 4.", hints=hints))
    path = Path(what)
    text = source.read_text(path)
    chosen = case if isinstance(case, Case) else cases.find(case)
    derivation = chosen.derivation()
    with Autograd(chosen, certified_first=True) as autograd:
        read_as, assessment = check_formulas(text, path, chosen, derivation, autograd, seed)
        task = Task(
            case=chosen,
            derivation=derivation,
            file=str(path),
            form="formulas",
            text=text,
            read_as=read_as,
            hints=hints,
            seed=seed,
        )
        return result_of(task, autograd, assessment)


def check_formulas(
    text: str, path: Path, case: Case, derivation: Derivation, autograd: Autograd, seed: int
) -> tuple[tuple[str, ...], Assessment]:
    """Judge the text of a file of formulas; return how it was read, and what was found.

    Parameters
    ----------
    text : str
    path : Path
        What the file is called.
    case, derivation : Case, Derivation
    autograd : Autograd
        The judge.
    seed : int
        Of the probes.

    Raises
    ------
    InputError
        If none of its lines can be read, or none is one of the case's.
    """
    with np.errstate(all="ignore"):  # what is not finite is judged where values are compared
        outcomes = read_each(text, str(path))
        _some_readable([outcome for outcome in outcomes if isinstance(outcome, FormulaError)], len(outcomes))
        probes = list(probes_of(case, derivation, seed))
        shapes = {_shapes(probe): {name: array.shape for name, array in data_of(probe).items()} for probe in probes}
        formulas = settled(case, derivation, outcomes, text, tuple(shapes.values()))
        _some_readable(formulas.errors, len(outcomes))
        _some_known(path, case, derivation, formulas)
        judging = _Judging(case, derivation, formulas, probes, autograd, seed)
        return tuple(formulas.read_as), judging.assessment()


def _shapes(probe: Probe) -> tuple[tuple[int, ...], int]:
    return probe.sizes, len(probe.X)


def _some_readable(errors: Sequence[FormulaError], lines: int) -> None:
    """Refuse a file of which no line can be used, with what is wrong with its first."""
    if len(errors) == lines:
        first = errors[0]
        said = f"{first.problem} {first.grammar}" if first.grammar else first.problem
        more = "\n" + phrase("None of the other {count} lines can be used either.", count=lines - 1)
        raise FormulaError(said + (more if lines > 1 else ""), first.where)


def _some_known(path: Path, case: Case, derivation: Derivation, formulas: Formulas) -> None:
    if any(line.name in derivation.names for line in formulas.lines):
        return
    if formulas.errors:
        raise formulas.errors[0]
    raise InputError(
        phrase(
            "{path}: no line is named as one of {case}: got {got}, expected some of {names}.",
            path=path,
            case=case.name,
            got=", ".join(line.name for line in formulas.lines),
            names=", ".join(derivation.names),
        )
    )


@dataclass(frozen=True)
class _Judging:
    """Everything that a judgement of formulas is made of."""

    case: Case
    derivation: Derivation
    formulas: Formulas
    probes: Sequence[Probe]
    autograd: Autograd
    seed: int

    @cached_property
    def places(self) -> list[Computed]:
        """The lines at every probe."""
        given = frozenset(line.name for line in self.formulas.lines)
        places = []
        for probe in self.probes:
            data = data_of(probe)
            truth = self.autograd.judge(probe.sizes, data, by_lines(self.case, self.derivation, data))
            places.append(computed(probe, truth, self.formulas.program, given, self.formulas.limit))
        return places

    @cached_property
    def index(self) -> Index:
        return index_of(self.case, self.derivation, self.probes)

    @cached_property
    def special(self) -> Special:
        return Special(self.case, self.derivation, self.seed, self.formulas.limit)

    def assessment(self) -> Assessment:
        """Judge every line; what is wrong stands in the order of the case's chain, then what cannot be used."""
        result = Assessment()
        lines = {line.name: line for line in self.formulas.lines}
        for name in [name for name in self.derivation.names if name in lines]:
            checked, finding, cause = self._line(lines[name])
            result.quantities.append(checked)
            if finding:
                result.findings.append(finding)
                result.faults.add("loss" if name == "E" else "derivation")
            if cause:
                result.diagnosis = Diagnosis((*result.diagnosis.causes, cause))
        agreed = self._convention(result.quantities)
        if agreed:
            result.findings[:] = [agreed]
            result.faults.clear()
        for error in self.formulas.errors:
            result.findings.append(_unusable(error))
            result.faults.add("code")
        result.notes += self.formulas.notes
        if not agreed:
            result.notes += followers(self.formulas.program, result.quantities)
        result.notes += _grammar(self.formulas.errors)
        missing = [name for name in self.derivation.names if name not in lines]
        if missing:
            result.notes.append(phrase("Not given, so not judged: {names}.", names=", ".join(missing)))
        return result

    def _line(self, line: Line) -> tuple[Checked, Finding | None, Cause | None]:
        """Judge one line; return its verdicts, and if its step is wrong the finding and what explains it."""
        misfit = self._misfit(line.name)
        number = number_verdict(line.name, self.places)
        if misfit:
            size = int(np.size(self.places[0].truth.value[line.name]))
            checked = Checked(
                name=line.name,
                verdict="differ",
                ratio=float("inf"),
                worst=None,
                wrong=size,
                of=size,
                why=misfit,
                number=number,
            )
            said = misfit
        else:
            outcome = judged(line.name, self.places)
            checked = replace(outcome.checked, number=number)
            if checked.verdict != "differ":
                return checked, None, None
            place = place_of(self.probes[outcome.place])
            said = words.value(outcome.checked, outcome.differing, outcome.points, place)
        steps = [own for own in self.formulas.program if own.name not in self.derivation.names]
        only = self.special.only(line, steps)
        explanations, cause = self._explained(line)
        finding = Finding(
            kind="shape" if misfit else "value",
            quantity=line.name,
            index=checked.worst.index if checked.worst else None,
            line=line_number(line.where),
            text=" ".join(part for part in (f"`{shortened(line.text, 200)}`:", said, only) if part),
            explanations=explanations,
        )
        return checked, finding, cause

    def _misfit(self, name: str) -> str:
        """Say why a line cannot be computed, or which shape it has instead of the true one; empty if it fits."""
        for at in self.places:
            place = place_of(at.probe)
            if name not in at.step:
                return f"{at.problem.get(name, '')} ({place})."
            got, expected = at.step[name].value.shape, at.truth.value[name].shape
            if got != expected:
                return words.shape(name, got, expected, place)
        return ""

    def _explained(self, line: Line) -> tuple[tuple[Explanation, ...], Cause | None]:
        if any(line.name not in at.step for at in self.places):
            return (), None
        got = [at.step[line.name].value.array for at in self.places]
        edits = self.index.singles([{line.name: Observation(array)} for array in got])
        edits = [edit for edit in edits if {changed.name for changed in edit.lines} == {line.name}]
        # a small edit of the line would only say again what the person wrote
        named = tuple(words.explanation(line.name, edit, len(got)) for edit in edits if edit.text)
        if not named:
            decoded = relation(line.name, got, [at.truth.value[line.name] for at in self.places], self._sizes())
            named = (decoded,) if decoded else ()
        return named, Cause(line.name, tuple(edits)) if edits else None

    def _convention(self, quantities: Sequence[Checked]) -> Finding | None:
        """Return the finding of a loss and gradients that are all off by one factor, each step from the other right."""
        wrong = [checked.name for checked in quantities if checked.verdict == "differ"]
        if "E" not in wrong or len(wrong) == 1 or any(name != "E" and name[:1] != "d" for name in wrong):
            return None
        gradients = [checked.name for checked in quantities if checked.name[:1] == "d"]
        got = [{name: value.value.array for name, value in at.number.items()} for at in self.places]
        agreed = convention(got, [at.truth.value for at in self.places], gradients, self._sizes())
        if agreed is None:
            return None
        places = [line_number(line.where) for line in self.formulas.lines if line.name in wrong]
        return Finding(
            kind="convention",
            quantity="E",
            index=None,
            line=places[0],
            text=agreed.text,
            explanations=(agreed,),
            convention=True,
        )

    def _sizes(self) -> list[Mapping[str, float]]:
        shapes = [probe.YT.shape for probe in self.probes]
        return [{"N": float(batch), "K": float(outputs), "lr": LR} for batch, outputs in shapes]


def _unusable(error: FormulaError) -> Finding:
    said = f"{error.where}: {error.problem}"
    return Finding(kind="code", quantity=None, index=None, line=line_number(error.where), text=said)


def _grammar(errors: Sequence[FormulaError]) -> Iterator[str]:
    """Say once what a formula may hold, if some line holds anything else."""
    for error in errors:
        if error.grammar:
            yield error.grammar
            return


def line_number(where: str) -> int | None:
    """Return the line of a place such as ``my.txt, line 3, column 7``."""
    return numbers(where)[0] or None
