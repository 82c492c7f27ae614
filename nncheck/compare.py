"""Differences between two trajectories of one case, step by step, and who is at fault for them.

Two kinds of fact are kept apart. The *drift* is how far the two free runs are apart: rounding piles up in it, and it
decides nothing. The *local* checks judge every step from the same parameters: the hand-written loss and gradient
against float64 autograd at the hand's own parameters, and the device's loss and update against float64 autograd at
the device's own parameters, each inside the bound that the derivation's lines give.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nncheck.case import Case
from nncheck.drift import Drift
from nncheck.formula.plain import Array
from nncheck.judging import Judge
from nncheck.record import Fault, Finding, Local, Quantity, Verdict
from nncheck.rounding import LARGEST, Lines, Precision, Radii, all_within, near_overflow, target_slack
from nncheck.trajectory import Chunk, Witness, per_step

_WITNESS = "torch autograd in float64 on the CPU at the same parameters"


class Comparison:
    """Takes a run's chunks one after the other and keeps what the result needs; memory does not grow with steps.

    Parameters
    ----------
    case : Case
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
    """

    def __init__(
        self, case: Case, X: Array, YT: Array, lines: Lines, *, hand_dtype: str, every: int, steps: int, certified: bool
    ) -> None:
        self._case, self._X, self._YT, self._lines = case, X, YT, lines
        self._slack = target_slack(case, YT, lines.derivation)
        self._certified = certified
        self._hand = Precision(hand_dtype, "float64")
        self._device = Precision("float32", "float64")
        names = tuple(case.params)
        gradients = tuple(f"d{name}" for name in names)
        self._hand_loss = Judge("loss", "E", self._hand)
        self._hand_gradients = {g: Judge("derivation", g, self._hand) for g in gradients}
        self._hand_updates = {n: Judge("derivation", n, self._hand, must_resolve=False) for n in names}
        self._device_loss = Judge("device", "E", self._device)
        self._device_gradients = {g: Judge("device", g, self._device) for g in gradients}
        self._device_updates = {n: Judge("device", n, self._device, must_resolve=False) for n in names}
        self._hand_lines = self._judges_of_lines(self._hand, gradients)
        self._device_lines = self._judges_of_lines(self._device, gradients)
        self._slip: tuple[int, str] | None = None
        self._kink = ""
        self.drift = Drift(case, every, steps)
        self.done = 0

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk."""
        if chunk.steps == 0:
            return
        chunk = chunk.laid_out()
        steps = np.arange(chunk.start, chunk.start + chunk.steps)
        with np.errstate(all="ignore"):
            self.drift.add(steps, chunk)
            self._judge_hand(steps, chunk)
            self._judge_device(steps, chunk)
        self.done = chunk.start + chunk.steps

    def stop(self, step: int, slip: str) -> None:
        """Note that the hand-written code broke its contract at a step, where the comparison ends."""
        self._slip = (step, slip)

    def _judges_of_lines(self, precision: Precision, gradients: tuple[str, ...]) -> dict[str, Judge]:
        """Return judges of derivation.txt against autograd; both are float64, unless the data's own rounding counts."""
        own = Precision("float64", "float64") if self._slack is None else precision
        return {name: Judge("lines", name, own, must_resolve=False) for name in ("E", *gradients)}

    # the local checks --------------------------------------------------------------------------------------------

    def _judge_hand(self, steps: Array, chunk: Chunk) -> None:
        n, hand, lr = len(steps), chunk.hand, self._case.lr
        before = {name: states[:n] for name, states in hand.states.items()}
        radii = self._radii(before, self._hand)
        expected, radius = self._trusted(steps, chunk.hand_witness, radii, self._hand, self._hand_lines)
        self._hand_loss.add(steps, hand.losses, expected["E"], radius.get("E"))
        for name in self._case.params:
            g = f"d{name}"
            self._hand_gradients[g].add(steps, hand.gradients[name], expected[g], radius.get(g))
            moved = lr * hand.gradients[name].astype(np.float64)
            after = before[name] - moved
            self._hand_updates[name].add(steps, hand.states[name][1:], after, 3 * np.abs(moved) + np.abs(after))
        self._name_kinks(steps, radii)

    def _judge_device(self, steps: Array, chunk: Chunk) -> None:
        n, device, lr = len(steps), chunk.device, self._case.lr
        before = {name: states[:n].astype(np.float64) for name, states in device.states.items()}
        radii = self._radii(before, self._device)
        expected, radius = self._trusted(steps, chunk.device_witness, radii, self._device, self._device_lines)
        self._device_loss.add(steps, device.losses[:n].astype(np.float64), expected["E"], radius.get("E"))
        for name in self._case.params:
            g = f"d{name}"
            e = radius.get(g)
            first = device.gradients[name].astype(np.float64)
            self._device_gradients[g].add(steps[:1], first, expected[g][:1], None if e is None else e[:1])
            moved = lr * expected[g]
            after = before[name] - moved
            if e is not None:
                e = lr * e + 3 * np.abs(moved) + np.abs(after)
                e = np.where(np.abs(after) > LARGEST["float32"], np.inf, e)
            self._device_updates[name].add(steps, device.states[name][1 : n + 1].astype(np.float64), after, e)

    def _radii(self, params: Mapping[str, Array], precision: Precision) -> Radii:
        return self._lines.radii(self._X, self._YT, params, precision, self._slack)

    def _trusted(
        self, steps: Array, witness: Witness, radii: Radii, precision: Precision, lines: Mapping[str, Judge]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return what is expected of the loss and each gradient, and the radii that hold for it.

        The judge is autograd in float64. Where the lines disagree with it their radii are not used; and if the case
        is certified, so that lines and autograd are known to agree, it is this torch that is wrong.
        """
        n = len(steps)
        expected = {"E": witness.losses[:n], **{f"d{k}": g[:n] for k, g in witness.gradients.items()}}
        radius = dict(radii.radius)
        overflow = np.zeros(n, dtype=bool) if radii.overflow is None else radii.overflow.copy()
        for values in expected.values():
            if not all_within(values, precision):
                overflow |= per_step(np.any, near_overflow(values, precision))
        calm = not overflow.any()
        for name, value in radii.value.items():
            settled = None if calm and np.isfinite(value).all() else ~overflow & per_step(np.all, np.isfinite(value))
            rows = slice(None) if settled is None else settled
            judge, before = lines[name], lines[name].differing
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
        step = int(steps[where[0]]) if mask.shape[:1] == steps.shape else int(steps[0])
        index = where[1:] if mask.shape[:1] == steps.shape else where
        self._kink = (
            f"kink: at step {step} the comparison in {line}{index} is open within rounding (its unit is 0); either "
            "one-sided derivative is right there"
        )

    # what it comes to --------------------------------------------------------------------------------------------

    @property
    def judges(self) -> list[Judge]:
        """All judges of the two sides."""
        return [
            self._hand_loss,
            *self._hand_gradients.values(),
            *self._hand_updates.values(),
            self._device_loss,
            *self._device_gradients.values(),
            *self._device_updates.values(),
        ]

    def verdict(self) -> Verdict:
        """Differ if anything does; agree if all that must be resolved was; else cannot tell."""
        if self._slip or self.findings():
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
        found = []
        if self._slip:
            found.append(_slip_finding(*self._slip))
        for judge in self.judges:
            if judge.differing:
                found.append(_finding(judge, *self._words(judge)))
        for name, judge in self._hand_lines.items():
            worse = judge if judge.differing else self._device_lines[name]
            if worse.differing:
                found.append(_finding(worse, *self._words_of_lines(worse)))
        return tuple(found)

    def quantities(self) -> tuple[Quantity, ...]:
        """Verdict on every quantity of both sides."""
        return tuple(
            Quantity(
                side=judge.side,
                name=judge.name,
                verdict=judge.verdict,
                rule=judge.rule,
                ratio=judge.worst.ratio if judge.worst else 0.0,
                step=judge.worst.step if judge.worst else 0,
                steps=judge.steps,
                differing=judge.differing,
                resolved=judge.resolved,
                elements=judge.elements,
            )
            for judge in self.judges
        )

    def local(self) -> dict[str, Local]:
        """Largest error / bound of each side."""
        return {
            "derivation": _largest([*self._hand_gradients.values(), *self._hand_updates.values()]),
            "device": _largest([j for j in self.judges if j.side == "device"]),
            "loss": _largest([self._hand_loss]),
        }

    def notes(self) -> list[str]:
        """Return what a reader should know beside the verdict."""
        notes = []
        if self._lines.why_not:
            notes.append(f"not covered: no bound can be computed ({self._lines.why_not})")
        if self._hand_loss.steps and not self._lines.why_not:
            missing = [name for name, judge in self._hand_lines.items() if not judge.steps]
            if missing:
                notes.append(f"not covered: derivation.txt gives no {', '.join(missing)}")
        if any(judge.rule == "fixed tolerance" for judge in self.judges):
            notes.append("fixed tolerance: where no bound holds, 1e-10 of the tensor's largest term, in float64 only")
        for judge in self.judges:
            if judge.must_resolve and judge.verdict == "cannot-tell" and judge.rule != "not covered":
                notes.append(
                    f"cannot tell: {judge.name} ({judge.side}): {judge.elements - judge.resolved} of {judge.elements} "
                    f"element(s) were never resolved to {1e-3:g} in {judge.precision.coarser}"
                )
        if self._kink:
            notes.append(self._kink)
        diverged = [judge.not_finite for judge in self.judges if judge.not_finite is not None]
        if diverged:
            notes.append(f"from step {min(diverged)} on, values are not finite on both sides: the training diverges")
        if self.drift.frozen:
            notes.append(
                f"in {self.drift.frozen:,} of {self.done:,} steps the float32 update moved no parameter "
                "(less than half a unit in the last place): that is not convergence"
            )
        return notes

    def _words(self, judge: Judge) -> tuple[Fault, str]:
        if judge.side == "loss":
            return "loss", f"the loss of manual.py differs from {_WITNESS}"
        if judge.side == "derivation" and judge.name.startswith("d") and judge.name in self._hand_gradients:
            return "derivation", f"{judge.name} of manual.py differs from {_WITNESS}"
        if judge.side == "derivation":
            return "derivation", f"the update of {judge.name} in manual.py is not W - lr dW"
        if judge.name == "E":
            return "device", f"the device's loss differs from {_WITNESS}"
        if judge.name in self._device_gradients:
            return "device", f"the device's {judge.name} differs from {_WITNESS}"
        return "device", f"the device's update of {judge.name} differs from the float64 one at the same parameters"

    def _words_of_lines(self, judge: Judge) -> tuple[Fault, str]:
        if self._certified:
            return "device", (
                f"{judge.name} of torch autograd in float64 on the CPU differs from the certified derivation: "
                "this torch is wrong, not the derivation"
            )
        return "derivation", f"{judge.name} of derivation.txt differs from {_WITNESS} (got: autograd)"


def _as_steps(mask: Array, like: Array) -> Array:
    """Shape a mask of steps so that it broadcasts against values of those steps."""
    return mask.reshape(-1, *(1,) * (like.ndim - 1))


def _largest(judges: list[Judge]) -> Local:
    worst = [(judge.worst, judge.name) for judge in judges if judge.worst is not None]
    if not worst:
        return Local(ratio=None, step=None, name=None)
    top, name = max(worst, key=lambda pair: pair[0].ratio)
    return Local(ratio=top.ratio, step=top.step, name=name)


def _finding(judge: Judge, fault: Fault, claim: str) -> Finding:
    assert judge.worst is not None
    worst, error = judge.worst, abs(judge.worst.got - judge.worst.expected)
    place = f"{list(worst.index)}" if worst.index else ""
    ratio = f"{worst.ratio:.3g} times what rounding explains" if np.isfinite(worst.ratio) else "not finite"
    text = (
        f"{claim}, first at step {judge.first_step}, at {judge.differing:,} of {judge.steps:,} steps. "
        f"Worst at step {worst.step}: {judge.name}{place} got {worst.got:.9g}, expected {worst.expected:.9g}, "
        f"error {error:.3g}, {ratio}."
    )
    return Finding(
        fault=fault,
        quantity=judge.name,
        first_step=judge.first_step,
        step=worst.step,
        steps=judge.differing,
        index=worst.index,
        got=worst.got,
        expected=worst.expected,
        error=error,
        bound=worst.bound,
        text=text,
    )


def _slip_finding(step: int, slip: str) -> Finding:
    return Finding(
        fault="derivation",
        quantity=None,
        first_step=step,
        step=step,
        steps=1,
        index=None,
        got=None,
        expected=None,
        error=None,
        bound=None,
        text=f"the hand-written code stops at step {step}: {slip}",
    )
