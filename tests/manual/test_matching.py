"""Variables are known by what they hold; the line of a slip is found from that and from where values flow."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.formula.plain import Array
from nncheck.manual.scripts import flow, syntax
from nncheck.manual.scripts.blaming import Blame, blame
from nncheck.manual.scripts.matching import Match, match
from nncheck.manual.scripts.observed import Observed, observe
from nncheck.manual.scripts.script import watch
from nncheck.manual.scripts.truths import truths
from tests.manual import scripts
from tests.manual.test_roles import _runner, _seen


def _truth(observed: Observed, case: str) -> dict[str, Array]:
    return truths(cases.find(case), observed.X, observed.YT, observed.before)


def _matches(text: str, case: str) -> dict[str, Match]:
    observed = _seen(text, case)
    return match(observed, _truth(observed, case))


def _texts(found: Match) -> set[str]:
    return {held.text for held in found.held}


@pytest.mark.parametrize(
    ("name", "variable", "text"),
    [
        ("scalar sigmoid", "dnet2", "dZ2[1]"),
        ("scalar sigmoid", "dw6", "dW2[0, 1]"),
        ("scalar sigmoid", "db1", "dB[0]"),
        ("scalar sigmoid", "h1", "H[0]"),
        ("scalar softmax", "p2", "P[1]"),
        ("scalar softmax", "e1", "(exp(Y))[0]"),
        ("arrays", "dZ2", "dZ2"),
        ("arrays", "sigmoid()", "Y"),
        ("transposed", "grad_W1", "dW"),
        ("transposed", "y", "P"),
        ("class", "backward.dz2", "dZ2"),
        ("class", "net.dW1", "dW"),
        ("lists", "dh", "dH"),
        ("shared bias", "d2", "dY[1]"),
        ("layer objects", "backward() (call 2)", "dZ"),
    ],
)
def test_what_a_variable_holds(name: str, variable: str, text: str) -> None:
    source, case = next((text, case) for other, text, case in scripts.RIGHT if other == name)
    assert text in _texts(_matches(source, case)[variable])


@pytest.mark.parametrize(
    ("old", "new", "variable", "text"),
    [
        ("dy1 = y1 - t1", "dy1 = t1 - y1", "dy1", "-dY[0]"),
        ("dy1 = y1 - t1", "dy1 = 2 * (y1 - t1)", "dy1", "2 dY[0]"),
        ("dw6 = dnet1 * h2", "dw6 = dnet1 * h1", "dw6", "dW2[0, 0]"),
        ("dnet1 = dy1 * y1 * (1 - y1)", "dnet1 = dy1", "dnet1", "dY[0]"),
        ("dnet1 = dy1 * y1 * (1 - y1)", "s1 = y1 * (1 - y1); dnet1 = dy1 * s1", "s1", "(Y * (1 - Y))[0]"),
        ("dh1 = dnet1 * w5 + dnet2 * w7", "q = dnet1 * w5; dh1 = q + dnet2 * w7", "q", "(a term of dZ2 @ W2)[0, 0]"),
        ("dw5 = dnet1 * h1", "dw5 = lr * dnet1 * h1", "dw5", "lr dW2[0, 0]"),
    ],
)
def test_what_a_wrong_or_a_partial_value_equals(old: str, new: str, variable: str, text: str) -> None:
    assert old in scripts.SCALAR_SIGMOID
    assert text in _texts(_matches(scripts.SCALAR_SIGMOID.replace(old, new), "relu_sigmoid")[variable])


def test_a_value_off_by_a_millionth_is_nothing() -> None:
    text = scripts.SCALAR_SIGMOID.replace("dnet1 = dy1 *", "dnet1 = 1.000001 * dy1 *")
    found = _matches(text, "relu_sigmoid")
    assert not found["dnet1"].held and found["dnet2"].held


def _wrong_and_right(observed: Observed, truth: dict[str, Array]) -> tuple[list[str], list[str]]:
    assert observed.lr is not None
    wrong, right = [], []
    for name, sources in observed.sources.items():
        got = (observed.before[name] - observed.after[name]) / observed.lr
        true = truth[f"d{name}"]
        near = np.abs(got - true) <= 1e-9 * np.abs(true).max() + 1e-12
        for variable, fine in zip(sources, near.all(axis=0).ravel()):
            (right if fine else wrong).append(variable)
    return wrong, right


def _blamed(text: str, case: str) -> Blame | None:
    """Return the line that is blamed, None if the slip changes no gradient."""
    observed = observe(_runner(text), text, cases.find(case))
    if not isinstance(observed, Observed):
        found = re.search(r"line (\d+): ", observed.text)
        return Blame(int(found[1]), "", "") if found else None
    truth = _truth(observed, case)
    wrong, right = _wrong_and_right(observed, truth)
    return blame(text, observed, match(observed, truth), wrong, right, truth) if wrong else None


def _slips(line: str) -> list[str]:
    """Return a line with one token changed: a neighbour's digit, a sign, a factor left out."""
    head, tail = line.split("= ", 1)
    neighbour = {"1": "2", "2": "1", "3": "4", "4": "3", "5": "6", "6": "5", "7": "8", "8": "7"}
    found = [tail[: m.start(1)] + neighbour[m[1]] + tail[m.end(1) :] for m in re.finditer(r"\b[a-z_]+(\d)\b", tail)]
    found += [
        tail[: m.start()] + (" - " if m[1] == "+" else " + ") + tail[m.end() :] for m in re.finditer(r" ([+-]) ", tail)
    ]
    found += [tail[: m.start()] + tail[m.end() :] for m in re.finditer(r" \* (\w+|\([^()]*\))", tail)]
    found += [f"-({tail})"]
    return [f"{head}= {changed}" for changed in found]


@pytest.mark.parametrize(
    ("text", "case"), [(scripts.SCALAR_SIGMOID, "relu_sigmoid"), (scripts.SCALAR_SOFTMAX, "softmax_cross_entropy")]
)
def test_the_line_of_a_single_slip_in_a_script_of_sixty_lines_is_exact(text: str, case: str) -> None:
    lines = text.split("\n")
    assert 60 <= len(lines) <= 72
    generator = np.random.default_rng(0)
    start = next(i for i, line in enumerate(lines) if "# backward" in line)
    backward = [i for i in range(start, len(lines)) if re.match(r" {4}\w+ = ", lines[i])]
    exact = planted = 0
    for place in backward:
        slips = _slips(lines[place])
        slip = slips[int(generator.integers(len(slips)))]
        found = _blamed("\n".join([*lines[:place], slip, *lines[place + 1 :]]), case)
        if found is not None:
            planted += 1
            exact += found.line == place + 1
    assert planted >= 25
    assert exact >= 0.9 * planted


@pytest.mark.parametrize(
    ("text", "case", "old", "new"),
    [
        (scripts.ARRAYS, "relu_sigmoid", "dZ2 = dY * Y * (1 - Y)", "dZ2 = dY"),
        (scripts.ARRAYS, "relu_sigmoid", "dY = 2 * (Y - YT) / Y.size", "dY = (Y - YT) / Y.size"),
        (scripts.ARRAYS, "relu_sigmoid", "dH = dZ2 @ W2", "dH = dZ2 @ W2.T"),
        (scripts.ARRAYS, "relu_sigmoid", "dZ = dH * (Z > 0)", "dZ = dH"),
        (scripts.ARRAYS, "relu_sigmoid", "Y = sigmoid(Z2)", "Y = sigmoid(Z)"),
        (scripts.ARRAYS, "relu_sigmoid", "1 / (1 + np.exp(-z))", "1 / (2 + np.exp(-z))"),
        (scripts.ARRAYS, "relu_sigmoid", "B2 -= 0.01 * dB2", "B2 -= 0.01 * dB"),
        (scripts.TRANSPOSED, "softmax_cross_entropy", "delta2 = y - t", "delta2 = (y - t) * y * (1 - y)"),
        (scripts.TRANSPOSED, "softmax_cross_entropy", "grad_b1 = np.sum(delta1,", "grad_b1 = np.sum(delta2,"),
        (scripts.CLASS, "relu_sigmoid", "self.dW1 = dz1.T @ self.X", "self.dW1 = dz2.T @ self.X"),
        (scripts.CLASS, "relu_sigmoid", "dz2 = dy * self.y * (1 - self.y)", "dz2 = dy * (1 - self.y)"),
        (scripts.WHILE_TRUE, "two_to_one", "w2 -= 0.01 * dy * x2", "w2 -= 0.01 * dy * x1"),
        (scripts.KOREAN, "one_to_one", "기울기 = 2 * (출력 - 정답)", "기울기 = 출력 - 정답"),
        (scripts.LISTS, "hidden", "h[j] += w[j][i] * x[i]", "h[j] += w[i][j] * x[i]"),
        (scripts.DICTIONARY, "hidden", "dY.T @ H", "dY.T @ X"),
        (scripts.DICTIONARY, "hidden", "= dH.sum(0)", "= dY.sum(0)"),
        (scripts.SHARED_BIAS, "hidden", "dh2 = d1 * w[5]", "dh2 = d1 * w[4]"),
    ],
)
def test_the_line_of_a_slip_in_other_styles(text: str, case: str, old: str, new: str) -> None:
    assert text.count(old) == 1
    if text is scripts.SHARED_BIAS:  # two biases of its own, updated: nothing but the slip is wrong
        text = text.replace("b1 = 0.35\nb2 = 0.60", "b1, b1b = 0.35, 0.35\nb2, b2b = 0.60, 0.60")
        text = text.replace("w[3] * i2 + b1", "w[3] * i2 + b1b").replace("w[7] * h2 + b2", "w[7] * h2 + b2b")
        text += "    b1 -= lr * dh1; b1b -= lr * dh2; b2 -= lr * d1; b2b -= lr * d2\n"
    place = text[: text.index(old)].count("\n") + 1
    found = _blamed(text.replace(old, new), case)
    assert found is not None and found.line == place
    assert new in found.text


def test_a_slice_follows_values_and_stops_at_new_ones() -> None:
    tree = syntax.parse(
        "for t in range(3):\n    a = x\n    b = a + 1\n    a = y\n    c = a * 2\n    w -= b\n    v -= c\n"
    )
    statements = flow.iteration(tree, syntax.loops(tree)[0])

    def lines(name: str) -> list[int]:
        return sorted(statements[place].line for place in flow.slice_of(statements, [name]))

    assert lines("w") == [2, 3, 6] and lines("v") == [4, 5, 7]


def test_a_slice_goes_into_functions_methods_branches_and_loops() -> None:
    text = """
class Net:
    def step(self, g):
        self.w = self.w - g
def double(q):
    r = 2 * q
    return r, 3 * q
for t in range(3):
    if z > 0:
        d = e
    else:
        d = 0
    s = 0
    for k in range(2):
        s += d * v[k]
    g, h = double(s)
    u = h
    net.step(g)
"""
    tree = syntax.parse(text)
    statements = flow.iteration(tree, next(loop for loop in syntax.loops(tree) if loop.line == 8))
    lines = {statements[place].line for place in flow.slice_of(statements, ["net.w"])}
    assert lines >= {4, 6, 7, 9, 10, 12, 13, 15, 16, 18} and 17 not in lines


def test_the_watched_script_itself_is_not_changed_by_being_blamed() -> None:
    observed = _seen(scripts.SCALAR_SIGMOID, "relu_sigmoid")
    truth = _truth(observed, "relu_sigmoid")
    assert blame(scripts.SCALAR_SIGMOID, observed, match(observed, truth), [], list("w")) is None
    assert watch(scripts.SCALAR_SIGMOID, "script.py", most=3).loops[0].steps == (0, 1, 2)


def test_slips_are_planted_as_they_should() -> None:
    assert set(_slips("    dh1 = d1 * w5 + d2 * w7")) == {
        "    dh1 = d2 * w5 + d2 * w7",
        "    dh1 = d1 * w6 + d2 * w7",
        "    dh1 = d1 * w5 + d1 * w7",
        "    dh1 = d1 * w5 + d2 * w8",
        "    dh1 = d1 * w5 - d2 * w7",
        "    dh1 = d1 + d2 * w7",
        "    dh1 = d1 * w5 + d2",
        "    dh1 = -(d1 * w5 + d2 * w7)",
    }


def test_matching_holds_shapes_apart(recwarn: Any) -> None:
    observed = _seen(scripts.ARRAYS, "relu_sigmoid")
    found = match(observed, {"dZ2": _truth(observed, "relu_sigmoid")["dZ2"]})
    assert [held.text for held in found["dZ2"].whole] == ["dZ2"] and not found["dW2"].whole
    assert not recwarn.list
