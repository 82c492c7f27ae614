"""Lines that are right as a step, and whose numbers are wrong because of others: what follows is not blamed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nncheck.formula import Line, Name
from nncheck.formula.lines import walk
from nncheck.language import phrase
from nncheck.verification import Checked


def followers(program: Sequence[Line], quantities: Sequence[Checked]) -> Iterator[str]:
    """Say of lines that are right as a step, but wrong as a number, because of which lines that is.

    Parameters
    ----------
    program : sequence of Line
        Every line that the numbers are computed by.
    quantities : sequence of Checked
    """
    steps = {checked.name: checked.verdict for checked in quantities}
    needs = {line.name: {node.id for node in walk(line.expression) if isinstance(node, Name)} for line in program}
    found: dict[tuple[str, ...], list[str]] = {}
    for checked in quantities:
        if checked.verdict != "differ" and checked.number == "differ":
            found.setdefault(tuple(_blamed(checked.name, needs, steps)), []).append(checked.name)
    for blamed, names in found.items():
        if blamed:
            yield phrase(
                "Right as a step, but the number is wrong because of {blamed}: {names}.",
                names=", ".join(names),
                blamed=", ".join(blamed),
            )


def _blamed(name: str, needs: Mapping[str, set[str]], steps: Mapping[str, str]) -> list[str]:
    """Return the nearest wrong lines that a line's number is computed from."""
    found: list[str] = []
    open_ = sorted(needs.get(name, ()))
    seen = {name}
    while open_:
        current = open_.pop(0)
        if current in seen:
            continue
        seen.add(current)
        if steps.get(current) == "differ":
            found.append(current)
        else:
            open_.extend(sorted(needs.get(current, ())))
    return found
