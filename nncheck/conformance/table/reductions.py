"""Sums, means, variances and extremes, over all of a tensor and along an axis."""

from __future__ import annotations

import numpy as np

from nncheck.conformance.rules import Equal, Lines
from nncheck.conformance.sample import Draw, Operand, Operator, Sample, at, operator

# name, call, lines
_REDUCTIONS = (
    ("sum", "x.sum()", "y = x.sum()\ndx = dy + 0 * x"),
    ("sum, dim=0", "x.sum(dim=0)", "y = x.sum(axis=0)\ndx = dy + 0 * x"),
    ("sum, dim=1", "x.sum(dim=1, keepdim=True)", "y = x.sum(axis=1, keepdims=True)\ndx = dy + 0 * x"),
    ("mean", "x.mean()", "y = x.mean()\ndx = dy / x.size + 0 * x"),
    ("mean, dim=0", "x.mean(dim=0)", "y = x.mean(axis=0)\ndx = dy / len(x) + 0 * x"),
    ("mean, dim=1", "x.mean(dim=1, keepdim=True)", "y = x.mean(axis=1, keepdims=True)\ndx = dy / x.shape[1] + 0 * x"),
    (
        "var",
        "x.var()",
        "M = x.mean()\nC = x - M\ny = (C ** 2).sum() / (x.size - 1)\ndx = dy * 2 * C / (x.size - 1)",
    ),
    (
        "var, unbiased=False",
        "x.var(unbiased=False)",
        "M = x.mean()\nC = x - M\ny = (C ** 2).mean()\ndx = dy * 2 * C / x.size",
    ),
    (
        "var, dim=0",
        "x.var(dim=0)",
        "M = x.mean(axis=0)\nC = x - M\ny = (C ** 2).sum(axis=0) / (len(x) - 1)\ndx = dy * 2 * C / (len(x) - 1)",
    ),
    (
        "var, dim=1, unbiased=False",
        "x.var(dim=1, unbiased=False, keepdim=True)",
        "M = x.mean(axis=1, keepdims=True)\nC = x - M\ny = (C ** 2).mean(axis=1, keepdims=True)\n"
        "dx = dy * 2 * C / x.shape[1]",
    ),
    (
        "std",
        "x.std()",
        "M = x.mean()\nC = x - M\ny = sqrt((C ** 2).sum() / (x.size - 1))\ndx = dy * C / (y * (x.size - 1))",
    ),
    ("norm", "torch.linalg.vector_norm(x)", "y = sqrt((x ** 2).sum())\ndx = dy * x / y"),
    (
        "logsumexp",
        "torch.logsumexp(x, dim=1, keepdim=True)",
        "m = x.max(axis=1, keepdims=True)\ny = m + log(exp(x - m).sum(axis=1, keepdims=True))\ndx = dy * softmax(x)",
    ),
)
# the largest of all, and where it is; ties share the gradient
_EXTREMES = (
    ("max", "x.max()", "y = x.max()\nT = x == y\ndx = dy * T / T.sum()"),
    ("min", "x.min()", "y = x.min()\nT = x == y\ndx = dy * T / T.sum()"),
    (
        "amax, dim=1",
        "x.amax(dim=1, keepdim=True)",
        "y = x.max(axis=1, keepdims=True)\nT = x == y\ndx = dy * T / T.sum(axis=1, keepdims=True)",
    ),
)
_CHOICES = (
    ("max, dim=1", "y, i = x.max(dim=1)", ("y", "i")),
    ("min, dim=0", "y, i = x.min(dim=0)", ("y", "i")),
    ("argmax", "i = x.argmax(dim=1)", ("i",)),
    ("topk", "y, i = x.topk(2, dim=1)", ("y", "i")),
    ("sort", "y, i = x.sort(dim=1)", ("y", "i")),
    ("any, all", "a = (x > 0).any(); b = (x > 0).all(); c = (x > -9).all()", ("a", "b", "c")),
)


def rows() -> list[Operator]:
    """Return the rows of this family."""
    table = [_row(name, call, lines) for name, call, lines in _REDUCTIONS]
    for name, call, lines in _EXTREMES:
        ties = [at([[1.0, 1.0], [-2.0, 1.0]]), at([[0.5, -3.0, 0.5], [0.25, 0.5, 0.5]])]
        table.append(_row(name, call, lines, ties))
    for name, call, results in _CHOICES:
        draw = Draw(name)
        shapes = ((2, 2, "plain"), (5, 3, "plain"), (3, 5, "transposed"), (17, 20, "plain"))
        given = [draw.real(n, k, grad="y" in results, layout=layout) for n, k, layout in shapes]
        table.append(
            operator(name, *(Sample(call=call, operands={"x": x}, rule=Equal(), results=results) for x in given))
        )
    return [*table, _accuracy(), _cumsum(), _cdist()]


def _row(name: str, call: str, lines: str, more: list[Operand] | None = None) -> Operator:
    draw = Draw(name)
    given = [
        draw.real(2, 2),
        draw.real(5, 3),
        draw.real(3, 5, layout="transposed"),
        draw.real(4, 3, layout="strided"),
        draw.real(65, 33),
        *(more or []),
    ]
    return operator(name, *(Sample(call=f"y = {call}", operands={"x": x}, rule=Lines(lines)) for x in given))


def _accuracy() -> Operator:
    """How many of the predictions are right, as a course counts them."""
    draw = Draw("accuracy")
    samples = [
        Sample(
            call="y = (x.argmax(dim=1) == i).sum()",
            operands={"x": draw.real(n, 3, grad=False), "i": draw.labels(n, 3)},
            rule=Equal(),
        )
        for n in (1, 7, 65)
    ]
    return operator("accuracy", *samples)


def _cumsum() -> Operator:
    draw = Draw("cumsum")
    samples = []
    for n in (2, 7):
        x = draw.real(n)
        rule = Lines("y = T @ x\ndx = T.T @ dy", given={"T": np.tril(np.ones((n, n)))})
        samples.append(Sample(call="y = x.cumsum(dim=0)", operands={"x": x}, rule=rule))
    return operator("cumsum", *samples)


def _cdist() -> Operator:
    draw = Draw("cdist")
    samples = []
    for n, m, k in ((1, 2, 2), (3, 4, 5)):
        lines = """
        C = x - z
        Y = sqrt((C ** 2).sum(axis=2, keepdims=True))
        y = 1 * Y
        G = dy * C / Y
        dx = G.sum(axis=1)
        dz = -G.sum(axis=0)
        """
        views = {"x": (n, 1, k), "z": (1, m, k), "dy": (n, m, 1)}
        operands = {"x": draw.real(n, k), "z": draw.real(m, k)}
        samples.append(Sample(call="y = torch.cdist(x, z)", operands=operands, rule=Lines(lines, views)))
    return operator("cdist", *samples)
