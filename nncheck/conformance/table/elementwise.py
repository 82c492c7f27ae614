"""Functions of one tensor, element by element: activations and elementary functions."""

from __future__ import annotations

from nncheck.conformance.rules import Equal, Lines
from nncheck.conformance.sample import Draw, Operand, Operator, Sample, at, operator

_ZEROS = [0.0, -0.0, 1e-30, -1e-30, 0.5, -0.5]
_SATURATED = [0.0, -0.0, 1e-30, 20.0, -20.0, 60.0, -60.0, 0.25]
_HUGE = [0.0, -0.0, 1e30, -1e30, 1e-30, -1e-30]
_POSITIVE = [1.0, 1e-30, 1e30, 2.0, 1e-6, 0.75]

_GELU = """
P = 0.5 * (1 + erf(x * 0.7071067811865476))
y = x * P
dx = dy * (P + x * exp(-0.5 * x * x) * 0.3989422804014327)
"""
_GELU_TANH = """
T = tanh(0.7978845608028654 * (x + 0.044715 * x ** 3))
y = 0.5 * x * (1 + T)
dx = dy * (0.5 * (1 + T) + 0.5 * x * (1 - T * T) * 0.7978845608028654 * (1 + 0.134145 * x * x))
"""

# name, call, its lines, values at the edges, whether the argument must be positive
_FUNCTIONS: tuple[tuple[str, str, str, list[float], bool], ...] = (
    ("relu", "F.relu(x)", "y = maximum(x, 0)\ndx = dy * (x > 0)", _HUGE, False),
    (
        "leaky_relu",
        "F.leaky_relu(x, 0.01)",
        "y = where(x > 0, x, 0.01 * x)\ndx = where(x > 0, dy, 0.01 * dy)",
        _HUGE,
        False,
    ),
    ("sigmoid", "torch.sigmoid(x)", "y = sigmoid(x)\ndx = dy * y * (1 - y)", _SATURATED, False),
    ("tanh", "torch.tanh(x)", "y = tanh(x)\ndx = dy * (1 - y * y)", _SATURATED, False),
    (
        "elu",
        "F.elu(x)",
        "M = exp(minimum(x, 0))\ny = where(x > 0, x, M - 1)\ndx = where(x > 0, dy, dy * M)",
        _SATURATED,
        False,
    ),
    ("silu", "F.silu(x)", "S = sigmoid(x)\ny = x * S\ndx = dy * (S * (1 + x * (1 - S)))", _SATURATED, False),
    (
        "softplus",
        "F.softplus(x)",
        "y = where(x > 20, x, maximum(x, 0) + log(1 + exp(-abs(x))))\ndx = where(x > 20, dy, dy * sigmoid(x))",
        _SATURATED,
        False,
    ),
    (
        "logsigmoid",
        "F.logsigmoid(x)",
        "y = minimum(x, 0) - log(1 + exp(-abs(x)))\ndx = dy * (1 - sigmoid(x))",
        _SATURATED,
        False,
    ),
    ("gelu", "F.gelu(x)", _GELU, [0.0, -0.0, 9.0, -9.0, 3.0, -3.0], False),
    ("gelu, approximate='tanh'", "F.gelu(x, approximate='tanh')", _GELU_TANH, [0.0, -0.0, 9.0, -9.0, 3.0], False),
    ("hardtanh", "F.hardtanh(x)", "y = minimum(maximum(x, -1), 1)\ndx = dy * (abs(x) < 1)", _HUGE, False),
    (
        "clamp",
        "torch.clamp(x, -0.5, 0.5)",
        "y = minimum(maximum(x, -0.5), 0.5)\ndx = dy * (abs(x) <= 0.5)",
        _ZEROS,
        False,
    ),
    ("exp", "torch.exp(x)", "y = exp(x)\ndx = dy * y", [0.0, -0.0, 1e-30, 60.0, -60.0], False),
    ("log", "torch.log(x)", "y = log(x)\ndx = dy / x", _POSITIVE, True),
    ("log1p", "torch.log1p(x)", "y = log(1 + x)\ndx = dy / (1 + x)", [0.0, 1e-30, 1e-6, 1e6], True),
    ("sqrt", "torch.sqrt(x)", "y = sqrt(x)\ndx = dy / (2 * y)", [1.0, 4.0, 1e-20, 1e20, 2.0], True),
    ("rsqrt", "torch.rsqrt(x)", "y = 1 / sqrt(x)\ndx = -0.5 * dy * y * y * y", [1.0, 4.0, 1e-8, 1e8], True),
    ("reciprocal", "torch.reciprocal(x)", "y = 1 / x\ndx = -dy * y * y", [1.0, -2.0, 1e-8, 1e8], False),
    ("abs", "torch.abs(x)", "y = abs(x)\ndx = dy * sign(x)", _HUGE, False),
    ("neg", "-x", "y = -x\ndx = -dy", _HUGE, False),
    ("x ** 2", "x ** 2", "y = x * x\ndx = 2 * dy * x", [0.0, -0.0, 1e15, -1e15, 1e-12], False),
    ("x ** 3", "x ** 3", "y = x ** 3\ndx = 3 * dy * x ** 2", [0.0, -0.0, 1e10, -1e10, 1e-8], False),
    ("x ** 0.5", "x ** 0.5", "y = x ** 0.5\ndx = 0.5 * dy * x ** -0.5", [1.0, 4.0, 1e-8, 1e8], True),
)
_CHOSEN = {
    "sign": "torch.sign(x)",
    "floor": "torch.floor(x)",
    "isnan": "torch.isnan(x)",
    "logical_not": "torch.logical_not(x > 0)",
}


def rows() -> list[Operator]:
    """Return the rows of this family."""
    table = [_row(*facts) for facts in _FUNCTIONS]
    for name, call in _CHOSEN.items():
        draw = Draw(name)
        edges = [0.0, -0.0, 1e30, -2.5, float("inf"), float("nan")]
        if name == "sign":  # which of a NaN nobody has defined: some libraries give 0, some NaN
            edges.pop()
        given = (draw.real(7, grad=False), at(edges, grad=False))
        table.append(operator(name, *(Sample(call=f"y = {call}", operands={"x": x}, rule=Equal()) for x in given)))
    table.append(_not_finite())
    return table


def _row(name: str, call: str, lines: str, edges: list[float], positive: bool) -> Operator:
    draw = Draw(name)
    given: list[Operand] = [
        draw.real(1, signed=not positive),
        at(edges),
        draw.real(3, 5, signed=not positive),
        draw.real(5, 3, signed=not positive, layout="transposed"),
        draw.real(2, 3, 4, signed=not positive, layout="strided"),
        draw.real(33, 17, signed=not positive),
    ]
    return operator(name, *(Sample(call=f"y = {call}", operands={"x": x}, rule=Lines(lines)) for x in given))


def _not_finite() -> Operator:
    """NaN and infinities go through as IEEE 754 has it."""
    x = at([float("inf"), float("-inf"), float("nan"), 1.0], grad=False)
    calls = ("F.relu(x)", "x + 1", "-x", "torch.abs(x)", "torch.maximum(x, torch.zeros_like(x))")
    return operator("inf and nan", *(Sample(call=f"y = {call}", operands={"x": x}, rule=Equal()) for call in calls))
