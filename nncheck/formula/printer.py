"""Prints an expression as the text that reads back to it."""

from __future__ import annotations

from nncheck.formula.lines import Name, Node, Number

# How tightly each operator binds; an operand that binds less stands in parentheses.
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
_NEGATIVE, _ATOM = 4, 6


def text_of(node: Node) -> str:
    """Return the formula of an expression, with no more parentheses than it needs."""
    return _print(node)[0]


def _print(node: Node) -> tuple[str, int]:
    if isinstance(node, Number):
        text = f"{node.value:g}" if node.value == float(f"{node.value:g}") else repr(node.value)
        return text, _ATOM if node.value >= 0 else _NEGATIVE
    if isinstance(node, Name):
        return node.id, _ATOM
    if node.op in _INFIX:
        return _infix(node.op, *node.operands)
    if node.op == "negative":
        return f"-{_within(node.operands[0], _NEGATIVE)}", _NEGATIVE
    options = dict(node.options)
    first = node.operands[0]
    if node.op == "shape":
        axis = options["axis"]
        return (f"len({text_of(first)})" if axis == 0 else f"{_before_dot(first)}.shape[{axis}]"), _ATOM
    if node.op in ("transpose", "size"):
        return f"{_before_dot(first)}.{'T' if node.op == 'transpose' else 'size'}", _ATOM
    if node.op in ("sum", "mean", "max", "min") and "axis" in options:
        given = [f"axis={options['axis']}"] if options["axis"] is not None else []
        given += ["keepdims=True"] if options.get("keepdims") else []
        return f"{_before_dot(first)}.{node.op}({', '.join(given)})", _ATOM
    return f"{node.op}({', '.join(text_of(operand) for operand in node.operands)})", _ATOM


def _infix(op: str, left: Node, right: Node) -> tuple[str, int]:
    sign, strength = _INFIX[op]
    # to the left of the same operator no parentheses are needed, to the right they are; ** binds the other way round
    left_needs, right_needs = (strength + 1, strength) if op == "power" else (strength, strength + 1)
    if strength == 1:  # a > b > c would be a chain
        left_needs = 2
    return f"{_within(left, left_needs)}{sign}{_within(right, right_needs)}", strength


def _before_dot(node: Node) -> str:
    return f"({text_of(node)})" if isinstance(node, Number) else _within(node, _ATOM)


def _within(node: Node, needed: int) -> str:
    text, strength = _print(node)
    return text if strength >= needed else f"({text})"
