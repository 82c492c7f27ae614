"""What is wrong with functions, in the order in which it is looked for: each planted, each with its text."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.report import verification as report
from nncheck.verification import VerifyResult
from tests.verifier.conftest import FORWARD, LOSS, RIGHT, Held, backward_of, returning

MUTATES = RIGHT.replace("dY = 2", 'YT += 0; params["W"] *= 2; dY = 2')
KEEPS = (
    RIGHT.replace('    return {"W"', '    kept.append(dW.sum())\n    dW = dW + len(kept) - 1\n    return {"W"')
    + "kept = []\n"
)

PLANTED = {
    "an exception": (
        backward_of("return 1 / 0"),
        "code",
        None,
        "mine.py, line 12: ZeroDivisionError: division by zero (called with sizes 4-3, N = 2)",
    ),
    "no module of that name": (
        "import no_such_module\n" + RIGHT,
        "code",
        None,
        "mine.py, line 1: ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "a slip of the pen": (
        RIGHT.replace("def loss(Y, YT):", "def loss(Y, YT)"),
        "code",
        None,
        "SyntaxError: expected ':'",
    ),
    "a function too few": (
        FORWARD + LOSS,
        "missing",
        None,
        "there is no function backward(params, cache, YT).",
    ),
    "other arguments": (
        FORWARD + LOSS + "def backward(a, b, c, d, e): return {}\n",
        "code",
        None,
        "backward takes (a, b, c, d, e), expected (params, cache, YT).",
    ),
    "an exception of the person's own": (
        RIGHT + "class Odd(Exception):\n    def __str__(self): return 1 / 0\ndef loss(Y, YT): raise Odd\n",
        "code",
        None,
        "Odd: its message cannot be read",
    ),
    "a number for the gradients": (
        returning("3.0"),
        "code",
        None,
        "backward returned float, expected a dict with the gradients.",
    ),
    "an array for the gradients": (
        returning("dW"),
        "code",
        None,
        "backward returned ndarray, expected a dict with the gradients.",
    ),
    "hundreds of things": (
        returning("[dW] * 300"),
        "code",
        None,
        "backward returned 300 things, expected the gradients.",
    ),
    "input": (backward_of("return input('dW?')"), "code", None, "EOFError"),
    "a forward without a return": (
        RIGHT.replace("return Y, (X, Y)", "Y"),
        "missing",
        None,
        "forward returned None; is a return missing?",
    ),
    "a loss without a return": (
        RIGHT.replace("return np.mean", "np.mean"),
        "missing",
        None,
        "loss returned None; is a return missing?",
    ),
    "a backward without a return": (
        backward_of("pass"),
        "missing",
        None,
        "backward returned None; is a return missing?",
    ),
    "nothing written yet": (backward_of("raise NotImplementedError"), "missing", None, "backward is not written yet."),
    "nothing written yet, with a word": (
        backward_of("raise NotImplementedError('write dW')"),
        "missing",
        None,
        "backward: write dW",
    ),
    "a gradient too few": (returning('{"W": dW}'), "missing", "dB", "backward returned no dB; what it returned: W."),
    "None for a gradient": (
        returning('{"W": dW, "B": None}'),
        "missing",
        "dB",
        "backward returned no dB; what it returned: W.",
    ),
    "nothing in the dict": (
        returning("{}"),
        "missing",
        "dW",
        "backward returned no dW, dB; what it returned: nothing.",
    ),
    "a transpose": (
        returning('{"W": dW.T, "B": dB}'),
        "shape",
        "dW",
        "dW has shape (4, 3), expected (n_out, n_in) = (3, 4) (sizes 4-3, N = 2). The same sizes in another order",
    ),
    "a loss for each element": (
        RIGHT.replace("np.mean((Y - YT) ** 2)", "(Y - YT) ** 2"),
        "shape",
        "E",
        "E has shape (2, 3), expected ()",
    ),
    "words": (returning('{"W": "soon", "B": dB}'), "shape", "dW", "dW is not an array of real numbers but <U4 (str)."),
    "objects": (
        returning('{"W": dW.astype(object), "B": dB}'),
        "shape",
        "dW",
        "dW is not an array of real numbers but object (ndarray).",
    ),
    "complex numbers": (
        returning('{"W": dW + 0j, "B": dB}'),
        "shape",
        "dW",
        "dW is not an array of real numbers but complex128 (ndarray).",
    ),
    "ragged lists": (returning('{"W": [[1, 2], [3]], "B": dB}'), "shape", "dW", "dW is not an array but list"),
    "a gigabyte": (
        returning('{"W": np.zeros((12000, 12000)), "B": dB}'),
        "shape",
        "dW",
        "dW is an array of shape (12000, 12000), too large to be right.",
    ),
    "whole numbers": (
        returning('{"W": dW.astype(int), "B": dB}'),
        "dtype",
        "dW",
        "dW has dtype int64, expected float64: decimals are lost.",
    ),
    "half precision": (
        returning('{"W": dW.astype(np.float16), "B": dB}'),
        "dtype",
        "dW",
        "dW has dtype float16, expected float64",
    ),
    "the parameter itself": (returning('{"W": params["W"], "B": dB}'), "aliasing", "dW", "dW shares its memory with W"),
    "one array twice": (
        RIGHT.replace("dY.sum(axis=0)\n", "dY.sum(axis=0)\n    dB = dW[:, 0]\n"),
        "aliasing",
        "dB",
        "dB shares its memory with dW",
    ),
    "a target that is changed": (
        RIGHT.replace("dY = 2", "YT -= 0.5; dY = 2"),
        "mutated",
        "YT",
        "YT is changed by the call: it belongs to the caller.",
    ),
    "an input that is changed": (
        RIGHT.replace("Y = X @", "X *= 1.5; Y = X @"),
        "mutated",
        "X",
        "X is changed by the call",
    ),
    "a parameter that is put in another's place": (
        RIGHT.replace("    return {", '    params["W"] = params["W"] - 0.1 * dW\n    return {'),
        "mutated",
        "W",
        "W is changed by the call",
    ),
    "something kept between calls": (KEEPS, "state", "dW", "dW is another when the same is computed a second time"),
    "chance": (
        returning('{"W": dW + np.random.rand(), "B": dB}'),
        "state",
        "dW",
        "dW is another when the same is computed a second time",
    ),
    "a factor": (
        returning('{"W": 3 * dW, "B": 3 * dB}'),
        "value",
        "dW",
        "It differs at 8 of 8 points. Right above it: Y, E.",
    ),
    "no number": (returning('{"W": dW * np.nan, "B": dB}'), "value", "dW", "dW[0, 0] is nan, expected "),
    "infinity": (returning('{"W": dW * np.inf, "B": dB}'), "value", "dW", " is inf, expected "),
    "a very large number": (returning('{"W": dW * 1e300, "B": dB}'), "value", "dW", "e+300, expected "),
    "a little too much": (returning('{"W": dW * 1.000001, "B": dB}'), "value", "dW", "more than rounding can explain"),
    "one entry": (
        returning('{"W": dW + np.eye(*dW.shape)[:, ::-1] * 1e-9, "B": dB}'),
        "value",
        "dW",
        "elements differ there.",
    ),
    "a convention": (
        returning('{"W": dW / 2, "B": dB / 2}').replace("np.mean(", "0.5 * np.mean("),
        "convention",
        "E",
        "A convention to declare, no wrong derivation.",
    ),
}


@pytest.mark.parametrize(("text", "kind", "quantity", "said"), PLANTED.values(), ids=PLANTED)
def test_what_is_wrong_is_found_and_said(held: Held, text: str, kind: str, quantity: str | None, said: str) -> None:
    result = held(text)
    first = result.findings[0]
    assert (result.verdict, first.kind, first.quantity) == ("differ", kind, quantity)
    assert said in first.text
    json.loads(report.json(result))
    assert said in " ".join(report.text(result).split())


def test_a_right_one_has_no_finding(held: Held) -> None:
    assert (held(RIGHT).verdict, held(RIGHT).findings, held(RIGHT).faults) == ("agree", (), ())


ORDER = ("code", "missing", "shape", "dtype", "aliasing", "mutated", "state", "value")


def _kinds(result: VerifyResult) -> list[str]:
    return list(dict.fromkeys(finding.kind for finding in result.findings))


def test_everything_at_once_comes_in_order(held: Held) -> None:
    text = MUTATES.replace(
        '    return {"W": dW, "B": dB}',
        '    kept.append(1)\n    return {"W": (9 * dW).astype(int), "B": params["B"], "Y": dY.T, "E": len(kept)}',
    )
    result = held(text + "kept = []\n")
    kinds = _kinds(result)
    assert kinds == sorted(kinds, key=ORDER.index)
    assert {"shape", "dtype", "aliasing", "mutated", "value"} <= set(kinds)
    assert result.faults == ("code", "derivation")


def test_what_stops_at_one_size_alone_does_not_hide_what_explains_it(held: Held) -> None:
    planted = cases.find("hidden").folder / "mistakes" / "prop.WT.py"
    result = held(planted.read_text(encoding="utf-8"), "hidden")
    assert [finding.kind for finding in result.findings] == ["value", "code"]
    assert result.findings[0].explanations[0].id == "prop.WT"
    assert "(called with sizes 4-5-3, N = 2)" in result.findings[1].text
    # where nothing is explained, what stopped the code comes first
    assert held(RIGHT.replace("2 * (Y - YT)", "2 * (Y - YT) + X")).findings[0].kind == "code"


@pytest.mark.parametrize("right", [True, False])
def test_single_precision_is_a_note_and_judged_as_such(held: Held, right: bool) -> None:
    text = (
        returning('{"W": dW.astype("f"), "B": dB}') if right else returning('{"W": (dW / 2).astype("f"), "B": dB / 2}')
    )
    result = held(text)
    assert result.notes == ("dW is float32: it, and what comes after it, is judged to that precision.",)
    assert result.verdict == ("agree" if right else "differ")
    if not right:
        assert result.findings[0].explanations[0].id == "mse.no2"


def test_what_follows_from_a_single_precision_output_is_judged_alike(held: Held) -> None:
    forward = FORWARD.replace('X @ params["W"].T + params["B"]', '(X @ params["W"].T + params["B"]).astype("f")')
    result = held(RIGHT.replace(FORWARD, forward))
    assert (result.verdict, result.findings) == ("agree", ())
    assert {checked.verdict for checked in result.quantities} == {"agree"}
    assert held(RIGHT.replace(FORWARD, forward).replace("2 * (Y", "2.001 * (Y")).verdict == "differ"


@pytest.mark.parametrize(
    "bad", ["np.full(dW.shape, np.nan)", "dW * np.inf", "dW.astype(object)", "'none'", "[[1], [2, 3]]"]
)
def test_whatever_is_marked_wrong_has_a_finding(held: Held, bad: str) -> None:
    result = held(returning(f'{{"W": {bad}, "B": dB}}'))
    assert [checked.name for checked in result.quantities if checked.verdict == "differ"] == ["dW"]
    assert [finding.quantity for finding in result.findings] == ["dW"]


def test_what_is_not_finite_does_not_hide_another_mistake(held: Held) -> None:
    result = held(returning('{"W": dW * np.nan, "B": dB / len(X)}'))
    assert [finding.quantity for finding in result.findings] == ["dW", "dB"]
    assert "db.mean" in [explanation.id for explanation in result.findings[1].explanations]


def test_a_loss_that_is_wrong_beside_right_gradients_is_the_loss_s_fault(held: Held) -> None:
    result = held(RIGHT.replace("np.mean(", "np.sum("))
    assert (result.faults, result.findings[0].explanations[0].id) == (("loss",), "loss.sum")


def test_the_line_of_the_file_is_named(held: Held) -> None:
    text = returning('{"W": dW, "B": db}').replace(
        "dW, dB = dY.T @ X, dY.sum(axis=0)", "dW = dY.T @ X\n    db = dY.mean(axis=0)"
    )
    finding = held(text).findings[0]
    assert finding.line == text.split(chr(10)).index("    db = dY.mean(axis=0)") + 1


def test_the_hints_grow_and_never_start_with_the_formula(held: Held) -> None:
    text = returning('{"W": dW, "B": dB / len(X)}')
    hints = [held(text, hints=level).hints for level in (1, 2, 3, 4)]
    assert [len(own) for own in hints] == [1, 2, 3, 4]
    assert all(longer[: len(shorter)] == shorter for shorter, longer in itertools.pairwise(hints))
    assert "dB = dY.sum(axis=0)" in hints[3][3]
    assert not any("dB = dY.sum" in hint for hint in hints[3][:3])
    shown = report.text(held(text, hints=1))
    assert "averaging over the batch" not in shown
    assert "averaging over the batch" in report.text(held(text, hints=3))


def test_a_result_does_not_depend_on_the_run_and_agrees_at_any_seed(held: Held) -> None:
    text = returning('{"W": dW, "B": dB / len(X)}')
    assert report.json(held(text)) == report.json(held(text))
    for seed in range(1, 4):
        assert held(RIGHT, seed=seed).verdict == "agree"
        assert held(text, seed=seed).findings[0].explanations[0].id == "db.mean"


def test_every_number_of_a_result_is_json(held: Held) -> None:
    facts = json.loads(report.json(held(returning('{"W": dW * np.nan, "B": dB * np.inf}'))))
    numbers = [checked["ratio"] for checked in facts["quantities"]]
    assert not any(isinstance(number, float) and not math.isfinite(number) for number in numbers)
    assert np.isfinite([number for number in numbers if isinstance(number, (int, float))]).all()
