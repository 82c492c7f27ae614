"""Normalisation: batch norm with its running statistics, layer norm; dropout by a given mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nncheck.conformance.rules import Lines
from nncheck.conformance.sample import Draw, Operand, Operator, Sample, operator

_BATCH = """
M = x.mean(axis=0)
C = x - M
V = (C ** 2).mean(axis=0)
R = 1 / sqrt(V + 0.00001)
H = C * R
y = H * w + b
dH = dy * w
dx = R * (dH - dH.mean(axis=0) - H * (dH * H).mean(axis=0))
dw = (dy * H).sum(axis=0)
db = dy.sum(axis=0)
m_ = (1 - 0.1) * m + 0.1 * M
v_ = (1 - 0.1) * v + 0.1 * V * len(x) / (len(x) - 1)
"""
_EVAL = """
R = 1 / sqrt(v + 0.00001)
H = (x - m) * R
y = H * w + b
dx = dy * w * R
dw = (dy * H).sum(axis=0)
db = dy.sum(axis=0)
"""
_LAYER = """
C = x - x.mean(axis=1, keepdims=True)
R = 1 / sqrt((C ** 2).mean(axis=1, keepdims=True) + 0.00001)
H = C * R
y = H * w + b
dH = dy * w
dx = R * (dH - dH.mean(axis=1, keepdims=True) - H * (dH * H).mean(axis=1, keepdims=True))
dw = (dy * H).sum(axis=0)
db = dy.sum(axis=0)
"""
_TRAIN = "y = F.batch_norm({x}, m, v, w, b, training=True, momentum=0.1, eps=1e-5){back}; m_ = m; v_ = v"


def rows() -> list[Operator]:
    """Return the rows of this family."""
    return [_batch_norm(), _images(), _evaluated(), _layer_norm(), _dropped()]


def _statistics(draw: Draw, features: int, *shape: int) -> dict[str, Operand]:
    x = draw.real(*shape, features)
    # signs in turn: of numbers far from 0 and close together a library that takes E[x^2] - E[x]^2 loses the variance,
    # and torch promises none of them more
    rows = np.abs(x.values).reshape(-1, features)
    rows[1::2] *= -1
    return {
        "x": replace(x, values=rows.reshape(x.values.shape)),
        "m": draw.real(features, grad=False),
        "v": draw.real(features, signed=False, grad=False),
        "w": draw.real(features),
        "b": draw.real(features),
    }


def _batch_norm() -> Operator:
    draw = Draw("batch_norm")
    call, results = _TRAIN.format(x="x", back=""), ("y", "m_", "v_")
    samples = [
        Sample(call=call, operands=_statistics(draw, features, n), rule=Lines(_BATCH), results=results)
        for n, features in ((2, 1), (5, 3), (33, 10))
    ]
    return operator("batch_norm", *samples)


def _images() -> Operator:
    """Channels are the second axis of an image; the lines see every pixel as a row."""
    draw = Draw("batch_norm of images")
    call = _TRAIN.format(x="x.permute(0, 3, 1, 2){made}", back=".permute(0, 2, 3, 1)")
    samples = []
    for n, side, features, made in ((1, 2, 2, ".contiguous()"), (3, 4, 3, ".contiguous()"), (2, 3, 4, "")):
        pixels = (n * side * side, features)
        samples.append(
            Sample(
                call=call.format(made=made),
                operands=_statistics(draw, features, n, side, side),
                rule=Lines(_BATCH, {"x": pixels, "dy": pixels}),
                results=("y", "m_", "v_"),
            )
        )
    return operator("batch_norm, images", *samples)


def _evaluated() -> Operator:
    draw = Draw("batch_norm, evaluation")
    samples = [
        Sample(
            call="y = F.batch_norm(x, m, v, w, b, training=False, eps=1e-5)",
            operands=_statistics(draw, features, n),
            rule=Lines(_EVAL),
        )
        for n, features in ((1, 2), (5, 3))
    ]
    return operator("batch_norm, evaluation", *samples)


def _layer_norm() -> Operator:
    draw = Draw("layer_norm")
    samples = []
    for n, k in ((1, 2), (5, 3), (33, 20)):
        operands = {"x": draw.real(n, k), "w": draw.real(k), "b": draw.real(k)}
        samples.append(Sample(call=f"y = F.layer_norm(x, ({k},), w, b)", operands=operands, rule=Lines(_LAYER)))
    return operator("layer_norm", *samples)


def _dropped() -> Operator:
    """Dropout as courses write it, by a mask; torch's own draws its mask on the device."""
    draw = Draw("dropout")
    samples = []
    for shape in ((3,), (5, 4)):
        mask = Operand(values=(draw.real(*shape).values > 0) * 1.0)
        rule = Lines("y = x * k / 0.8\ndx = dy * k / 0.8")
        samples.append(Sample(call="y = x * k / 0.8", operands={"x": draw.real(*shape), "k": mask}, rule=rule))
    return operator("dropout by a mask", *samples)
