"""Which quantity each thing is that a person's backward returned: by its key, its name in the return, or its shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from nncheck import source
from nncheck.case import Case
from nncheck.formula import Derivation
from nncheck.language import phrase
from nncheck.manual.naming import parameter_of, quantity_of


def quantities(
    case: Case, derivation: Derivation, shapes: Mapping[str, tuple[int, ...]], names: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """Return which quantity (``dW2``) each key means, and how that was read where it was not the contract's.

    Parameters
    ----------
    case, derivation : Case, Derivation
    shapes : mapping of str to tuple of int
        Every key that was returned, with its shape; of a tuple the keys are ``0``, ``1``, ...
    names : sequence of str
        How backward's own return statement names the elements of a tuple, as far as that can be seen.
    """
    gradients = [name for name in derivation.names if name.startswith("d") and name[1:] not in case.params]
    found: dict[str, str] = {}
    read_as: list[str] = []
    places = _is_tuple(shapes)
    for key in shapes:
        own = names[int(key)] if places and int(key) < len(names) else "" if places else key
        parameter = parameter_of(own, case.params)
        name = f"d{parameter}" if parameter else quantity_of(own, gradients)
        if name is None or name in found.values():
            continue
        found[key] = name
        if own not in (name, name[1:]):
            read_as.append(phrase("{own} is read as {name}", own=own, name=name))
    if places and len(found) < len(case.params):
        by_shape = _by_shape(case, shapes)
        if by_shape:
            found = by_shape
            order = ", ".join(found[key] for key in sorted(found, key=int))
            read_as.append(phrase("the tuple of backward is read by its shapes as {order}", order=order))
    return found, read_as


def return_names(text: str) -> tuple[str, ...]:
    """Return the names in ``return dW, dB, ...`` of backward; empty if it returns anything else."""
    try:
        tree = source.parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    function = next((n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "backward"), None)
    for node in ast.walk(function) if function else ():
        if isinstance(node, ast.Return) and isinstance(node.value, (ast.Tuple, ast.List)):
            return tuple(e.id if isinstance(e, ast.Name) else "" for e in node.value.elts)
    return ()


def line_of(text: str, name: str) -> int | None:
    """Return the line of a person's functions that gives a quantity, None if no line can be told.

    A gradient is looked for in backward, as ``dW2 = ...``, ``"W2": ...`` or ``grads["W2"] = ...``; what is computed on
    the way forward in forward, the loss E in what loss returns.
    """
    try:
        tree = source.parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    wanted = "backward" if name[:1] == "d" else "loss" if name == "E" else "forward"
    function = next((n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == wanted), None)
    if wanted == "backward":
        return _gradient_line(function or tree, name)
    if function is None:
        return None
    if wanted == "loss":
        return max((node.lineno for node in ast.walk(function) if isinstance(node, ast.Return)), default=None)
    return max((line for line, target in _assigned(function) if _is_forward(target, name)), default=None)


def _assigned(tree: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    """Yield every target of an assignment with its line."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((node.lineno, target) for group in targets for target in _each(group))


def _is_forward(target: ast.expr, name: str) -> bool:
    """Whether a variable bears the name of a quantity; z1 is Z, as W1 is W."""
    if not isinstance(target, ast.Name):
        return False
    own = target.id.replace("_", "").lower()
    return own == name.lower() or (own == f"{name.lower()}1" and not name[-1].isdigit())


def _gradient_line(function: ast.AST, name: str) -> int | None:
    lines = [line for line, target in _assigned(function) if _means(target, name)]
    direct = []
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values):
                if isinstance(key, ast.Constant) and _named(str(key.value), name):
                    direct.append(value.lineno)
    found = sorted(set(lines or direct))
    return found[-1] if found else None


def _each(target: ast.expr) -> list[ast.expr]:
    """Return the targets of an assignment one by one: ``dW, db = ...`` has two."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return [inner for element in target.elts for inner in _each(element)]
    return [target]


def _means(target: ast.expr, name: str) -> bool:
    if isinstance(target, ast.Name):
        return _named(target.id, name, gradient=True)
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and _means(target.value, name):
        return True  # dW[i] += ...
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return _named(str(target.slice.value), name)
    return False


def _named(text: str, name: str, gradient: bool = False) -> bool:
    """Whether a person's word means the quantity; a bare variable must say that it is a gradient."""
    if gradient and text[:1].lower() not in ("d", "g"):
        return False
    parameter = parameter_of(text, (name[1:],))
    return parameter is not None or quantity_of(text, (name,)) is not None


def _is_tuple(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    return bool(shapes) and all(key.isascii() and key.isdecimal() for key in shapes)


def _by_shape(case: Case, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Match the elements of a tuple by their shapes, if every parameter fits exactly one."""
    from nncheck.case import shapes_for
    from nncheck.probes import widths

    expected = shapes_for(case.params, widths(case)[0])
    found: dict[str, str] = {}
    for name, shape in expected.items():
        fitting = [key for key, got in shapes.items() if got == shape or (len(shape) == 1 and _flat(got) == shape)]
        if len(fitting) != 1 or fitting[0] in found:
            return {}
        found[fitting[0]] = f"d{name}"
    return found


def _flat(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (max(shape),) if len(shape) == 2 and 1 in shape else shape
