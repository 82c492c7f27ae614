"""What is true at a point: every line of the derivation with its bound, and torch autograd's own loss and gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from nncheck.autograd.client import START_LIMIT, Worker
from nncheck.case import Case
from nncheck.certificate import is_certified
from nncheck.errors import CaseError, CertificateError, InputError
from nncheck.formula import BoundArithmetic, Bounded, Derivation, evaluate, exact, plain, radius_like
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.process import ProcessFailure, Reply
from nncheck.rounding import UNIT, Precision, target_slack
from nncheck.versions import versions

#: Between two computations in float64.
EXACT = Precision("float64", "float64")


@dataclass(frozen=True)
class Truth:
    """Values and radii of every line at one point, or at S points stacked along the first axis.

    Attributes
    ----------
    value, radius : dict of line name to array
    kinks : dict of line name to boolean array
        Where a comparison is open within rounding.
    """

    value: Mapping[str, Array]
    radius: Mapping[str, Array]
    kinks: Mapping[str, Array]


def by_lines(
    case: Case,
    derivation: Derivation,
    data: Mapping[str, Array],
    stacked: bool = False,
    blur: Mapping[str, Array] | None = None,
) -> Truth:
    """Evaluate every line with its radius.

    Parameters
    ----------
    case : Case
    derivation : Derivation
    data : mapping
        X, YT and the parameters.
    stacked : bool
        Whether the first axis of all of them counts points.
    blur : mapping, optional
        How far some of the data may be off, as printed digits are; it is carried through the lines with the rounding.
    """
    arithmetic = BoundArithmetic(UNIT["float64"])
    inputs = {name: exact(array, stacked) for name, array in data.items()}
    for name, off in (blur or {}).items():
        inputs[name] = Bounded(inputs[name].value, plain(off / UNIT["float64"], stacked))
    slack = None if stacked else target_slack(case, data["YT"], derivation)
    if slack is not None:
        inputs["YT"] = Bounded(inputs["YT"].value, plain(np.broadcast_to(slack / UNIT["float64"], data["YT"].shape)))
    values = evaluate(derivation, inputs, arithmetic)
    value = {name: values[name].value.array for name in derivation.names}
    return Truth(value, {name: radius_like(values[name]) for name in derivation.names}, arithmetic.kinks)


class Autograd:
    """torch autograd in float64 on the CPU as the judge; or the certified derivation, where torch cannot be had.

    Torch is imported while the person's code runs: ask for `judge` as late as can be.

    Parameters
    ----------
    case : Case
    certified_first : bool
        Whether the derivation of a certified case is to judge without asking torch at all.

    Raises
    ------
    CertificateError
        If torch cannot be had and the case is not certified.
    """

    def __init__(self, case: Case, certified_first: bool = False) -> None:
        self._case = case
        self._by_lines = certified_first and is_certified(case)
        self._worker = None if self._by_lines else Worker("cpu")
        self._opening: Future[Reply] | None = self._worker.submit("open", device="cpu") if self._worker else None
        self.why_not = ""
        self.versions = versions()

    def __enter__(self) -> Autograd:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker is not None:
            self._worker.close()

    @property
    def worker(self) -> Worker | None:
        """The torch process with the case loaded; None where the derivation judges."""
        self.ready()
        return None if self.why_not else self._worker

    @property
    def judged_by(self) -> str:
        """Who judges: ``autograd`` or ``certified derivation``."""
        return "certified derivation" if self._by_lines or self.why_not else "autograd"

    def ready(self) -> None:
        """Wait for torch; if it does not come, make sure that the derivation is certified."""
        if self._opening is None or self._worker is None:
            return
        opening, self._opening = self._opening, None
        try:
            opened, _ = self._worker.result(opening, START_LIMIT)
            self.versions = {**self.versions, **opened["versions"]}
            self._worker.load_case(self._case)
        except ProcessFailure as failure:
            self.do_without(failure.reason)
        except CaseError:
            raise
        except InputError as error:
            self.do_without(str(error).rstrip("."))

    def judge(self, sizes: tuple[int, ...], data: Mapping[str, Array], truth: Truth, stacked: bool = False) -> Truth:
        """Return the truth with autograd's own loss and gradients in the place of the lines'.

        Raises
        ------
        CaseError
            If autograd and the derivation of an uncertified case contradict each other.
        """
        self.ready()
        if self.why_not or self._worker is None:
            return truth
        params = {name: data[name] if stacked else data[name][None] for name in self._case.params}
        try:
            _, witness = self._worker.ask("witness", {"X": data["X"], "YT": data["YT"], **params}, sizes=sizes)
        except ProcessFailure as failure:
            self.do_without(failure.reason)
            return truth
        value = dict(truth.value)
        for name in ("E", *self._case.params):
            line = name if name == "E" else f"d{name}"
            got = witness[name] if stacked else witness[name][0]
            if line not in value:
                continue
            bound = EXACT.bound(truth.radius[line])
            if not (np.abs(got - value[line]) <= bound).all() and np.isfinite(value[line]).all():
                self._contradicted(line)
            value[line] = got
        return Truth(value, truth.radius, truth.kinks)

    def _contradicted(self, line: str) -> None:
        raise CaseError(
            phrase(
                "{name}: autograd gives another {quantity} than derivation.txt, so that nothing can be judged by them; "
                "run  nncheck certify {folder}",
                name=self._case.name,
                quantity=line,
                folder=self._case.folder,
            )
        )

    def do_without(self, reason: str) -> None:
        """Let the derivation judge from now on.

        Raises
        ------
        CertificateError
            If the case is not certified.
        """
        if not is_certified(self._case):
            raise CertificateError(
                phrase(
                    "torch cannot be used ({reason}), and {name} is not certified, so that its derivation cannot stand "
                    "in for autograd: run  nncheck certify {folder}  where torch works.",
                    reason=reason,
                    name=self._case.name,
                    folder=self._case.folder,
                )
            )
        self.why_not = reason

    def notes(self) -> Iterable[str]:
        """Say who judged, if it was not autograd."""
        if self.why_not:
            yield phrase(
                "torch cannot be used here ({reason}): judged by the certified derivation of the case.",
                reason=self.why_not,
            )
