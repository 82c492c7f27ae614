"""The pieces of a program that stay when it is renamed, reordered, commented and laid out anew: numbers to compare.

A program is cut into units: each top-level function or class, and all else that stands at the top. A unit becomes a
row of tokens, its syntax tree from above; a name that the program gives itself is told by how far back it was used last
(so that ``dZ2 * Y`` and ``delta * out`` are one), names of Python and NumPy by themselves. Docstrings, annotations,
imports, prints and values that nothing uses are left out; keyword arguments and factors are put in order. A piece is
the hash of `LENGTH` tokens in a row; of `WINDOW` pieces in a row the smallest is kept (winnowing), so that equal
passages give equal pieces wherever they stand.

References
----------
Schleimer, Wilkerson, Aiken, Winnowing: local algorithms for document fingerprinting (SIGMOD 2003).
Baker, Parameterized pattern matching: algorithms and applications (J. Comput. Syst. Sci. 52, 1996).
"""

from __future__ import annotations

import ast
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Tokens in a piece, more than a line of a derivation, and pieces of which the smallest is kept.
LENGTH = 14
WINDOW = 3
#: What is longer is cut: no derivation is.
MAX_SIGNS = 200_000

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_POWERS = [np.uint64(pow(0x9E3779B97F4A7C15, j, 1 << 64)) for j in range(LENGTH)]
_WORD = re.compile(r"[^\W\d]\w*|\d[\w.]*|[^\w\s]")
_COMMENT = re.compile(r"(?m)#.*$|^\s*(?:import|from)\s.*$")
_HEADS = ("def ", "class ", "async ", "@")
_SKIPPED = (ast.Import, ast.ImportFrom, ast.Pass)
_LEFT_OUT = ("ctx", "annotation", "returns", "type_comment", "decorator_list", "type_params", "kind")
_CODES: dict[object, int] = {}


@dataclass(frozen=True)
class Pieces:
    """What is compared of one program.

    Attributes
    ----------
    program : bytes
        Digest that is the same for programs that differ in names, order, comments and layout alone.
    kept : array of uint32
        The pieces, sorted, each once.
    """

    program: bytes
    kept: NDArray[np.uint32]


def pieces_of(text: str) -> Pieces:
    """Return the pieces of a program; of units that do not parse those of their words."""
    whole, found = [], []
    for codes, names in _units(text[:MAX_SIGNS]):
        row = np.array(codes, dtype=np.uint64)
        whole.append(hashlib.blake2b(row.tobytes() + repr(names).encode(), digest_size=16).digest())
        found.append(_winnowed(row))
    program = hashlib.blake2b(b"".join(sorted(whole)), digest_size=16).digest()
    kept = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.uint32)
    return Pieces(program, kept)


def _winnowed(row: NDArray[np.uint64]) -> NDArray[np.uint32]:
    if len(row) < LENGTH:
        return np.zeros(0, dtype=np.uint32)
    count = len(row) - LENGTH + 1
    with np.errstate(over="ignore"):
        sums = np.zeros(count, dtype=np.uint64)
        for j, power in enumerate(_POWERS):
            sums += row[j : j + count] * power
        sums = (sums ^ (sums >> np.uint64(31))) * _FACTOR
    hashes = (sums >> np.uint64(32)).astype(np.uint32)
    span = max(1, count - WINDOW + 1)
    least: NDArray[np.uint32] = hashes[:span].copy()
    for j in range(1, min(WINDOW, count)):
        np.minimum(least, hashes[j : j + span], out=least)
    return np.unique(least)


def _units(text: str) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the tokens of each unit, and the number of each of its names in the order of their first use."""
    tree = _parsed(text)
    if tree is not None:
        yield from _of_tree(tree)
        return
    whole = ast.Module(body=[], type_ignores=[])
    for block in _blocks(text):  # one slip of the pen is not to hide the rest
        tree = _parsed(block)
        if tree is None:
            yield _of_words(block)
        else:
            whole.body += tree.body
    yield from _of_tree(whole)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _blocks(text: str) -> Iterator[str]:
    """Yield the functions and classes of a text, and what stands between them, by their indentation."""
    block: list[str] = []
    for line in text.splitlines():
        outside = line[:1].strip() and not line.startswith((")", "]", "}"))
        if outside and (line.startswith(_HEADS) or (block and block[0].startswith(_HEADS))):
            yield "\n".join(block)
            block = []
        block.append(line)
    yield "\n".join(block)


def _of_words(block: str) -> tuple[list[int], list[int]]:
    codes = _Codes(set())
    for word in _WORD.findall(_COMMENT.sub("", block)):
        codes.fixed(word)
    return codes.row, codes.names


def _of_tree(tree: ast.Module) -> Iterator[tuple[list[int], list[int]]]:
    own, modules, used = _names(tree)
    top = _Codes(own, modules, used)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            unit = _Codes(own, modules, used)
            _walk(node, unit)
            yield unit.row, unit.names
        else:
            _walk(node, top)
    if top.row:
        yield top.row, top.names


def _names(tree: ast.Module) -> tuple[set[str], dict[str, str], set[str]]:
    """Return the names that a program gives itself, what its imports call the modules, and the names that it uses."""
    own: set[str] = set()
    used: set[str] = set()
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else own).add(node.id)
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            own.add(node.attr)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            own.add(node.name)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            modules.update((alias.asname or alias.name, alias.name) for alias in node.names)
    return own - modules.keys(), modules, used


class _Codes:
    """The tokens of one unit."""

    def __init__(self, own: set[str], modules: dict[str, str] | None = None, used: set[str] | None = None) -> None:
        self.row: list[int] = []
        self.names: list[int] = []
        self.used = used or set()
        self._own, self._modules = own, modules or {}
        self._last: dict[str, int] = {}
        self._number: dict[str, int] = {}

    def fixed(self, token: object) -> None:
        """Add a token that means itself."""
        self.row.append(_code(token))

    def name(self, name: str) -> None:
        """Add a name: one of the program's own by the distance to its last use, any other by itself."""
        if name not in self._own:
            name = self._modules.get(name, name)
            self.row.append(_code(name))
            return
        self.own(name)

    def own(self, name: str) -> None:
        """Add a name that might be any other."""
        place = len(self.row)
        distance = place - self._last.get(name, place)
        self._last[name] = place
        self.names.append(self._number.setdefault(name, len(self._number)))
        self.row.append(_code(distance if distance < LENGTH else 0))


def _code(token: object) -> int:
    code = _CODES.get(token)
    if code is None:
        if len(_CODES) > 100_000:  # somebody hands in dictionaries
            _CODES.clear()
        # not hash(): that of a text is another in every process
        code = _CODES[token] = (zlib.crc32(repr(token).encode()) * 0x9E3779B97F4A7C15 + 1) & 0xFFFFFFFFFFFFFFFF
    return code


def _walk(root: ast.AST, codes: _Codes) -> None:
    stack: list[ast.AST] = [root]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is ast.Name:
            codes.name(node.id)  # type: ignore[attr-defined]
            continue
        if kind is ast.Constant:
            _constant(node.value, codes)  # type: ignore[attr-defined]
            continue
        if _does_nothing(node, codes.used):
            continue
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mult)):
            codes.fixed(type(node.op).__name__)
            stack += sorted((node.right, node.left), key=lambda operand: type(operand).__name__, reverse=True)
            continue
        if kind is not ast.Expr:
            codes.fixed(kind.__name__)
        below: list[ast.AST] = []
        for field in node._fields:
            value = getattr(node, field, None)
            if value is None or field in _LEFT_OUT:
                continue
            if isinstance(value, ast.AST):
                below.append(value)
            elif isinstance(value, list):
                if field == "keywords":
                    value = sorted(value, key=lambda keyword: keyword.arg or "")
                below += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, str):
                codes.name(value)
        stack += reversed(below)


def _constant(value: object, codes: _Codes) -> None:
    if isinstance(value, str) and value.isidentifier():
        codes.own(f"'{value}'")  # a key
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            codes.fixed(float(value))
        except OverflowError:
            codes.fixed("large")
    else:
        codes.fixed(repr(value)[:80])


def _does_nothing(node: ast.AST, used: set[str]) -> bool:
    """Whether a statement is an import or a docstring, prints, or gives a name to what nothing uses."""
    if isinstance(node, _SKIPPED):
        return True
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        return isinstance(target, ast.Name) and target.id not in used and not isinstance(node.value, ast.Call)
    if not isinstance(node, ast.Expr):
        return False
    value = node.value
    if isinstance(value, ast.Constant):
        return True
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print"
