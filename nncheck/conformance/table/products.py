"""Products of matrices: linear layers, batched products, attention, embedding."""

from __future__ import annotations

from nncheck.conformance.rules import Lines, Terms
from nncheck.conformance.sample import Draw, Operator, Sample, operator, whole

_LINEAR = "y = x @ w.T + b\ndx = dy @ w\ndw = dy.T @ x\ndb = dy.sum(axis=0)"
_ATTENTION = """
S = q @ k.T / 2
P = softmax(S)
y = P @ v
dv = P.T @ dy
dP = dy @ v.T
dS = P * (dP - (dy * y).sum(axis=1, keepdims=True) + 0 * (dP * P).sum(axis=1, keepdims=True))
dq = dS @ k / 2
dk = dS.T @ q / 2
"""


def rows() -> list[Operator]:
    """Return the rows of this family."""
    return [
        _linear(),
        _product("mm", "x @ w", "y = x @ w\ndx = dy @ w.T\ndw = x.T @ dy", ((1, 1), (1, 1)), ((5, 3), (3, 4))),
        _product(
            "mm, transposed", "x.T @ w", "y = x.T @ w\ndx = w @ dy.T\ndw = x @ dy", ((3, 2), (3, 4)), ((7, 5), (7, 6))
        ),
        _product("x @ v", "x @ w", "y = x @ w\ndx = outer(dy, w)\ndw = x.T @ dy", ((2, 3), (3,)), ((17, 5), (5,))),
        _product("dot", "torch.dot(x, w)", "y = x @ w\ndx = dy * w\ndw = dy * x", ((1,), (1,)), ((19,), (19,))),
        _product("outer", "torch.outer(x, w)", "y = outer(x, w)\ndx = dy @ w\ndw = x @ dy", ((2,), (3,)), ((7,), (5,))),
        _bilinear("bmm", "torch.bmm(x, w)", ((1, 2, 3), (1, 3, 2)), ((5, 3, 4), (5, 4, 2)), ((8, 17, 9), (8, 9, 11))),
        _bilinear("matmul, broadcast", "x @ w", ((2, 3, 4), (4, 2)), ((3, 1, 5, 4), (2, 4, 3))),
        _bilinear("einsum", "torch.einsum('nij,njk->nik', x, w)", ((1, 2, 3), (1, 3, 2)), ((5, 3, 4), (5, 4, 2))),
        _addmm(),
        _embedding(),
        _attention(),
    ]


def _linear() -> Operator:
    draw = Draw("linear")
    samples = []
    for n, n_in, n_out in ((1, 1, 1), (1, 2, 2), (5, 4, 3), (7, 3, 3), (64, 33, 17), (257, 8, 10)):
        operands = {"x": draw.real(n, n_in), "w": draw.real(n_out, n_in), "b": draw.real(n_out)}
        samples.append(Sample(call="y = F.linear(x, w, b)", operands=operands, rule=Lines(_LINEAR)))
    bare = {"x": draw.real(5, 4), "w": draw.real(3, 4)}
    samples.append(
        Sample(call="y = F.linear(x, w)", operands=bare, rule=Lines("y = x @ w.T\ndx = dy @ w\ndw = dy.T @ x"))
    )
    for layout in ("transposed", "strided"):
        operands = {"x": draw.real(5, 4, layout=layout), "w": draw.real(3, 4, layout=layout), "b": draw.real(3)}
        samples.append(Sample(call="y = F.linear(x, w, b)", operands=operands, rule=Lines(_LINEAR)))
    cube = {"x": draw.real(2, 3, 4), "w": draw.real(5, 4), "b": draw.real(5)}
    samples.append(
        Sample(call="y = F.linear(x, w, b)", operands=cube, rule=Lines(_LINEAR, {"x": (6, 4), "dy": (6, 5)}))
    )
    return operator("linear", *samples)


def _product(name: str, call: str, lines: str, *sizes: tuple[tuple[int, ...], tuple[int, ...]]) -> Operator:
    draw = Draw(name)
    samples = [
        Sample(call=f"y = {call}", operands={"x": draw.real(*x), "w": draw.real(*w)}, rule=Lines(lines))
        for x, w in sizes
    ]
    if len(sizes[-1][0]) == 2 and len(sizes[-1][1]) == 2:
        operands = {"x": draw.real(*sizes[-1][0], layout="strided"), "w": draw.real(*sizes[-1][1], layout="transposed")}
        samples.append(Sample(call=f"y = {call}", operands=operands, rule=Lines(lines)))
    return operator(name, *samples)


def _bilinear(name: str, call: str, *sizes: tuple[tuple[int, ...], tuple[int, ...]]) -> Operator:
    draw = Draw(name)
    samples = [
        Sample(call=f"y = {call}", operands={"x": draw.real(*x), "w": draw.real(*w)}, rule=Terms()) for x, w in sizes
    ]
    return operator(name, *samples)


def _addmm() -> Operator:
    draw = Draw("addmm")
    lines = "y = x @ w + b\ndx = dy @ w.T\ndw = x.T @ dy\ndb = dy.sum(axis=0)"
    samples = [
        Sample(
            call="y = torch.addmm(b, x, w)",
            operands={"b": draw.real(k), "x": draw.real(n, m), "w": draw.real(m, k)},
            rule=Lines(lines),
        )
        for n, m, k in ((1, 2, 2), (5, 4, 3))
    ]
    return operator("addmm", *samples)


def _embedding() -> Operator:
    draw = Draw("embedding")
    samples = [
        Sample(
            call="y = F.embedding(i, w)",
            operands={"i": whole(indices), "w": draw.real(5, 3)},
            rule=Terms(equal=("y",)),
        )
        for indices in ([1], [4, 0, 4, 4], [[0, 1, 2], [2, 2, 4]])
    ]
    return operator("embedding", *samples)


def _attention() -> Operator:
    draw = Draw("attention")
    by_hand = "y = torch.softmax(q @ k.T / 2, dim=1) @ v"
    samples = []
    for n in (1, 3, 7):
        operands = {"q": draw.real(n, 4), "k": draw.real(n + 1, 4), "v": draw.real(n + 1, 3)}
        samples.append(Sample(call=by_hand, operands=operands, rule=Lines(_ATTENTION)))
    whole_call = "y = F.scaled_dot_product_attention(q, k, v)"
    views = {"q": (3, 4), "k": (5, 4), "v": (5, 4), "y": (3, 4), "dy": (3, 4)}
    operands = {"q": draw.real(1, 1, 3, 4), "k": draw.real(1, 1, 5, 4), "v": draw.real(1, 1, 5, 4)}
    samples.append(Sample(call=whole_call, operands=operands, rule=Lines(_ATTENTION, views)))
    return operator("attention", *samples)
