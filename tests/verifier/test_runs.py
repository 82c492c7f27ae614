"""Training scripts judged: every single slip of a script of 60 lines gives entry, line, and what it equals."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import nncheck
from nncheck import case as cases
from nncheck.manual.scripts.observed import Observed, observe
from nncheck.manual.scripts.script import watch
from nncheck.manual.scripts.watched import Watched
from nncheck.verifier.assess import Assessment
from nncheck.verifier.runs import check_run
from nncheck.verifier.truth import Autograd

#: 60 lines of scalars: w1 ... w8, b1 ... b4, their errors under names of their own.
SCALARS = (cases.find("relu_sigmoid").folder / "correct" / "scalars_in_a_loop.py").read_text(encoding="utf-8")


def assessed(text: str, name: str = "relu_sigmoid") -> Assessment:
    """Judge a script, run in this process, by the certified derivation."""
    case = cases.find(name)

    def run(
        literals: dict[tuple[int, int], float] | None = None, loop: int | None = None, most: int | None = None
    ) -> Watched:
        return watch(text, Path("script.py"), literals, loop=loop, most=most)

    observed = observe(run, text, case)
    assert isinstance(observed, Observed), observed
    with Autograd(case, certified_first=True) as judge:
        return check_run(case, case.derivation(), observed, judge, text)


# one slip in one line: what stood there, what stands there now, the wrong parameters' gradients
SLIPS = [
    ("e1 = y1 - t1", "e1 = y1 - t2", "dW2"),
    ("e2 = y2 - t2", "e2 = y2 + t2", "dW2"),
    ("d3 = e1 * y1 * (1 - y1)", "d3 = e1 * y1 * (1 - y2)", "dW2"),
    ("d4 = e2 * y2 * (1 - y2)", "d4 = e1 * y2 * (1 - y2)", "dW2"),
    ("d4 = e2 * y2 * (1 - y2)", "d4 = e2 * y2", "dW2"),
    ("g5 = d3 * h1", "g5 = d3 * h2", "dW2"),
    ("g6 = d3 * h2", "g6 = d4 * h2", "dW2"),
    ("g7 = d4 * h1", "g7 = d4 * z1 * h1", "dW2"),
    ("g8 = d4 * h2", "g8 = e2 * h2", "dW2"),
    ("eh1 = d3 * w5 + d4 * w7", "eh1 = d3 * w5 + d4 * w6", "dW"),
    ("eh1 = d3 * w5 + d4 * w7", "eh1 = d3 * w5 - d4 * w7", "dW"),
    ("eh2 = d3 * w6 + d4 * w8", "eh2 = d3 * w6", "dW"),
    ("d1 = eh1 if z1 > 0 else 0", "d1 = eh1 if z2 > 0 else 0", "dW"),
    ("d2 = eh2 if z2 > 0 else 0", "d2 = eh2", "dW"),
    ("g1 = d1 * i1", "g1 = d1 * i2", "dW"),
    ("g2 = d1 * i2", "g2 = d2 * i2", "dW"),
    ("g3 = d2 * i1", "g3 = d2", "dW"),
    ("g4 = d2 * i2", "g4 = d2 * i2 * 2", "dW"),
    ("w1 = w1 - lr * g1", "w1 = w1 - lr * g2", "dW"),
    ("w4 = w4 - lr * g4", "w4 = w4 + lr * g4", "dW"),
    ("w6 = w6 - lr * g6", "w6 = w6 - lr * g7", "dW2"),
    ("w8 = w8 - lr * g8", "w8 = w8", "dW2"),
    ("b1 = b1 - lr * d1", "b1 = b1 - lr * d2", "dB"),
    ("b4 = b4 - lr * d4", "b4 = b4 - lr * d3", "dB2"),
]


@pytest.mark.parametrize(("right", "wrong", "quantity"), SLIPS, ids=[wrong for _, wrong, _ in SLIPS])
def test_a_slip_in_one_line_gives_entry_line_and_what_it_equals(right: str, wrong: str, quantity: str) -> None:
    assert SCALARS.count(f"    {right}\n") == 1
    text = SCALARS.replace(f"    {right}\n", f"    {wrong}\n")
    found = assessed(text)
    finding = found.findings[0]
    assert finding.quantity == quantity
    assert finding.line == text.split(chr(10)).index("    " + wrong) + 1
    assert finding.index is not None
    assert finding.explanations, finding.text
    assert found.faults == {"derivation"}


def test_the_right_script_agrees() -> None:
    found = assessed(SCALARS)
    assert not found.findings
    assert [checked.verdict for checked in found.quantities] == ["agree"] * 5


def test_a_slip_names_the_other_values_as_the_person_does() -> None:
    found = assessed(SCALARS.replace("eh1 = d3 * w5 + d4 * w7", "eh1 = d3 * w5 + d4 * w6"))
    (explanation,) = found.findings[0].explanations
    assert explanation.id == "entry"
    assert "d3 * w5 + d4 * w6" in explanation.text
    assert explanation.equals == "dH[0] = dZ2[0] * W2[0, 0] + dZ2[1] * W2[0, 1]"
    assert "Wrong: w1, w2, b1. Right: w3, w4, b2" in found.findings[0].text


NAMED: list[tuple[str, Callable[[str], str], str]] = [
    ("act.missing", lambda t: re.sub(r"(d[12] = eh[12]) if z[12] > 0 else 0", r"\1", t), "dW"),
    ("upd.plus", lambda t: t.replace(" - lr * ", " + lr * "), "dW2"),
    ("upd.no_lr", lambda t: t.replace(" - lr * ", " - "), "dW2"),
    ("db.zero", lambda t: re.sub(r"    b\d = b\d - lr \* d\d\n", "", t), "dB2"),
    ("prop.WT", lambda t: t.replace("d4 * w7", "d4 * w6").replace("d3 * w6 +", "d3 * w7 +"), "dW"),
    ("mse.no2", lambda t: re.sub(r"(e\d = )(y\d - t\d)", r"\1(\2) / 2", t), "dW2"),
    ("act.one_minus", lambda t: re.sub(r"(d[34] = e\d) \* y\d", r"\1", t), "dW2"),
]


@pytest.mark.parametrize(("id", "change", "quantity"), NAMED, ids=[id for id, _, _ in NAMED])
def test_a_mistake_made_throughout_is_named(id: str, change: Callable[[str], str], quantity: str) -> None:
    text = change(SCALARS)
    assert text != SCALARS
    finding = assessed(text).findings[0]
    assert finding.quantity == quantity
    assert id in [explanation.id for explanation in finding.explanations]


def test_the_weight_that_is_updated_too_early_is_named() -> None:
    early = [f"    w{k} = w{k} - lr * g{k}\n" for k in (5, 6, 7, 8)]
    text = SCALARS
    for line in early:
        text = text.replace(line, "")
    text = text.replace("    eh1 = ", "".join(early) + "    eh1 = ")
    finding = assessed(text).findings[0]
    assert finding.quantity == "dW"
    assert "prop.updatedW" in [explanation.id for explanation in finding.explanations]


def test_a_consistent_half_is_a_convention() -> None:
    text = SCALARS.replace(") / 2\n    # backward", ") / 4\n    # backward")
    text = re.sub(r"(e\d = )(y\d - t\d)", r"\1(\2) / 2", text)
    (finding,) = assessed(text).findings
    assert finding.convention and finding.kind == "convention"


def test_a_script_in_its_own_process(tmp_path: Path) -> None:
    path = tmp_path / "내 역전파.py"
    path.write_text(SCALARS.replace("g1 = d1 * i1", "g1 = d1 * i2"), encoding="utf-8")
    result = nncheck.verify(path, "relu_sigmoid")
    assert (result.form, result.verdict, result.judged_by) == ("script", "differ", "autograd")
    assert result.findings[0].quantity == "dW"
    assert [q.name for q in result.quantities] == ["E", "dW2", "dB2", "dW", "dB"]


def test_a_script_that_raises_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import nothing_of_that_name\nfor i in range(3):\n    w = i\n", encoding="utf-8")
    result = nncheck.verify(path, "relu_sigmoid", form="script")
    assert result.verdict == "differ"
    assert result.findings[0].kind == "code"
    assert "nothing_of_that_name" in result.findings[0].text and result.findings[0].line == 1


LINEAR = """\
import numpy as np

W, b = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([0.35, 0.35])
V, c = np.array([[0.40, 0.45], [0.50, 0.55]]), np.array([0.60, 0.60])
x, t = np.array([0.05, 0.10]), np.array([0.01, 0.99])
lr = 0.01
for epoch in range(100):
    h = W @ x + b
    y = V @ h + c
    loss = np.mean((y - t) ** 2)
    d = y - t
    e = V.T @ d
    V = V - lr * np.outer(d, h)
    c = c - lr * d
    W = W - lr * np.outer(e, x)
    b = b - lr * e
"""


def linear(*changes: tuple[str, str]) -> str:
    """Return the script of the linear case, changed."""
    text = LINEAR
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


# the target is 0.01, too: a rate drawn anew as if it were data makes every gradient wrong
RATES = {
    "a dict": (("lr = 0.01", 'cfg = {"lr": 0.01, "epochs": 100}'), ("lr *", 'cfg["lr"] *')),
    "a default": (("lr = 0.01", "def of(step=0.01):\n    return step\n\n\nrho = of()"), ("lr *", "rho *")),
    "a pair returned": (("lr = 0.01", "def hyper():\n    return 0.01, 100\n\n\nrho, n = hyper()"), ("lr *", "rho *")),
    "a keyword": (("lr = 0.01", "rho = dict(default=0.01)['default']"), ("lr *", "rho *")),
    "a decay": (("lr = 0.01\n", "lr0 = 0.01\n"), ("    h = W", "    lr = lr0 / (1 + 0.001 * epoch)\n    h = W")),
    "a minus sign": (("lr = 0.01", "lr = -0.01"), ("- lr", "+ lr")),
    "a rate set in the loop": (("lr = 0.01\n", ""), ("    h = W", "    lr = 0.01 * 0.99**epoch\n    h = W")),
    "a rate halved at the end": (
        ("    b = b - lr * e", "    b = b - lr * e\n    if epoch % 10 == 3:\n        lr = lr / 2"),
    ),
}


@pytest.mark.parametrize("name", RATES)
def test_the_learning_rate_is_found_wherever_it_stands(name: str) -> None:
    right = linear(*RATES[name])
    found = assessed(right, "hidden")
    assert not found.findings, found.findings[0].text
    # and with a slip it is the slip that is named, not the rate: by the rate in force each step is half
    wrong = right.replace("d = y - t", "d = (y - t) / 2")
    finding = assessed(wrong, "hidden").findings[0]
    assert finding.quantity == "dW2" and "mse.no2" in [explanation.id for explanation in finding.explanations]
    assert finding.line == wrong.split("\n").index("    d = (y - t) / 2") + 1


def test_runs_that_nothing_is_right_in_are_not_trusted() -> None:
    text = linear(("- t) ** 2", "- [0.01, 0.99]) ** 2"), ("d = y - t", "d = np.array([y[0] - 0.01, y[1] - 0.99])"))
    found = assessed(text, "hidden")
    assert not found.findings and "judged only as it stands" in " ".join(found.notes)
    mask = SCALARS.replace("d2 = eh2 if z2 > 0 else 0", "d2 = eh2")  # right as it stands, where all units are open
    assert assessed(mask).findings


CODE: list[tuple[str, str, str]] = [
    ("hidden", linear(("    d = y - t", "    for k in range(2):\n        V = V * 1.0\n    d = why - t")), "why"),
    (
        "relu_sigmoid",
        SCALARS.replace("    e1 = y1 - t1\n", "    for k in (1, 2):\n        w1 = w1 * 1\n    e1 = Y1 - t1\n"),
        "Y1",
    ),
]


@pytest.mark.parametrize(("name", "text", "missing"), CODE)
def test_a_step_that_was_cut_off_is_not_judged(name: str, text: str, missing: str, tmp_path: Path) -> None:
    path = tmp_path / "cut_off.py"
    path.write_text(text, encoding="utf-8")
    (finding,) = nncheck.verify(path, name).findings
    assert finding.kind == "code" and missing in finding.text
    assert finding.line == next(n for n, line in enumerate(text.split("\n"), start=1) if missing in line)


def test_a_sign_is_turned_where_the_text_turns_it() -> None:
    turned = linear(("d = y - t", "d = t - y"))
    finding = assessed(turned, "hidden").findings[0]
    assert [explanation.id for explanation in finding.explanations] == ["loss.gsign"]
    assert finding.line == turned.split("\n").index("    d = t - y") + 1
    added = linear(("- lr *", "+ lr *"))
    finding = assessed(added, "hidden").findings[0]
    assert finding.explanations[0].id == "upd.plus" and "+ lr *" in added.split("\n")[(finding.line or 0) - 1]


BLAMED = {
    "a gradient that is transposed": (
        ("    W = W - lr * np.outer(e, x)", "    g = np.outer(x, e)\n    W = W - lr * g"),
        "    g = np.outer(x, e)",
    ),
    "the second of two values": (
        (
            "    e = V.T @ d\n    V = V - lr * np.outer(d, h)\n    c = c - lr * d\n",
            "    V0 = V\n    V = V - lr * np.outer(d, h)\n    c = c - lr * d\n    d = V0 @ d\n    e = d\n",
        ),
        "    d = V0 @ d",
    ),
}


@pytest.mark.parametrize("name", BLAMED)
def test_the_line_of_the_slip(name: str) -> None:
    change, line = BLAMED[name]
    text = linear(change)
    assert assessed(text, "hidden").findings[0].line == text.split("\n").index(line) + 1


MOMENTUM = {
    "momentum": "{v} = 0.9 * {v} + {g}\n    {w} = {w} - lr * {v}",
    "nesterov": "{v} = 0.8 * {v} + {g}\n    {w} = {w} - lr * ({g} + 0.8 * {v})",
}


@pytest.mark.parametrize("name", MOMENTUM)
def test_another_optimizer_is_named(name: str) -> None:
    changes = [("lr = 0.01\n", "lr = 0.01\nvV = vc = vW = vb = 0\n")]
    for w, g in (("V", "np.outer(d, h)"), ("c", "d"), ("W", "np.outer(e, x)"), ("b", "e")):
        changes.append((f"    {w} = {w} - lr * {g}\n", "    " + MOMENTUM[name].format(v=f"v{w}", w=w, g=g) + "\n"))
    finding = assessed(linear(*changes), "hidden").findings[0]
    assert [explanation.id for explanation in finding.explanations] == [f"opt.{name}"]
    assert "0.9" in finding.explanations[0].text or name == "nesterov"


def test_whole_numbers_are_named_though_other_numbers_have_decimals() -> None:
    text = (
        "import numpy as np\nX = np.array([[2, 3]]); T = np.array([[27]])\nW = np.array([[3, 4]]); B = np.array([1])\n"
        "for s in range(100):\n    Y = X @ W.T + B\n    dY = 2 * (Y - T)\n    W[:] = W - 0.01 * dY.T @ X\n"
        "    B[:] = B - 0.01 * dY.sum(axis=0)\n    E = ((Y - T) ** 2).mean()\n"
    )
    finding = assessed(text, "two_to_one").findings[0]
    assert "upd.trunc" in [explanation.id for explanation in finding.explanations]


def test_numbers_of_its_own_are_said() -> None:
    found = assessed(linear(("0.99]", "0.89]"), ("[[0.15", "[[0.16")), "hidden")
    assert not found.findings
    assert [note for note in found.notes if "YT, W" in note]
    assert not [note for note in assessed(LINEAR, "hidden").notes if "not the case's" in note]


def test_a_training_in_a_list_of_calls() -> None:
    head, body = LINEAR.split("for epoch in range(100):\n")
    head += "\n\ndef step():\n    global W, b, V, c\n"
    text = f"{head}{body}    return loss\n\n\nlosses = [step() for _ in range(9)]\n"
    assert not assessed(text, "hidden").findings
    wrong = text.replace("e = V.T @ d", "e = V @ d")
    finding = assessed(wrong, "hidden").findings[0]
    assert finding.quantity == "dW" and finding.line == wrong.split("\n").index("    e = V @ d") + 1


OBJECTS = """\
class Neuron:
    def __init__(self, weights, bias):
        self.weights, self.bias, self.out, self.delta = weights, bias, 0, 0

    def run(self, inputs):
        self.inputs = inputs
        self.out = sum(w * i for w, i in zip(self.weights, inputs)) + self.bias
        return self.out


first = [Neuron([0.15, 0.20], 0.35), Neuron([0.25, 0.30], 0.35)]
last = [Neuron([0.40, 0.45], 0.60), Neuron([0.50, 0.55], 0.60)]
for i in range(500):
    hidden = [n.run([0.05, 0.10]) for n in first]
    for n, t in zip(last, [0.01, 0.99]):
        n.delta = n.run(hidden) - t
    for h, n in enumerate(first):
        n.delta = sum(o.delta * o.weights[h] for o in last)
    for layer in (first, last):
        for n in layer:
            for j in range(2):
                n.weights[j] -= 0.01 * n.delta * n.inputs[j]
"""


def test_biases_in_objects_that_are_never_updated() -> None:
    finding = assessed(OBJECTS, "hidden").findings[0]
    assert finding.quantity == "dB2" and "db.zero" in [explanation.id for explanation in finding.explanations]
    updated = OBJECTS + "            n.bias -= 0.01 * n.delta\n"
    assert not assessed(updated, "hidden").findings


@pytest.mark.filterwarnings("error")
def test_a_training_that_diverges_is_judged_without_a_warning() -> None:
    assert assessed(linear(("d = y - t", "d = t - y"), ("range(100)", "range(3000)")), "hidden").findings
