r"""Prints an expression as LaTeX, in the notation of textbooks as far as it says the same.

A product of matrices stands side by side, one element by element has ``\odot``; a factor that is a number stands before
what it multiplies. Powers, fractions, roots and functions act element by element, as they do in the formulas. A
comparison is 1 where it holds and 0 elsewhere: ``\left[Z > 0\right]`` (Iverson's bracket). ``Y.size`` is
``\operatorname{size}\left(Y\right)``, the length of axis i ``n_{i}\left(Y\right)``; a sum over one axis has it
below its sign, and ``keepdims`` is not printed. dW stands for dE/dW, as everywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from nncheck.formula.lines import Apply, Name, Node, Number
from nncheck.formula.printer import Printed, Spelling

#: How tightly a piece binds.
LOOSE, ADD, SUM, ELEMENTWISE, PRODUCT, TIGHT, ATOM = range(7)

_COMPARISON = {
    "greater": ">",
    "greater_equal": r"\ge",
    "less": "<",
    "less_equal": r"\le",
    "equal": "=",
    "not_equal": r"\ne",
}
_FUNCTIONS = {
    "maximum": r"\max",
    "minimum": r"\min",
    "exp": r"\exp",
    "log": r"\log",
    "tanh": r"\tanh",
    "sigmoid": r"\sigma",
    "sign": r"\operatorname{sign}",
    "relu": r"\operatorname{relu}",
    "softmax": r"\operatorname{softmax}",
    "log_softmax": r"\operatorname{log\,softmax}",
    "where": r"\operatorname{where}",
    "outer": r"\operatorname{outer}",
    "zeros_like": r"\operatorname{zeros}",
    "ones_like": r"\operatorname{ones}",
    "size": r"\operatorname{size}",
}
_REDUCTIONS = {
    "sum": r"\sum",
    "mean": r"\operatorname{mean}",
    "max": r"\operatorname{max}",
    "min": r"\operatorname{min}",
}
_SPELLED = {"alpha": r"\alpha", "beta": r"\beta", "eps": r"\epsilon", "epsilon": r"\epsilon"}


def latex_of(node: Node, spelling: Spelling | None = None, scalars: Collection[str] = ()) -> str:
    r"""Return an expression as LaTeX, with no more parentheses than it needs.

    Parameters
    ----------
    node : Node
    spelling : callable, optional
        What is printed for a name, such as its value; its symbol by default.
    scalars : collection of str
        Names that stand for one number each: their products are no ``\odot``.
    """
    return _Printer(spelling or (lambda name: (symbol(name.id), ATOM)), frozenset(scalars)).printed(node)[0]


def symbol(name: str) -> str:
    """Return a name as LaTeX: ``W_{2}`` of W2, ``dW_{2}`` of dW2, ``W_{2}'`` of W2', a whole word in one piece."""
    stem, primes = name.rstrip("'"), name[len(name.rstrip("'")) :]
    stem, _, owner = stem.partition("[")  # M[W2] is the state M of W2
    match = re.fullmatch(r"(d(?=[A-Z]))?([A-Za-z](?:\w*?[A-Za-z])??)(\d*)", stem)
    if match is None:
        return rf"\mathit{{{_escaped(stem)}}}{primes}"
    d, letters, number = match.groups()
    word = _SPELLED.get(letters) or (letters if len(letters) == 1 else rf"\mathit{{{_escaped(letters)}}}")
    below = ", ".join([*([number] if number else []), *([symbol(owner.rstrip("]"))] if owner else [])])
    return f"{d or ''}{word}{f'_{{{below}}}' if below else ''}{primes}"


def number(value: float) -> str:
    r"""Return a number as LaTeX: ``1.5 \times 10^{-8}``; seldom more than four digits are worth looking at."""
    if not math.isfinite(value):
        return r"\mathrm{NaN}" if math.isnan(value) else r"\infty" if value > 0 else r"-\infty"
    mantissa, _, exponent = f"{value + 0.0:.4g}".partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else f"-{power}" if mantissa == "-1" else rf"{mantissa} \times {power}"


def parenthesized(text: str) -> str:
    """Return a text in parentheses that grow with it."""
    return rf"\left({text}\right)"


def _escaped(word: str) -> str:
    return word.replace("_", r"\_")


@dataclass(frozen=True)
class _Printer:
    """Prints expressions with one spelling of their names."""

    spelling: Spelling
    scalars: frozenset[str]

    def printed(self, node: Node) -> Printed:
        if isinstance(node, Number):
            return _literal(node.value)
        if isinstance(node, Name):
            return self.spelling(node)
        special: dict[str, Callable[[Apply], Printed]] = {
            "add": lambda n: self._infix(n, " + ", ADD, SUM),
            "subtract": lambda n: self._infix(n, " - ", ADD, SUM),
            "multiply": self._multiply,
            "matmul": lambda n: self._infix(n, r"\, ", PRODUCT, TIGHT),
            "dot": self._dot,
            "divide": lambda n: (rf"\frac{{{self._alone(n, 0)}}}{{{self._alone(n, 1)}}}", TIGHT),
            "power": lambda n: (f"{self._within(n.operands[0], ATOM)}^{{{self._alone(n, 1)}}}", TIGHT),
            "transpose": lambda n: (rf"{self._within(n.operands[0], ATOM)}^{{\top}}", TIGHT),
            "negative": lambda n: (f"-{self._within(n.operands[0], SUM)}", ADD),
            "abs": lambda n: (rf"\left|{self._alone(n, 0)}\right|", ATOM),
            "sqrt": lambda n: (rf"\sqrt{{{self._alone(n, 0)}}}", ATOM),
            "shape": lambda n: (f"n_{{{dict(n.options)['axis']}}}{parenthesized(self._alone(n, 0))}", ATOM),
        }
        if node.op in special:
            return special[node.op](node)
        if node.op in _COMPARISON:
            sides = (self._within(operand, ADD) for operand in node.operands)
            return rf"\left[{f' {_COMPARISON[node.op]} '.join(sides)}\right]", ATOM
        if node.op in _REDUCTIONS:
            return self._reduction(node)
        inner = ", ".join(self.printed(operand)[0] for operand in node.operands)
        return f"{_FUNCTIONS[node.op]}{parenthesized(inner)}", ATOM

    def _multiply(self, node: Apply) -> Printed:
        """Set a number before what it multiplies; arrays are multiplied element by element."""
        left, right = node.operands
        if not (self._is_scalar(left) or self._is_scalar(right)):
            # beside a product of matrices the sign would leave open which comes first
            sides = [parenthesized(self.printed(side)[0]) if _is_matmul(side) else "" for side in node.operands]
            first = sides[0] or self._within(left, ELEMENTWISE)
            return rf"{first} \odot {sides[1] or self._within(right, PRODUCT)}", ELEMENTWISE
        if not self._is_scalar(left):
            left, right = right, left
        first, second = self._within(left, PRODUCT), self._within(right, TIGHT)
        between = r" \cdot " if second[:1].isdigit() or second[:1] == "-" or _is_fraction(first, second) else r"\, "
        return f"{first}{between}{second}", PRODUCT

    def _dot(self, node: Apply) -> Printed:
        if any(self._is_scalar(operand) for operand in node.operands):
            return self._multiply(node)
        return self._infix(node, r"\, ", PRODUCT, TIGHT)

    def _reduction(self, node: Apply) -> Printed:
        axis = dict(node.options).get("axis")
        sign = _REDUCTIONS[node.op] + ("" if axis is None else rf"_{{\mathrm{{axis}}\,{axis}}}")
        if node.op == "sum":  # what follows it would be read as part of it
            return f"{sign} {self._within(node.operands[0], ATOM)}", SUM
        return f"{sign}{parenthesized(self._alone(node, 0))}", ATOM

    def _infix(self, node: Apply, sign: str, strength: int, right: int) -> Printed:
        return f"{self._within(node.operands[0], strength)}{sign}{self._within(node.operands[1], right)}", strength

    def _alone(self, node: Apply, place: int) -> str:
        return self.printed(node.operands[place])[0]

    def _within(self, node: Node, needed: int) -> str:
        text, strength = self.printed(node)
        return text if strength >= needed else parenthesized(text)

    def _is_scalar(self, node: Node) -> bool:
        """Whether an expression is known to be one number."""
        if isinstance(node, Number):
            return True
        if isinstance(node, Name):
            return node.id in self.scalars
        if node.op in ("size", "shape"):
            return True
        options = dict(node.options)
        if node.op in _REDUCTIONS and options.get("axis") is None and not options.get("keepdims"):
            return True
        return node.op not in ("matmul", "outer", *_REDUCTIONS) and all(map(self._is_scalar, node.operands))


def _is_matmul(node: Node) -> bool:
    return isinstance(node, Apply) and node.op in ("matmul", "dot")


def _is_fraction(*texts: str) -> bool:
    return all(text.startswith(r"\frac") for text in texts)


def _literal(value: float) -> Printed:
    """Return a literal in full, as the formula has it."""
    if value == float(f"{value:.4g}"):
        text = number(value)
    else:
        mantissa, _, exponent = repr(value).partition("e")
        text = mantissa if not exponent else rf"{mantissa} \times 10^{{{int(exponent)}}}"
    plain = re.fullmatch(r"\d+(\.\d+)?", text)
    return text.removesuffix(".0") if plain else text, ATOM if plain else LOOSE if value < 0 else PRODUCT
