"""What a step that was worked out says in words and short numbers; shared by the formats that people read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nncheck.explained import Explained
from nncheck.formula.filled import numbers
from nncheck.language import N_, phrase, translate
from nncheck.network import OTHER, Layer
from nncheck.report.verification_words import FORMS, JUDGES
from nncheck.worked import Part, WorkedLine

PARTS: Mapping[Part, str] = {"forward": N_("forward"), "backward": N_("backward"), "update": N_("update")}
#: Digits of a value; a formula that is filled in has fewer.
_DIGITS = 7


def sentence(result: Explained) -> str:
    """Say in one sentence what came of it."""
    facts = {"what": result.file or result.case, "step": result.worked.step}
    wrong = [line.name for line in result.worked.lines if line.verdict == "differ"]
    if wrong:
        count = len(wrong)
        if count == 1:
            return phrase("{what}, step {step}: {first} alone differs.", first=wrong[0], **facts)
        said = N_("{what}, step {step}: {first} is the first of {count} lines that differ.")
        return phrase(said, first=wrong[0], count=count, **facts)
    if result.verdict == "agree":
        count = len(result.worked.lines)
        return phrase("{what}, step {step}: all {count} lines agree.", count=count, **facts)
    return phrase("{what}, step {step}: nothing differs, but not every line could be told.", **facts)


def about(result: Explained) -> str:
    """Say what was trained, how, and who judged."""
    judge = translate(JUDGES.get(result.judged_by, result.judged_by))
    trained = phrase("{optimizer}, lr = {lr:g}, {steps:,} steps", **_training(result))
    if result.file is None:
        return phrase(
            "{title}: manual.py of the case ({trained}); judged by {judge}.", **_about(result, trained, judge)
        )
    form = translate(FORMS.get(result.form, result.form))
    said = N_("{title}: read as {form} ({trained}); judged by {judge}.")
    return phrase(said, form=form, **_about(result, trained, judge))


def _training(result: Explained) -> dict[str, Any]:
    return {"optimizer": result.optimizer, "lr": result.lr, "steps": result.steps}


def _about(result: Explained, trained: str, judge: str) -> dict[str, str]:
    return {"title": result.title, "trained": trained, "judge": judge}


def network(result: Explained) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the parts of the network, each a heading and its quantities with their numbers."""
    inputs = result.worked.inputs
    values = {**inputs, **{line.name: line.value for line in result.worked.lines}}
    known = {name: shown(value) for name, value in values.items()}
    data = phrase("input and target")
    if result.network is None:
        yield data, [(name, known[name]) for name in ("X", "YT")]
        yield phrase("parameters"), [(name, known[name]) for name in inputs if name not in ("X", "YT")]
        return
    yield data, [("X", known["X"]), ("YT", known["YT"])]
    for number, layer in enumerate(result.network.layers, start=1):
        names = dict.fromkeys(filter(None, (layer.weight, layer.bias, layer.pre, layer.out)))
        yield layer_words(number, layer, result.network.sizes), [(name, known[name]) for name in names]
    yield phrase("loss"), [("E", known["E"])]


def layer_words(number: int, layer: Layer, sizes: tuple[int, ...]) -> str:
    """Name a layer: its number, how wide it is, and its activation."""
    width = phrase("layer {number}: {n_in} to {n_out}", number=number, n_in=sizes[number - 1], n_out=sizes[number])
    if not layer.activation:
        return width
    other = phrase("its own activation")
    return f"{width}, {other if layer.activation == OTHER else layer.activation}"


def values(line: WorkedLine) -> Iterator[tuple[str, str]]:
    """Yield whose value it is, and the value: autograd's, and the hand's where it shows that it is another."""
    own = shown(line.value)
    if line.hand is not None and (line.verdict == "differ" or shown(line.hand) != own):
        yield phrase("by hand"), shown(line.hand)
    if line.autograd is not None:
        yield phrase("autograd"), shown(line.autograd)


def compared(line: WorkedLine) -> str:
    """Say how far the two are apart, beside what rounding explains."""
    if line.difference is None:
        if line.verdict == "differ":
            return phrase("of another shape")
        finite = np.isfinite(np.asarray(line.value, dtype=np.float64)).any()
        return "" if finite else phrase("no finite number on either side")
    at = f" [{', '.join(map(str, line.index))}]" if line.index and line.verdict == "differ" else ""
    if line.bound is None:
        return phrase("difference {difference}{at}", difference=brief(line.difference), at=at)
    facts = {"difference": brief(line.difference), "at": at, "bound": brief(line.bound)}
    if line.verdict == "cannot-tell":
        return phrase("difference {difference}{at}, bound {bound}: too coarse to tell some of its elements", **facts)
    return phrase("difference {difference}{at}, bound {bound}", **facts)


def shown(value: Any) -> str:
    """Return a value with so many digits as are worth reading, shortened where it is large."""
    return numbers(np.asarray(value, dtype=np.float64), _DIGITS)


def brief(value: float) -> str:
    """Return a difference or a bound with two digits."""
    return f"{value:.2g}"
