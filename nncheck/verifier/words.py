"""The sentences of a verification: what is wrong where, with its evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nncheck.diagnosis.mistakes import Edit
from nncheck.language import N_, phrase, translate
from nncheck.verification import Checked, Explanation

#: A bound below this leaves no room for rounding at all, as behind a closed ReLU.
_NOTHING = 1e-290


def element(name: str, index: Sequence[int]) -> str:
    """Name one element: ``dW2[0, 1]``."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def value(checked: Checked, differing: int, points: int, place: str) -> str:
    """Say how a quantity differs, at its worst element."""
    worst = checked.worst
    assert worst is not None
    template = N_(
        "{element} is {got:.9g}, expected {expected:.9g} ({place}): the error of {error:.3g} is more than rounding can "
        "explain ({bound:.2g})."
    )
    if not math.isfinite(worst.got):
        template = N_("{element} is {got}, expected {expected:.9g} ({place}).")
    elif checked.rule == "drift":
        template = N_(
            "{element} is {got:.9g}, expected {expected:.9g} ({place}): the error of {error:.3g} is more than the "
            "digits and the drift of a free run can explain ({bound:.2g})."
        )
    elif worst.bound < _NOTHING:
        template = N_("{element} is {got:.9g}, expected exactly {expected:.9g} ({place}).")
    text = phrase(
        template,
        element=element(checked.name, worst.index),
        got=worst.got,
        expected=worst.expected,
        place=place,
        error=worst.error,
        bound=worst.bound,
    )
    if checked.of > 1:
        text += " " + phrase("{wrong} of {of} elements differ there.", wrong=checked.wrong, of=checked.of)
    if points > 1:
        text += " " + phrase("It differs at {differing} of {points} points.", differing=differing, points=points)
    return text


def confirmed(names: Sequence[str]) -> str:
    """Say what is right above the first wrong quantity."""
    return phrase("Right above it: {names}.", names=", ".join(names)) if names else ""


def shape(name: str, got: tuple[int, ...], expected: tuple[int, ...], place: str) -> str:
    """Say that a shape is wrong, and what that often comes from."""
    form = {2: "(n_out, n_in)", 1: "(n_out,)"}.get(len(expected), "") if name[1:2] in "WB" and name[:1] == "d" else ""
    text = phrase(
        "{name} has shape {got}, expected {form}{expected} ({place}).",
        name=name,
        got=got,
        form=f"{form} = " if form else "",
        expected=expected,
        place=place,
    )
    if sorted(got) == sorted(expected) and got != expected:
        text += " " + phrase("The same sizes in another order: is a transpose missing or too many?")
    elif len(got) == 2 and len(expected) == 1 and expected[0] in got:
        text += " " + phrase("Is the sum over the batch missing?")
    return text


def explanation(quantity: str, edit: Edit, points: int, together: bool = False) -> Explanation:
    """Say what a wrong quantity equals: a named mistake's values, or those of a line with a small edit.

    ``together`` says that it does so only with the mistakes that are named before it.
    """
    if edit.text and together:
        text = phrase(
            "Together with what else is named, {quantity} equals, at all {points} points, what one gets by {mistake} "
            "(in {line}).",
            quantity=quantity,
            points=points,
            mistake=translate(edit.text),
            line=", ".join(dict.fromkeys(line.name for line in edit.lines)),
        )
    elif edit.text:
        text = phrase(
            "{quantity} equals, at all {points} points, what one gets by {mistake} (in {line}).",
            quantity=quantity,
            points=points,
            mistake=translate(edit.text),
            line=", ".join(dict.fromkeys(line.name for line in edit.lines)),
        )
    else:
        text = phrase(
            "{quantity} equals, at all {points} points, what writing `{line}` gives.",
            quantity=quantity,
            points=points,
            line=edit.equals,
        )
    return Explanation(id=edit.id, text=text, equals=edit.equals)


def flag(kind: str, words: Sequence[str]) -> str:
    """Say what a function did besides giving values."""
    if kind == "mutated":
        return phrase(
            "{name} is changed by the call: it belongs to the caller. Work on a copy (`{name} = {name}.copy()`), or "
            "write `a = a - b` for `a -= b`.",
            name=words[0],
        )
    if kind == "aliasing":
        return phrase(
            "{name} shares its memory with {other}: changing one changes the other. Return a copy.",
            name=words[0],
            other=words[1],
        )
    return phrase(
        "{name} is another when the same is computed a second time: what is kept between the calls? (A gradient that "
        "is added to, and not reset, is.)",
        name=words[0],
    )
