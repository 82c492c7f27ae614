"""Differences between two trajectories of one case, step by step, and who is at fault for them.

Two kinds of fact are kept apart. The *drift* is how far the two free runs are apart: rounding piles up in it, and it
decides nothing. The *local* checks judge every step from the same parameters: the hand-written loss, gradient and
update against float64 autograd at the hand's own parameters, and the device's loss, gradient and update against
float64 autograd at the device's own parameters, each inside the bound that the derivation's lines give.
"""

from __future__ import annotations

import numpy as np

from nncheck.case import Case
from nncheck.curves import Curve
from nncheck.drift import Drift
from nncheck.findings import divergence_of, finding_of, largest, notes_of, quantity, slip_finding
from nncheck.formula.plain import Array
from nncheck.judging import Judge
from nncheck.kept import Kept, Point
from nncheck.language import phrase
from nncheck.record import Fault, Finding, Local, Quantity
from nncheck.rounding import (
    Lines,
    Precision,
    Radii,
    all_within,
    near_overflow,
    target_slack,
)
from nncheck.second_witness import Claim
from nncheck.sides import Side, device_side, hand_side
from nncheck.thinning import Gathering
from nncheck.trajectory import Chunk, Run, Witness, per_step
from nncheck.verdicts import Verdict


class Comparison:
    """Takes a run's chunks one after the other and keeps what the result needs; memory does not grow with steps.

    Parameters
    ----------
    case : Case
        With the parameters that both sides start from.
    X, YT : arrays
        As both sides got them, rounded to float32.
    lines : Lines
        Source of the bounds.
    hand_dtype : str
        ``float64`` or ``float32``.
    every, steps : int
        Which steps become rows: every so many, and the last.
    certified : bool
        Whether autograd, manual.py and derivation.txt of the case were found to agree when it was certified.
    own_update : bool
        Whether the hand-written code updates the parameters itself.
    """

    def __init__(
        self,
        case: Case,
        X: Array,
        YT: Array,
        lines: Lines,
        *,
        hand_dtype: str,
        every: int,
        steps: int,
        certified: bool,
        own_update: bool = False,
    ) -> None:
        self._case, self._X, self._YT, self._lines = case, X, YT, lines
        self._slack = target_slack(case, YT, lines.derivation)
        self._certified = certified
        hand, device = Precision(hand_dtype, "float64"), Precision("float32", "float64")
        self._hand = hand_side(case, hand, self._judges_of_lines(hand), own_update)
        self._device = device_side(case, device, self._judges_of_lines(device))
        self._slip: tuple[int, str] | None = None
        self._kink = ""
        self._gathering = Gathering()
        self.drift = Drift(case, every, steps, self._gathering)
        self._kept = Kept(steps, _numbers_of_a_step(case))
        self.claims: list[Claim] = []  # that the hand-written side is wrong
        self.done = 0

    def add(self, chunk: Chunk, device: str = "cpu") -> None:
        """Take the next chunk, which a device of that kind has given."""
        if chunk.steps == 0:
            return
        steps = np.arange(chunk.start, chunk.start + chunk.steps)
        chunk = chunk.laid_out()
        with np.errstate(all="ignore"):
            self.drift.add(steps, chunk)
            self._judge(self._hand, steps, chunk.hand, chunk.hand_witness)
            self._judge(self._device, steps, chunk.device, chunk.device_witness, device)
        judges = [*self.judges, *self._hand.lines.values()]
        self._kept.add(steps, chunk.hand, judges, self._hand.updating.earlier)
        self.done = int(steps[-1]) + 1

    def stop(self, step: int, slip: str) -> None:
        """Note that the hand-written code broke its contract at a step, where the comparison ends."""
        self._slip = (step, slip)

    def _judges_of_lines(self, precision: Precision) -> tuple[Judge, ...]:
        """Return judges of derivation.txt against autograd; both are float64, unless the data's own rounding counts."""
        own = Precision("float64", "float64") if self._slack is None else precision
        fault: Fault = "device" if self._certified else "derivation"
        names = ("E", *(f"d{name}" for name in self._case.params))
        return tuple(Judge("lines", n, own, must_resolve=False, fault=fault, claim=self._claim(n)) for n in names)

    def _claim(self, name: str) -> str:
        """Say who is wrong where a line and autograd differ."""
        if self._certified:
            return phrase(
                "{name} of float64 autograd on the CPU (got) differs from derivation.txt (expected), though they "
                "agreed when the case was certified: this torch computes something else, the derivation has not "
                "changed",
                name=name,
            )
        return phrase(
            "{name} of derivation.txt (expected) differs from torch autograd in float64 on the CPU at the same "
            "parameters (got)",
            name=name,
        )

    def _judge(self, side: Side, steps: Array, run: Run, witness: Witness, device: str = "") -> None:
        """Judge one side's next steps."""
        before = {name: array.astype(np.float64, copy=False) for name, array in run.before.items()}
        radii = self._lines.radii(self._X, self._YT, before, side.precision, self._slack, device)
        expected, radius = self._trusted(side, steps, witness, radii)
        every = slice(None)
        read = every if len(run.read) == len(steps) else run.read
        ratio = side.loss.add(steps, run.losses.astype(np.float64), expected["E"], radius.get("E"))
        judged: list[tuple[Judge, Array | slice, Array]] = [(side.loss, every, ratio)]
        for name in self._case.params:
            gradient, e = expected[f"d{name}"], radius.get(f"d{name}")
            own = run.gradients[name].astype(np.float64, copy=False)
            judge = side.gradients[f"d{name}"]
            ratio = judge.add(steps[read], own, gradient[read], None if e is None else e[read])
            judged.append((judge, read, ratio))
            if side.own_updates:
                gradient, e = own, np.zeros(())
            update = side.updating.add(name, steps, before[name], gradient, e)
            after = run.after[name].astype(np.float64, copy=False)
            judge = side.updates[name]
            judged.append((judge, every, judge.add(steps, after, update.after, update.radius, update.moved)))
        self._gather_ratios(steps, judged, ~np.isfinite(run.losses) & ~np.isfinite(expected["E"]))
        self._keep_claims(side, steps, run, before, radius, radii)
        if side is self._hand:
            self._name_kinks(steps, radii)

    def _keep_claims(
        self, side: Side, steps: Array, run: Run, before: dict[str, Array], radius: dict[str, Array], radii: Radii
    ) -> None:
        """Keep where a judge first differs on the witness's word, unless it is the device that it blames."""
        own = {"E": run.losses, **{f"d{name}": array for name, array in run.gradients.items()}}
        for judge in (side.loss, *side.gradients.values(), *side.lines.values()):
            if not judge.differing or judge.fault == "device" or judge.first_step < steps[0]:
                continue
            s, of_line = judge.first_step - int(steps[0]), judge.side == "lines"
            held = (radii.value if of_line else own)[judge.name]
            e = (radii.radius if of_line else radius).get(judge.name)
            self.claims.append(
                Claim(
                    step=judge.first_step,
                    name=judge.name,
                    params={name: np.array(array[s]) for name, array in before.items()},
                    held=np.array(held[s], dtype=np.float64),
                    radius=None if e is None else np.array(e[s]),
                    precision=judge.precision,
                    of_line=of_line,
                )
            )

    def _gather_ratios(self, steps: Array, judged: list[tuple[Judge, Array | slice, Array]], lost: Array) -> None:
        """Gather of each side the largest error / bound of each step; NaN where no loss is finite: not judged."""
        tops: dict[str, Array] = {}
        for judge, read, ratio in judged:
            if judge.rule == "not covered" and not judge.differing:
                continue  # over the largest number there is, which is no bound to draw
            top = tops.setdefault(judge.side, np.zeros(len(steps)))
            top[read] = np.maximum(top[read], ratio)
        for side in ("derivation", "loss", "device"):
            if side in tops:
                ratio = np.where(lost & (tops[side] == 0), np.nan, tops[side])
                self._gathering.add("ratio", side, steps, ratio)

    def _trusted(
        self, side: Side, steps: Array, witness: Witness, radii: Radii
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return what is expected of the loss and each gradient, and the radii that hold for it.

        The judge is autograd in float64. Where the lines disagree with it their radii are not used; and if the case
        is certified, so that lines and autograd are known to agree, it is this torch that is wrong.
        """
        expected = {"E": witness.losses, **{f"d{name}": g for name, g in witness.gradients.items()}}
        radius = dict(radii.radius)
        overflow = np.zeros(len(steps), dtype=bool) if radii.overflow is None else radii.overflow.copy()
        for values in expected.values():
            if not all_within(values, side.precision):
                overflow |= per_step(np.any, near_overflow(values, side.precision))
        calm = not overflow.any()
        for name, value in radii.value.items():
            settled = None if calm and np.isfinite(value).all() else ~overflow & per_step(np.all, np.isfinite(value))
            rows = slice(None) if settled is None else settled
            judge = side.lines[name]
            before = judge.differing
            if settled is None or settled.any():
                judge.add(steps[rows], expected[name][rows], value[rows], radius[name][rows])
            if judge.differing > before and not self._certified:
                del radius[name]
                continue
            if judge.differing > before:
                expected[name] = value
            if settled is not None:
                known = np.where(_as_steps(settled, value), radius[name], np.nan)
                radius[name] = np.where(_as_steps(overflow, value), np.inf, known)
        return expected, radius

    def _name_kinks(self, steps: Array, radii: Radii) -> None:
        if self._kink or not radii.kinks:
            return
        line, mask = next(iter(radii.kinks.items()))
        where = [int(i) for i in np.argwhere(mask)[0]]
        stacked = mask.shape[:1] == steps.shape
        step, index = (int(steps[where[0]]), where[1:]) if stacked else (int(steps[0]), where)
        self._kink = phrase(
            "kink: at step {step} the comparison in {line} is open within rounding (its unit is 0); either "
            "one-sided derivative is right there",
            step=step,
            line=f"{line}{index}",
        )

    # what it comes to --------------------------------------------------------------------------------------------

    @property
    def judges(self) -> list[Judge]:
        """All judges of the two sides."""
        return [*self._hand.judges, *self._device.judges]

    def verdict(self) -> Verdict:
        """Differ if anything does; agree if all that must be resolved was; else cannot tell."""
        if self.findings():
            return "differ"
        resolved = all(judge.verdict == "agree" for judge in self.judges if judge.must_resolve)
        return "agree" if resolved else "cannot-tell"

    def faults(self) -> tuple[Fault, ...]:
        """Who is at fault, each once, in the order derivation, device, loss."""
        found = {finding.fault for finding in self.findings()}
        order: tuple[Fault, ...] = ("derivation", "device", "loss")
        return tuple(fault for fault in order if fault in found)

    def findings(self) -> tuple[Finding, ...]:
        """Return what is wrong, with its evidence, the hand-written side first."""
        found = [slip_finding(*self._slip)] if self._slip else []
        found += [finding_of(judge) for judge in self.judges if judge.differing]
        for name, judge in self._hand.lines.items():
            worse = judge if judge.differing else self._device.lines[name]
            if worse.differing:
                found.append(finding_of(worse))
        return tuple(found)

    def quantities(self) -> tuple[Quantity, ...]:
        """Verdict on every quantity of both sides."""
        return tuple(quantity(judge) for judge in self.judges)

    def local(self) -> dict[str, Local]:
        """Largest error / bound of each side."""
        return {side: largest([j for j in self.judges if j.side == side]) for side in ("derivation", "device", "loss")}

    def curves(self) -> tuple[Curve, ...]:
        """Losses, differences and error / bound over the steps."""
        return self._gathering.curves()

    def points(self) -> tuple[Point, ...]:
        """Return the steps that are kept with the hand's numbers, ascending."""
        return self._kept.points()

    def notes(self) -> list[str]:
        """Return what a reader should know beside the verdict."""
        notes = []
        if self._lines.why_not:
            notes.append(phrase("not covered: no bound can be computed ({why})", why=self._lines.why_not))
        elif self.done:
            missing = [name for name in self._hand.lines if name not in self._lines.names]
            if missing:
                notes.append(phrase("not covered: derivation.txt gives no {names}", names=", ".join(missing)))
        notes += notes_of(self.judges)
        if self._kink:
            notes.append(self._kink)
        if diverged := divergence_of(self.judges):
            notes.append(diverged)
        if self.drift.frozen and "device" not in self.faults():  # a gradient that a device lost moves nothing either
            notes.append(
                phrase(
                    "in {frozen:,} of {steps:,} steps the float32 update moved no parameter, though the gradient was "
                    "not zero (less than half a unit in the last place): that is not convergence",
                    frozen=self.drift.frozen,
                    steps=self.done,
                )
            )
        return notes


def _numbers_of_a_step(case: Case) -> int:
    """Count the numbers of one step that is worked out: four lines a layer, and what is said of each parameter."""
    return 4 * len(case.X) * sum(case.sizes) + 6 * sum(array.size for array in case.params.values())


def _as_steps(mask: Array, like: Array) -> Array:
    """Shape a mask of steps so that it broadcasts against values of those steps."""
    return mask.reshape(-1, *(1,) * (like.ndim - 1))
