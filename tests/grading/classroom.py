"""A class that writes the network of relu_sigmoid by hand: each student decides how to write each line.

Every choice below is right; they are put together at random, as people do who write on their own, with names and
comments of their own. Nothing of nncheck computes here.
"""

from __future__ import annotations

import random
import re

#: What students call things, by what the lines below call them.
_NAMES = (
    {},
    {"Z": "z1", "H": "a1", "Z2": "z2", "dY": "dy", "dZ2": "dz2", "dH": "da1", "dZ": "dz1"},
    {"Z": "pre", "H": "hidden", "Z2": "logits", "dY": "err", "dZ2": "delta_out", "dH": "back", "dZ": "delta_hidden"},
    {"Z": "U", "H": "V", "Z2": "S", "dY": "g", "dZ2": "gS", "dH": "gV", "dZ": "gU"},
    {"Z": "net_1", "H": "out_1", "Z2": "net_2", "dY": "grad", "dZ2": "grad_2", "dH": "grad_out", "dZ": "grad_1"},
)
_COMMENTS = (
    "chain rule",
    "역전파",
    "see lecture 4",
    "shape (N, n)",
    "hidden layer",
    "check this again",
    "출력층",
    "ok",
)


def correct(seed: int) -> str:
    """Return one student's file, correct."""
    return _written(random.Random(seed), {})


def wrong(seed: int, mistake: str) -> str:
    """Return one student's file with one mistake: a key of `MISTAKES`."""
    return _written(random.Random(seed), MISTAKES[mistake])


#: What is written instead, by the line that it stands in.
MISTAKES: dict[str, dict[str, str]] = {
    "mse.no2": {"dY": "dY = (Y - YT) / Y.size"},
    "mse.sumN": {"dY": "dY = 2 * (Y - YT) / Y.shape[1]"},
    "loss.gsign": {"dY": "dY = 2 * (YT - Y) / Y.size"},
    "act.missing": {"dZ": "dZ = 1.0 * dH"},
    "relu.mask_grad": {"dZ": "dZ = dH * (dH > 0)"},
    "act.one_minus": {"dZ2": "dZ2 = dY * (1 - Y)"},
    "act.pre_as_post": {"dZ2": "dZ2 = dY * Z2 * (1 - Z2)"},
    "db.mean": {"dB2": "dB2 = dZ2.mean(axis=0)", "dB": "dB = dZ.mean(axis=0)"},
    "prop.WT": {"dH": "dH = dZ2 @ W2.T"},
    "dW.preact_in": {"dW2": "dW2 = dZ2.T @ Z"},
    "dW.divN": {"dW2": "dW2 = dZ2.T @ H / len(X)", "dW": "dW = dZ.T @ X / len(X)"},
    "loss.half": {"E": "return np.mean((Y - YT) ** 2) / 2"},
}


def _written(chance: random.Random, instead: dict[str, str]) -> str:
    pick = chance.choice
    unpacked = chance.random() < 0.5
    W, B, W2, B2 = ("W", "B", "W2", "B2") if unpacked else (f'params["{n}"]' for n in ("W", "B", "W2", "B2"))

    def linear(A: str, weight: str, bias: str) -> str:
        return pick(
            (
                f"{A} @ {weight}.T + {bias}",
                f"np.dot({A}, {weight}.T) + {bias}",
                f"{bias} + np.matmul({A}, {weight}.T)",
                f"{A}.dot({weight}.T) + {bias}",
                f'np.einsum("ni,oi->no", {A}, {weight}) + {bias}',
            )
        )

    helpers = []
    relu = pick(("np.maximum(Z, 0)", "np.maximum(0, Z)", "Z * (Z > 0)", "np.where(Z > 0, Z, 0)", "np.clip(Z, 0, None)"))
    sigmoid = pick(("1 / (1 + np.exp(-Z2))", "1.0 / (1.0 + np.exp(-Z2))", "0.5 * (1 + np.tanh(Z2 / 2))"))
    if chance.random() < 0.4:
        helpers.append(f"def relu(Z):\n    return {relu}")
        relu = "relu(Z)"
    if chance.random() < 0.6:
        helpers.append(f"def sigmoid(Z2):\n    return {sigmoid}")
        sigmoid = "sigmoid(Z2)"
    unpack = pick(
        (
            ["W, B, W2, B2 = (params[k] for k in ('W', 'B', 'W2', 'B2'))"],
            ["W, B = params['W'], params['B']", "W2, B2 = params['W2'], params['B2']"],
            [f"{n} = params['{n}']" for n in ("W", "B", "W2", "B2")],
        )
    )
    kept = ["X", "Z", "H", "Z2", "Y"]
    chance.shuffle(kept)
    keep, read = _cache(kept, pick(("dict", "tuple", "list", "steps")))
    forward = unpack * unpacked + [f"Z = {linear('X', W, B)}", f"H = {relu}", f"Z2 = {linear('H', W2, B2)}"]
    forward += [f"Y = {sigmoid}", *keep, "return Y, cache"]
    error = pick(
        (
            ["return np.mean((Y - YT) ** 2)"],
            ["return ((Y - YT) ** 2).mean()"],
            ["D = YT - Y", "return (D * D).sum() / D.size"],
            ["return np.sum(np.square(Y - YT)) / Y.size"],
            ["N, K = Y.shape", "total = np.sum((Y - YT) ** 2)", "return total / (N * K)"],
            ["return np.average(np.power(Y - YT, 2))"],
        )
    )
    backward = [*read, *unpack * unpacked, *_backward(chance, W2)]
    for name, line in instead.items():
        if name == "E":
            error = [line]
        else:
            line = line.replace("W2.T", f"{W2}.T") if name == "dH" else line
            backward = _replaced(backward, name, line)
    parts = [*helpers, _function("forward(params, X)", forward), _function("loss(Y, YT)", error)]
    parts.append(_function("backward(params, cache, YT)", backward))
    return _own_hand(chance, parts)


def _cache(kept: list[str], kind: str) -> tuple[list[str], list[str]]:
    listed = ", ".join(kept)
    if kind == "dict":
        pairs = ", ".join(f"'{name}': {name}" for name in kept)
        return [f"cache = {{{pairs}}}"], [f"{name} = cache['{name}']" for name in kept]
    if kind == "steps":
        return ["cache = {}", *(f"cache['{name}'] = {name}" for name in kept)], [
            f"{listed} = [cache[key] for key in {kept!r}]"
        ]
    return [f"cache = [{listed}]" if kind == "list" else f"cache = ({listed})"], [f"{listed} = cache"]


def _backward(chance: random.Random, W2: str) -> list[str]:
    pick = chance.choice
    lines = pick(
        (
            ["dY = 2 * (Y - YT) / Y.size"],
            ["dY = (Y - YT) * 2 / Y.size"],
            ["N, K = YT.shape", "dY = 2 / (N * K) * (Y - YT)"],
            ["dY = -2 * (YT - Y) / YT.size"],
            ["m = YT.shape[0] * YT.shape[1]", "dY = (2.0 / m) * (Y - YT)"],
        )
    )
    lines = lines + pick(
        (
            ["dZ2 = dY * Y * (1 - Y)"],
            ["slope = Y * (1 - Y)", "dZ2 = dY * slope"],
            ["dZ2 = dY * (Y - Y ** 2)"],
            ["dZ2 = np.multiply(dY, Y) * (1.0 - Y)"],
            ["dZ2 = Y * (1 - Y) * dY"],
        )
    )
    lines = lines + pick(
        (
            [f"dH = dZ2 @ {W2}"],
            [f"dH = np.dot(dZ2, {W2})"],
            [f"dH = ({W2}.T @ dZ2.T).T"],
            [f"dH = np.matmul(dZ2, {W2})"],
        )
    )
    lines = lines + pick(
        (
            ["dZ = dH * (Z > 0)"],
            ["dZ = np.where(Z > 0, dH, 0)"],
            ["mask = (Z > 0).astype(float)", "dZ = dH * mask"],
            ["dZ = dH.copy()", "dZ[Z <= 0] = 0"],
            ["dZ = dH * np.heaviside(Z, 0)"],
            ["dZ = np.where(H > 0, 1.0, 0.0) * dH"],
        )
    )
    gradients = []
    for D, A, n in (("dZ2", "H", "2"), ("dZ", "X", "")):
        gradients.append(
            [
                pick((f"dW{n} = {D}.T @ {A}", f"dW{n} = np.dot({D}.T, {A})", f"dW{n} = ({A}.T @ {D}).T"))
                if chance.random() < 0.8
                else f'dW{n} = np.einsum("no,ni->oi", {D}, {A})',
                pick((f"dB{n} = {D}.sum(axis=0)", f"dB{n} = np.sum({D}, axis=0)", f"dB{n} = {D}.sum(0)"))
                if chance.random() < 0.8
                else f"dB{n} = np.ones(len({D})) @ {D}",
            ]
        )
    if chance.random() < 0.5:  # the output layer's as soon as they can be had
        place = next(i for i, line in enumerate(lines) if line.startswith("dH"))
        lines[place:place] = gradients[0]
        lines += gradients[1]
    else:
        lines += gradients[1] + gradients[0] if chance.random() < 0.5 else gradients[0] + gradients[1]
    order = ["W", "B", "W2", "B2"]
    if chance.random() < 0.3:
        order.reverse()
    kind = chance.random()
    if kind < 0.5:
        return [*lines, "return {" + ", ".join(f"'{n}': d{n}" for n in order) + "}"]
    if kind < 0.7:
        return [*lines, "return dict(" + ", ".join(f"{n}=d{n}" for n in order) + ")"]
    if kind < 0.85:
        return [*lines, "grads = {}", *(f"grads['{n}'] = d{n}" for n in order), "return grads"]
    return [*lines, "return dW, dB, dW2, dB2"]


def _replaced(lines: list[str], name: str, line: str) -> list[str]:
    """Return lines with another one in the place of the first that assigns a name, and no later one that does."""
    own = [i for i, text in enumerate(lines) if re.match(rf"{name}( =|\[)", text)]
    return [line if i == own[0] else text for i, text in enumerate(lines) if i == own[0] or i not in own]


def _function(head: str, lines: list[str]) -> str:
    return "\n".join([f"def {head}:", *(f"    {line}" for line in lines)])


def _own_hand(chance: random.Random, parts: list[str]) -> str:
    """Give a file names, comments and an order of its own."""
    chance.shuffle(parts)
    names = chance.choice(_NAMES)
    text = "\n\n\n".join(["import numpy as np", *parts]) + "\n"
    for old, new in sorted(names.items(), key=lambda pair: -len(pair[0])):
        text = re.sub(rf"(?<![\w'\"]){old}(?![\w'\"])", new, text)
    lines = text.split("\n")
    for _ in range(chance.randint(0, 4)):
        place = chance.randrange(1, len(lines))
        lines[place] += f"  # {chance.choice(_COMMENTS)}"
    return f"# {chance.choice(_COMMENTS)} {chance.randrange(10**6)}\n" + "\n".join(lines)
