"""What a result says in words and short numbers; shared by the formats that people read."""

from __future__ import annotations

from nncheck.record import CaseResult, Local, Row

SIGNS = {"agree": "✓", "differ": "✗", "cannot-tell": "?"}


def verdict(case: CaseResult) -> str:
    """Return the verdict as words: agree, differ, cannot tell."""
    return case.verdict.replace("-", " ")


def sentence(case: CaseResult) -> str:
    """Say in one sentence whether the case agrees, and if not, who is at fault and from which step on."""
    if case.verdict == "agree":
        return f"all {case.steps:,} steps agree: what is left between the two sides is rounding."
    if case.verdict == "cannot-tell":
        return "nothing differs, but not every quantity could be resolved: see the notes."
    parts = []
    for fault in case.faults:
        own = [finding for finding in case.findings if finding.fault == fault]
        first = min(finding.first_step for finding in own)
        names = list(dict.fromkeys(finding.quantity for finding in own if finding.quantity))
        what = {"derivation": "the derivation", "device": "the device", "loss": "the reported loss of manual.py"}[fault]
        which = f" ({', '.join(names)})" if names and fault != "loss" else ""
        parts.append(f"{what} is wrong from step {first} on{which}")
    cleared = [side for side in ("derivation", "device") if side not in case.faults and _checked(case, side)]
    parts += [f"the {side} is right" for side in cleared]
    return "; ".join(parts) + "."


def device(case: CaseResult) -> str:
    """Return the device, and why it is not another one."""
    name = f"{case.device.kind} ({case.device.name})" if case.device.name else case.device.kind
    if case.device.fallback is None:
        return name
    return f"{name}, because the device failed at {case.device.fallback.stage}: {case.device.fallback.reason}"


def ratio(local: Local) -> str:
    """Return error / bound with its quantity and step."""
    if local.ratio is None:
        return "not checked"
    return f"{local.ratio:.3g} ({local.name}, step {local.step})"


def cells(row: Row) -> list[str]:
    """Return a row's numbers: the losses in full, as Python prints them, differences to three digits."""
    params = [f"{entry.diff:.2e} {list(entry.index)}" for entry in row.params.values()]
    return [str(row.step), repr(row.loss.autograd), repr(row.loss.manual), f"{row.loss.diff:.2e}", *params]


def headings(case: CaseResult) -> list[str]:
    """Return the headings that belong to `cells`."""
    return ["step", "loss autograd", "loss manual", "diff", *(f"{name} diff [at]" for name in case.final["autograd"])]


def details(case: CaseResult) -> list[str]:
    """Return the lines below a case's rows: local checks, drift, fallback, notes."""
    lines = []
    if case.rows:
        lines.append(
            "largest error / bound: "
            + ", ".join(f"{side} {ratio(case.local[side])}" for side in ("derivation", "loss", "device"))
        )
        worst = ", ".join(f"{name} {at.diff:.2e} (step {at.step})" for name, at in case.worst.items())
        lines.append(f"largest difference of the two free runs: {worst}")
    lines += [f"note: {note}" for note in case.notes]
    return lines


def summary(cases: tuple[CaseResult, ...]) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows of the table over all cases."""
    rows = [
        [
            case.case,
            case.title,
            f"{SIGNS[case.verdict]} {verdict(case)}",
            ", ".join(case.faults) or "none",
            f"{case.steps:,}",
            case.device.kind + (" (fallback)" if case.device.fallback else ""),
            f"{case.worst['loss'].diff:.2e}" if case.worst else "",
            *(
                "" if case.local[side].ratio is None else f"{case.local[side].ratio:.3g}"
                for side in ("derivation", "device")
            ),
        ]
        for case in cases
    ]
    head = ["case", "title", "verdict", "faults", "steps", "device", "loss diff", "derivation/bound", "device/bound"]
    return head, rows


def _checked(case: CaseResult, side: str) -> bool:
    own = [quantity for quantity in case.quantities if quantity.side == side]
    return bool(own) and all(q.verdict != "differ" and q.rule != "not covered" and q.steps for q in own)
