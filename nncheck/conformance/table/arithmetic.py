"""Arithmetic of two tensors, with broadcasting, and of a tensor and a number."""

from __future__ import annotations

from nncheck.conformance.rules import Equal, Lines
from nncheck.conformance.sample import Draw, Operator, Sample, at, operator

# torch gives each of two equal ones a half
_MAX = "dy * (({}) + 0.5 * (x == z))"

# name, operation, its value, dx and dz before they are summed to the shape of x and of z
_BINARY = (
    ("x + z", "x + z", "x + z", "dy + 0 * z", "dy + 0 * x"),
    ("x - z", "x - z", "x - z", "dy + 0 * z", "-dy + 0 * x"),
    ("x * z", "x * z", "x * z", "dy * z", "dy * x"),
    ("x / z", "x / z", "x / z", "dy / z", "-dy * x / (z * z)"),
    ("maximum", "torch.maximum(x, z)", "maximum(x, z)", _MAX.format("x > z"), _MAX.format("z > x")),
    ("minimum", "torch.minimum(x, z)", "minimum(x, z)", _MAX.format("x < z"), _MAX.format("z < x")),
    ("where", "torch.where(x > z, x, z)", "where(x > z, x, z)", "dy * (x > z)", "dy * (x <= z)"),
)
# shapes of x and z, and how a gradient of the shape of both is summed to each
_BROADCASTS = (
    ((1,), (1,), "", ""),
    ((3, 4), (3, 4), "", ""),
    ((3, 4), (4,), "", ".sum(axis=0)"),
    ((3, 4), (3, 1), "", ".sum(axis=1, keepdims=True)"),
    ((3, 1), (1, 5), ".sum(axis=1, keepdims=True)", ".sum(axis=0, keepdims=True)"),
    ((3, 4), (), "", ".sum()"),
    ((33, 20), (20,), "", ".sum(axis=0)"),
)
_WITH_NUMBER = (
    ("x + 1", "y = x + 1\ndx = dy"),
    ("x - 0.1", "y = x - 0.1\ndx = dy"),
    ("1 - x", "y = 1 - x\ndx = -dy"),
    ("1.0 - x", "y = 1 - x\ndx = -dy"),
    ("0.1 * x", "y = 0.1 * x\ndx = 0.1 * dy"),
    ("x / 3", "y = x / 3\ndx = dy / 3"),
    ("2 / x", "y = 2 / x\ndx = -2 * dy / (x * x)"),
)
_COMPARED = ("x > z", "x >= z", "x < z", "x <= z", "x == z", "x != z")


def rows() -> list[Operator]:
    """Return the rows of this family."""
    table = [_binary(*facts) for facts in _BINARY]
    for call, lines in _WITH_NUMBER:
        draw = Draw(call)
        given = (draw.real(2), draw.real(3, 5), draw.real(5, 3, layout="transposed"))
        table.append(operator(call, *(Sample(call=f"y = {call}", operands={"x": x}, rule=Lines(lines)) for x in given)))
    x, z = at([0.0, -0.0, 1.0, 2.0, 1e30], grad=False), at([-0.0, 0.0, 1.0, -2.0, 1e-30], grad=False)
    for call in _COMPARED:
        table.append(operator(call, Sample(call=f"y = {call}", operands={"x": x, "z": z}, rule=Equal())))
    return [*table, _fused("addcmul", "x + 0.1 * (w * z)"), _fused("addcdiv", "x + 0.1 * (w / z)"), _lerp()]


def _binary(name: str, call: str, value: str, dx: str, dz: str) -> Operator:
    draw = Draw(name)
    samples = []
    for left, right, to_left, to_right in _BROADCASTS:
        lines = f"y = {value}\nGX = {dx}\nGZ = {dz}\ndx = GX{to_left}\ndz = GZ{to_right}"
        operands = {"x": draw.real(*left), "z": draw.real(*right)}
        samples.append(Sample(call=f"y = {call}", operands=operands, rule=Lines(lines)))
    lines = f"y = {value}\ndx = {dx}\ndz = {dz}"
    operands = {"x": draw.real(4, 3, layout="transposed"), "z": draw.real(4, 3, layout="strided")}
    samples.append(Sample(call=f"y = {call}", operands=operands, rule=Lines(lines)))
    ties = {"x": at([1.0, -2.0, 0.5, 3.0]), "z": at([1.0, -2.0, -0.5, 4.0])}
    samples.append(Sample(call=f"y = {call}", operands=ties, rule=Lines(lines)))
    return operator(name, *samples)


def _fused(name: str, value: str) -> Operator:
    draw = Draw(name)
    given = ({key: draw.real(*shape, grad=False) for key in "xwz"} for shape in ((1,), (3, 5)))
    return operator(
        name,
        *(
            Sample(call=f"y = torch.{name}(x, w, z, value=0.1)", operands=own, rule=Lines(f"y = {value}"))
            for own in given
        ),
    )


def _lerp() -> Operator:
    draw = Draw("lerp")
    given = ({key: draw.real(*shape, grad=False) for key in "xz"} for shape in ((1,), (3, 5)))
    rule = Lines("y = x + 0.3 * (z - x)")
    return operator("lerp", *(Sample(call="y = torch.lerp(x, z, 0.3)", operands=own, rule=rule) for own in given))
