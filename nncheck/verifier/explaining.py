"""What explains the wrong quantities of a script: a convention, an update, a named mistake, a slip in one entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nncheck.case import Case
from nncheck.diagnosis.conventions import convention
from nncheck.diagnosis.elements import Slip, entry, find_slips, shown
from nncheck.diagnosis.index import Index
from nncheck.diagnosis.mistakes import Edit
from nncheck.diagnosis.points import Group, Observation, equal
from nncheck.diagnosis.relations import relation
from nncheck.diagnosis.search import Cause, Diagnosis, diagnose
from nncheck.formula import Derivation, Line, plain
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts.blaming import blame
from nncheck.manual.scripts.matching import Match, match
from nncheck.manual.scripts.observed import Observed
from nncheck.manual.scripts.signs import subtracts
from nncheck.manual.scripts.truths import truths
from nncheck.rounding import Precision
from nncheck.verification import Explanation, Finding
from nncheck.verifier import words
from nncheck.verifier.assess import Assessment
from nncheck.verifier.chains import line_of, update_explanations
from nncheck.verifier.checking import Judged
from nncheck.verifier.recovered import Gradients
from nncheck.verifier.truth import Truth

#: Of slips that no point tells apart, so many are told, the shortest first.
_MOST_SLIPS = 3


@dataclass(frozen=True)
class Explaining:
    """Everything that the findings of one script are made from.

    Attributes
    ----------
    wrong : sequence of str
        Which of the judged quantities differ, in the order of the chain.
    text : str
        The script.
    result : Assessment
        Gets the faults and the diagnosis.
    """

    case: Case
    derivation: Derivation
    observed: Observed
    truth: Truth
    recovered: Gradients
    judged: Mapping[str, Judged]
    wrong: Sequence[str]
    text: str
    result: Assessment

    def findings(self) -> list[Finding]:
        """Return what is wrong: one finding if one thing explains it all, else one for each cause."""
        agreed = self._agreed()
        if agreed:
            return [self._convention(agreed)]
        found = list(self._by_update_or_name()) or list(self._by_slip()) or list(self._one_by_one())
        only_loss = list(self.wrong) == ["E"]
        self.result.faults.add("loss" if only_loss else "derivation")
        return found

    @cached_property
    def _group(self) -> Group:
        data = {"X": self.observed.X, "YT": self.observed.YT, **self.observed.before}
        inputs = {name: plain(array, stacked=True) for name, array in data.items()}
        return Group({**inputs, "lr": plain(self.recovered.lr)}, self.derivation, stack=len(self.observed.step))

    @cached_property
    def _seen(self) -> dict[str, Observation]:
        """What can be held against mistakes: what is a number at every step."""
        precision = Precision(self.observed.precision, self.observed.precision)
        seen = {
            f"d{name}": Observation(value, self.recovered.slack[name] + precision.bound(self.truth.radius[f"d{name}"]))
            for name, value in self.recovered.value.items()
            if np.isfinite(value).all()
        }
        E = self.observed.E
        if E is not None and np.isfinite(E).all():
            seen["E"] = Observation(E, precision.bound(self.truth.radius["E"]))
        return seen

    @cached_property
    def _true(self) -> Mapping[str, Array]:
        return truths(self.case, self.observed.X, self.observed.YT, self.observed.before)

    @cached_property
    def _matches(self) -> Mapping[str, Match]:
        return match(self.observed, self._true)

    @cached_property
    def _told(self) -> list[str]:
        """Wrong quantities that can be held against mistakes: off by more than what counts as equal there."""
        seen = self._seen
        return [n for n in self.wrong if n in seen and not equal(np.asarray(self.truth.value[n]), seen[n])]

    def _agreed(self) -> Explanation | None:
        """Return the convention that loss and gradients follow alike, if they do."""
        E = self.observed.E
        if E is None or not np.isfinite(E).all():
            return None
        steps = range(len(self.observed.step))
        gradients = {f"d{name}": value for name, value in self.recovered.value.items()}
        slack = {f"d{name}": array for name, array in self.recovered.slack.items()}
        return convention(
            [{"E": E[s], **{name: value[s] for name, value in gradients.items()}} for s in steps],
            [{name: array[s] for name, array in self.truth.value.items()} for s in steps],
            list(gradients),
            self._sizes,
            [{name: array[s] for name, array in slack.items()} for s in steps],
        )

    @property
    def _sizes(self) -> list[dict[str, float]]:
        _, batch, outputs = self.observed.YT.shape
        return [{"N": float(batch), "K": float(outputs)}] * len(self.observed.step)

    def _convention(self, agreed: Explanation) -> Finding:
        return Finding(
            kind="convention",
            quantity="E",
            index=None,
            line=None,
            text=agreed.text,
            explanations=(agreed,),
            convention=True,
        )

    def _by_update_or_name(self) -> Iterator[Finding]:
        """Yield the finding of a wrong update, or of one named mistake, that explains every wrong quantity."""
        if not self._told:
            return
        index = Index(self.derivation, ("X", "YT", *self.case.params), [self._group])
        self.result.diagnosis = diagnose(index, [self._seen], self._told)
        causes = self.result.diagnosis.causes
        named = len(causes) == 1 and not self.result.diagnosis.unexplained and any(e.text for e in causes[0].edits)
        updates = update_explanations(self.case, self.observed, self.truth, self.recovered.lr, self.wrong, self.text)
        if named and any(update.id == "upd.plus" for update in updates) and subtracts(self.text, self.observed):
            # the sign is turned in the gradients: that is as good an explanation, and the update's text speaks for it
            updates = tuple(update for update in updates if update.id != "upd.plus")
        if updates:
            self.result.diagnosis = Diagnosis()
        if named or updates:
            edits = causes[0].edits if named else ()
            name = self.wrong[0]
            found = (*updates, *(words.explanation(name, edit, len(self.observed.step)) for edit in edits))
            finding = self._finding(name, found, bool(updates))
            if named and not updates and edits[0].is_convention:
                finding = replace(finding, kind="convention", convention=True)
            yield finding

    def _by_slip(self) -> Iterator[Finding]:
        """Yield the finding of a slip in one entry of one line, from which every wrong quantity follows."""
        slips = find_slips(self._group, self.derivation, self._seen, self._told) if self._told else []
        if not slips:
            return
        said = {explanation.text: explanation for explanation in map(self._slip, slips)}
        shortest = sorted(said.values(), key=lambda explanation: len(explanation.equals))[:_MOST_SLIPS]
        line = Line(slips[0].line, slips[0].written, shortest[0].equals, "")
        self.result.diagnosis = Diagnosis((Cause(self.wrong[0], (Edit("entry", "", (line,)),)),))
        yield self._finding(self.wrong[0], tuple(shortest))

    def _one_by_one(self) -> Iterator[Finding]:
        """Yield a finding for each cause, and for each wrong quantity that nothing explains."""
        diagnosis = self.result.diagnosis
        named = {*(cause.quantity for cause in diagnosis.causes), *diagnosis.unexplained}
        for name in [name for name in self.wrong if name in named] or self.wrong[:1]:
            for cause in diagnosis.of(name) or (None,):
                if cause:
                    steps = len(self.observed.step)
                    found = tuple(words.explanation(name, edit, steps, cause.together) for edit in cause.edits)
                else:
                    decoded = self._related(name)
                    found = (decoded,) if decoded else ()
                yield self._finding(name, found)

    def _finding(self, name: str, explanations: tuple[Explanation, ...], by_update: bool = False) -> Finding:
        """Return the finding of one wrong quantity; ``by_update`` says that the update is wrong, not its gradient."""
        found = self.judged[name]
        right = [other for other in self.judged if self.judged[other].checked.verdict == "agree"]
        said = [words.value(found.checked, found.differing, found.points, self._place(found.place))]
        said.append(words.confirmed(right))
        bad, good = self._entries()
        line = line_of(self.observed, bad) if by_update else None
        if name == "E":
            line = self.observed.lines.get(self.observed.E_from)
        elif bad and not by_update:
            guilty = blame(self.text, self.observed, self._matches, bad, good, list(self._true))
            if guilty:
                line = guilty.line
                said.append(phrase("The first line that no true value explains is `{text}`.", text=guilty.text))
        if bad and good:
            said.append(phrase("Wrong: {bad}. Right: {good}.", bad=", ".join(bad), good=", ".join(good)))
        return Finding(
            kind="value",
            quantity=name,
            index=found.checked.worst.index if found.checked.worst else None,
            line=line,
            text=" ".join(part for part in said if part),
            explanations=explanations,
        )

    def _place(self, s: int) -> str:
        step = int(self.observed.step[s])
        if self.observed.run[s] == 0:
            return phrase("step {step}", step=step)
        return phrase("step {step} of a run from other numbers", step=step)

    def _entries(self) -> tuple[list[str], list[str]]:
        """Return the script's own names of the parameters whose gradient is wrong, and of the others."""
        bad: list[str] = []
        good: list[str] = []
        for name, sources in self.observed.sources.items():
            if f"d{name}" in self.judged:
                elements = self.judged[f"d{name}"].wrong_elements.reshape(-1)
                for source, is_wrong in zip(sources, elements):
                    (bad if is_wrong else good).append(source)
        return list(dict.fromkeys(bad)), [source for source in dict.fromkeys(good) if source not in bad]

    @cached_property
    def _names(self) -> dict[str, str]:
        """What the script calls single entries: ``W2[0, 1]`` is w6, ``dZ2[0]`` is d1."""
        names: dict[str, str] = {}
        for parameter, sources in self.observed.sources.items():
            shape = self.observed.before[parameter].shape[1:]
            for place, source in enumerate(sources):
                names[entry(parameter, [int(i) for i in np.unravel_index(place, shape)])] = source
        for variable, found in self._matches.items():
            for held in found.held:
                if not held.factor and held.index:
                    names.setdefault(held.text, variable)
        return names

    def _slip(self, slip: Slip) -> Explanation:
        where = entry(slip.line, slip.index)
        text = phrase(
            "{entry} equals, at all steps, what writing `{entry} = {written}` gives; every other value is right.",
            entry=where,
            written=shown(slip.written, self._names),
        )
        return Explanation(id="entry", text=text, equals=f"{where} = {shown(slip.written, {})}")

    def _related(self, name: str) -> Explanation | None:
        if name not in self._seen:
            return None
        got, true = self._seen[name].value, self.truth.value[name]
        sizes = [{**size, "lr": self.recovered.lr} for size in self._sizes]
        return relation(name, list(got), list(true), sizes)
