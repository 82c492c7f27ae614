"""Prints an expression as the text that reads back to it; or, with other words for its names, as anything like it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nncheck.formula.lines import Apply, Name, Node, Number

#: Text, and how tightly it binds: an operand that binds less than its place asks for stands in parentheses.
Printed = tuple[str, int]
#: What is printed for a name.
Spelling = Callable[[Name], Printed]

_INFIX = {
    "greater": (" > ", 1),
    "greater_equal": (" >= ", 1),
    "less": (" < ", 1),
    "less_equal": (" <= ", 1),
    "equal": (" == ", 1),
    "not_equal": (" != ", 1),
    "add": (" + ", 2),
    "subtract": (" - ", 2),
    "multiply": (" * ", 3),
    "divide": (" / ", 3),
    "matmul": (" @ ", 3),
    "power": (" ** ", 5),
}
#: What stands in parentheses wherever it is an operand; what has a sign; what never needs parentheses.
LOOSE, NEGATIVE, ATOM = 0, 4, 6


def as_written(name: Name) -> Printed:
    """Spell a name as it is."""
    return name.id, ATOM


def text_of(node: Node, spelling: Spelling = as_written) -> str:
    """Return the formula of an expression, with no more parentheses than it needs.

    Parameters
    ----------
    node : Node
    spelling : callable, optional
        What is printed for a name, such as its value; the name itself by default.
    """
    return _Printer(spelling).printed(node)[0]


@dataclass(frozen=True)
class _Printer:
    """Prints expressions with one spelling of their names."""

    spelling: Spelling

    def printed(self, node: Node) -> Printed:
        if isinstance(node, Number):
            text = f"{node.value:g}" if node.value == float(f"{node.value:g}") else repr(node.value)
            return text, ATOM if node.value >= 0 else NEGATIVE
        if isinstance(node, Name):
            return self.spelling(node)
        if node.op in _INFIX:
            return self._infix(node.op, *node.operands)
        if node.op == "negative":
            return f"-{self._within(node.operands[0], NEGATIVE)}", NEGATIVE
        return self._called(node), ATOM

    def _called(self, node: Apply) -> str:
        """Return a function, a method or an attribute of its operands."""
        options = dict(node.options)
        first = node.operands[0]
        if node.op == "shape":
            axis = options["axis"]
            return f"len({self.printed(first)[0]})" if axis == 0 else f"{self._before_dot(first)}.shape[{axis}]"
        if node.op in ("transpose", "size"):
            return f"{self._before_dot(first)}.{'T' if node.op == 'transpose' else 'size'}"
        if node.op in ("sum", "mean", "max", "min") and "axis" in options:
            given = [f"axis={options['axis']}"] if options["axis"] is not None else []
            given += ["keepdims=True"] if options.get("keepdims") else []
            return f"{self._before_dot(first)}.{node.op}({', '.join(given)})"
        return f"{node.op}({', '.join(self.printed(operand)[0] for operand in node.operands)})"

    def _infix(self, op: str, left: Node, right: Node) -> Printed:
        sign, strength = _INFIX[op]
        # to the left of the same operator no parentheses are needed, to the right they are; ** binds the other way
        left_needs, right_needs = (strength + 1, strength) if op == "power" else (strength, strength + 1)
        if strength == 1:  # a > b > c would be a chain
            left_needs = 2
        return f"{self._within(left, left_needs)}{sign}{self._within(right, right_needs)}", strength

    def _before_dot(self, node: Node) -> str:
        return f"({self.printed(node)[0]})" if isinstance(node, Number) else self._within(node, ATOM)

    def _within(self, node: Node, needed: int) -> str:
        text, strength = self.printed(node)
        return text if strength >= needed else f"({text})"
