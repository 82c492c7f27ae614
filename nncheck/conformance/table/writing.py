"""Tensors made on the device, and writes into them: elements, slices, whole buffers."""

from __future__ import annotations

from nncheck.conformance.rules import Equal, Lines
from nncheck.conformance.sample import Draw, Operand, Operator, Sample, operator, whole

_MADE = {
    "zeros": "y = torch.zeros(2, 3, device=device)",
    "ones": "y = torch.ones(2, 3, device=device)",
    "full": "y = torch.full((2, 3), 2, dtype=torch.get_default_dtype(), device=device)",
    "full of 0.5": "y = torch.full((2, 3), 0.5, device=device)",
    "arange": "y = torch.arange(5, device=device)",
    "eye": "y = torch.eye(3, device=device); z = torch.eye(1, device=device); w = torch.eye(2, 5, device=device)",
    "tensor": "y = torch.tensor([[0.5, -2.0]], device=device)",
}
_LIKE = {
    "zeros_like": "y = torch.zeros_like(x)",
    "ones_like": "y = torch.ones_like(x)",
    "full_like": "y = torch.full_like(x, 0.5)",
}
_BUFFER = "b = torch.zeros({shape}, device=device); {write}; y = b"
# writes into a buffer of zeros (3, 4); x (3, 4), r (4,), i indices of rows
_WRITES = {
    "write an element": "b[1, 2] = 5",
    "write a number into a row": "b[1] = 5",
    "write a row": "b[1] = r",
    "write a column": "b[:, 1] = x[:, 1]",
    "write a slice": "b[:2, ::2] = x[:2, ::2]",
    "write by indices": "b[i] = x[i]",
    "write by a mask": "b[x > 0] = 1",
    "write row by row": "[b[k].copy_(x[k]) for k in range(3)]",
    "fill_": "b.fill_(3)",
    "zero_": "b.copy_(x); b.zero_()",
    "copy_ into a buffer": "b.copy_(x)",
    "fill a slice": "b.copy_(x); b[:, 1:3].fill_(-1); b[0].zero_()",
    "write an element of a row": "b[0][2] = 7; b[2, 3] = x[0, 0]",
}


def rows() -> list[Operator]:
    """Return the rows of this family."""
    table = [_made(name, call) for name, call in _MADE.items()]
    draw = Draw("like")
    for name, call in _LIKE.items():
        given = (draw.real(2, grad=False), draw.real(4, 3, grad=False, layout="transposed"), whole([[1, 2]]))
        samples = [Sample(call=call, operands={"x": x}, rule=Equal()) for x in given[: 2 + (name != "full_like")]]
        table.append(operator(name, *samples))
    table += [_write(*item) for item in _WRITES.items()]
    return [*table, _one_hot(), _in_place(), _through(), _scatter()]


def _made(name: str, call: str) -> Operator:
    results = ("y", "z", "w") if name == "eye" else ("y",)
    return operator(name, Sample(call=call, operands={}, rule=Equal(), results=results))


def _write(name: str, write: str) -> Operator:
    draw = Draw(name)
    operands = {"x": draw.real(3, 4, grad=False), "r": draw.real(4, grad=False), "i": whole([2, 0])}
    used = {key: own for key, own in operands.items() if any(f"{key}{sign}" in write for sign in ("[", "]", ")", " "))}
    if write.endswith(" = r"):
        used["r"] = operands["r"]
    call = _BUFFER.format(shape="3, 4", write=write)
    return operator(name, Sample(call=call, operands=used, rule=Equal()))


def _one_hot() -> Operator:
    samples = [
        Sample(call="y = F.one_hot(i, 4)", operands={"i": whole(labels)}, rule=Equal()) for labels in ([2], [0, 3, 3])
    ]
    return operator("one_hot", *samples)


def _in_place() -> Operator:
    """Update in place, as loops do under no_grad."""
    draw = Draw("in place")
    samples = []
    for shape in ((2,), (5, 3)):
        operands = {"x": draw.real(*shape, grad=False), "g": draw.real(*shape, grad=False)}
        for call, lines in (
            ("x -= 0.1 * g; y = x", "y = x - 0.1 * g"),
            ("x.add_(g, alpha=-0.1); y = x", "y = x - 0.1 * g"),
            ("x.mul_(0.9).add_(g); y = x", "y = 0.9 * x + g"),
            ("y = torch._foreach_add([x], [g], alpha=-0.1)[0]", "y = x - 0.1 * g"),
        ):
            samples.append(Sample(call=call, operands=operands, rule=Lines(lines)))
    return operator("update in place", *samples)


def _through() -> Operator:
    """Send a gradient through a write into a buffer."""
    draw = Draw("through")
    calls = (
        "b = torch.zeros(3, 4, device=device); b[1] = x; y = b",
        "b = torch.ones(2, 4, device=device); b[:, :] = x; y = b",
    )
    samples = [Sample(call=calls[0], operands={"x": draw.real(4)}, rule=Equal())]
    matrix: dict[str, Operand] = {"x": draw.real(2, 4)}
    samples.append(Sample(call=calls[1], operands=matrix, rule=Equal()))
    return operator("gradient through a write", *samples)


def _scatter() -> Operator:
    draw = Draw("scatter")
    operands = {"x": draw.real(2, 4, grad=False), "i": whole([[1, 3], [0, 2]]), "s": draw.real(2, 2, grad=False)}
    return operator("scatter", Sample(call="y = x.scatter(1, i, s)", operands=operands, rule=Equal()))
