"""Step 0 of relu_sigmoid calculated as on paper: the document's numbers, and nothing but Python's floats."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import pytest

from nncheck.explained import Explained
from tests.explaining.conftest import Explain

Paper = dict[str, Any]


def _as_written(number: float) -> float:
    return number


def _as_float32(number: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", number))[0])


def on_paper(n: Callable[[float], float]) -> Paper:
    """Return every quantity of one step; ``n`` reads a number of the document."""
    x1, x2, t1, t2 = n(0.05), n(0.10), n(0.01), n(0.99)
    w11, w12, w21, w22, b1, b2 = n(0.15), n(0.20), n(0.25), n(0.30), n(0.35), n(0.35)
    v11, v12, v21, v22, c1, c2 = n(0.40), n(0.45), n(0.50), n(0.55), n(0.60), n(0.60)
    lr = 0.01

    # forward
    z1 = w11 * x1 + w12 * x2 + b1  # 0.0075 + 0.02 + 0.35 = 0.3775
    z2 = w21 * x1 + w22 * x2 + b2  # 0.0125 + 0.03 + 0.35 = 0.3925
    h1, h2 = z1, z2  # both are above 0
    a1 = v11 * h1 + v12 * h2 + c1  # 0.151 + 0.176625 + 0.6 = 0.927625
    a2 = v21 * h1 + v22 * h2 + c2  # 0.18875 + 0.215875 + 0.6 = 1.004625
    y1 = 1 / (1 + math.exp(-a1))  # 0.716593
    y2 = 1 / (1 + math.exp(-a2))  # 0.731967
    E = ((y1 - t1) ** 2 + (y2 - t2) ** 2) / 2  # (0.499274 + 0.066581) / 2 = 0.282928

    # backward: dE/dy_k = 2 (y_k - t_k) / 2
    p1, p2 = y1 - t1, y2 - t2  # 0.706593, -0.258033
    d1 = p1 * y1 * (1 - y1)  # 0.143500
    d2 = p2 * y2 * (1 - y2)  # -0.050624
    q1 = d1 * v11 + d2 * v21  # 0.057400 - 0.025312 = 0.032088
    q2 = d1 * v12 + d2 * v22  # 0.064575 - 0.027843 = 0.036732
    dW = [[q1 * x1, q1 * x2], [q2 * x1, q2 * x2]]
    dW2 = [[d1 * h1, d1 * h2], [d2 * h1, d2 * h2]]

    return {
        "Z": [[z1, z2]],
        "H": [[h1, h2]],
        "Z2": [[a1, a2]],
        "Y": [[y1, y2]],
        "E": E,
        "dY": [[p1, p2]],
        "dZ2": [[d1, d2]],
        "dW2": dW2,
        "dB2": [d1, d2],
        "dH": [[q1, q2]],
        "dZ": [[q1, q2]],
        "dW": dW,
        "dB": [q1, q2],
        "W'": [[w11 - lr * dW[0][0], w12 - lr * dW[0][1]], [w21 - lr * dW[1][0], w22 - lr * dW[1][1]]],
        "B'": [b1 - lr * q1, b2 - lr * q2],
        "W2'": [[v11 - lr * dW2[0][0], v12 - lr * dW2[0][1]], [v21 - lr * dW2[1][0], v22 - lr * dW2[1][1]]],
        "B2'": [c1 - lr * d1, c2 - lr * d2],
    }


def _flat(value: Any) -> list[float]:
    return [x for item in value for x in _flat(item)] if isinstance(value, list) else [value]


@pytest.fixture
def explained(explain: Explain) -> Explained:
    return explain("relu_sigmoid", step=0)


@pytest.mark.parametrize(
    ("read", "close"),
    [(_as_written, 1e-6), (_as_float32, 1e-14)],  # every run rounds the document's numbers to float32 once
    ids=["as written", "as float32"],
)
def test_every_line_is_what_paper_says(explained: Explained, read: Callable[[float], float], close: float) -> None:
    paper = on_paper(read)
    assert [line.name for line in explained.worked.lines] == list(paper)
    for line in explained.worked.lines:
        for whose in (line.value, line.autograd, *([line.hand] if line.hand is not None else [])):
            assert _flat(whose) == pytest.approx(_flat(paper[line.name]), rel=close, abs=0), line.name
        assert line.verdict == "agree"
    assert (explained.verdict, explained.differs, explained.worked.differs) == ("agree", False, False)


def test_paper_shows_a_planted_error(explained: Explained) -> None:
    dZ2 = next(line for line in explained.worked.lines if line.name == "dZ2")
    paper = on_paper(_as_float32)["dZ2"][0]
    assert _flat(dZ2.value) != pytest.approx([paper[0] * (1 + 1e-12), paper[1]], rel=1e-14, abs=0)


def test_four_digits_of_it_stand_in_the_formulas(explained: Explained) -> None:
    filled = {line.name: line.filled for line in explained.worked.lines}
    assert filled["Z"] == "Z = [[0.05, 0.1]] @ [[0.15, 0.2], [0.25, 0.3]].T + [0.35, 0.35]"
    assert filled["E"] == "E = (([[0.7166, 0.732]] - [[0.01, 0.99]]) ** 2).mean()"
    assert filled["dY"] == "dY = 2 * ([[0.7166, 0.732]] - [[0.01, 0.99]]) / 2"
    assert filled["dZ2"] == "dZ2 = [[0.7066, -0.258]] * [[0.7166, 0.732]] * (1 - [[0.7166, 0.732]])"
    assert filled["dZ"] == "dZ = [[0.03209, 0.03673]] * ([[0.3775, 0.3925]] > 0)"
    assert filled["B2'"] == "B2' = [0.6, 0.6] - 0.01 * [0.1435, -0.05062]"
