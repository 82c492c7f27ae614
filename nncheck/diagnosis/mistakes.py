"""The mistakes of the catalogue in the lines of one case: which lines they change, and two of them at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from nncheck.diagnosis.anatomy import Part, parts_of
from nncheck.diagnosis.arithmetic import SPECIAL
from nncheck.diagnosis.catalogue import COMMON, EVERYWHERE, MISTAKES, TOGETHER, Mistake
from nncheck.formula import Apply, Derivation, Line, Name, read_line, text_of
from nncheck.formula.lines import Node
from nncheck.formula.reader import FUNCTIONS
from nncheck.language import N_


@dataclass(frozen=True)
class Edit:
    """A mistake in the lines of one case: which lines it replaces.

    Attributes
    ----------
    id, text : str
        As of the mistake; ``edit`` and no text for a small edit that has no name.
    lines : tuple of Line
        The lines as they are written with the mistake.
    wraps : tuple of (str, expression)
        Lines around which the mistake is made, whatever they say: that, with ``this`` for what they say.
    """

    id: str
    text: str
    lines: tuple[Line, ...]
    wraps: tuple[tuple[str, Node], ...] = ()

    @property
    def equals(self) -> str:
        """The lines as text."""
        return "; ".join(line.text for line in self.lines)

    @property
    def is_convention(self) -> bool:
        """Whether it is a difference to declare, loss and gradient alike, and no mistake."""
        return self.id.startswith("conv.")


@lru_cache(maxsize=32)
def named_edits(derivation: Derivation) -> tuple[Edit, ...]:
    """Return every mistake of the catalogue in the lines of a derivation, in each layer and in all alike.

    The most common come first.
    """
    parts = parts_of(derivation)
    lines = {line.name: line for line in derivation.lines}
    edits: list[Edit] = []
    for mistake in MISTAKES:
        made = [_made(mistake, part, lines) for part in parts if part.kind == mistake.kind]
        own = [edit for edit in made if edit]
        edits += own
        if len(own) > 1 and mistake.id.startswith(EVERYWHERE):
            edits.append(_all(own))
    for id, rewrites, text in TOGETHER:
        own = [
            edit
            for part in parts
            if part.kind in rewrites and (edit := _made(Mistake(id, part.kind, rewrites[part.kind], text), part, lines))
        ]
        if len(own) == len(rewrites):
            edits.append(_all(own))
    again = [
        _made(Mistake("batch.divN_again", part.kind, "this / len(A)", ""), part, lines)
        for part in parts
        if part.kind in ("dweight", "dbias")
    ]
    if any(again):
        text = N_("dividing every gradient by the batch size N once more")
        edits.append(replace(_all([edit for edit in again if edit]), text=text))
    return tuple(sorted(edits, key=lambda edit: -COMMON.get(edit.id, 1)))


def _all(edits: Sequence[Edit]) -> Edit:
    """Return one mistake made in several lines as one edit."""
    lines = {line.name: line for edit in edits for line in edit.lines}
    wraps = tuple(wrap for edit in edits for wrap in edit.wraps)
    return Edit(edits[0].id, edits[0].text, tuple(lines.values()), wraps)


def _made(mistake: Mistake, part: Part, lines: Mapping[str, Line]) -> Edit | None:
    """Return a mistake in one part; None where its letters mean nothing, or it changes nothing."""
    needed = set(re.findall(r"[A-Za-z]+", mistake.rewrite)) & _LETTERS
    if not needed <= set(part.names):
        return None
    line, rewrite = lines[part.line], _parsed(mistake.rewrite)
    expression = _substituted(rewrite, {"this": line.expression}, part.names)
    if expression == line.expression:
        return None
    wraps = ((line.name, _substituted(rewrite, {}, part.names)),) if "this" in mistake.rewrite else ()
    return Edit(mistake.id, mistake.text, (line_of(line, expression),), wraps)


def combined(a: Edit, b: Edit) -> dict[str, Line] | None:
    """Return the lines with both mistakes, on one line the one that wraps around the other; None if they exclude it."""
    both = {line.name for line in a.lines} & {line.name for line in b.lines}
    lines = {line.name: line for line in (*a.lines, *b.lines)}
    if not both:
        return lines
    inner, outer = (a, b) if both <= {name for name, _ in b.wraps} else (b, a)
    wraps = dict(outer.wraps)
    if not both <= set(wraps):
        return None
    inside = {line.name: line for line in inner.lines}
    for name in both:
        lines[name] = line_of(inside[name], _substituted(wraps[name], {"this": inside[name].expression}, {}))
    return lines


_LETTERS = {
    *("A", "B", "D", "H", "P", "W", "X", "Y", "YT", "Z", "dA", "dB", "dW", "dY", "dZ"),
    *("Out", "dOut", "otherW", "preA"),
}


@lru_cache(maxsize=1024)
def _parsed(rewrite: str) -> Node:
    return read_line(f"Q = {rewrite}", "the catalogue", functions={**FUNCTIONS, **SPECIAL}).expression


def written(rewrite: str, names: Mapping[str, str]) -> Node:
    """Return a rewrite with its letters replaced by what they stand for."""
    return _substituted(_parsed(rewrite), {}, names)


def _substituted(node: Node, own: Mapping[str, Node], names: Mapping[str, str]) -> Node:
    if isinstance(node, Name):
        return own.get(node.id) or Name(names.get(node.id, node.id))
    if isinstance(node, Apply):
        return Apply(node.op, tuple(_substituted(operand, own, names) for operand in node.operands), node.options)
    return node


def line_of(line: Line, expression: Node) -> Line:
    """Return a line with another right-hand side."""
    return Line(line.name, expression, f"{line.name} = {text_of(expression)}", line.where)
