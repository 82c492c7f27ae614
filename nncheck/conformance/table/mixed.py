"""Types of numbers: mixed operands, conversions, and the other floating-point types."""

from __future__ import annotations

from nncheck.conformance.rules import Equal, Lines
from nncheck.conformance.sample import Draw, Operand, Operator, Sample, at, flags, operator, whole

_RELU_LAYER = "Z = x @ w.T + b\ny = maximum(Z, 0)\ndZ = dy * (Z > 0)\ndx = dZ @ w\ndw = dZ.T @ x\ndb = dZ.sum(axis=0)"
_CONVERTED = (
    ("float to int64", "y = x.to(torch.int64)", at([2.75, -2.75, 0.0, -0.5], grad=False)),
    ("int64 to float", "y = i.to(torch.get_default_dtype())", whole([3, -3, 0, 1 << 20])),
    ("bool to float", "y = m.to(torch.get_default_dtype())", flags([1, 0, 1])),
    ("comparison to float", "y = (x > 0).to(x.dtype)", at([2.0, -2.0, 0.0, -0.0], grad=False)),
    ("sum of bool", "y = m.sum()", flags([[1, 0, 1], [1, 1, 0]])),
    ("sum of int64", "y = i.sum()", whole([[1, -2, 3], [1 << 20, 1, 0]])),
    ("bool logic", "a = m & ~m; b = m | m; c = m ^ m", flags([1, 0, 1])),
    ("int64 arithmetic", "a = i + 3; b = i * i; c = i // 2; d = i % 3", whole([5, -5, 0, 7])),
)


def rows() -> list[Operator]:
    """Return the rows of this family."""
    table = [_mixed("float * int64", "x * i"), _mixed("float + int64", "x + i"), _mixed("int64 * float", "i * x")]
    table += [_masked("float * bool", "x * m"), _masked("bool * float", "m * x"), _relu_mask(), _divided()]
    for name, call, operand in _CONVERTED:
        given = {"": "x", "int64": "i", "bool": "m"}[operand.dtype]
        results = tuple("abcd"[: call.count(";") + 1]) if ";" in call else ("y",)
        table.append(operator(name, Sample(call=call, operands={given: operand}, rule=Equal(), results=results)))
    return [*table, *(_typed(dtype, bits) for dtype, bits in (("float64", 24), ("float16", 8), ("bfloat16", 8)))]


def _mixed(name: str, call: str) -> Operator:
    draw = Draw(name)
    value = call.replace("i", "n")
    samples = []
    for shape, numbers in (
        ((1,), [3]),
        ((2, 3), [2, -1, 3]),
        ((2, 3), [[2], [-1]]),
        ((2, 3), [[2, 0, 1], [1, 1, -7]]),
        ((2, 3), 3),
    ):
        x, i = draw.real(*shape), whole(numbers)
        back = "dx = dy * n" if "*" in call else "dx = dy + 0 * n"
        rule = Lines(f"y = {value}\n{back}", given={"n": i.values})
        samples.append(Sample(call=f"y = {call}", operands={"x": x, "i": i}, rule=rule))
    return operator(name, *samples)


def _masked(name: str, call: str) -> Operator:
    draw = Draw(name)
    samples = [
        Sample(call=f"y = {call}", operands={"x": draw.real(*shape, grad=grad), "m": flags(mask)}, rule=Equal())
        for shape, mask in (((2,), [1, 0]), ((2, 3), [[1, 0, 1], [0, 0, 1]]), ((2, 3), [1, 0, 1]))
        for grad in (False, True)
    ]
    return operator(name, *samples)


def _relu_mask() -> Operator:
    """Write the backward pass of ReLU as it is written by hand."""
    draw = Draw("dH * (Z > 0)")
    samples = [
        Sample(
            call="y = g * (z > 0)",
            operands={"g": draw.real(*shape, grad=False), "z": draw.real(*shape, grad=False)},
            rule=Equal(),
        )
        for shape in ((2,), (5, 3))
    ]
    return operator("dH * (Z > 0)", *samples)


def _divided() -> Operator:
    i, j = whole([6, -7, 1]), whole([2, 2, 3])
    rule = Lines("y = i / j")
    return operator("int64 / int64", Sample(call="y = i / j", operands={"i": i, "j": j}, rule=rule))


def _typed(dtype: str, bits: int) -> Operator:
    """Take a layer forward and backward in another type."""
    draw = Draw(dtype)
    samples = []
    for n, n_in, n_out in ((1, 2, 2), (5, 4, 3)):
        operands: dict[str, Operand] = {
            "x": draw.real(n, n_in, bits=bits),
            "w": draw.real(n_out, n_in, bits=bits),
            "b": draw.real(n_out, bits=bits),
        }
        samples.append(
            Sample(call="y = torch.relu(F.linear(x, w, b))", operands=operands, rule=Lines(_RELU_LAYER), dtype=dtype)
        )
    return operator(dtype, *samples)
