"""The parts of a derivation: which line is the gradient of which weight, which one passes an activation, and so on.

A mistake is a rewrite of a line, and what is rewritten depends on what the line is for. That is read from the lines
themselves, so that the mistakes of the catalogue apply to any case whose lines are written in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nncheck.formula import Apply, Derivation, Line, Name, Number, read_line
from nncheck.formula.lines import Node, walk


@dataclass(frozen=True)
class Part:
    """One line and what it is for.

    Attributes
    ----------
    kind : str
        ``linear``, ``relu``, ``sigmoid``, ``tanh`` (forward), ``mse``, ``ce`` (loss), ``softmax``, and their
        gradients: ``dweight``, ``dbias``, ``dinput``, ``drelu``, ``dsigmoid``, ``dtanh``, ``dmse``, ``dce``; and
        ``didentity``, the gradient of a linear layer's output that no activation follows.
    line : str
        Name of the line.
    names : mapping
        What the letters of a rewrite stand for here: ``D`` the gradient that reaches a linear layer's output, ``A``
        its input, ``W`` and ``B`` its parameters, ``dA`` and ``dW`` gradients, ``Z`` an activation's input, ``H``
        its output.
    """

    kind: str
    line: str
    names: Mapping[str, str]


def parts_of(derivation: Derivation) -> tuple[Part, ...]:
    """Return the parts of a derivation in the order of its lines; a line of no known kind is none."""
    lines = {line.name: line for line in derivation.lines}
    parts: list[Part] = [part for line in derivation.lines for part in _forward(line)]
    parts += _softmax_gradients(derivation)
    parts += _linear_gradients(lines, parts)
    parts += _activation_gradients(lines, parts)
    order = {name: i for i, name in enumerate(derivation.names)}
    return tuple(sorted((_completed(part, parts) for part in parts), key=lambda part: order[part.line]))


_ACTIVATIONS = {"relu": "relu", "sigmoid": "sigmoid", "tanh": "tanh"}


def _forward(line: Line) -> Iterator[Part]:
    linear = _linear(line.expression)
    if linear:
        yield Part("linear", line.name, {"Z": line.name, **linear})
        return
    e = line.expression
    if isinstance(e, Apply) and e.op in _ACTIVATIONS and isinstance(e.operands[0], Name):
        yield Part(_ACTIVATIONS[e.op], line.name, {"H": line.name, "Z": e.operands[0].id})
    elif isinstance(e, Apply) and e.op == "maximum" and Number(0.0) in e.operands:
        other = next((o for o in e.operands if isinstance(o, Name)), None)
        if other:
            yield Part("relu", line.name, {"H": line.name, "Z": other.id})
    elif line.name == "E":
        yield from _loss(line)


def _linear(node: Node) -> dict[str, str] | None:
    """Return A, W and perhaps B of  A @ W.T + B."""
    bias = None
    if isinstance(node, Apply) and node.op == "add" and isinstance(node.operands[1], Name):
        bias, node = node.operands[1].id, node.operands[0]
    if not (isinstance(node, Apply) and node.op == "matmul" and isinstance(node.operands[0], Name)):
        return None
    weight = _transposed(node.operands[1])
    if weight is None:
        return None
    names = {"A": node.operands[0].id, "W": weight}
    return {**names, "B": bias} if bias else names


def _loss(line: Line) -> Iterator[Part]:
    names = {node.id for node in walk(line.expression) if isinstance(node, Name)}
    if "YT" not in names or len(names) != 2:
        return
    (output,) = names - {"YT"}
    square = read_line(f"E = (({output} - YT) ** 2).mean()").expression
    operations = {node.op for node in walk(line.expression) if isinstance(node, Apply)}
    if line.expression == square:
        yield Part("mse", "E", {"E": "E", "Y": output, "YT": "YT"})
    elif "log_softmax" in operations:
        yield Part("ce", "E", {"E": "E", "Y": output, "YT": "YT"})


def _softmax_gradients(derivation: Derivation) -> Iterator[Part]:
    """Yield the softmax of the logits and the gradient of the loss with respect to the output."""
    known = derivation.names
    loss = next((part for line in derivation.lines if line.name == "E" for part in _loss(line)), None)
    if loss is None or f"d{loss.names['Y']}" not in known:
        return
    Y, dY = loss.names["Y"], f"d{loss.names['Y']}"
    softmax = next(
        (x.name for x in derivation.lines if x.expression == read_line(f"P = softmax({Y})").expression), None
    )
    if softmax:
        yield Part("softmax", softmax, {"P": softmax, "Y": Y})
    names = {"dY": dY, "Y": Y, "YT": "YT", **({"P": softmax} if softmax else {})}
    yield Part(f"d{loss.kind}", dY, names)


def _linear_gradients(lines: Mapping[str, Line], parts: list[Part]) -> Iterator[Part]:
    for part in [p for p in parts if p.kind == "linear"]:
        n = part.names
        names = {k: n[k] for k in n} | {"dW": f"d{n['W']}", "dB": f"d{n.get('B', '')}"}
        if names["dW"] in lines:
            e = lines[names["dW"]].expression
            delta = _transposed(e.operands[0]) if isinstance(e, Apply) and e.op == "matmul" else None
            if delta:
                names["D"] = delta
                yield Part("dweight", names["dW"], names)
        if "D" in names and names["dB"] in lines:
            yield Part("dbias", names["dB"], names)
        if "D" in names and f"d{n['A']}" in lines:
            yield Part("dinput", f"d{n['A']}", names | {"dA": f"d{n['A']}"})


def _activation_gradients(lines: Mapping[str, Line], parts: list[Part]) -> Iterator[Part]:
    for part in parts:
        if part.kind in _ACTIVATIONS:
            dZ, dA = f"d{part.names['Z']}", f"d{part.names['H']}"
            if dZ in lines and dA in lines:
                yield Part(f"d{part.kind}", dZ, {**part.names, "dZ": dZ, "dA": dA})
    passed = {part.names["Z"] for part in parts if part.kind in _ACTIVATIONS}
    for part in parts:
        Z = part.names["Z"] if part.kind == "linear" else ""
        if part.kind == "linear" and Z not in passed and f"d{Z}" in lines:
            yield Part("didentity", f"d{Z}", {"Z": Z, "dZ": f"d{Z}"})


def _completed(part: Part, parts: list[Part]) -> Part:
    """Add what lies around a part: the input's own pre-activation, the gradient before the activation was passed."""
    names = dict(part.names)
    for other in parts:
        if other.kind in _ACTIVATIONS and other.names["H"] == names.get("A"):
            names.setdefault("preA", other.names["Z"])
        if (
            other.kind in _ACTIVATIONS
            and part.kind in ("dweight", "dbias", "dinput")
            and other.names["Z"] == names["Z"]
        ):
            names.setdefault("dOut", f"d{other.names['H']}")
            names.setdefault("Out", other.names["H"])
        if other.kind == "linear" and other.names["W"] != names.get("W") and part.kind == "dinput":
            names.setdefault("otherW", other.names["W"])
    if part.kind in ("dweight", "dbias") and names["A"] != "X":
        names["X"] = "X"
    if part.kind in ("dweight",):
        names.setdefault("Out", names["Z"])
    return Part(part.kind, part.line, names)


def _transposed(node: Node) -> str | None:
    if isinstance(node, Apply) and node.op == "transpose" and isinstance(node.operands[0], Name):
        return node.operands[0].id
    return None
