"""Right scripts in many styles are recovered exactly; what cannot be told is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.errors import InputError
from nncheck.manual.scripts.observed import Failure, NeedsMap, Observed, observe
from nncheck.manual.scripts.script import watch
from nncheck.manual.scripts.truths import truths
from nncheck.manual.scripts.watched import Watched
from tests.manual import scripts

TEXTS = {name: (text, case) for name, text, case in scripts.RIGHT}


def _runner(text: str) -> Callable[..., Watched]:
    def run(literals: Any = None, loop: int | None = None, most: int | None = None) -> Watched:
        return watch(text, "script.py", literals, loop, most)

    return run


def _observe(text: str, case: str, mapping: Any = None) -> Observed | NeedsMap | Failure:
    return observe(_runner(text), text, cases.find(case), mapping)


def _seen(text: str, case: str, mapping: Any = None) -> Observed:
    observed = _observe(text, case, mapping)
    assert isinstance(observed, Observed), observed.text
    return observed


def _wrong(observed: Observed, case: str) -> set[str]:
    """Parameters whose recovered gradient, (before - after) / lr, is not the derivation's."""
    true = truths(cases.find(case), observed.X, observed.YT, observed.before)
    assert observed.lr is not None
    found = set()
    for name in observed.before:
        got = (observed.before[name] - observed.after[name]) / observed.lr
        if not np.allclose(got, true[f"d{name}"], rtol=1e-9, atol=1e-12):
            found.add(name)
    return found


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "shared bias"])
def test_a_right_script_is_recovered_exactly(name: str) -> None:
    text, case = TEXTS[name]
    observed = _seen(text, case)
    assert not _wrong(observed, case)
    assert set(observed.run.tolist()) == {0, 1, 2, 3}
    start = {key: array[0] for key, array in observed.before.items()}
    if name != "own numbers":
        for key, array in cases.find(case).params.items():
            np.testing.assert_array_equal(start[key], array)
        assert not [words for words in observed.read_as if "not the case's" in words]
    assert observed.notes == () or name in (
        "while true",
        "korean",
        "own numbers",
    )  # whole numbers at the begin are said


@pytest.mark.parametrize(
    ("name", "sources", "lr_from", "loss"),
    [
        (
            "scalar sigmoid",
            {"W2": ("w5", "w6", "w7", "w8"), "B": ("b1", "b2"), "B2": ("b3", "b4")},
            "the variable lr",
            "E",
        ),
        ("arrays", {"B": ("B[0]", "B[1]")}, "the number 0.01 in the update", "np.mean((Y - YT) ** 2)"),
        ("transposed", {"W": ("W1[0, 0]", "W1[1, 0]", "W1[0, 1]", "W1[1, 1]")}, "the variable learning_rate", "loss"),
        ("class", {"B2": ("net.b2[0]", "net.b2[1]")}, "the variable net.lr", "loss"),
        ("dictionary", {"B2": ("params['b2'][0]", "params['b2'][1]")}, "the variable lr", ""),
        ("korean", {"W": ("가중치",), "B": ("편향",)}, "the variable 학습률", "오차"),
        ("layer objects", {"B": ("layers[0].b[0]", "layers[0].b[1]")}, "the variable backward.lr", "loss"),
        ("globals", {"W": ("W",)}, "the number 0.01 in the update", "E"),
        ("sample loop", {"B": ("b1[0, 0]", "b1[1, 0]")}, "the variable lr", "total"),
    ],
)
def test_what_is_what(name: str, sources: dict[str, tuple[str, ...]], lr_from: str, loss: str) -> None:
    observed = _seen(*TEXTS[name])
    assert {key: observed.sources[key] for key in sources} == sources
    assert (observed.lr, observed.lr_from, observed.E_from) == (0.01, lr_from, loss)
    if loss:
        assert observed.E is not None
        true = truths(cases.find(TEXTS[name][1]), observed.X, observed.YT, observed.before)["E"]
        np.testing.assert_allclose(observed.E, true, rtol=1e-9)


def test_other_runs_start_from_other_numbers_and_take_both_sides_of_every_unit() -> None:
    observed = _seen(*TEXTS["scalar sigmoid"])
    case = cases.find("relu_sigmoid")
    Z = truths(case, observed.X, observed.YT, observed.before)["Z"][observed.run > 0]
    assert ((Z > 0).any(axis=0) & (Z <= 0).any(axis=0)).all()
    starts = observed.before["W"][observed.step == 0]
    assert len({start.tobytes() for start in starts}) == 4
    assert len({start.tobytes() for start in observed.X[observed.step == 0]}) == 4
    assert (observed.YT > 0).all() and (observed.YT < 1).all()


def test_probability_targets_stay_probabilities() -> None:
    observed = _seen(*TEXTS["scalar softmax"])
    np.testing.assert_allclose(observed.YT.sum(axis=2), 1)
    assert len(np.unique(observed.YT)) > 4


def test_the_chain_says_which_steps_follow_each_other() -> None:
    observed = _seen(*TEXTS["arrays"])
    joined = [(r, s) for r, s, c in zip(observed.run, observed.step, observed.chain) if c]
    assert all(step > 0 for _, step in joined) and {(0, 11), (0, 100), (1, 5), (3, 1)} <= set(joined)
    assert (0, 20) not in joined and (0, 99) not in joined
    place = int(np.flatnonzero(observed.chain)[0])
    np.testing.assert_array_equal(observed.before["W"][place], observed.after["W"][place - 1])


def test_a_learning_rate_that_changes_is_known_at_each_step() -> None:
    text = scripts.ARRAYS.replace("losses = []", "losses, lr = [], 0.01").replace("0.01 *", "lr *")
    text = text.replace("    if epoch % 100", "    lr = lr * 0.999\n    if epoch % 100")
    observed = _seen(text, "relu_sigmoid")
    assert observed.lr is None and observed.lr_from == "the variable lr, which changes during the run"
    assert observed.rates is not None
    np.testing.assert_allclose(observed.rates[:12], 0.01 * 0.999 ** np.arange(12))


def test_float32_is_noticed_and_does_not_hide_the_roles() -> None:
    text = scripts.ARRAYS.replace("]])\n", "]], dtype=np.float32)\n").replace("5])\n", "5], dtype=np.float32)\n")
    text = text.replace(".60])\n", ".60], dtype=np.float32)\n")
    observed = _seen(text, "relu_sigmoid")
    assert observed.precision == "float32" and _seen(scripts.ARRAYS, "relu_sigmoid").precision == "float64"
    assert observed.E_from == "np.mean((Y - YT) ** 2)" and observed.notes == ()
    assert observed.before["W"][0, 0, 0] == np.float32(0.15)


def test_one_bias_for_a_layer_that_never_changes_is_found_and_said() -> None:
    observed = _seen(*TEXTS["shared bias"])
    assert observed.sources["B"] == ("b1", "b1") and observed.sources["B2"] == ("b2", "b2")
    assert observed.sources["W2"] == ("w[4]", "w[5]", "w[6]", "w[7]")
    assert "b1 stands for B[0] and B[1]: one variable for several elements" in observed.read_as
    assert _wrong(observed, "hidden") == {"B", "B2"}
    assert (observed.before["B"] == observed.after["B"]).all()


def test_biases_that_are_never_updated_are_found_by_their_numbers() -> None:
    text = "\n".join(line for line in scripts.ARRAYS.split("\n") if not line.lstrip().startswith(("B -=", "B2 -=")))
    observed = _seen(text, "relu_sigmoid")
    assert observed.sources["B2"] == ("B2[0]", "B2[1]") and _wrong(observed, "relu_sigmoid") == {"B", "B2"}


def test_equal_biases_are_told_apart_by_where_they_flow_whatever_their_names() -> None:
    swapped = {"b1": "q", "b2": "a", "b3": "n", "b4": "m"}
    text = scripts.SCALAR_SIGMOID
    for old, new in swapped.items():
        text = text.replace(f"d{old}", f"grad_{new}").replace(old, new)
    observed = _seen(text, "relu_sigmoid")
    assert observed.sources["B"] == ("q", "a") and observed.sources["B2"] == ("n", "m")
    assert not _wrong(observed, "relu_sigmoid")


def test_equal_weights_are_told_apart_too() -> None:
    text = scripts.SCALAR_SIGMOID.replace("0.40, 0.45, 0.50, 0.55", "0.40, 0.40, 0.40, 0.40")
    observed = _seen(text, "relu_sigmoid")
    assert observed.sources["W2"] == ("w5", "w6", "w7", "w8") and not _wrong(observed, "relu_sigmoid")


def test_many_equal_numbers_are_tried_in_the_order_of_the_names() -> None:
    text = scripts.SCALAR_SIGMOID.replace("0.15, 0.20, 0.25, 0.30", "0.5, 0.5, 0.5, 0.5")
    text = text.replace("0.40, 0.45, 0.50, 0.55", "0.5, 0.5, 0.5, 0.5")
    observed = _seen(text, "relu_sigmoid")
    assert observed.sources["W"] == ("w1", "w2", "w3", "w4") and observed.sources["W2"] == ("w5", "w6", "w7", "w8")


def test_a_slip_in_the_forward_pass_does_not_turn_roles_around() -> None:
    text = scripts.SCALAR_SIGMOID.replace("w5 * h1 + w6 * h2 + b3", "w5 * h1 + w6 * h2 + b4")
    assert _seen(text, "relu_sigmoid").sources["B2"] == ("b3", "b4")


def test_weights_used_transposed_are_read_by_their_numbers() -> None:
    text = scripts.ARRAYS.replace("X @ W.T + B", "X @ W + B")
    observed = _seen(text, "relu_sigmoid")
    assert observed.sources["W"] == ("W[0, 0]", "W[0, 1]", "W[1, 0]", "W[1, 1]")


def test_whole_numbers_are_said() -> None:
    text = scripts.GLOBALS.replace("[[3.]]", "[[3]]").replace(
        "W = W - 0.01 * (dY.T @ X)", "W[:] = W - 0.01 * (dY.T @ X)"
    )
    assert "W holds whole numbers when the loop begins." in _seen(text, "one_to_one").notes


def test_an_update_that_broadcasts_is_said() -> None:
    text = scripts.ARRAYS.replace("B -= 0.01 * dB\n", "B = B - 0.01 * dW\n")
    notes = _seen(text, "relu_sigmoid").notes
    assert notes[-1].startswith(
        "B has shape (2,) before an update and (2, 2) after it: is a sum over the batch missing"
    )
    print(notes)


def test_a_loss_with_another_factor_is_a_convention_and_one_after_the_update_is_said() -> None:
    half = _seen(
        TEXTS["dictionary"][0].replace("    dY = Y - T\n", "    dY = Y - T\n    E = ((Y - T) ** 2).mean() / 2\n"),
        "hidden",
    )
    assert half.E_from == "E" and "E is 0.5 times the loss of the case: half the mean" in half.read_as
    late = scripts.WHILE_TRUE.replace(
        "    step += 1\n", "    step += 1\n    cost = (x1 * w1 + x2 * w2 + b - yt) ** 2\n"
    )
    late = late.replace("    E = (y - yt) ** 2\n    if E < 1e-10:\n        break\n", "")
    observed = _seen(late, "two_to_one")
    assert observed.E is None and "cost is the loss after the update, not before it" in observed.read_as


def test_a_wrong_loss_is_found_by_its_name() -> None:
    observed = _seen(scripts.SCALAR_SIGMOID.replace("+ (y2 - t2) ** 2) / 2", "+ (y2 - t1) ** 2) / 2"), "relu_sigmoid")
    assert observed.E_from == "E" and observed.E is not None
    assert not _wrong(observed, "relu_sigmoid")


def test_the_data_of_the_case_is_taken_where_the_script_has_no_variable_for_it() -> None:
    text = (
        "w, b = 3., 1.\nfor t in range(20):\n    d = 2 * (2 * w + b - 10)\n    w -= 0.01 * d * 2\n    b -= 0.01 * d\n"
    )
    observed = _seen(text, "one_to_one")
    assert "no variable was found for X: the case's own is taken" in observed.read_as
    assert (observed.X == 2).all() and not _wrong(observed, "one_to_one")


def test_a_script_with_a_batch_of_its_own_is_judged_at_it() -> None:
    text = scripts.IN_A_FUNCTION.replace("[[2., 3.]]", "[[2., 3.], [1., -1.]]")
    text = text.replace("[[27., -30.]]", "[[27., -30.], [1., 2.]]")
    text = text.replace("lr=0.01", "lr=0.001")
    observed = _seen(text, "two_to_two")
    assert observed.X.shape[1:] == (2, 2) and observed.YT.shape[1:] == (2, 2)
    assert not _wrong(observed, "two_to_two") and observed.lr == 0.001


AMBIGUOUS = """
p, q, r, s = .15, .20, .25, .30
a1 = a2 = a3 = .35
k, l, m, n = .40, .45, .50, .55
c, d = .60, .60
for t in range(5):
    p -= .01; q -= .01; r -= .01; s -= .01; k -= .01; l -= .01; m -= .01; n -= .01
    a1 -= .01; a2 -= .02; a3 -= .03; c -= .01; d -= .01
"""


def test_what_stays_ambiguous_is_asked_for() -> None:
    needs = _observe(AMBIGUOUS, "hidden")
    assert isinstance(needs, NeedsMap)
    assert "several variables start from one number, and nothing tells which" in needs.text
    assert "--map" in needs.text and "a1 = 0.35" in needs.text
    assert "--map W=p,q,r,s --map B=a1,a2 --map W2=k,l,m,n --map B2=c,d" in needs.text
    observed = _seen(AMBIGUOUS, "hidden", {"B": ["a1", "a3"], "B2": ["c", "d"]})
    assert observed.sources["B"] == ("a1", "a3") and observed.sources["W"] == ("p", "q", "r", "s")


def test_parameters_that_cannot_be_found_are_asked_for_with_an_example() -> None:
    text = "a, b = 5., 6.\nfor t in range(5):\n    a -= .1\n    b -= .1\n"
    needs = _observe(text, "two_to_one")
    assert isinstance(needs, NeedsMap)
    assert needs.text.startswith("It cannot be told which variables are the parameters: no variable was found for W")
    assert "Changed in the loop: a = 5., b = 6." in needs.text and "--map W=" in needs.text


@pytest.mark.parametrize(
    ("name", "mapping", "sources"),
    [
        ("scalar sigmoid", {"W": ["w1", "w2", "w3", "w4"]}, {"W": ("w1", "w2", "w3", "w4")}),
        ("scalar sigmoid", {"B": ["b1", "b2"], "lr": ["lr"], "E": ["E"]}, {"B": ("b1", "b2"), "B2": ("b3", "b4")}),
        ("arrays", {"W2": ["W2"], "X": ["X"]}, {"W2": ("W2[0, 0]", "W2[0, 1]", "W2[1, 0]", "W2[1, 1]")}),
        ("transposed", {"W": ["W1.T"]}, {"W": ("W1[0, 0]", "W1[1, 0]", "W1[0, 1]", "W1[1, 1]")}),
        ("shared bias", {"W": ["w[0]", "w[1]", "w[2]", "w[3]"], "B": ["b1"]}, {"B": ("b1", "b1")}),
        ("own numbers", {"W": ["W1"], "B": ["b1"], "W2": ["W2"], "B2": ["b2"]}, {"B": ("b1[0]", "b1[1]")}),
    ],
)
def test_a_mapping_is_followed(name: str, mapping: dict[str, list[str]], sources: dict[str, tuple[str, ...]]) -> None:
    observed = _seen(*TEXTS[name], mapping)
    assert {key: observed.sources[key] for key in sources} == sources


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"W": ["w1", "w2", "w3", "v4"]}, "--map W=v4: the loop has no variable v4; did you mean w4?"),
        ({"W": ["w1", "w2"]}, "--map W=w1,w2: got 2 number(s), expected 4 for W (2, 2), row by row."),
        ({"V": ["w1"]}, "--map V=...: there is no V in case relu_sigmoid"),
        ({"lr": ["E"]}, "--map lr=E: E is not one number that stays the same in the loop."),
        ({"W": ["w1[0, 3]", "w2", "w3", "w4"]}, "the loop has no variable w1[0, 3]"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(mapping: dict[str, list[str]], words: str) -> None:
    with pytest.raises(InputError) as caught:
        _observe(scripts.SCALAR_SIGMOID, "relu_sigmoid", mapping)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("w = 3\nprint(w)\n", "there is no loop in this file"),
        ("for t in range(3):\n    print(t)\n", "no loop of this file changes numbers that could be the parameters"),
        ("import json\nfor t in range(3):\n    w = 1\n    w.x\n", "script.py, line 4: AttributeError"),
        ("for t in range(3:\n", "script.py, line 1: SyntaxError"),
        ("import torch_not_there\nfor t in range(3):\n    pass\n", "line 1: ModuleNotFoundError"),
    ],
)
def test_a_script_that_cannot_be_observed_says_why(text: str, words: str) -> None:
    failure = _observe(text, "one_to_one")
    assert isinstance(failure, Failure) and words in failure.text


def test_a_long_loop_before_the_training_is_waited_for() -> None:
    text = "n = 0.\nfor i in range(2000):\n    n += 1\n" + scripts.KOREAN
    assert not _wrong(_seen(text, "one_to_one"), "one_to_one")


def test_a_sweep_over_learning_rates_is_not_the_training_loop() -> None:
    text = """import numpy as np
X = np.array([[2.]]); YT = np.array([[10.]])
for trial in range(2):
    W = np.array([[3.]]); B = np.array([1.])
    for epoch in range(50):
        Y = X @ W.T + B
        dY = 2 * (Y - YT)
        W = W - 0.01 * dY.T @ X
        B = B - 0.01 * dY.sum(axis=0)
"""
    observed = _seen(text, "one_to_one")
    assert observed.loop == 1 and not _wrong(observed, "one_to_one")
