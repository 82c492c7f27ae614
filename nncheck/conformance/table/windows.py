"""What slides over images and signals: convolution, pooling, padding, unfolding."""

from __future__ import annotations

import numpy as np

from nncheck.conformance.rules import Equal, Terms
from nncheck.conformance.sample import Draw, Operand, Operator, Sample, operator

# call, x, w, and whether there is a bias
_CONV = (
    ("F.conv2d(x, w, b)", (1, 1, 2, 2), (1, 1, 2, 2)),
    ("F.conv2d(x, w, b)", (1, 1, 4, 4), (1, 1, 3, 3)),
    ("F.conv2d(x, w, b, padding=1)", (3, 2, 5, 5), (4, 2, 3, 3)),
    ("F.conv2d(x, w, b, stride=2)", (2, 3, 7, 6), (2, 3, 3, 3)),
    ("F.conv2d(x, w, b, stride=2, padding=2, dilation=2)", (2, 2, 7, 7), (3, 2, 3, 3)),
    ("F.conv2d(x, w, b, groups=2)", (2, 4, 5, 5), (4, 2, 3, 3)),
    ("F.conv2d(x, w, b, padding=2)", (5, 8, 12, 12), (16, 8, 5, 5)),
)
_CONV1D = (
    ("F.conv1d(x, w, b)", (1, 1, 4), (1, 1, 3)),
    ("F.conv1d(x, w, b, stride=2, padding=1)", (3, 2, 9), (4, 2, 3)),
)
_TRANSPOSED = (
    ("F.conv_transpose2d(x, w, b)", (1, 1, 2, 2), (1, 1, 2, 2)),
    ("F.conv_transpose2d(x, w, b, stride=2, padding=1)", (3, 2, 4, 4), (2, 3, 3, 3)),
)
_MAX = ("F.max_pool2d(x, 2)", "F.max_pool2d(x, 2, stride=1)", "F.max_pool2d(x, 3, stride=2, padding=1)")
# a mean of n numbers is a sum of n and a division: n roundings, which the ones of `Terms` do not count
_MEAN = (
    ("avg_pool2d", "F.avg_pool2d(x, 2)", 4),
    ("avg_pool2d", "F.avg_pool2d(x, 3, stride=2, padding=1)", 13),
    ("adaptive_avg_pool2d", "F.adaptive_avg_pool2d(x, 1)", 37),
    ("adaptive_avg_pool2d", "F.adaptive_avg_pool2d(x, 2)", 13),
)


def rows() -> list[Operator]:
    """Return the rows of this family."""
    return [
        _convolution("conv2d", _CONV, 0),
        _convolution("conv1d", _CONV1D, 0),
        _convolution("conv_transpose2d", _TRANSPOSED, 1),
        _max_pool(),
        _mean_pool("avg_pool2d"),
        _mean_pool("adaptive_avg_pool2d"),
        _padded(),
        _unfolded(),
    ]


def _convolution(name: str, calls: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...], out: int) -> Operator:
    draw, rule = Draw(name), Terms(mixed=("y", "dx", "dw"))
    samples = []
    for call, x, w in calls:
        operands = {"x": draw.real(*x), "w": draw.real(*w), "b": draw.real(w[out])}
        samples.append(Sample(call=f"y = {call}", operands=operands, rule=rule))
    call, x, w = calls[-1]
    bare = {"x": draw.real(*x), "w": draw.real(*w)}
    samples.append(Sample(call=f"y = {call.replace('x, w, b', 'x, w')}", operands=bare, rule=rule))
    return operator(name, *samples)


def _distinct(draw: Draw, *shape: int) -> Operand:
    """Return numbers of which no two are equal, so that the largest is one."""
    order = np.argsort(draw.real(*shape).values, axis=None)
    return Operand(values=((np.argsort(order) - order.size // 2) / 64).reshape(shape), grad=True)


def _max_pool() -> Operator:
    draw = Draw("max_pool2d")
    samples = [
        Sample(call=f"y = {call}", operands={"x": _distinct(draw, *shape)}, rule=Terms(signed=("x",), equal=("y",)))
        for call in _MAX
        for shape in ((1, 1, 4, 4), (3, 2, 6, 7))
    ]
    return operator("max_pool2d", *samples)


def _mean_pool(wanted: str) -> Operator:
    draw = Draw(wanted)
    samples = [
        Sample(call=f"y = {call}", operands={"x": draw.real(*shape)}, rule=Terms(more=roundings))
        for name, call, roundings in _MEAN
        if name == wanted
        for shape in ((1, 1, 4, 4), (3, 2, 6, 6))
    ]
    return operator(wanted, *samples)


def _padded() -> Operator:
    draw = Draw("pad")
    samples = [
        Sample(call="y = F.pad(x, (1, 2, 0, 1))", operands={"x": draw.real(*shape)}, rule=Equal())
        for shape in ((1, 1, 2, 2), (3, 2, 5, 4))
    ]
    return operator("pad", *samples)


def _unfolded() -> Operator:
    draw = Draw("unfold")
    samples = [
        Sample(call="y = F.unfold(x, 3, padding=1)", operands={"x": draw.real(*shape)}, rule=Terms(equal=("y",)))
        for shape in ((1, 1, 3, 3), (2, 3, 5, 5))
    ]
    return operator("unfold", *samples)
