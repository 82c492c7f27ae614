"""A derivation as data: lines, each a name and the expression that gives its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

Option: TypeAlias = int | bool | None


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    value: float
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A quantity by its name: an input, a parameter or an earlier line."""

    id: str
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """One operation on operands; ``op`` is a method of every arithmetic (``plain.py``, ``bound.py``).

    ``options`` holds what is not a quantity: axis and keepdims of a sum, the index of a shape.
    """

    op: str
    operands: tuple[Node, ...]
    options: tuple[tuple[str, Option], ...] = ()
    column: int = field(default=0, compare=False)


Node: TypeAlias = Number | Name | Apply


@dataclass(frozen=True, slots=True)
class Line:
    """One formula: ``name = expression``, with the place and the text that it was read from."""

    name: str
    expression: Node
    text: str
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Derivation:
    """The formulas of a case in the order in which they are computed, forward then backward."""

    lines: tuple[Line, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all lines, in order."""
        return tuple(line.name for line in self.lines)

    def operations(self) -> frozenset[str]:
        """Every operation that occurs in any line."""
        return frozenset(node.op for line in self.lines for node in walk(line.expression) if isinstance(node, Apply))


@lru_cache(maxsize=64)
def upstream(derivation: Derivation) -> Mapping[str, frozenset[str]]:
    """Return, for every line, the lines that its value depends on, itself among them."""
    found: dict[str, frozenset[str]] = {}
    for line in derivation.lines:  # each names only what stands above it
        needs = {node.id for node in walk(line.expression) if isinstance(node, Name)}
        found[line.name] = frozenset({line.name}).union(*(found[name] for name in needs if name in found))
    return found


def walk(node: Node) -> list[Node]:
    """Return the node and all below it, parents first."""
    found: list[Node] = [node]
    if isinstance(node, Apply):
        for operand in node.operands:
            found.extend(walk(operand))
    return found
