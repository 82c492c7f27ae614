"""Six ways to write the same correct backpropagation, as source text, for nets of any depth.

rows
    As the reference: samples are rows, everything in a dict.
columns
    Samples are columns, biases (n, 1); the derivative of the sigmoid from its input; a tuple with named elements.
transposed
    Weights (n_in, n_out), biases (1, n), gradients changed in place, relu'(a) for relu'(z).
loops
    One sample after the other, weights' gradients accumulated with +=; log of a softmax that is not fused.
object
    A class whose layers are objects of another one; the sigmoid by its stable branches; the softmax by its Jacobian.
reversed
    YT - Y with an update that adds; z >= 0; einsum; the 2/N in the update's favour where it can be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace


@dataclass(frozen=True)
class Net:
    """A kind of net: what stands after its hidden layers and at its output, and how many layers it has.

    Attributes
    ----------
    hidden : str
        ``relu`` or ``none``.
    output : str
        ``sigmoid`` or ``none`` with the mean squared error, ``softmax`` with the cross-entropy.
    layers : int
    """

    hidden: str
    output: str
    layers: int

    @property
    def numbers(self) -> tuple[str, ...]:
        """What stands after W and B of each layer: nothing, 2, 3, ..."""
        return ("", *map(str, range(2, self.layers + 1)))

    def derivation(self) -> str:
        """Return the lines in the way of the reference's derivation.txt."""
        forward, backward = [], []
        last = self.numbers[-1]
        A = "X"
        for n in self.numbers[:-1]:
            Z = f"Z{n}" if self.hidden == "relu" else f"H{n}"
            forward.append(f"{Z} = {A} @ W{n}.T + B{n}")
            if self.hidden == "relu":
                forward.append(f"H{n} = maximum(Z{n}, 0)")
            A = f"H{n}"
        Z = f"Z{last}" if self.output == "sigmoid" else "Y"
        forward.append(f"{Z} = {A} @ W{last}.T + B{last}")
        if self.output == "sigmoid":
            forward.append(f"Y = sigmoid(Z{last})")
        if self.output == "softmax":
            forward.append("E = -(YT * log_softmax(Y)).sum() / len(Y)")
            backward += ["P = softmax(Y)", "dY = (P - YT) / len(Y)"]
        else:
            forward.append("E = ((Y - YT) ** 2).mean()")
            backward.append("dY = 2 * (Y - YT) / Y.size")
        if self.output == "sigmoid":
            backward.append(f"dZ{last} = dY * Y * (1 - Y)")
        D = f"d{Z}"
        for i in range(self.layers - 1, -1, -1):
            n, before = self.numbers[i], f"H{self.numbers[i - 1]}" if i else "X"
            backward += [f"dW{n} = {D}.T @ {before}", f"dB{n} = {D}.sum(axis=0)"]
            if i:
                backward.append(f"d{before} = {D} @ W{n}")
                D = f"d{before}"
                if self.hidden == "relu":
                    m = self.numbers[i - 1]
                    backward.append(f"dZ{m} = dH{m} * (Z{m} > 0)")
                    D = f"dZ{m}"
        return "\n".join(forward + backward)


def rows(net: Net) -> str:
    last = net.numbers[-1]
    forward, back, A = [], [], "X"
    for n in net.numbers:
        out = f"H{n}" if n != last else "Y"
        act = net.output if n == last else net.hidden
        forward.append(f"Z{n} = {A} @ params['W{n}'].T + params['B{n}']")
        forward.append(
            {"relu": f"{out} = np.maximum(Z{n}, 0)", "sigmoid": f"{out} = 1 / (1 + np.exp(-Z{n}))"}.get(
                act, f"{out} = Z{n}"
            )
        )
        A = out
    kept = ["X", "Y", *(f"{x}{n}" for n in net.numbers[:-1] for x in "ZH")]
    read = [f"{', '.join(kept)} = {', '.join(f'cache[{k!r}]' for k in kept)}"]
    if net.output == "softmax":
        back += ["P = np.exp(Y - Y.max(axis=1, keepdims=True))", "P = P / P.sum(axis=1, keepdims=True)"]
        back += ["dY = (P - YT) / len(Y)"]
    else:
        back += ["dY = 2 * (Y - YT) / Y.size"]
    D = "dY"
    if net.output == "sigmoid":
        D = f"dZ{last}"
        back.append(f"{D} = dY * Y * (1 - Y)")
    returned = []
    for i in range(net.layers - 1, -1, -1):
        n, before = net.numbers[i], f"H{net.numbers[i - 1]}" if i else "X"
        returned += [f"'W{n}': {D}.T @ {before}", f"'B{n}': {D}.sum(axis=0)"]
        if i:
            m = net.numbers[i - 1]
            back.append(f"dH{m} = {D} @ params['W{n}']")
            D = f"dH{m}"
            if net.hidden == "relu":
                back.append(f"dZ{m} = dH{m} * (Z{m} > 0)")
                D = f"dZ{m}"
    return _source(
        _function("forward(params, X)", *forward, f"return Y, {{{', '.join(f'{k!r}: {k}' for k in kept)}}}"),
        _loss(net),
        _function("backward(params, cache, YT)", *read, *back, f"return {{{', '.join(returned)}}}"),
    )


def columns(net: Net) -> str:
    last = net.numbers[-1]
    parameters = ", ".join(f"W{n}, B{n}" for n in net.numbers)
    unpacked = ", ".join(f"params['W{n}'], params['B{n}']" for n in net.numbers)
    forward, back, A = [f"{parameters} = {unpacked}"], [], "X"
    for n in net.numbers:
        act = net.output if n == last else net.hidden
        out = f"A{n}" if n != last else "Y"
        forward.append(f"Z{n} = W{n} @ {A} + B{n}")
        forward.append(
            {"relu": f"{out} = Z{n} * (Z{n} > 0)", "sigmoid": f"{out} = sigmoid(Z{n})"}.get(act, f"{out} = Z{n}")
        )
        A = out
    kept = ["X", *(f"{x}{n}" for n in net.numbers[:-1] for x in "ZA"), f"Z{last}", "Y"]
    kept_list = ", ".join(kept)
    if net.output == "softmax":
        back += ["N = Y.shape[1]", "E = np.exp(Y)", "P = E / E.sum(axis=0)", f"dZ{last} = (P - YT) / N"]
    else:
        back += ["K, N = Y.shape", "dY = 2 / (K * N) * (Y - YT)"]
        tail = f" * sigmoid(Z{last}) * (1 - sigmoid(Z{last}))" if net.output == "sigmoid" else ""
        back.append(f"dZ{last} = dY{tail}")
    for i in range(net.layers - 1, -1, -1):
        n, before = net.numbers[i], f"A{net.numbers[i - 1]}" if i else "X"
        back += [f"dW{n} = dZ{n} @ {before}.T", f"dB{n} = np.sum(dZ{n}, axis=1, keepdims=True)"]
        if i:
            m = net.numbers[i - 1]
            back.append(f"dA{m} = params['W{n}'].T @ dZ{n}")
            back.append(f"dZ{m} = dA{m}" + (f" * (Z{m} > 0)" if net.hidden == "relu" else " * 1"))
    returned = ", ".join(f"dW{n}, dB{n}" for n in net.numbers)
    return _source(
        _function("sigmoid(z)", "return 0.5 * (1 + np.tanh(z / 2))"),
        _function("forward(params, X)", *forward, f"return Y, ({kept_list})"),
        _loss(net, axis=0),
        _function("backward(params, cache, YT)", f"{kept_list} = cache", *back, f"return {returned}"),
    )


def transposed(net: Net) -> str:
    last = net.numbers[-1]
    forward, back, A = ["cache = [X]"], [], "X"
    for n in net.numbers:
        act = net.output if n == last else net.hidden
        forward.append(
            f"{A} = {A} @ params['W{n}'] + params['B{n}']"
            if A != "X"
            else f"A = X.dot(params['W{n}']) + params['B{n}']"
        )
        A = "A"
        forward += {
            "relu": ["A[A < 0] = 0"],
            "sigmoid": ["A = np.where(A >= 0, 1, np.exp(-abs(A))) / (1 + np.exp(-abs(A)))"],
        }.get(act, [])
        forward.append("cache.append(A)")
    back += ["grads = {}", "out = cache[-1]"]
    if net.output == "softmax":
        back += ["delta = np.exp(out - out.max(axis=-1, keepdims=True))", "delta /= delta.sum(axis=-1, keepdims=True)"]
        back += ["delta -= YT", "delta /= YT.shape[0]"]
    else:
        back += ["delta = out - YT", "delta *= 2", "delta /= delta.size"]
    if net.output == "sigmoid":
        back += ["delta *= out", "delta *= 1 - out"]
    for i in range(net.layers - 1, -1, -1):
        n = net.numbers[i]
        back += [f"grads['W{n}'] = cache[{i}].T @ delta", f"grads['B{n}'] = delta.sum(axis=0, keepdims=True)"]
        if i:
            back.append(f"delta = delta @ params['W{n}'].T")
            if net.hidden == "relu":
                back.append(f"delta[cache[{i}] <= 0] = 0")
    return _source(
        _function("forward(params, X)", *forward, "return A, cache"),
        _loss(net),
        _function("backward(params, cache, YT)", *back, "return grads"),
    )


def loops(net: Net) -> str:
    forward = ["cache = []", "outputs = []", "for x in X:"]
    inner, back, A = [], [], "x"
    last = net.numbers[-1]
    for n in net.numbers:
        act = net.output if n == last else net.hidden
        out = f"a{n}" if n != last else "y"
        inner.append(
            f"z{n} = np.array([sum(w * a for w, a in zip(row, {A})) + b "
            f"for row, b in zip(params['W{n}'], params['B{n}'])])"
        )
        inner.append(
            {
                "relu": f"{out} = np.array([v if v > 0 else 0.0 for v in z{n}])",
                "sigmoid": f"{out} = 1.0 / (1.0 + np.exp(-z{n}))",
            }.get(act, f"{out} = z{n}.copy()")
        )
        A = out
    kept = ", ".join(["x", *(f"{v}{n}" for n in net.numbers[:-1] for v in "za"), "y"])
    forward += ["    " + line for line in (*inner, f"cache.append(({kept}))", "outputs.append(y)")]
    back += [f"d{x}{n} = np.zeros(params['{x}{n}'].shape)" for n in net.numbers for x in "WB"]
    back += [f"for ({kept}), t in zip(cache, YT):"]
    body = []
    if net.output == "softmax":
        body += ["p = np.exp(y) / np.exp(y).sum()", "delta = p - t"]
    else:
        body += ["delta = 2 * (y - t) / len(y)"]
    if net.output == "sigmoid":
        body += ["delta = delta * y * (1 - y)"]
    for i in range(net.layers - 1, -1, -1):
        n, before = net.numbers[i], f"a{net.numbers[i - 1]}" if i else "x"
        body += [f"dW{n} += np.outer(delta, {before})", f"dB{n} += delta"]
        if i:
            body.append(f"delta = params['W{n}'].T @ delta")
            if net.hidden == "relu":
                body.append(f"delta = np.where(z{net.numbers[i - 1]} > 0, delta, 0)")
    back += ["    " + line for line in body]
    returned = ", ".join(f"'{x}{n}': d{x}{n} / len(YT)" for n in net.numbers for x in "WB")
    if net.output == "softmax":
        loss = [
            "p = np.exp(Y)",
            "p = p / p.sum(axis=1, keepdims=True)",
            "return -sum((t * np.log(q)).sum() for t, q in zip(YT, p)) / len(YT)",
        ]
    else:
        loss = [
            "total = 0.0",
            "for y, t in zip(Y, YT):",
            "    for a, b in zip(y, t):",
            "        total += (a - b) ** 2",
            "return total / Y.size",
        ]
    return _source(
        _function("forward(params, X)", *forward, "return np.array(outputs), cache"),
        _function("loss(Y, YT)", *loss),
        _function("backward(params, cache, YT)", *back, f"return {{{returned}}}"),
    )


def object_(net: Net) -> str:
    """Layers as objects; `Holder` is what is handed over."""
    layer = """
class Layer:
    def __init__(self, name, act):
        self.name, self.act = name, act

    def forward(self, params, x):
        self.x = x
        self.W = params["W" + self.name]
        z = np.einsum("ni,oi->no", x, self.W) + params["B" + self.name]
        if self.act == "relu":
            self.on = (z > 0).astype(float)
            return self.on * z
        if self.act == "sigmoid":
            y = np.empty_like(z)
            up = z >= 0
            y[up] = 1 / (1 + np.exp(-z[up]))
            small = np.exp(z[~up])
            y[~up] = small / (1 + small)
            self.y = y
            return y
        return z

    def backward(self, d, grads):
        if self.act == "relu":
            d = d * self.on
        if self.act == "sigmoid":
            d = d * (self.y - self.y ** 2)
        grads["dW" + self.name] = np.tensordot(d, self.x, axes=(0, 0))
        grads["dB" + self.name] = np.ones(len(d)) @ d
        return np.dot(d, self.W)
"""
    made = ", ".join(f"Layer({n!r}, {(net.output if n == net.numbers[-1] else net.hidden)!r})" for n in net.numbers)
    if net.output == "softmax":
        top = """
        s = np.exp(self.Y - self.Y.max(axis=1, keepdims=True))
        s /= s.sum(axis=1, keepdims=True)
        d = np.empty_like(s)
        for i, (p, t) in enumerate(zip(s, YT)):
            jacobian = np.diag(p) - np.outer(p, p)
            d[i] = jacobian @ (-t / p) / len(s)
"""
    else:
        top = "\n        d = np.mean(1.0) * (self.Y - YT) / (0.5 * self.Y.size)\n"
    loss = "\n".join(f"        {line}" for line in _loss_body(net))
    holder = f"""
class Holder:
    def __init__(self):
        self.layers = [{made}]

    def forward(self, params, X):
        for layer in self.layers:
            X = layer.forward(params, X)
        self.Y = X
        return X

    def loss(self, Y, YT):
{loss}

    def backward(self, params, cache, YT):
        grads = {{}}{top}        for layer in reversed(self.layers):
            d = layer.backward(d, grads)
        return grads
"""
    return _source(layer.strip(), holder.strip())


def reversed_(net: Net) -> str:
    """Gradients of the opposite sign that update adds."""
    last = net.numbers[-1]
    forward, back, A = [], [], "X"
    for n in net.numbers:
        act = net.output if n == last else net.hidden
        out = f"h{n}" if n != last else "y"
        forward.append(f"z{n} = np.einsum('ni,oi->no', {A}, params['W{n}']) + params['B{n}'][None, :]")
        forward.append(
            {"relu": f"{out} = np.clip(z{n}, 0, None)", "sigmoid": f"{out} = np.exp(-np.logaddexp(0, -z{n}))"}.get(
                act, f"{out} = 1 * z{n}"
            )
        )
        A = out
    kept = ["X", *(f"{x}{n}" for n in net.numbers[:-1] for x in "zh"), f"z{last}", "y"]
    if net.output == "softmax":
        back += ["p = np.exp(y - np.log(np.exp(y).sum(1, keepdims=True)))", "g = (YT - p) / YT.shape[0]"]
    else:
        back += ["g = (YT - y) / (0.5 * YT.size)"]
    if net.output == "sigmoid":
        back += [
            f"s = 1 / (1 + np.exp(-z{last}))",
            f"g = g * np.exp(-z{last}) * s ** 2" if False else "g = g * (s - s * s)",
        ]
    for i in range(net.layers - 1, -1, -1):
        n, before = net.numbers[i], f"h{net.numbers[i - 1]}" if i else "X"
        back += [f"gW{n} = np.einsum('no,ni->oi', g, {before})", f"gB{n} = np.einsum('no->o', g)"]
        if i:
            back.append(f"g = np.einsum('no,oi->ni', g, params['W{n}'])")
            if net.hidden == "relu":
                back.append(f"g = g * (z{net.numbers[i - 1]} >= 0)")
    returned = ", ".join(f"'{x}{n}': g{x}{n}" for n in net.numbers for x in "WB")
    return _source(
        _function("forward(params, X)", *forward, f"return y, ({', '.join(kept)})"),
        _loss(net),
        _function("backward(params, cache, YT)", f"{', '.join(kept)} = cache", *back, f"return {{{returned}}}"),
        _function("update(params, grads, lr)", "for k in params:", "    params[k] += lr * grads[k]", "return params"),
    )


STYLES: dict[str, Callable[[Net], str]] = {
    "rows": rows,
    "columns": columns,
    "transposed": transposed,
    "loops": loops,
    "object": object_,
    "reversed": reversed_,
}


def holder_of(source: str) -> object:
    """Run a source and return what has forward, loss and backward: its Holder, or its own functions."""
    values: dict[str, object] = {}
    exec(compile(source, "own.py", "exec"), values)
    made = values.get("Holder")
    return made() if callable(made) else SimpleNamespace(**values)


def _loss_body(net: Net, axis: int = 1) -> list[str]:
    if net.output == "softmax":
        return [
            f"shifted = Y - Y.max(axis={axis}, keepdims=True)",
            f"log_P = shifted - np.log(np.exp(shifted).sum(axis={axis}, keepdims=True))",
            f"return -(YT * log_P).sum() / Y.shape[{1 - axis}]",
        ]
    return ["return np.mean((Y - YT) ** 2)"]


def _loss(net: Net, axis: int = 1) -> str:
    return _function("loss(Y, YT)", *_loss_body(net, axis))


def _function(head: str, *lines: str) -> str:
    return "\n".join([f"def {head}:", *(f"    {line}" for line in lines)])


def _source(*parts: str) -> str:
    return "\n\n\n".join(["import numpy as np", *parts]) + "\n"
