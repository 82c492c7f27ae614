"""Certificates: autograd (float64), manual.py and derivation.txt of a case agree at random probes of other sizes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nncheck import case as cases
from nncheck import manual
from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.case import Case
from nncheck.errors import CertificateError, DeviceError, FormulaError
from nncheck.files import write_whole
from nncheck.formula.plain import Array
from nncheck.judging import Judge
from nncheck.language import phrase
from nncheck.probes import Probe, draw
from nncheck.process import ProcessFailure
from nncheck.rounding import Lines, Precision, target_slack
from nncheck.updates import Updates
from nncheck.versions import versions

SCHEMA = "nncheck/certificate/1"
FILE = "certificate.json"
_EXACT = Precision("float64", "float64")
_LR = 0.07

Key = tuple[str, str, tuple[int, ...]]  # what is judged: manual.py or derivation.txt, the quantity, the layer widths


@dataclass(frozen=True)
class Certified:
    """Outcome for one case.

    Attributes
    ----------
    faults : tuple of str
        What does not agree; empty if the case is certified.
    ratio : float
        Largest error / bound seen.
    probes : int
        At how many probes.
    path : Path
        Where the certificate stands.
    """

    case: str
    faults: tuple[str, ...]
    ratio: float
    probes: int
    path: Path


def certify(*wanted: str | Path, seed: int = 0, progress: Callable[[str], None] | None = None) -> tuple[Certified, ...]:
    """Certify cases (all that come with nncheck by default), and write certificate.json into their folders.

    Raises
    ------
    CaseError, FormulaError
        If a case cannot be read or run at all.
    DeviceError
        If torch does not run.
    InputError
        If a certificate cannot be written.
    """
    chosen = [cases.find(name) for name in wanted] or list(cases.every())
    done = []
    with Worker("cpu") as worker:
        try:
            opened, _ = worker.ask("open", limit=START_LIMIT, device="cpu")
            for case in chosen:
                if progress:
                    progress(case.name)
                done.append(_certify(case, worker, seed, {**versions(), **opened["versions"]}))
        except ProcessFailure as failure:
            raise DeviceError(
                phrase("torch failed at {stage}: {reason}.", stage=failure.stage, reason=failure.reason), failure.stage
            ) from None
    return tuple(done)


def is_certified(case: Case) -> bool:
    """Whether the folder of a case holds a certificate of just its present files."""
    try:
        record = json.loads((case.folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.get("schema") == SCHEMA and record.get("sha256") == case.digest()


def require(case: Case) -> None:
    """Refuse a case that is not certified.

    Raises
    ------
    CertificateError
        Naming what to run.
    """
    if not is_certified(case):
        raise CertificateError(
            phrase(
                "{name} is not certified, or its folder has changed since: run  nncheck certify {folder}",
                name=case.name,
                folder=case.folder,
            )
        )


def _certify(case: Case, worker: Worker, seed: int, used: dict[str, str]) -> Certified:
    derivation = case.derivation()
    missing = [name for name in ("E", *(f"d{name}" for name in case.params)) if name not in derivation.names]
    if missing:
        raise FormulaError(
            phrase("gives no {names}; expected a line for the loss E and for every gradient", names=", ".join(missing)),
            str(case.folder / "derivation.txt"),
        )
    hand = manual.load(case.folder / "manual.py")
    _load(worker, case)
    judges: dict[Key, Judge] = {}
    faults: list[str] = []
    count = 0
    own = Probe(case.sizes, case.X, case.YT, case.params)
    for probe in (*draw(case, derivation, seed), own):
        count += 1
        slack = target_slack(case, probe.YT, derivation)
        slip = _at_probe(worker, case, Lines(derivation), hand, probe, judges, slack)
        if slip:
            faults.append(phrase("manual.py at {probe}: {problem}", probe=_describe(probe), problem=slip))
            break
    faults += [_words(source, name, judge) for (source, name, _), judge in judges.items() if judge.differing]
    faults += [
        phrase("{name} was never resolved at the probes of sizes {sizes}", name=name, sizes="-".join(map(str, sizes)))
        for (_, name, sizes), judge in judges.items()
        if judge.verdict == "cannot-tell" and sizes != case.sizes
    ]
    ratio = max((judge.worst.ratio for judge in judges.values() if judge.worst), default=0.0)
    path = case.folder / FILE
    if not faults:
        record = {
            "schema": SCHEMA,
            "case": case.name,
            "sha256": case.digest(),
            "versions": {name: used[name] for name in ("nncheck", "python", "numpy", "torch")},
            "seed": seed,
            "probes": count,
            "ratio": ratio,
        }
        _store(path, record)
    return Certified(case.name, tuple(dict.fromkeys(faults)), ratio, count, path)


def _load(worker: Worker, case: Case) -> None:
    arrays = {"X": case.X, "YT": case.YT, **case.params}
    optimizer = [case.optimizer.name, dict(case.optimizer.settings)]
    names, folder = list(case.params), str(case.folder)
    worker.ask("load", arrays, folder=folder, sizes=case.sizes, names=names, lr=case.lr, optimizer=optimizer, seed=0)


def _at_probe(
    worker: Worker,
    case: Case,
    lines: Lines,
    hand: manual.Manual,
    probe: Probe,
    judges: dict[Key, Judge],
    slack: Array | None,
) -> str:
    """Judge manual.py and derivation.txt at one probe; return what manual.py did against its contract, if it did."""
    stacked = {name: array[None] for name, array in probe.params.items()}
    _, witness = worker.ask("witness", {"X": probe.X, "YT": probe.YT, **stacked}, sizes=probe.sizes)
    radii = lines.radii(probe.X, probe.YT, stacked, _EXACT, slack)
    slip, E, gradients = _by_hand(case, hand, probe)
    if slip:
        return slip
    rows: dict[str, Any] = {"E": np.array([E]), **{f"d{name}": g[None] for name, g in gradients.items()}}
    expected = {"E": witness["E"], **{f"d{name}": witness[name] for name in probe.params}}
    for name in expected:
        for source, got in (("manual.py", rows[name]), ("derivation.txt", radii.value[name])):
            judge = judges.setdefault((source, name, probe.sizes), Judge(source, name, _EXACT))
            judge.add(np.zeros(1, dtype=int), got, expected[name], radii.radius[name])
    return ""


def _by_hand(case: Case, hand: manual.Manual, probe: Probe) -> tuple[str, float, dict[str, Array]]:
    """Run manual.py at a probe twice; return what it did against its contract, its loss and its gradients."""
    params = {name: array.copy() for name, array in probe.params.items()}
    X, YT = probe.X.copy(), probe.YT.copy()
    try:
        with manual.prints_to_stderr(), np.errstate(all="ignore"):
            E, gradients = hand.step(params, X, YT)
            kept = {name: array.copy() for name, array in gradients.items()}
            again, gradients_again = hand.step(params, X, YT)
            wrong = _wrong_update(case, hand, probe)
    except manual.Slip as slip:
        return str(slip), 0.0, {}
    given = {"X": (X, probe.X), "YT": (YT, probe.YT), **{k: (params[k], probe.params[k]) for k in params}}
    changed = [name for name, (now, before) in given.items() if not np.array_equal(now, before)]
    if changed:
        return (
            phrase("forward or backward changes {names}, which are the caller's", names=", ".join(changed)),
            0.0,
            {},
        )
    if again != E or any(not np.array_equal(gradients_again[k], kept[k]) for k in kept):
        return phrase("the second call gives something else than the first: what is kept between calls?"), 0.0, {}
    return (wrong, 0.0, {}) if wrong else ("", E, kept)


def _wrong_update(case: Case, hand: manual.Manual, probe: Probe) -> str:
    """Do two steps from a probe, so that what is kept between steps shows; return what is wrong with the updates."""
    update, expected = manual.Update(hand, _LR, case.optimizer), Updates(case.optimizer, _LR, _EXACT)
    params = {name: array.copy() for name, array in probe.params.items()}
    for step in range(2):
        before = {name: array.copy() for name, array in params.items()}
        _, gradients = hand.step(params, probe.X.copy(), probe.YT.copy())
        given = {name: np.array(array, dtype=np.float64) for name, array in gradients.items()}
        params = update({name: array.copy() for name, array in before.items()}, gradients)
        for name, got in params.items():
            right = expected.add(name, np.array([step]), before[name][None], given[name][None], np.zeros(()))
            assert right.radius is not None
            if not (np.abs(got - right.after[0]) <= _EXACT.bound(right.radius[0])).all():
                return phrase("update gives another {name} than {update}", name=name, update=case.optimizer.update) + (
                    phrase(" at step 1") if step else ""
                )
    return ""


def _words(source: str, name: str, judge: Judge) -> str:
    assert judge.worst is not None
    worst = judge.worst
    place = f"{list(worst.index)}" if worst.index else ""
    return phrase(
        "{name} of {source} differs from autograd: {name}{place} got {got:.9g}, expected {expected:.9g}, "
        "{ratio:.3g} times what rounding explains, at {differing} of {steps} probes",
        name=name,
        source=source,
        place=place,
        got=worst.got,
        expected=worst.expected,
        ratio=worst.ratio,
        differing=judge.differing,
        steps=judge.steps,
    )


def _describe(probe: Probe) -> str:
    return phrase("sizes {sizes}, N = {count}", sizes="-".join(map(str, probe.sizes)), count=len(probe.X))


def _store(path: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, indent=2) + "\n"
    try:
        if json.loads(path.read_text(encoding="utf-8")).get("sha256") == record["sha256"]:
            return  # certified already; an installed case may be read-only
    except (OSError, ValueError, AttributeError):
        pass
    write_whole(path, text)
