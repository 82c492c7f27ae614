"""Reads derivation lines: Python's grammar through ``ast``, a whitelist of it, and never ``eval``.

The grammar: ``NAME = expression`` with ``+ - * / ** @``, unary minus, comparisons, numbers, parentheses and
known names; ``.T``, ``.size``, ``.shape[i]``, ``len()``; ``.sum() .mean() .max() .min()`` with ``axis`` and
``keepdims``; the functions of `FUNCTIONS`, each also with ``np.`` before it; ``#`` comments. Nothing else.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import warnings
from collections.abc import Mapping
from types import MappingProxyType

from nncheck.errors import FormulaError
from nncheck.formula.lines import Apply, Derivation, Line, Name, Node, Number, Option
from nncheck.formula.place import Place, at_column
from nncheck.language import phrase

MAX_CHARACTERS = 10_000
MAX_DEPTH = 40

#: Functions of a formula and how many operands each takes.
FUNCTIONS = {
    "maximum": 2,
    "minimum": 2,
    "exp": 1,
    "log": 1,
    "sqrt": 1,
    "abs": 1,
    "sign": 1,
    "tanh": 1,
    "sigmoid": 1,
    "relu": 1,
    "softmax": 1,
    "log_softmax": 1,
    "where": 3,
    "dot": 2,
    "outer": 2,
    "zeros_like": 1,
    "ones_like": 1,
}
REDUCTIONS = ("sum", "mean", "max", "min")
_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.MatMult: "matmul",
}
_COMPARISON: dict[type[ast.cmpop], str] = {
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}


def read(text: str, source: str = "derivation.txt") -> Derivation:
    """Read a whole derivation, one formula a line.

    Parameters
    ----------
    text : str
        Blank lines and ``#`` comments are passed over.
    source : str
        What error messages call the text.

    Raises
    ------
    FormulaError
        At the first line that is not in the grammar, with its column; if a name is defined twice; if there is
        no line at all or the text is longer than 10,000 characters.
    """
    lines: list[Line] = []
    for outcome in read_each(text, source):
        if isinstance(outcome, FormulaError):
            raise outcome
        lines.append(outcome)
    return Derivation(tuple(lines))


def read_each(text: str, source: str = "derivation.txt") -> list[Line | FormulaError]:
    """Read every line by itself; one that cannot be read, or defines a name a second time, is its error.

    Raises
    ------
    FormulaError
        If there is no line at all, or the text is longer than 10,000 characters.
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(
            phrase(
                "got {count:,} characters, expected at most {most:,}; is this really a derivation?",
                count=len(text),
                most=MAX_CHARACTERS,
            ),
            source,
        )
    outcomes: list[Line | FormulaError] = []
    names: set[str] = set()
    for number, raw in enumerate(text.split("\n"), start=1):
        code = raw.split("#", 1)[0].strip()
        if not code:
            continue
        try:
            line = read_line(code, Place.of(source, number), len(raw) - len(raw.lstrip()))
        except FormulaError as error:
            outcomes.append(error)
            continue
        if line.name in names:
            problem = phrase(
                "{name} is defined a second time; give each quantity one line and a name of its own", name=line.name
            )
            outcomes.append(FormulaError(problem, line.where))
            continue
        names.add(line.name)
        outcomes.append(line)
    if not outcomes:
        raise FormulaError(phrase("no formula found; expected lines such as  dW = dY.T @ X"), source)
    return outcomes


def read_line(
    code: str, where: str = "formula", indent: int = 0, functions: Mapping[str, int] = MappingProxyType(FUNCTIONS)
) -> Line:
    """Read one formula; ``where`` and ``indent`` (columns before ``code``) only word the errors.

    ``functions`` are the ones that it may call, each with the number of values that it takes.

    Raises
    ------
    FormulaError
        If the line is not ``NAME = expression`` in the grammar of this module.
    """
    _refuse_early(code, where, indent)
    try:
        with warnings.catch_warnings():  # of escapes in strings, which are refused below
            warnings.simplefilter("ignore")
            body = ast.parse(code).body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        offset = getattr(error, "offset", None) or 1
        reason = getattr(error, "msg", None) or phrase("not a formula")
        raise FormulaError(
            phrase("cannot be read ({reason}); expected  NAME = expression", reason=reason),
            at_column(where, offset + indent),
        ) from None
    first = at_column(where, 1 + indent)
    if len(body) != 1 or ";" in code or not isinstance(body[0], ast.Assign) or len(body[0].targets) != 1:
        raise FormulaError(
            phrase("got  {code}  , expected  NAME = expression  such as  dW = dY.T @ X", code=code[:80]), first
        )
    target, expression = body[0].targets[0], body[0].value
    if not isinstance(target, ast.Name):
        raise FormulaError(phrase("got  {code}  , expected a plain name on the left of =", code=code[:80]), first)
    if target.id in FUNCTIONS or target.id in ("np", "len"):
        raise FormulaError(
            phrase("{name} is the name of a function; choose another name for the quantity", name=target.id), first
        )
    return Line(target.id, _Reader(code, where, indent, functions).node(expression), code, where)


def _refuse_early(code: str, where: str, indent: int) -> None:
    """Refuse what the parser itself should not be shown: other scripts, deep nesting."""
    foreign = re.search(r"[^\x20-\x7e\t]", code)
    if foreign:
        raise FormulaError(
            phrase(
                "got {sign!r}; expected plain ASCII letters and signs (comments may hold anything)",
                sign=foreign.group(),
            ),
            at_column(where, foreign.start() + 1 + indent),
        )
    depth = 0
    for column, sign in enumerate(code, start=1):
        depth += (sign in "([{") - (sign in ")]}")
        if depth > MAX_DEPTH:
            raise FormulaError(
                phrase("nested more than {most} deep; give the inner part a line of its own", most=MAX_DEPTH),
                at_column(where, column + indent),
            )


class _Reader:
    """Turns one ``ast`` expression into nodes, refusing all that is not on the list."""

    def __init__(self, code: str, where: str, indent: int, functions: Mapping[str, int]) -> None:
        self._functions = functions
        self._code = code
        self._where = where
        self._indent = indent
        self._depth = 0

    def node(self, tree: ast.expr) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refuse(
                tree,
                phrase("nested more than {most} deep; give the inner part a line of its own", most=MAX_DEPTH),
            )
        try:
            return self._node(tree)
        finally:
            self._depth -= 1

    def _node(self, tree: ast.expr) -> Node:
        if isinstance(tree, ast.Constant):
            return self._number(tree)
        if isinstance(tree, ast.Name):
            if tree.id in FUNCTIONS:
                raise self._refuse(tree, phrase("{name} is a function; write {name}(...)", name=tree.id))
            return Name(tree.id, self._column(tree))
        if isinstance(tree, ast.BinOp) and type(tree.op) in _BINARY:
            return self._apply(_BINARY[type(tree.op)], tree, tree.left, tree.right)
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
            return self._apply("negative", tree, tree.operand)
        if isinstance(tree, ast.Compare):
            if len(tree.ops) != 1 or type(tree.ops[0]) not in _COMPARISON:
                raise self._refuse(tree, phrase("expected one comparison of two values, such as  Z > 0"))
            return self._apply(_COMPARISON[type(tree.ops[0])], tree, tree.left, tree.comparators[0])
        if isinstance(tree, ast.Attribute):
            if tree.attr == "T":
                return self._apply("transpose", tree, tree.value)
            if tree.attr == "size":
                return self._apply("size", tree, tree.value)
            raise self._refuse(
                tree,
                phrase(
                    "got .{name}{hint}",
                    name=tree.attr[:60],
                    hint=_nearest(tree.attr, ("T", "size", "shape", *REDUCTIONS)),
                ),
            )
        if isinstance(tree, ast.Subscript):
            return self._shape(tree)
        if isinstance(tree, ast.Call):
            return self._call(tree)
        raise self._refuse(tree, phrase("got {code!r}", code=self._code[tree.col_offset : tree.end_col_offset][:60]))

    def _number(self, tree: ast.Constant) -> Number:
        if isinstance(tree.value, bool) or not isinstance(tree.value, (int, float)):
            raise self._refuse(tree, phrase("got {value!r:.60}, expected a number or a name", value=tree.value))
        try:
            value = float(tree.value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise self._refuse(tree, phrase("this number is too large for float64"))
        return Number(value, self._column(tree))

    def _shape(self, tree: ast.Subscript) -> Node:
        value, index = tree.value, tree.slice
        if not (isinstance(value, ast.Attribute) and value.attr == "shape"):
            raise self._refuse(tree, phrase("expected a subscript only after .shape, as in  X.shape[0]"))
        return self._apply("shape", tree, value.value, axis=self._integer(index))

    def _call(self, tree: ast.Call) -> Node:
        function = tree.func
        if isinstance(function, ast.Attribute) and not _is_numpy(function.value):
            return self._reduction(tree, function)
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name == "len" and len(tree.args) == 1 and not tree.keywords:
            return self._apply("shape", tree, tree.args[0], axis=0)
        if name not in self._functions:
            raise self._refuse(
                tree,
                phrase(
                    "got {name}(){hint}",
                    name=name[:60] or phrase("a call"),
                    hint=_nearest(name, (*self._functions, "len")),
                ),
            )
        if tree.keywords or len(tree.args) != self._functions[name]:
            raise self._refuse(
                tree,
                phrase(
                    "{name} takes {wanted} value(s), got {count}",
                    name=name,
                    wanted=self._functions[name],
                    count=len(tree.args) + len(tree.keywords),
                ),
            )
        return self._apply(name, tree, *tree.args)

    def _reduction(self, tree: ast.Call, function: ast.Attribute) -> Node:
        if function.attr not in REDUCTIONS:
            raise self._refuse(
                tree, phrase("got .{name}(){hint}", name=function.attr[:60], hint=_nearest(function.attr, REDUCTIONS))
            )
        options: dict[str, Option] = {"axis": None, "keepdims": False}
        given = [*zip(("axis",), tree.args), *((word.arg, word.value) for word in tree.keywords)]
        if len(tree.args) > 1 or any(word not in options for word, _ in given) or len(given) > len(dict(given)):
            raise self._refuse(tree, phrase(".{name}() takes axis and keepdims only, each once", name=function.attr))
        for word, value in given:
            options[str(word)] = self._flag(value) if word == "keepdims" else self._integer(value)
        return self._apply(function.attr, tree, function.value, **options)

    def _integer(self, tree: ast.expr) -> int:
        negative = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub)
        literal = tree.operand if isinstance(tree, ast.UnaryOp) and negative else tree
        if isinstance(literal, ast.Constant) and type(literal.value) is int and literal.value < 32:
            return -literal.value if negative else literal.value
        raise self._refuse(tree, phrase("expected a whole number such as 0, 1 or -1 for the axis"))

    def _flag(self, tree: ast.expr) -> bool:
        if isinstance(tree, ast.Constant) and isinstance(tree.value, bool):
            return tree.value
        raise self._refuse(tree, phrase("expected keepdims=True or keepdims=False"))

    def _apply(self, op: str, tree: ast.expr, *operands: ast.expr, **options: Option) -> Apply:
        nodes = tuple(self.node(operand) for operand in operands)
        return Apply(op, nodes, tuple(options.items()), self._column(tree))

    def _column(self, tree: ast.expr) -> int:
        return tree.col_offset + 1 + self._indent

    def _refuse(self, tree: ast.expr, problem: str) -> FormulaError:
        return FormulaError(f"{problem}.", at_column(self._where, self._column(tree)), _grammar())


def _grammar() -> str:
    return phrase(
        "A formula may hold + - * / ** @, comparisons, numbers, names, parentheses, .T .size .shape[i] len() "
        ".sum() .mean() .max() .min() and the functions {functions}.",
        functions=" ".join(FUNCTIONS),
    )


def _is_numpy(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Name) and tree.id in ("np", "numpy")


def _nearest(got: str, known: tuple[str, ...]) -> str:
    match = difflib.get_close_matches(got, known, n=1)
    return phrase("; did you mean {match}?", match=match[0]) if match else ""
