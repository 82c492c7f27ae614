"""What a result says in words and short numbers; shared by the formats that people read."""

from __future__ import annotations

from nncheck.language import N_, phrase, translate
from nncheck.record import FAULTS, CaseResult, Local, Row

SIGNS = {"agree": "✓", "differ": "✗", "cannot-tell": "?"}
VERDICTS = {"agree": N_("agree"), "differ": N_("differ"), "cannot-tell": N_("cannot tell")}
_WRONG = {
    "derivation": N_("the derivation is wrong from step {step} on{which}"),
    "device": N_("the device is wrong from step {step} on{which}"),
    "loss": N_("the reported loss of manual.py is wrong from step {step} on"),
}
_RIGHT = {"derivation": N_("the derivation is right"), "device": N_("the device is right")}


def verdict(case: CaseResult) -> str:
    """Return the verdict as words: agree, differ, cannot tell."""
    return translate(VERDICTS[case.verdict])


def called(name: str) -> str:
    """Return what a fault, a side or the loss is called; any other name stays as it is."""
    return translate(FAULTS[name]) if name in FAULTS else name


def sentence(case: CaseResult) -> str:
    """Say in one sentence whether the case agrees, and if not, who is at fault and from which step on."""
    if case.verdict == "agree" and case.steps == 1:
        return phrase("the one step agrees: what is left between the two sides is rounding.")
    if case.verdict == "agree":
        return phrase("all {steps:,} steps agree: what is left between the two sides is rounding.", steps=case.steps)
    if case.verdict == "cannot-tell":
        return phrase("nothing differs, but not every quantity could be resolved: see the notes.")
    parts = []
    for fault in case.faults:
        own = [finding for finding in case.findings if finding.fault == fault]
        first = min(finding.first_step for finding in own)
        names = list(dict.fromkeys(finding.quantity for finding in own if finding.quantity))
        which = f" ({', '.join(names)})" if names else ""
        parts.append(phrase(_WRONG[fault], step=first, which=which))
    cleared = [side for side in _RIGHT if side not in case.faults and _checked(case, side)]
    parts += [translate(_RIGHT[side]) for side in cleared]
    said = parts[0]
    for part in parts[1:]:
        said = phrase("{said}; {more}", said=said, more=part)
    return f"{said}."


def replaced(case: CaseResult) -> str:
    """Say on which device torch ran in place of which one, and why; nothing if none was replaced."""
    return phrase("torch ran on {device}.", device=_why(case)) if case.device.fallback else ""


def _why(case: CaseResult) -> str:
    name = device(case)
    assert case.device.fallback is not None
    fallback = case.device.fallback
    said = {"name": name, "stage": fallback.stage, "reason": fallback.reason.rstrip(".! ")}
    if fallback.kind is None:
        return phrase("{name}, because the device failed at {stage}: {reason}", **said)
    if fallback.remembered is None:
        return phrase("{name}, because {device} failed at {stage}: {reason}", device=fallback.kind, **said)
    return phrase(
        "{name}, because {device} failed at {stage} on {when}: {reason} (--reprobe asks it again)",
        device=fallback.kind,
        when=fallback.remembered,
        **said,
    )


def device(case: CaseResult) -> str:
    """Return the device that torch ran on."""
    return f"{case.device.kind} ({case.device.name})" if case.device.name else case.device.kind


def sides(case: CaseResult) -> str:
    """Say what was held against what: torch on which device, manual.py how precisely."""
    return phrase(
        "{steps:,} steps, torch on {device} against manual.py in {dtype}",
        steps=case.steps,
        device=device(case),
        dtype=case.dtypes["manual"],
    )


def ratio(local: Local) -> str:
    """Return error / bound with its quantity and step."""
    if local.ratio is None:
        return phrase("not checked")
    return phrase("{ratio:.3g} ({name}, step {step})", ratio=local.ratio, name=local.name, step=local.step)


def cells(row: Row) -> list[str]:
    """Return a row's numbers: the losses in full, as Python prints them, differences to three digits."""
    params = [f"{entry.diff:.2e} {list(entry.index)}" for entry in row.params.values()]
    return [str(row.step), repr(row.loss.autograd), repr(row.loss.manual), f"{row.loss.diff:.2e}", *params]


def headings(case: CaseResult) -> list[str]:
    """Return the headings that belong to `cells`."""
    losses = [phrase("loss autograd"), phrase("loss manual"), phrase("diff")]
    return [phrase("step"), *losses, *(phrase("{name} diff [at]", name=name) for name in case.final["autograd"])]


def details(case: CaseResult) -> list[str]:
    """Return the lines below a case's rows: local checks, drift, fallback, notes."""
    lines = []
    if case.rows:
        ratios = ", ".join(f"{called(side)} {ratio(case.local[side])}" for side in ("derivation", "loss", "device"))
        lines.append(phrase("largest error / bound: {ratios}", ratios=ratios))
        worst = ", ".join(
            phrase("{name} {diff:.2e} (step {step})", name=called(name), diff=at.diff, step=at.step)
            for name, at in case.worst.items()
        )
        lines.append(phrase("largest difference of the two free runs: {worst}", worst=worst))
    lines += [phrase("note: {note}", note=note) for note in case.notes]
    return lines


def summary(cases: tuple[CaseResult, ...]) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows of the table over all cases."""
    rows = [
        [
            case.case,
            case.title,
            f"{SIGNS[case.verdict]} {verdict(case)}",
            ", ".join(map(called, case.faults)) or phrase("none"),
            f"{case.steps:,}",
            phrase("{device} (fallback)", device=case.device.kind) if case.device.fallback else case.device.kind,
            f"{case.worst['loss'].diff:.2e}" if case.worst else "",
            *(
                "" if case.local[side].ratio is None else f"{case.local[side].ratio:.3g}"
                for side in ("derivation", "device")
            ),
        ]
        for case in cases
    ]
    head = [phrase("case"), phrase("title"), phrase("verdict"), phrase("faults"), phrase("steps"), phrase("device")]
    return [*head, phrase("loss diff"), phrase("derivation/bound"), phrase("device/bound")], rows


def _checked(case: CaseResult, side: str) -> bool:
    own = [quantity for quantity in case.quantities if quantity.side == side]
    return bool(own) and all(q.verdict != "differ" and q.rule != "not covered" and q.steps for q in own)
