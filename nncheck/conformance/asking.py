"""One operator on a device: asked sample by sample, first the device, then the CPU in float64, and judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nncheck.conformance.bench import Bench, Gone, Lost
from nncheck.conformance.judging import UNIT, Judged, Wrong, judge, shown
from nncheck.conformance.sample import Draw, Operator, Sample
from nncheck.conformance.snippet import program
from nncheck.device_check import Example, OperatorCheck, State
from nncheck.formula.plain import Array
from nncheck.language import phrase


@dataclass
class _Tally:
    """What the samples of one operator have shown so far."""

    samples: int = 0
    wrong: int = 0
    ratio: float | None = None
    reason: str = ""
    example: Example | None = None

    def take(self, judged: Judged) -> None:
        """Count one more."""
        self.samples += 1
        self.wrong += judged.wrong is not None
        if judged.ratio is not None:
            self.ratio = max(judged.ratio, self.ratio or 0.0)


def checked(bench: Bench, device: str, operator: Operator) -> OperatorCheck:
    """Ask the samples of an operator from the smallest on, and judge the answers.

    Parameters
    ----------
    bench : Bench
    device : str
        As ``--device`` takes it.
    operator : Operator
    """
    tally = _Tally()
    fallbacks: tuple[str, ...] = ()
    unanswered: State = "refuses"
    for sample in operator.samples:
        try:
            outcome = _in_turn(bench, operator.name, sample)
        except Lost as lost:  # a later sample of this operator would end the next process too
            tally.reason = tally.reason or str(lost)
            break
        except Gone as gone:
            unanswered, tally.reason = "not checked", str(gone)
            break
        fallbacks += outcome.fallbacks
        if outcome.judged is None:
            tally.reason = tally.reason or outcome.refused
            continue
        tally.take(outcome.judged)
        if outcome.judged.wrong is not None and tally.example is None:
            tally.example = _example(sample, outcome.judged.wrong, device, outcome.expected)
    state: State = "falls back" if fallbacks else "right"
    state = "wrong" if tally.wrong else unanswered if tally.reason else state
    return OperatorCheck(
        name=operator.name,
        state=state,
        samples=tally.samples,
        wrong=tally.wrong,
        ratio=tally.ratio,
        fallbacks=tuple(dict.fromkeys(fallbacks)),
        reason=tally.reason,
        example=tally.example,
    )


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What became of one sample: judged by what was expected, or refused."""

    fallbacks: tuple[str, ...]
    expected: Mapping[str, Array] = field(default_factory=dict)
    judged: Judged | None = None
    refused: str = ""


def _in_turn(bench: Bench, name: str, sample: Sample) -> _Outcome:
    """Ask a sample; if it is lost, once more in a new process: what was asked before it may be to blame."""
    try:
        return _outcome(bench, sample)
    except Lost as lost:
        if lost.hung:  # what hangs is what was asked, as each answer is waited for; and to wait again takes a minute
            raise
        outcome = _outcome(bench, sample)
        bench.strays.append((name, str(lost)))
        return outcome


def _outcome(bench: Bench, sample: Sample) -> _Outcome:
    numbers = numbers_of(sample)
    got = bench.ask(sample, "device", numbers)
    fallbacks = bench.fallbacks()
    if got.refused:
        return _Outcome(fallbacks=fallbacks, refused=got.refused)
    expected = bench.ask(sample, "cpu", numbers)
    if expected.refused:  # nothing to judge by
        return _Outcome(fallbacks=fallbacks, refused=phrase("the CPU refuses it: {reason}", reason=expected.refused))
    asked = OnCpu(bench, sample, UNIT[sample.dtype], bench.kind, expected.values, numbers)
    judged = judge(sample, got, expected, sample.rule.bounds(sample, asked))
    return _Outcome(fallbacks=fallbacks, expected=expected.values, judged=judged)


@dataclass
class OnCpu:
    """What a rule may ask of a sample (`nncheck.conformance.sample.Asked`)."""

    bench: Bench
    sample: Sample
    unit: float
    kind: str
    expected: Mapping[str, Array]
    upstream: Array

    def on_cpu(self, operands: Mapping[str, Array], upstream: Array) -> Mapping[str, Array]:
        """Return results and gradients of the call with other numbers, in float64 on the CPU."""
        return self.bench.ask(self.sample, "cpu", upstream, operands).values


def numbers_of(sample: Sample) -> Array:
    """Return what the gradients from above are made of, such as the type of the sample holds."""
    return Draw("upstream").real(997, bits=24 if sample.dtype in ("float32", "float64") else 8).values


def _example(sample: Sample, wrong: Wrong, device: str, expected: Mapping[str, Array]) -> Example:
    return Example(
        call=sample.call,
        code=program(sample, device, wrong.quantity, expected, numbers_of(sample)),
        dtype=sample.dtype,
        inputs=shown(sample),
        text=_said(sample, wrong),
        **vars(wrong),
    )


def _said(sample: Sample, wrong: Wrong) -> str:
    is_result = wrong.quantity in sample.results
    name = wrong.quantity if is_result else phrase("the gradient of {name}", name=wrong.quantity[1:])
    if wrong.what == "missing":
        return phrase("{name}: the device gives none.", name=name)
    if wrong.what != "value":
        what = phrase("dtype") if wrong.what == "dtype" else phrase("shape")
        return phrase(
            "{name}: {what} {got}, expected {expected}.", name=name, what=what, got=wrong.got, expected=wrong.expected
        )
    where = f"[{', '.join(map(str, wrong.index))}]" if wrong.index else ""
    facts = {"got": wrong.got, "expected": wrong.expected, "error": wrong.error, "bound": wrong.bound}
    if not wrong.bound:
        return phrase("{name}{where} is {got:.9g}, expected {expected:.9g} exactly.", name=name, where=where, **facts)
    return phrase(
        "{name}{where} is {got:.9g}, expected {expected:.9g}: off by {error:.3g}, rounding explains {bound:.3g}.",
        name=name,
        where=where,
        **facts,
    )
