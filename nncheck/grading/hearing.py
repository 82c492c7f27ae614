"""Hears one person's functions in the sandbox: what one of them does not give costs nothing of what the others do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType

from nncheck.case import Case
from nncheck.formula import Derivation
from nncheck.formula.plain import Array
from nncheck.grades import Mark, Status
from nncheck.grading.trajectory import judge_training
from nncheck.language import phrase
from nncheck.manual.client import Guest, Local
from nncheck.manual.loop import Training
from nncheck.verifier.assess import Assessment
from nncheck.verifier.functions import Point, Seen, Sight, look
from nncheck.verifier.truth import Truth
from nncheck.verifier.updates import check_update

#: Part of the time limit of one check after which training ends with the steps that are done.
_TRAINING = 0.7
#: Opens a process of the person's code.
Visit = Callable[[bool], Guest | Local]


@dataclass
class Heard:
    """What a person's functions gave.

    Attributes
    ----------
    seen : Seen
    status : Status
    reason : str
        What stopped them, in a sentence.
    reasons : dict of check to str
        Why a check was not reached; under the empty name for all others.
    output : str
        What they printed.
    has_update : bool
    died : bool
        Whether a process of theirs ended before its time.
    """

    seen: Seen = field(default_factory=Seen)
    status: Status = "graded"
    reason: str = ""
    reasons: dict[str, str] = field(default_factory=dict)
    output: str = ""
    has_update: bool = False
    died: bool = False

    def stopped(self, status: Status, reason: str) -> None:
        """Note what stopped them; the first counts."""
        if self.status == "graded":
            self.status, self.reason = status, reason


class Hearing:
    """Calls one person's functions, in a new process whenever one has ended; to be used in a ``with`` block.

    Parameters
    ----------
    case, derivation : Case, Derivation
    visit : callable
        Opens a process, with the whole file or (True) with what it defines alone.
    names : sequence of str
        How backward names what it returns.
    seconds : float
        For all processes together; none is opened after that.
    """

    def __init__(self, case: Case, derivation: Derivation, visit: Visit, names: Sequence[str], seconds: float) -> None:
        self._case, self._derivation, self._visit, self._names = case, derivation, visit, names
        self._guest: Guest | Local | None = None
        self._loads, self._definitions = True, False
        self._seconds, self._spent = seconds, 0.0
        self.heard = Heard()

    def __enter__(self) -> Hearing:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        """End the process that is open."""
        guest, self._guest = self._guest, None
        if guest is not None:
            self._spent += guest.seconds
            self.heard.output = self.heard.output or guest.output
            guest.__exit__(None, None, None)

    def call(self, points: Sequence[Point]) -> Heard:
        """Call forward, loss and backward at every point; what hangs is left out and the others are heard again.

        The process is asked to say which of the functions it has come to only where it has failed before: to hear
        that of everybody costs a tenth of the time.
        """
        heard, skip, careful = self.heard, list[str](), False
        while (guest := self._open()) is not None:
            heard.has_update = guest.has_update
            guest.careful = careful
            heard.seen = seen = look(self._case, self._derivation, guest, self._names, points, skip=skip)
            if guest.failure and guest.failure.stage == "steps":
                careful = True
                continue
            stage = self._ended(guest)
            self._note_problem(seen)
            if stage not in ("loss", "backward") or stage in skip:
                break
            skip.append(stage)
            heard.reasons.setdefault("loss" if stage == "loss" else "", heard.reason)
        if skip:  # what was left out is not missing: it did not come to an end
            missing = () if "backward" in skip else heard.seen.missing
            heard.seen = replace(heard.seen, missing=missing, problem={"kind": "code", "text": heard.reason})
        if self._loads and not any("Y" in sight.got for sight in heard.seen.every):
            self._loss_alone(points)
        return heard

    def update(self, truths: Sequence[Truth], assessment: Assessment) -> None:
        """Judge update, if there is one."""
        heard = self.heard
        if not heard.has_update:
            heard.reasons["update"] = phrase("there is no function update")
            return
        guest = self._open()
        if guest is None:
            return
        before = len(assessment.findings)
        check_update(self._case, guest, heard.seen, truths, assessment)
        self._ended(guest)
        for finding in assessment.findings[before:]:
            if finding.quantity is None:
                heard.reasons["update"] = finding.text
                if finding.kind == "code":
                    heard.stopped("crashed", finding.text)

    def train(self, steps: int, seconds: float, taken_back: bool) -> Mark | None:
        """Train for some steps and judge each of them; None if nothing came of it."""
        heard, case = self.heard, self._case
        names = {key: name for key, name in heard.seen.names.items() if key.startswith("g:")}
        guest = self._open() if names else None
        if guest is None:
            return None
        training = Training(
            X=case.X,
            YT=case.YT,
            params=case.params,
            layout=heard.seen.layout,
            names=names,
            lr=case.lr,
            steps=steps,
            most=_TRAINING * seconds,
        )
        given = guest.train(training)
        self._ended(guest)
        if given.problem:
            heard.reasons["trajectory"] = given.problem.get("text", "")
        return judge_training(case, self._derivation, given.arrays, steps, taken_back)

    def _open(self) -> Guest | Local | None:
        """Return a process with the person's functions; None where their file does not load."""
        if self._guest is not None and not self._guest.ended:
            return self._guest
        self._close()
        if not self._loads:
            return None
        if self._spent > self._seconds:  # all processes of one submission together
            self._loads = False
            reason = phrase("everything together took longer than {limit:g} seconds.", limit=self._seconds)
            self.heard.stopped("timed-out", reason)
            self.heard.reasons.setdefault("", reason)
            return None
        self._guest = guest = self._visit(self._definitions)
        guest.__enter__()
        problem = guest.open(go_on=True)
        if not problem:
            if guest.raised:
                self.heard.stopped("crashed", guest.raised[0])
            return guest
        if guest.failure and guest.failure.kind == "timed-out" and not self._definitions:
            self.heard.stopped(guest.failure.kind, guest.failure.reason)
            self._definitions = True  # a training at the end of the file, say: the functions are there all the same
            return self._open()
        self._loads = False
        if not guest.ended:
            self.heard.stopped("crashed", problem.get("text", ""))
        self.heard.seen.problem = self.heard.seen.problem or problem
        self._ended(guest)
        return None

    def _ended(self, guest: Guest | Local) -> str:
        """Note how a process ended, if it did; return the stage at which."""
        failure = guest.failure
        if failure is None:
            return ""
        self.heard.died = True
        self.heard.stopped(failure.kind, failure.reason)
        self.heard.reasons.setdefault("", failure.reason)
        return failure.stage

    def _note_problem(self, seen: Seen) -> None:
        if not seen.problem:
            return
        text = seen.problem.get("text", "")
        self.heard.reasons.setdefault("", text)
        if seen.problem.get("kind") != "missing":
            self.heard.stopped("crashed", text)

    def _loss_alone(self, points: Sequence[Point]) -> None:
        """Judge loss at the true outputs, where forward gives none."""
        heard = self.heard
        guest = self._open()
        if guest is None:
            return
        sights = []
        for point in points:
            E = guest.loss(point.truth.value["Y"], point.probe.YT, heard.seen.layout).arrays.get("E")
            got: dict[str, Array] = {} if E is None else {"E": E.reshape(()) if E.size == 1 else E}
            sights.append(Sight(point.probe, point.truth, got, {name: "float64" for name in got}, ()))
        self._ended(guest)
        heard.seen = replace(heard.seen, sights=sights, partial=[])
