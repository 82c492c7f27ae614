"""Runs cases: torch trains in its own process while NumPy trains here, and every step of both is compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nncheck import case as cases
from nncheck import manual
from nncheck.autograd import device as devices
from nncheck.autograd.client import START_LIMIT, WORK_LIMIT, Reply, Worker, WorkerFailure
from nncheck.case import Case
from nncheck.certificate import is_certified
from nncheck.compare import Comparison
from nncheck.errors import DeviceError, InputError
from nncheck.formula.plain import Array
from nncheck.record import SCHEMA, CaseResult, DeviceUsed, Fallback, RunResult
from nncheck.rounding import Lines, lines_of
from nncheck.trajectory import Chunk, Run, Witness
from nncheck.versions import versions

#: Called with the case's name, the steps compared so far and all of them.
Progress = Callable[[str, int, int], None]

# A chunk holds at most so many steps, and so many numbers in all; the hand side may run so many numbers ahead.
_CHUNK_STEPS = 5_000
_CHUNK_NUMBERS = 1_500_000
_AHEAD_NUMBERS = 6_000_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a run is asked for; see `run`."""

    steps: int | None
    every: int
    device: str
    dtype: str
    seed: int
    language: str


def run(
    *wanted: str | Path,
    steps: int | None = None,
    every: int = 100,
    device: str = "auto",
    dtype: str = "float64",
    seed: int = 0,
    language: str = "en",
    progress: Progress | None = None,
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
        Language of the titles, ``en`` or ``ko``.
    progress : callable, optional
        Called with case name, steps done and steps in all.

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
    options = Options(steps=steps, every=every, device=device, dtype=dtype, seed=seed, language=language)
    _check(options)
    chosen = [cases.find(name) for name in wanted] if wanted else list(cases.every())
    hands = [manual.load(case.folder / "manual.py") for case in chosen]
    with _Torch(options.device) as torch_side:
        # the longest first: its hand-written side trains here while torch is still being imported there
        results: dict[int, CaseResult] = {}
        for k in sorted(range(len(chosen)), key=lambda k: -(steps or chosen[k].steps)):
            results[k] = _run_case(chosen[k], hands[k], torch_side, options, progress or _silent)
        used = {**versions(), **torch_side.versions}
    return RunResult(schema=SCHEMA, versions=used, cases=tuple(results[k] for k in range(len(chosen))))


def _check(options: Options) -> None:
    for name, value in (("steps", options.steps), ("every", options.every)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise InputError(f"{name}: got {value!r}, expected a whole number of 1 or more.")
    if options.dtype not in ("float64", "float32"):
        raise InputError(f"dtype: got {options.dtype!r}, expected float64 or float32.")
    if not isinstance(options.seed, int) or not 0 <= options.seed < 2**63:
        raise InputError(f"seed: got {options.seed!r}, expected a whole number from 0 to 2^63 - 1.")
    if options.language not in ("en", "ko"):
        raise InputError(f"language: got {options.language!r}, expected en or ko.")
    try:
        devices.parse(options.device)
    except ValueError as error:
        raise InputError(f"{error}.") from None


class _Torch:
    """The torch side of a run: a worker on the device, or in its place one on the CPU, and the reason for that."""

    def __init__(self, device: str) -> None:
        self._wanted = device
        self.used = DeviceUsed(kind="cpu", name="", fallback=None)
        self.versions: dict[str, str] = {}
        self._opening: Future[Reply] | None = None
        self.worker = self._start(device)

    def __enter__(self) -> _Torch:
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.close()

    def _start(self, device: str) -> Worker:
        worker = Worker(device)
        self._opening = worker.submit("open", device=device)
        return worker

    def ready(self) -> None:
        """Wait until the device is open.

        Raises
        ------
        WorkerFailure
            If it cannot be opened.
        """
        if self._opening is not None:
            opening, self._opening = self._opening, None
            opened, _ = self.worker.result(opening, START_LIMIT)
            self.used = replace(self.used, kind=opened["kind"], name=opened["name"])
            self.versions = opened["versions"]

    def opened(self) -> bool:
        """Whether the device has answered."""
        return self._opening is None or self._opening.done()

    def fall_back(self, failure: WorkerFailure) -> None:
        """Put a worker on the CPU in place of the one that failed.

        Raises
        ------
        DeviceError
            If the device was asked for by name, or the CPU itself failed twice.
        """
        self.worker.close()
        kind = devices.parse(self._wanted)[0]
        if kind not in ("auto", "cpu"):
            how = "is not there" if failure.missing else f"failed at {failure.stage}"
            raise DeviceError(f"--device {self._wanted} {how}: {failure.reason}.", failure.stage)
        if self.used.fallback is not None and self.worker.device == "cpu":
            raise DeviceError(
                f"The torch process failed again, on the CPU, at {failure.stage}: {failure.reason}.", failure.stage
            )
        fallback = Fallback(stage=failure.stage, reason=failure.reason)
        self.used = DeviceUsed(kind="cpu", name="", fallback=fallback)
        self.worker = self._start("cpu")


def _run_case(case: Case, hand: manual.Manual, torch_side: _Torch, options: Options, progress: Progress) -> CaseResult:
    while True:
        try:
            return _attempt(case, hand, torch_side, options, progress)
        except WorkerFailure as failure:
            torch_side.fall_back(failure)


def _attempt(case: Case, hand: manual.Manual, torch_side: _Torch, options: Options, progress: Progress) -> CaseResult:
    """Run one case from step 0 on the worker at hand."""
    steps = options.steps or case.steps
    lines = lines_of(case)
    # the literals are rounded once, to the device's type, so that both sides start from the same numbers
    X, YT = _rounded(case.X), _rounded(case.YT)
    case = replace(case, params={name: _rounded(array) for name, array in case.params.items()})
    comparison = Comparison(
        case,
        X,
        YT,
        lines,
        hand_dtype=options.dtype,
        every=options.every,
        steps=steps,
        certified=is_certified(case),
    )
    pipeline = _Pipeline(case, X, YT, hand, torch_side, options, steps, _chunk_steps(case, lines))
    progress(case.name, 0, steps)
    for chunk, slip in pipeline.chunks():
        comparison.add(chunk)
        if slip:
            comparison.stop(chunk.start + chunk.steps, slip)
        progress(case.name, comparison.done, steps)
    return CaseResult(
        case=case.name,
        title=case.title(options.language),
        steps=steps,
        device=torch_side.used,
        verdict=comparison.verdict(),
        faults=comparison.faults(),
        findings=comparison.findings(),
        notes=tuple([*torch_side.worker.notes, *pipeline.notes, *comparison.notes()]),
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
    )


class _Pipeline:
    """Both sides of one case as a stream of chunks, each side working while the other does.

    The torch process is asked for the next chunks before they are needed; while it works, or is still importing torch,
    the hand side trains here and sends its parameters off to the float64 witness.
    """

    def __init__(
        self,
        case: Case,
        X: Array,
        YT: Array,
        hand: manual.Manual,
        torch_side: _Torch,
        options: Options,
        steps: int,
        chunk: int,
    ) -> None:
        self._case, self._torch, self._steps, self._chunk = case, torch_side, steps, chunk
        self._worker = torch_side.worker
        dtype = np.dtype(options.dtype)
        params = {name: array.astype(dtype) for name, array in case.params.items()}
        self._trainer = manual.Trainer(hand, X.astype(dtype), YT.astype(dtype), params, case.lr)
        self._numbers = max(1, sum(array.size for array in params.values())) * chunk
        self._loading = self._worker.submit(
            "load",
            {"X": X, "YT": YT, **case.params},
            folder=str(case.folder),
            sizes=case.sizes,
            names=list(case.params),
            lr=case.lr,
            seed=options.seed,
            stage=f"load {case.name}",
        )
        self.notes: list[str] = []

    def chunks(self) -> Iterator[tuple[Chunk, str]]:
        """Yield (Chunk, slip) in order; the slip ends the stream.

        Raises
        ------
        WorkerFailure
            If the torch process fails.
        CaseError
            If autograd.py is at fault.
        """
        starts = deque(range(0, self._steps, self._chunk))
        training: deque[Future[Reply]] = deque()
        hand: deque[tuple[manual.Trained, Future[Reply]]] = deque()
        unasked, untrained = deque(starts), deque(starts)
        while starts:
            while unasked and len(training) < 2:
                training.append(self._ask_training(unasked.popleft()))
            if untrained and (not hand or not training[0].done()) and len(hand) * self._numbers <= _AHEAD_NUMBERS:
                hand.append(self._train_hand(untrained.popleft()))
                if hand[-1][0].slip:
                    untrained.clear()
                continue
            self._torch.ready()
            self._worker.result(self._loading)
            answer, device = self._worker.result(training.popleft(), WORK_LIMIT)
            trained, asked = hand.popleft()
            _, witness = self._worker.result(asked)
            if answer["plain"] and answer["plain"] not in self.notes:
                self.notes.append(answer["plain"])
            yield self._joined(starts.popleft(), device, trained, witness), trained.slip
            if trained.slip:
                return

    def _ask_training(self, start: int) -> Future[Reply]:
        count = min(self._chunk, self._steps - start)
        return self._worker.submit("train", steps=count, stage=f"train steps {start} to {start + count - 1}")

    def _train_hand(self, start: int) -> tuple[manual.Trained, Future[Reply]]:
        trained = self._trainer.train(min(self._chunk, self._steps - start))
        points = {name: states[:-1].astype(np.float64, copy=False) for name, states in trained.states.items()}
        if len(trained.losses) == 0:  # nothing to differentiate at
            points = {name: states[:1].astype(np.float64) for name, states in trained.states.items()}
        return trained, self._worker.submit("witness", points)

    def _joined(
        self, start: int, device: dict[str, Array], trained: manual.Trained, witness: dict[str, Array]
    ) -> Chunk:
        names = list(self._case.params)
        return Chunk(
            start=start,
            device=Run(
                losses=device["E"],
                states={name: device[name] for name in names},
                gradients={name: device[f"first.{name}"][None] for name in names},
            ),
            device_witness=Witness(losses=device["dE"], gradients={name: device[f"d{name}"] for name in names}),
            hand=Run(losses=trained.losses, states=trained.states, gradients=trained.gradients),
            hand_witness=Witness(losses=witness["E"], gradients={name: witness[name] for name in names}),
        )


def _chunk_steps(case: Case, lines: Lines) -> int:
    """Choose how many steps make a chunk, from the numbers that one step holds: parameters and every line's value."""
    one_step = sum(array.size for array in case.params.values())
    widths = sum(case.sizes) if lines.derivation is None else sum(case.sizes) * 4
    one_step += len(case.X) * widths
    return max(1, min(_CHUNK_STEPS, _CHUNK_NUMBERS // one_step))


def _rounded(array: Array) -> Array:
    return array.astype(np.float32).astype(np.float64)


def _silent(name: str, done: int, steps: int) -> None:
    """Report no progress."""
