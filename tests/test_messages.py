"""No error that a person can meet has its words in English alone: each raise of nncheck's errors goes by `phrase`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import nncheck

PACKAGE = Path(nncheck.__file__).parent

#: Errors whose words a person reads though they are not nncheck's own kind.
OTHERS = {
    "UsageError",
    "BadParameter",
    "ClickException",
    "Slip",
    "Unreadable",
    "NoDevice",
    "ProcessFailure",
    "EOFError",
}
#: Words that are raised as they are: file, the words, and why.
ALLOWED = {
    "derivation.txt": "the name of a file",
    "%%nncheck: {}": "the name of a magic, before words that are translated",
}
_SAYING = {"say", "complain"}
_MARKED = {"phrase", "_", "translate", "N_"}


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """Return every module of nncheck."""
    return {str(path.relative_to(PACKAGE)): ast.parse(path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.fixture(scope="module")
def kinds(trees: dict[str, ast.Module]) -> set[str]:
    """Return the names of every error that nncheck raises for people, and of what else says something to them."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"NncheckError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    assert {"InputError", "FormulaError", "DeviceError", "SandboxError"} <= found
    return found | OTHERS | _SAYING


def _name(call: ast.expr) -> str:
    function = call.func if isinstance(call, ast.Call) else call
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _bare(node: ast.expr) -> Iterator[str]:
    """Yield the words in an argument of an error that no marking call translates."""
    if isinstance(node, ast.Call):
        if _name(node) in _MARKED:
            return
        if _name(node) == "join" and isinstance(node.func, ast.Attribute):
            yield from _bare(node.func.value)
        for argument in node.args:
            yield from _bare(argument)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "{}".join(part.value if isinstance(part, ast.Constant) else "" for part in node.values)  # type: ignore[misc]
    elif isinstance(node, ast.IfExp):
        yield from _bare(node.body)
        yield from _bare(node.orelse)
    elif isinstance(node, (ast.BinOp, ast.BoolOp)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from _bare(child)


def _said(tree: ast.Module, kinds: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and words of each error, and of what is printed, whose words have letters and are not translated."""
    for node in ast.walk(tree):
        call = node.exc if isinstance(node, ast.Raise) else node
        if isinstance(call, ast.Call) and _name(call) in kinds and (call is not node or _name(call) in _SAYING):
            for argument in call.args:
                for words in _bare(argument):
                    if re.search(r"[A-Za-z]{2}", words):
                        yield call.lineno, words


def test_every_error_is_raised_in_the_language_that_is_spoken(trees: dict[str, ast.Module], kinds: set[str]) -> None:
    found = [
        f"{path}:{line}: {words!r}"
        for path, tree in trees.items()
        for line, words in _said(tree, kinds)
        if words not in ALLOWED
    ]
    assert not found, "say it by phrase(...)\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('raise InputError("no such file")', ["no such file"]),
        ('raise InputError(f"{path}: no such file")', ["{}: no such file"]),
        ('raise errors.CaseError("a" + f"{x} is wrong" if y else "bad")', ["{} is wrong", "bad"]),
        ('raise FormulaError(phrase("{x}", x=1), f"update of {name}")', ["update of {}"]),
        ('raise InputError("or so".join(names))', ["or so"]),
        ('raise InputError(phrase("{names} are missing", names=", ".join(names)))', []),
        ('raise InputError(f"{path}: {error}")', []),
        ('complain("Interrupted.")', ["Interrupted."]),
        ("say(json.dumps(facts))", []),
        ('raise TypeError("a slip of the programmer")', []),
    ],
)
def test_a_planted_error_in_english_alone_is_found(code: str, words: list[str], kinds: set[str]) -> None:
    assert [said for _, said in _said(ast.parse(code), kinds)] == words
