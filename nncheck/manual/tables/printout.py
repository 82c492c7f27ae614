"""What a training run printed: lines with a step and its loss, and the parameters at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nncheck.errors import InputError
from nncheck.language import phrase
from nncheck.manual.tables.table import MAX_ROWS, NUMBER

_FREE_NUMBER = re.compile(rf"(?<![\w.])(?:{NUMBER})(?![\w.])")
_FINAL = re.compile(
    # spaces are counted: two stretches of any length beside each other can share them in too many ways
    r"^[ \t]*([A-Za-z]\w*)[ \t]{0,40}[=:]\s{0,9}(?:tensor|array|np\.array|torch\.tensor)?\s{0,9}\(?\s{0,9}"
    r"(\[[-+\d\s.,eE\[\]]*\])",
    re.MULTILINE,
)
#: So many characters of a line are looked at, and so many digits a step may have.
_LOOKED_AT, _STEP_DIGITS = 2_000, 9


@dataclass(frozen=True)
class Printout:
    """Numbers as they stand in the text.

    Attributes
    ----------
    steps : list of int
    losses : list of str
    finals : list of (name, numbers)
        Arrays that are printed with their name: ``W = tensor([[4.2000]])``.
    passed : int
        How many lines were passed over.
    """

    steps: list[int]
    losses: list[str]
    finals: list[tuple[str, list[str]]]
    passed: int


def read_printout(text: str, lines: Sequence[str]) -> Printout:
    """Read lines that hold a step and a loss, ``99 0.0123`` or ``epoch 99/1000, loss: 0.0123``; pass over all others.

    Raises
    ------
    InputError
        If no line does, or the steps do not go up.
    """
    pairs = []
    for line in lines:
        found = _FREE_NUMBER.findall(re.sub(r"(\d)\s*/\s*\d+", r"\1", line[:_LOOKED_AT]))
        if (
            len(found) == 2
            and re.fullmatch(rf"\d{{1,{_STEP_DIGITS}}}", found[0])
            and re.search(r"[.eE]|nan|inf", found[1])
        ):
            pairs.append((int(found[0]), found[1]))
    if len(pairs) > MAX_ROWS:
        raise InputError(
            phrase(
                "got {count:,} lines with a step and its loss, expected at most {most:,}.",
                count=len(pairs),
                most=MAX_ROWS,
            )
        )
    steps = [step for step, _ in pairs]
    if not pairs or steps != sorted(set(steps)):
        raise InputError(
            phrase(
                "is no table of numbers, and no line of it is a step with its loss. Expected a header such as  "
                "step,E,W[0,0],...  and a row for each step, or printed lines such as  99 0.0123"
            )
        )
    finals = [(match[1], re.findall(NUMBER, match[2])) for match in _FINAL.finditer(text)]
    return Printout(steps, [loss for _, loss in pairs], finals, len(lines) - len(pairs))
