"""Runs cases: torch trains in its own process while NumPy trains here, and every step of both is compared."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nncheck import case as cases
from nncheck import manual
from nncheck.autograd import device as devices
from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.autograd.session import Session
from nncheck.case import Case
from nncheck.certificate import is_certified
from nncheck.compare import Comparison
from nncheck.errors import CaseError, DeviceError, FormulaError, InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase, use
from nncheck.network import network_of
from nncheck.pipeline import Pipeline
from nncheck.process import ProcessFailure
from nncheck.record import SCHEMA, CaseResult, RunResult
from nncheck.rounding import Lines, in_float32, lines_of
from nncheck.second_witness import contradicted
from nncheck.versions import versions
from nncheck.worked import WorkedStep
from nncheck.working import work_out

#: Called with the case's name, the steps compared so far and all of them.
Progress = Callable[[str, int, int], None]

# A chunk holds at most so many steps, and so many numbers in all.
_CHUNK_STEPS = 5_000
_CHUNK_NUMBERS = 1_500_000

# How often a case is begun: on the device, on the next one or the CPU in its place, and once more on the CPU.
_TRIES = 3
_MOST_STEPS = 10**9


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a run is asked for; see `run`."""

    steps: int | None
    every: int
    device: str
    dtype: str
    seed: int
    language: str
    reprobe: bool = False


def run(
    *wanted: str | Path,
    steps: int | None = None,
    every: int = 100,
    device: str = "auto",
    dtype: str = "float64",
    seed: int = 0,
    language: str = "en",
    progress: Progress | None = None,
    reprobe: bool = False,
) -> RunResult:
    """Train both implementations of each case and compare them at every step.

    Parameters
    ----------
    *wanted : str or Path
        Cases by name, or paths of case folders; all that come with nncheck by default.
    steps : int, optional
        Number of steps; each case's own by default.
    every : int
        Which steps become rows of the result (all are compared): step every - 1, 2 every - 1, ... and the last.
    device : str
        ``auto``, ``cpu``, ``directml``, ``cuda``, ``xpu`` or ``mps``, the latter with an index (``cuda:1``) too.
    dtype : str
        Precision of the hand-written side, ``float64`` or ``float32``.
    seed : int
        Seed of torch's random numbers.
    language : str
        Language of the titles and of everything that the result says, ``en`` or ``ko``.
    progress : callable, optional
        Called with case name, steps done and steps in all.
    reprobe : bool
        Whether devices that failed in the last day are asked again, which ``auto`` passes over.

    Returns
    -------
    RunResult

    Raises
    ------
    CaseError
        If a case is unknown or its folder cannot be used.
    DeviceError
        If a device asked for by name is missing or fails.
    InputError
        If another argument is out of range.
    """
    options = Options(
        steps=steps, every=every, device=device, dtype=dtype, seed=seed, language=language, reprobe=reprobe
    )
    with use(language):
        return _run(wanted, options, progress or _silent)


def _run(wanted: tuple[str | Path, ...], options: Options, progress: Progress) -> RunResult:
    _check(options)
    # NumPy's integers do not go into JSON
    steps = options.steps and int(options.steps)
    options = replace(options, steps=steps, every=int(options.every), seed=int(options.seed))
    chosen = [cases.find(name) for name in wanted] if wanted else list(cases.every())
    hands = [manual.load(case.folder / "manual.py") for case in chosen]
    with Session(options.device, options.reprobe) as session:
        # the longest first: its hand-written side trains here while torch is still being imported there
        results: dict[int, CaseResult] = {}
        for k in sorted(range(len(chosen)), key=lambda k: -(steps or chosen[k].steps)):
            results[k] = _run_case(chosen[k], hands[k], session, options, progress)
        used = {**versions(), **session.versions}
    return RunResult(schema=SCHEMA, versions=used, cases=tuple(results[k] for k in range(len(chosen))))


def _check(options: Options) -> None:
    for name, value in (("steps", options.steps), ("every", options.every)):
        if value is not None and (not _is_whole(value) or value < 1):
            raise InputError(
                phrase("{name}: got {value!r}, expected a whole number of 1 or more.", name=name, value=value)
            )
    if options.steps is not None and options.steps > _MOST_STEPS:
        raise InputError(
            phrase("steps: got {steps!r}, expected at most {most:,}.", steps=options.steps, most=_MOST_STEPS)
        )
    if options.dtype not in ("float64", "float32"):
        raise InputError(phrase("dtype: got {dtype!r}, expected float64 or float32.", dtype=options.dtype))
    if not _is_whole(options.seed) or not 0 <= options.seed < 2**63:
        raise InputError(phrase("seed: got {seed!r}, expected a whole number from 0 to 2^63 - 1.", seed=options.seed))
    try:
        devices.parse(options.device)
    except ValueError as error:
        raise InputError(f"{error}.") from None


def _run_case(case: Case, hand: manual.Manual, session: Session, options: Options, progress: Progress) -> CaseResult:
    session.begin()
    for _ in range(_TRIES - 1):
        try:
            return _attempt(case, hand, session, options, progress)
        except ProcessFailure as failure:
            session.fall_back(failure)
        except CaseError as error:
            session.fall_back(_of_the_device(error, case, hand, session, options, progress))
    try:
        return _attempt(case, hand, session, options, progress)
    except ProcessFailure as failure:
        again = phrase(
            "The torch process failed {tries} times at {name}, at last at {stage}: {reason}.",
            tries=_TRIES,
            name=case.name,
            stage=failure.stage,
            reason=failure.reason,
        )
        raise DeviceError(again, failure.stage) from None


def _of_the_device(
    error: CaseError, case: Case, hand: manual.Manual, session: Session, options: Options, progress: Progress
) -> ProcessFailure:
    """Return an error that was met in autograd.py as one of the device, which may have spoilt torch around it.

    If the device was asked for by name, so that nothing takes its place, the case is run on the CPU first.

    Raises
    ------
    CaseError
        If it comes there too, or was met elsewhere.
    """
    failure = _met(error, session)
    if failure is None:
        raise error
    if devices.parse(options.device)[0] != "auto":
        with Session("cpu") as alone, suppress(ProcessFailure):
            _attempt(case, hand, alone, options, progress)
    return failure


def _met(error: CaseError, session: Session) -> ProcessFailure | None:
    """Return where an error was met in the torch process, if there, and a device beside the CPU was open."""
    failure = error.__cause__
    if session.used.kind == "cpu" or not isinstance(failure, ProcessFailure):
        return None
    failure.device = session.used.kind
    return failure


def _attempt(case: Case, hand: manual.Manual, session: Session, options: Options, progress: Progress) -> CaseResult:
    """Run one case from step 0 on the worker at hand."""
    steps = options.steps or case.steps
    lines = lines_of(case)
    # the literals are rounded once, to the device's type, so that both sides start from the same numbers
    X, YT = in_float32(case.X), in_float32(case.YT)
    case = replace(case, params={name: in_float32(array) for name, array in case.params.items()})
    comparison = Comparison(
        case,
        X,
        YT,
        lines,
        hand_dtype=options.dtype,
        every=options.every,
        steps=steps,
        certified=is_certified(case),
        own_update=hand.update is not None,
    )
    pipeline = Pipeline(
        case,
        X,
        YT,
        hand,
        session,
        dtype=options.dtype,
        seed=options.seed,
        steps=steps,
        chunk=min(_CHUNK_STEPS, _chunk_steps(case, lines)),
    )
    progress(case.name, 0, steps)
    for chunk, slip in pipeline.chunks():
        comparison.add(chunk, session.used.kind)
        if slip:
            comparison.stop(chunk.start + chunk.steps, slip)
        progress(case.name, comparison.done, steps)
    if session.used.kind != "cpu" and comparison.claims:
        _hear_a_second_witness(replace(case, X=X, YT=YT), comparison, session, options)
    notes = [*session.notes(), *pipeline.notes, *comparison.notes()]
    worked, why_not = _worked(case, X, YT, lines, comparison, session, options)
    session.succeeded()
    result = _result(case, lines, comparison, session, options)
    return replace(result, notes=tuple([*notes, *why_not]), worked=worked)


def _hear_a_second_witness(case: Case, comparison: Comparison, session: Session, options: Options) -> None:
    """Before a derivation is called wrong: ask in a process without the device what the first witness said."""
    try:
        claim = contradicted(case, comparison.claims, options.seed)
    except ProcessFailure:  # the CPU alone is worse off: there is nobody to ask
        return
    if claim is not None:
        reason = phrase(
            "where the device is open, float64 autograd on the CPU gives another {name} at step {step} than without it",
            name=claim.name,
            step=claim.step,
        )
        failure = ProcessFailure(phrase("take gradients in float64 on the CPU"), reason)
        failure.device, failure.proven = session.used.kind, True
        raise failure


def _result(case: Case, lines: Lines, comparison: Comparison, session: Session, options: Options) -> CaseResult:
    """Gather what a comparison has found; notes and worked steps are added by who has them."""
    return CaseResult(
        case=case.name,
        title=case.title(options.language),
        steps=options.steps or case.steps,
        device=session.used,
        verdict=comparison.verdict(),
        faults=comparison.faults(),
        findings=comparison.findings(),
        notes=(),
        seed=options.seed,
        dtypes={"device": "float32", "manual": options.dtype, "witness": "float64"},
        drift=comparison.drift.last,
        rows=tuple(comparison.drift.rows),
        worst=comparison.drift.worst,
        local=comparison.local(),
        quantities=comparison.quantities(),
        final={
            side: {name: array.tolist() for name, array in final.items()}
            for side, final in comparison.drift.final.items()
        },
        curves=comparison.curves(),
        network=None if lines.derivation is None else network_of(case, lines.derivation),
    )


def _worked(
    case: Case, X: Array, YT: Array, lines: Lines, comparison: Comparison, session: Session, options: Options
) -> tuple[tuple[WorkedStep, ...], list[str]]:
    """Work the kept steps out; a device that fails now spoils no result, but is noted, and so is what cannot be done.

    What is worked out is float64 on the CPU, which any torch process gives.
    """
    points = comparison.points()
    if lines.derivation is None or "E" not in lines.derivation.names or not points:
        return (), []
    derivation = lines.derivation
    states = {point.step: point.states for point in points if point.states}

    def on(worker: Worker) -> tuple[WorkedStep, ...]:
        return work_out(case, derivation, points, worker, X=X, YT=YT, dtype=options.dtype, states=states)

    try:
        try:
            return on(session.worker), []
        except ProcessFailure as failure:
            lost = failure
        except CaseError as error:
            met = _met(error, session)
            if met is None:
                raise
            lost = met
        with Worker("cpu") as worker:
            worker.ask("open", limit=START_LIMIT, device="cpu")
            worker.load_case(replace(case, X=X, YT=YT), options.seed)
            worked = on(worker)
        session.lose(lost)
        how = {"stage": lost.stage, "reason": lost.reason}
        return worked, [phrase("after the last step the torch process failed at {stage}: {reason}", **how)]
    except (ProcessFailure, CaseError, FormulaError) as failure:
        reason = failure.reason if isinstance(failure, ProcessFailure) else str(failure)
        return (), [phrase("the kept steps could not be worked out: {reason}", reason=reason)]


def _chunk_steps(case: Case, lines: Lines) -> int:
    """Choose how many steps make a chunk, from the numbers that one step holds: parameters and every line's value."""
    one_step = sum(array.size for array in case.params.values())
    widths = sum(case.sizes) if lines.derivation is None else sum(case.sizes) * 4
    one_step += len(case.X) * widths
    return max(1, _CHUNK_NUMBERS // one_step)


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _silent(name: str, done: int, steps: int) -> None:
    """Report no progress."""
