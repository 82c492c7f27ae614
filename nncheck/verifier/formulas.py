"""A person's formulas, their names settled: which line is which of the case's, and which a step of their own."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

import numpy as np

from nncheck.case import Case
from nncheck.errors import FormulaError
from nncheck.formula import Apply, Derivation, Line, Name, PlainArithmetic
from nncheck.formula.evaluate import value_of
from nncheck.formula.lines import Node, walk
from nncheck.formula.place import at_column, numbers
from nncheck.formula.sizes import MAX_ELEMENTS, Shape, ShapeArithmetic, TooLargeError, shape_of, shortened
from nncheck.language import phrase
from nncheck.verifier.names import meaning_of

#: More lines than this are no derivation by hand.
MAX_LINES = 200
_PLAIN_NAME = re.compile(r"[A-Za-z]\w{0,39}")


@dataclass(frozen=True)
class Formulas:
    """What a person's file holds.

    Attributes
    ----------
    lines : tuple of Line
        In the order of the file, with the case's names; those of other names are steps of the person's own.
    program : tuple of Line
        The same in an order in which they can be computed, with the case's own lines for what they do not give.
    errors : tuple of FormulaError
        Lines that cannot be read, name what is not known, depend on themselves, or ask for too much.
    read_as, notes : tuple of str
        How names were read that are not the case's; lines that stand in another order.
    limit : int
        How many elements all operations together may give and sum at one point.
    """

    lines: tuple[Line, ...]
    program: tuple[Line, ...]
    errors: tuple[FormulaError, ...]
    read_as: tuple[str, ...]
    notes: tuple[str, ...]
    limit: int


def settled(
    case: Case,
    derivation: Derivation,
    outcomes: Sequence[Line | FormulaError],
    text: str,
    points: Sequence[Mapping[str, Shape]],
) -> Formulas:
    """Give every name its meaning: one of the case's, or that of a line of the person's own.

    Parameters
    ----------
    case, derivation : Case, Derivation
    outcomes : sequence of Line or FormulaError
        As `read_each` gave them for the text.
    text : str
        The person's file.
    points : sequence of mappings of names to shapes
        Of X, YT and the parameters, wherever the lines will be computed.

    Raises
    ------
    FormulaError
        If there are more lines than `MAX_LINES`.
    """
    if len(outcomes) > MAX_LINES:
        place = next(o.where for o in outcomes[MAX_LINES:])
        raise FormulaError(
            phrase("got {count:,} formulas, expected at most {most}", count=len(outcomes), most=MAX_LINES),
            place,
        )
    settling = _Settling(case, derivation, text)
    settling.take_names(outcomes)
    settling.rename()
    settling.refuse_what_cannot_stand()
    for shapes in points:
        settling.refuse_too_large(shapes)
        settling.refuse_what_cannot_stand()
    program = settling.program()
    errors = sorted(settling.errors, key=lambda error: numbers(error.where))
    lines = tuple(settling.lines.values())
    return Formulas(lines, program, tuple(errors), tuple(settling.read_as), tuple(_order_notes(lines)), settling.limit)


@dataclass
class _Settling:
    """What is settled so far: lines by their names here, in the order of the file."""

    case: Case
    derivation: Derivation
    text: str
    lines: dict[str, Line] = field(default_factory=dict)
    errors: list[FormulaError] = field(default_factory=list)
    own: dict[str, str] = field(default_factory=dict)
    read_as: dict[str, None] = field(default_factory=dict)
    limit: int = 0

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("X", "YT", *self.case.params)

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.inputs, *self.derivation.names)

    def take_names(self, outcomes: Iterable[Line | FormulaError]) -> None:
        """Settle what each line defines; a name of the person's own may be used above its line, so this goes first."""
        for outcome in outcomes:
            if isinstance(outcome, FormulaError):
                self.errors.append(outcome)
                continue
            meant = meaning_of(outcome.name, self.case, self.known)
            # b = 1 - Y is a step of one's own, B is given
            name = outcome.name if meant is None or (meant in self.inputs and meant != outcome.name) else meant
            problem = _misnamed(name, self.inputs, self.lines) or _endless(outcome)
            if problem:
                self.errors.append(FormulaError(problem, at_column(outcome.where, _column(outcome, self.text))))
                continue
            if name != outcome.name:
                self.read_as[phrase("{own} is read as {name}", own=outcome.name, name=name)] = None
            self.own[outcome.name] = name
            self.lines[name] = Line(name, outcome.expression, outcome.text, outcome.where)

    def rename(self) -> None:
        """Put the case's names, and those of the person's own steps, in the place of what the expressions say."""
        for name, line in list(self.lines.items()):
            try:
                self.lines[name] = Line(name, self._renamed(line.expression, line), line.text, line.where)
            except FormulaError as error:
                self._drop(name, error)

    def _renamed(self, node: Node, line: Line) -> Node:
        if isinstance(node, Name):
            meant = self.own.get(node.id) or meaning_of(node.id, self.case, self.known)
            if meant is None:
                raise self._unknown(node, line)
            if node.id not in self.own and meant != node.id:
                self.read_as[phrase("{own} is read as {name}", own=node.id, name=meant)] = None
            return Name(meant, node.column)
        if isinstance(node, Apply):
            operands = tuple(self._renamed(operand, line) for operand in node.operands)
            return Apply(node.op, operands, node.options, node.column)
        return node

    def _unknown(self, node: Name, line: Line) -> FormulaError:
        names = [name for name in dict.fromkeys((*self.known, *self.lines)) if name != line.name]
        match = difflib.get_close_matches(node.id[:60], names, n=1)
        hint = phrase("; did you mean {match}?", match=match[0]) if match else "."
        place = _defined_in(node.id, self.text)
        if place:
            hint = phrase(": it is defined in line {line}, which cannot be used.", line=place)
        return FormulaError(
            phrase(
                "{name} is not known here{hint} Known at this line: {names}",
                name=node.id[:60],
                hint=hint,
                names=", ".join(names),
            ),
            at_column(line.where, node.column),
        )

    def refuse_what_cannot_stand(self) -> None:
        """Drop lines that depend on themselves, or on a step of the person's own that was dropped; then again."""
        while True:
            for name, line in list(self.lines.items()):
                gone = [node for node in _names(line) if node.id not in (*self.known, *self.lines)]
                if gone:
                    self._drop(name, self._unknown(gone[0], line))
                    break
            else:
                cycle = self._cycle()
                if not cycle:
                    return
                self._drop(cycle[0].name, _circular(cycle))

    def _cycle(self) -> list[Line]:
        """Return lines that depend on themselves, the person's first in the case's order first; none if none does."""
        try:
            self.program()
        except CycleError as error:
            names = list(reversed(error.args[1][1:]))  # each is used by the one before it
            order = {name: place for place, name in enumerate(dict.fromkeys((*self.derivation.names, *self.lines)))}
            own = [name for name in names if name in self.lines]
            first = names.index(min(own, key=lambda name: order[name]))
            return [self._line(name) for name in (*names[first:], *names[:first])]
        return []

    def refuse_too_large(self, shapes: Mapping[str, Shape]) -> None:
        """Drop lines that would take more memory or time than sensible at one point."""
        case = ShapeArithmetic(2**62)
        true = dict(shapes)
        for line in self.derivation.lines:
            true[line.name] = shape_of(line, true, case)
        arithmetic = ShapeArithmetic(MAX_ELEMENTS + 20 * case.work)
        self.limit = max(self.limit, arithmetic.limit)
        given = dict(true)
        for line in self.program():
            if line.name not in self.lines:
                continue
            try:
                shape = shape_of(line, given, arithmetic)
            except FormulaError as error:
                if isinstance(error.__cause__, TooLargeError):
                    self._drop(line.name, error)
                shape = None
            if line.name not in true and shape is not None:
                given[line.name] = shape

    def program(self) -> tuple[Line, ...]:
        """Return the person's lines, and the case's for what they do not give, each below what it uses.

        Raises
        ------
        CycleError
            If one depends on itself.
        """
        every = {**{line.name: line for line in self.derivation.lines}, **self.lines}
        needs = {name: [node.id for node in _names(line) if node.id in every] for name, line in every.items()}
        return tuple(every[name] for name in TopologicalSorter(needs).static_order())

    def _line(self, name: str) -> Line:
        return self.lines.get(name) or next(line for line in self.derivation.lines if line.name == name)

    def _drop(self, name: str, error: FormulaError) -> None:
        del self.lines[name]
        self.errors.append(error)


def _misnamed(name: str, inputs: Sequence[str], defined: Mapping[str, Line]) -> str:
    if name in inputs:
        return phrase("{name} is given; a line cannot define it anew", name=name)
    if name in defined:
        return phrase("{name} is defined a second time; give each quantity one line and a name of its own", name=name)
    if not _PLAIN_NAME.fullmatch(name):
        return phrase(
            "got the name {name!r}, expected a letter and then at most 39 letters, digits or _", name=name[:60]
        )
    return ""


def _endless(line: Line) -> str:
    """Say that a line of numbers alone is no number, such as 9 ** 9 ** 9; empty if it is one or names a quantity."""
    if _names(line):
        return ""
    try:
        with np.errstate(all="ignore"):
            value = value_of(line, {}, PlainArithmetic()).array
    except FormulaError as error:
        return error.problem
    return (
        ""
        if np.isfinite(value).all()
        else phrase("`{text}` is no number that float64 can hold", text=shortened(line.text))
    )


def _circular(cycle: Sequence[Line]) -> FormulaError:
    line, used = cycle[0], cycle[1 % len(cycle)].name
    column = next(node.column for node in _names(line) if node.id == used)
    chain = phrase(" from ").join([*(other.name for other in cycle), line.name])
    return FormulaError(
        phrase("{chain}: {name} is computed from itself; use only what stands above it", chain=chain, name=line.name),
        at_column(line.where, column),
    )


def _order_notes(lines: Sequence[Line]) -> Iterable[str]:
    place = {line.name: i for i, line in enumerate(lines)}
    for i, line in enumerate(lines):
        below = dict.fromkeys(node.id for node in _names(line) if place.get(node.id, -1) > i)
        if below:
            yield phrase("{name} uses what stands below it: {below}.", name=line.name, below=", ".join(below))


def _names(line: Line) -> list[Name]:
    return [node for node in walk(line.expression) if isinstance(node, Name)]


def _column(line: Line, text: str) -> int:
    raw = text.split("\n")[numbers(line.where)[0] - 1]
    return 1 + len(raw) - len(raw.lstrip())


def _defined_in(name: str, text: str) -> int:
    """Return the line of a text that defines a name of the person's own; 0 if none does."""
    lines = enumerate(text.split("\n"), start=1)
    return next((number for number, raw in lines if "=" in raw and raw.split("=", 1)[0].strip() == name), 0)
