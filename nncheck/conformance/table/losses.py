"""Losses and the functions before them: softmax, cross-entropy of both kinds, squared and absolute errors."""

from __future__ import annotations

from nncheck.conformance.rules import Lines, one_hot
from nncheck.conformance.sample import Draw, Operand, Operator, Sample, at, operator

# not sign(x - t): of equal numbers that has a kink, which rounding would leave open, and here it must be 0
_SIGN = "((x > t) - (x < t))"
# per element: the loss and its derivative by x, of x and the target t
_PAIRED = {
    "mse_loss": ("(x - t) ** 2", "2 * (x - t)"),
    "l1_loss": ("abs(x - t)", _SIGN),
    "smooth_l1_loss": (
        "where(abs(x - t) < 1, 0.5 * (x - t) ** 2, abs(x - t) - 0.5)",
        f"where(abs(x - t) < 1, x - t, {_SIGN})",
    ),
    "huber_loss": (
        "where(abs(x - t) < 1, 0.5 * (x - t) ** 2, abs(x - t) - 0.5)",
        f"where(abs(x - t) < 1, x - t, {_SIGN})",
    ),
    "binary_cross_entropy": ("-(t * log(x) + (1 - t) * log(1 - x))", "(x - t) / ((1 - x) * x)"),
    "binary_cross_entropy_with_logits": (
        "(1 - t) * x - (minimum(x, 0) - log(1 + exp(-abs(x))))",
        "sigmoid(x) - t",
    ),
}
_EDGES = {
    "mse_loss": ([0.0, 1e15, -2.0, 1.0], [0.0, -1e15, -2.0, 1e-30]),
    "l1_loss": ([0.0, 1e30, -2.0, 1.0], [-0.0, -1e30, -2.0, 1e-30]),
    "smooth_l1_loss": ([0.0, 1e30, -2.0, 1.0, 1.5], [-0.0, -1e30, -2.0, 1e-30, 0.5]),
    "huber_loss": ([0.0, 1e30, -2.0, 1.0, 1.5], [-0.0, -1e30, -2.0, 1e-30, 0.5]),
    "binary_cross_entropy": ([1e-6, 0.999999, 0.5, 0.25], [0.0, 1.0, 1.0, 0.3]),
    "binary_cross_entropy_with_logits": ([0.0, 60.0, -60.0, 20.0], [0.0, 1.0, 1.0, 0.3]),
}
_REDUCTIONS = {
    "mean": ("y = L.mean()", "dx = dy * G / x.size"),
    "sum": ("y = L.sum()", "dx = dy * G"),
    "none": ("y = L", "dx = dy * G"),
}
# of the losses of single samples, and what comes from above for each
_TOTAL = {"mean": ".mean()", "sum": ".sum()", "none": ""}
_ABOVE = {"mean": "dy / len(x)", "sum": "dy", "none": "dy"}
_SATURATED = [[0.0, 50.0, -50.0], [1.0, 1.0, 1.0], [-60.0, 60.0, 60.0], [0.0, -0.0, 1e-30]]


def rows() -> list[Operator]:
    """Return the rows of this family."""
    table = [_paired(name, reduction) for name in _PAIRED for reduction in _REDUCTIONS]
    table += [_softmax(), _log_softmax()]
    table += [_cross_entropy("probabilities", reduction) for reduction in _REDUCTIONS]
    table += [_cross_entropy("class indices", reduction) for reduction in _REDUCTIONS]
    return [*table, _nll()]


def _paired(name: str, reduction: str) -> Operator:
    draw = Draw(name)
    loss, slope = _PAIRED[name]
    lines = f"L = {loss}\nG = {slope}\n" + "\n".join(_REDUCTIONS[reduction])
    call = f"y = F.{name}(x, t, reduction='{reduction}')"
    shares = name.startswith("binary")
    inside = name == "binary_cross_entropy"
    edge, target = _EDGES[name]
    samples = [Sample(call=call, operands={"x": at(edge), "t": at(target, grad=False)}, rule=Lines(lines))]
    for shape in ((1, 1), (1, 2), (5, 3), (33, 10)):
        x = draw.real(*shape, low=0.05 if inside else 0.2, high=0.95 if inside else 1.5, signed=not inside)
        t = draw.real(*shape, low=0.1, high=0.9, signed=not shares, grad=False)
        samples.append(Sample(call=call, operands={"x": x, "t": t}, rule=Lines(lines)))
    x = draw.real(4, 3, low=0.1, high=0.9, signed=not inside, layout="transposed")
    t = draw.real(4, 3, low=0.1, high=0.9, signed=not shares, grad=False, layout="strided")
    samples.append(Sample(call=call, operands={"x": x, "t": t}, rule=Lines(lines)))
    return operator(f"{name}, reduction='{reduction}'", *samples)


def _logits(draw: Draw) -> list[Operand]:
    shapes = ((1, 2), (5, 3), (7, 10), (65, 12))
    plain = [draw.real(*shape, high=3.0) for shape in shapes]
    return [*plain, draw.real(4, 3, layout="transposed"), at(_SATURATED)]


def _softmax() -> Operator:
    lines = "y = softmax(x)\ndx = y * (dy - (dy * y).sum(axis=1, keepdims=True))"
    samples = [
        Sample(call="y = torch.softmax(x, dim=1)", operands={"x": x}, rule=Lines(lines))
        for x in _logits(Draw("softmax"))
    ]
    columns = "Y = softmax(x.T)\ny = Y.T\ndx = y * (dy - (dy * y).sum(axis=0, keepdims=True))"
    across = {"x": Draw("columns").real(4, 3)}
    samples.append(Sample(call="y = torch.softmax(x, dim=0)", operands=across, rule=Lines(columns)))
    return operator("softmax", *samples)


def _log_softmax() -> Operator:
    lines = "y = log_softmax(x)\ndx = dy - softmax(x) * dy.sum(axis=1, keepdims=True)"
    return operator(
        "log_softmax",
        *(
            Sample(call="y = torch.log_softmax(x, dim=1)", operands={"x": x}, rule=Lines(lines))
            for x in _logits(Draw("log_softmax"))
        ),
    )


def _cross_entropy(kind: str, reduction: str) -> Operator:
    """Cross-entropy with probabilities, or with class indices, which the lines see in one-hot form."""
    draw = Draw(f"{kind} {reduction}")
    target = "t" if kind == "probabilities" else "i"
    # dx does not take each row of t to sum to 1, which rounded shares do not
    lines = f"""
    L = -(T * log_softmax(x)).sum(axis=1, keepdims=True)
    y = L{_TOTAL[reduction]}
    dx = {_ABOVE[reduction]} * (softmax(x) * T.sum(axis=1, keepdims=True) - T)
    """
    samples = []
    for x in _logits(draw):
        n, k = x.values.shape
        own = draw.rows(n, k) if target == "t" else draw.labels(n, k)
        given = {"T": own.values if target == "t" else one_hot(own.values, k)}
        views: dict[str, tuple[int, ...]] = {"dy": (n, 1)} if reduction == "none" else {}
        call = f"y = F.cross_entropy(x, {target}, reduction='{reduction}')"
        samples.append(Sample(call=call, operands={"x": x, target: own}, rule=Lines(lines, views, given)))
    return operator(f"cross_entropy, {kind}, reduction='{reduction}'", *samples)


def _nll() -> Operator:
    draw = Draw("nll_loss")
    samples = []
    for n, k in ((1, 2), (5, 3), (33, 10)):
        i = draw.labels(n, k)
        rule = Lines("y = -(T * x).sum(axis=1).mean()\ndx = -dy * T / len(x)", given={"T": one_hot(i.values, k)})
        samples.append(Sample(call="y = F.nll_loss(x, i)", operands={"x": draw.real(n, k), "i": i}, rule=rule))
    return operator("nll_loss", *samples)
