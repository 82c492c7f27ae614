"""What moves numbers and computes nothing: copies between host and device and on the device, views, choices."""

from __future__ import annotations

from nncheck.conformance.rules import Equal, Terms
from nncheck.conformance.sample import Draw, Operand, Operator, Sample, at, flags, operator, whole

_SPECIAL = [0.0, -0.0, 1.0, -2.5, 1e-30, 3e38, float("inf"), float("-inf"), float("nan")]
_COPIES = {
    "host to device and back": "y = x",
    "copy on the device": "y = x.to(device, copy=True)",
    "clone": "y = x.clone()",
    "copy_": "y = torch.empty_like(x).copy_(x)",
    "contiguous": "y = x.contiguous()",
}
_SHAPES = {
    "transpose": "y = x.t()",
    "permute, reshape": "y = x.t().reshape(-1)",
    "flatten": "y = x.flatten()",
    "view": "y = x.reshape(-1, 1).squeeze(1).unsqueeze(0)",
    "cat": "y = torch.cat([x, x[:1]], dim=0)",
    "stack": "y = torch.stack([x, x], dim=1)",
    "expand": "y = x.unsqueeze(0).expand(3, -1, -1)",
    "repeat": "y = x.repeat(2, 3)",
    "chunk": "y, z = x.chunk(2, dim=0)",
    "slice": "y = x[1:, ::2]",
    "flip": "y = x.flip(0)",
    "roll": "y = x.roll(1, dims=0)",
    "tril": "y = torch.tril(x)",
    "triu": "y = torch.triu(x, diagonal=1)",
}
_ONE_TERM = {"cat", "stack", "expand", "repeat"}  # whose gradients sum what comes from the copies


def rows() -> list[Operator]:
    """Return the rows of this family."""
    return (
        [_copy(name, call) for name, call in _COPIES.items()] + [_shape(*item) for item in _SHAPES.items()] + _chosen()
    )


def _copy(name: str, call: str) -> Operator:
    draw = Draw(name)
    given = (at(_SPECIAL, grad=False), draw.real(5, 3, grad=False), draw.real(5, 3, grad=False, layout="transposed"))
    more = (draw.real(4, 6, grad=False, layout="strided"), whole([[-3, 0, 7]]), flags([1, 0, 1]), draw.real(257, 33))
    return operator(name, *(Sample(call=call, operands={"x": x}, rule=Equal(bits=True)) for x in (*given, *more)))


def _shape(name: str, call: str) -> Operator:
    draw = Draw(name)
    results = ("y", "z") if name == "chunk" else ("y",)
    rule = Terms(equal=("y",)) if name in _ONE_TERM else Equal()
    given = (draw.real(2, 2), draw.real(4, 3), draw.real(6, 5, layout="transposed"), draw.real(4, 6, layout="strided"))
    return operator(name, *(Sample(call=call, operands={"x": x}, rule=rule, results=results) for x in given))


def _chosen() -> list[Operator]:
    draw = Draw("choices")
    x, mask = draw.real(4, 3), flags([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]])
    calls: list[tuple[str, str, dict[str, Operand]]] = [
        ("where by a mask", "y = torch.where(m, x, z)", {"m": mask, "x": x, "z": draw.real(4, 3)}),
        ("masked_fill", "y = x.masked_fill(m, -1000000000)", {"x": x, "m": mask}),
        ("masked_select", "y = x[m]", {"x": x, "m": mask}),
        ("index by a list", "y = x[i]", {"x": x, "i": whole([3, 0, 3])}),
        ("index by pairs", "y = x[i, j]", {"x": x, "i": whole([3, 0, 1]), "j": whole([0, 2, 1])}),
        ("index_select", "y = x.index_select(0, i)", {"x": x, "i": whole([2, 2, 0])}),
        ("gather", "y = x.gather(1, i)", {"x": x, "i": whole([[0, 0], [2, 1], [1, 1], [0, 2]])}),
        ("item", "y = x.sum() * 0 + x[0, 0].item()", {"x": Operand(values=x.values)}),
    ]
    table = []
    for name, call, operands in calls:
        rule = Terms(equal=("y",)) if "i" in operands else Equal()
        table.append(operator(name, Sample(call=call, operands=operands, rule=rule)))
    return table
