"""The worked step of a page: its texts by key, those of the other kept steps as data for the slider."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from nncheck.language import N_, phrase, translate
from nncheck.network import Network
from nncheck.report.html import drawing as pictures
from nncheck.report.html.said import array, index, number, verdict
from nncheck.worked import WorkedLine, WorkedStep

_PARTS = {"forward": N_("Forward"), "backward": N_("Backward"), "update": N_("Update")}
_CODES = {"agree": "a", "differ": "d", "cannot-tell": "c", "": "-"}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of the derivation: its heading, and its lines with their numbers in the whole of it."""

    title: str
    lines: tuple[tuple[int, WorkedLine], ...]


@dataclass(frozen=True, kw_only=True)
class Worked:
    """The worked steps of a case as a template shows them.

    Attributes
    ----------
    step : WorkedStep
        The one that stands in the page.
    count, start : int
        How many were kept, and which of them that is.
    first : int or None
        The first of them at which anything differs.
    parts : tuple of Part
    inputs : tuple of str
    drawing : Drawing or None
    why_no_drawing : str
        Why there is no picture, where there is none.
    text, mark : dict
        What stands at a key, and the verdict of a mark, at that step.
    slots, marks : dict
        Their numbers by key: where a script finds them.
    data : dict
        For the script: the numbers of all steps.
    """

    step: WorkedStep
    count: int
    start: int
    first: int | None
    parts: tuple[Part, ...]
    inputs: tuple[str, ...]
    drawing: pictures.Drawing | None
    why_no_drawing: str
    text: dict[str, str]
    mark: dict[str, str]
    slots: dict[str, int]
    marks: dict[str, int]
    data: dict[str, Any]


def worked(
    kept: Sequence[WorkedStep], network: Network | None, steps: int, found: Collection[int] = ()
) -> Worked | None:
    """Return the worked steps of a case; None where none was kept.

    Parameters
    ----------
    kept : sequence of WorkedStep
        Ascending.
    network : Network or None
    steps : int
        Of the whole run.
    found : collection of int
        Steps at which the run found something, be it of the device, which has no lines here.
    """
    if not kept:
        return None
    first = next((k for k, one in enumerate(kept) if one.differs or one.step in found), None)
    start = first or 0
    drawing = pictures.drawing_of(network, kept[start]) if network else None
    drawn = network if drawing else None
    said = [_texts(one, drawn, steps, one.differs or one.step in found) for one in kept]
    text, mark = said[start]
    slots, marks = {key: k for k, key in enumerate(text)}, {key: k for k, key in enumerate(mark)}
    return Worked(
        step=kept[start],
        count=len(kept),
        start=start,
        first=first,
        parts=_parts(kept[start].lines),
        inputs=tuple(kept[start].inputs),
        drawing=drawing,
        why_no_drawing="" if drawing else _why_none(network),
        text=text,
        mark=mark,
        slots=slots,
        marks=marks,
        data={
            "last": max(steps - 1, 1),
            "start": start,
            "first": first,
            "steps": [one.step for one in kept],
            # what is the same as at the start is a 0
            "texts": [[0 if own.get(key) == text[key] else own.get(key, "") for key in text] for own, _ in said],
            "marks": ["".join(_CODES[own.get(key, "")] for key in mark) for _, own in said],
        },
    )


def _texts(
    step: WorkedStep, network: Network | None, steps: int, differs: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the page says of a step, and the verdicts of what it marks, by key."""
    text = {"where": _where(step, steps)}
    mark = {"step": "differ" if differs else "agree"}
    for name, value in step.inputs.items():
        text[f"input-{name}"] = array(value)
    for k, line in enumerate(step.lines):
        text[f"filled-{k}"] = line.filled.removeprefix(f"{line.name} = ")
        text[f"value-{k}"] = array(line.value)
        text[f"hand-{k}"] = array(line.hand)
        text[f"autograd-{k}"] = array(line.autograd)
        text[f"difference-{k}"] = number(line.difference, 3)
        text[f"bound-{k}"] = phrase("bound {bound}", bound=number(line.bound, 3)) if line.bound is not None else ""
        text[f"at-{k}"] = phrase("at {index}", index=index(line.index)) if line.index else ""
        text[f"verdict-{k}"] = verdict(line.verdict)
        mark[f"verdict-{k}"] = line.verdict
    if network:
        more, marks = pictures.texts_of(network, step)
        text |= {f"net-{key}": value for key, value in more.items()}
        mark |= {f"net-{key}": value for key, value in marks.items()}
    return text, mark


def _where(step: WorkedStep, steps: int) -> str:
    said = phrase("Step {step} of {steps}", step=f"{step.step:,}", steps=f"{steps:,}")
    return f"{said}: {'; '.join(step.why)}" if step.why else said


def _parts(lines: Sequence[WorkedLine]) -> tuple[Part, ...]:
    numbered = list(enumerate(lines))
    parts = {name: tuple(one for one in numbered if one[1].part == name) for name in _PARTS}
    return tuple(Part(title=translate(_PARTS[name]), lines=own) for name, own in parts.items() if own)


def _why_none(network: Network | None) -> str:
    if network is None:
        return phrase("There is no picture: these formulas are no chain of layers from X to Y.")
    return phrase(
        "There is no picture: a layer has {units} units, and one of more than {most} cannot be read.",
        units=max(network.sizes),
        most=pictures.MOST_UNITS,
    )
