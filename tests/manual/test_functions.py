"""Hand-written functions are loaded and held to their contract; what they do against it is a slip, in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncheck import manual
from nncheck.errors import CaseError

GOOD = """
import numpy as np

def forward(params, X):
    Y = X @ params["W"].T + params["B"]
    return Y, (X, Y)

def loss(Y, YT):
    return np.mean((Y - YT) ** 2)

def backward(params, cache, YT):
    X, Y = cache
    dY = 2 * (Y - YT) / Y.size
    return {"W": dY.T @ X, "B": dY.sum(axis=0)}
"""
X, YT = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])
PARAMS = {"W": np.full((3, 2), 0.5), "B": np.array([0.1, 0.2, 0.3])}


def _load(tmp_path: Path, text: str | bytes) -> manual.Manual:
    path = tmp_path / "manual.py"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return manual.load(path)


def test_a_step_by_hand_on_paper(tmp_path: Path) -> None:
    E, gradients = _load(tmp_path, GOOD).step(PARAMS, X, YT)
    # Y = [[1.6, 1.7, 1.8], [3.6, 3.7, 3.8]], Y - YT = [[.6, 1.7, -.2], [3.6, 2.7, 2.8]]
    assert pytest.approx((0.36 + 2.89 + 0.04 + 12.96 + 7.29 + 7.84) / 6) == E
    np.testing.assert_allclose(gradients["B"], [4.2 / 3, 4.4 / 3, 2.6 / 3])
    np.testing.assert_allclose(gradients["W"][0], [(0.6 + 3 * 3.6) / 3, (2 * 0.6 + 4 * 3.6) / 3])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def forward(:\n", "line 1: SyntaxError"),
        ("import no_such_package\n", "line 1: ModuleNotFoundError: No module named 'no_such_package'"),
        ("import sys\n\nsys.exit(3)\n", "line 3: SystemExit: 3"),
        (GOOD + "\n1 / 0\n", "ZeroDivisionError: division by zero"),
        (GOOD.replace("def backward", "def back"), "backward missing; expected forward(params, X)"),
        (GOOD.replace("def loss", "loss = 3\ndef lost"), "loss missing"),
        ("", "forward, loss, backward missing"),
    ],
)
def test_what_cannot_be_loaded_is_an_error_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CaseError) as caught:
        _load(tmp_path, text)
    assert words in str(caught.value)
    assert "manual.py" in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"manual\.py: cannot be read"):
        manual.load(tmp_path / "manual.py")


def test_a_source_in_cp949_is_read(tmp_path: Path) -> None:
    assert _load(tmp_path, ("# 손으로 계산\n" + GOOD).encode("cp949")).step(PARAMS, X, YT)[0] > 0


BACK = 'return {"W": dY.T @ X, "B": dY.sum(axis=0)}'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            BACK,
            "return {'dW': dY.T @ X, 'dB': dY.sum(axis=0)}",
            "backward returned no 'W': its keys are dW, dB, expected W, B.",
        ),
        (BACK, "return dY.T @ X, dY.sum(axis=0)", "backward returned tuple, expected a dict with the keys W, B."),
        (BACK, "return None", "backward returned NoneType"),
        (
            "dY.T @ X",
            "X.T @ dY",
            "dW has shape (2, 3), expected (n_out, n_in) = (3, 2). The same sizes in another order",
        ),
        ("dY.sum(axis=0)", "dY", "dB has shape (2, 3), expected (n_out,) = (3,). Is the sum over the batch missing?"),
        ("dY.sum(axis=0)", "dY.sum(axis=0) * 1j", "dB has dtype complex128"),
        ("dY.sum(axis=0)", "[None] * 3", "dB has dtype object"),
        ("dY.sum(axis=0)", "[[1.0, 2.0], [3.0]]", "dB is no array of numbers but list"),
        ("X, Y = cache", "raise type('Odd', (BaseException,), {})('x')", "line 12: Odd: x"),
        ("return Y, (X, Y)", "return Y", "forward returned ndarray, expected a pair"),
        (
            "return np.mean((Y - YT) ** 2)",
            "return (Y - YT) ** 2",
            "loss returned an array of shape (2, 3), expected one number",
        ),
        ("return np.mean((Y - YT) ** 2)", "return 'low'", "loss returned 'low' of type str"),
        ("return np.mean((Y - YT) ** 2)", "return [[1], [2, 3]]", "loss is no array of numbers but list"),
        ("X, Y = cache", "X, Y, Z = cache", "line 12: ValueError: not enough values to unpack"),
        ("X, Y = cache", "raise SystemExit(2)", "line 12: SystemExit: 2"),
        ("X, Y = cache", "X, Y = cache; undefined", "line 12: NameError"),
        ("X, Y = cache", "raise type('E', (Exception,), {'__str__': 3})()", "line 12: E: its message cannot be read"),
    ],
)
def test_what_a_function_does_against_the_contract_is_a_slip(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    hand = _load(tmp_path, GOOD.replace(old, new))
    with pytest.raises(manual.Slip) as caught:
        hand.step(PARAMS, X, YT)
    assert words in str(caught.value)


def test_a_loss_of_one_element_and_integer_arrays_are_taken(tmp_path: Path) -> None:
    text = GOOD.replace("return np.mean((Y - YT) ** 2)", "return np.mean((Y - YT) ** 2, keepdims=True)")
    text = text.replace("dY.sum(axis=0)", "[1, 2, 3]")
    E, gradients = _load(tmp_path, text).step(PARAMS, X, YT)
    assert isinstance(E, float)
    assert gradients["B"].tolist() == [1, 2, 3]


def test_training_is_sgd_and_records_every_step(tmp_path: Path) -> None:
    hand = _load(tmp_path, GOOD)
    trainer = manual.Trainer(hand, X, YT, PARAMS, lr=0.1)
    first, second = trainer.train(3), trainer.train(2)
    params = {k: v.copy() for k, v in PARAMS.items()}
    for trained, step in [(first, 0), (first, 1), (first, 2), (second, 0), (second, 1)]:
        E, gradients = hand.step(params, X, YT)
        assert trained.losses[step] == E
        for name in params:
            np.testing.assert_array_equal(trained.states[name][step], params[name])
            np.testing.assert_array_equal(trained.gradients[name][step], gradients[name])
            params[name] = params[name] - 0.1 * gradients[name]
            np.testing.assert_array_equal(trained.states[name][step + 1], params[name])


def test_training_in_float32_stays_float32(tmp_path: Path) -> None:
    text = GOOD.replace('"B": dY.sum(axis=0)', '"B": dY.sum(axis=0).astype(np.float64)')
    f32 = {k: v.astype(np.float32) for k, v in PARAMS.items()}
    trained = manual.Trainer(_load(tmp_path, text), X.astype("f4"), YT.astype("f4"), f32, lr=0.1).train(3)
    assert {a.dtype.name for a in trained.states.values()} == {"float32"}


def test_a_slip_in_mid_run_ends_the_chunk_there(tmp_path: Path) -> None:
    text = GOOD.replace("X, Y = cache", "X, Y = cache\n    if Y[0, 0] < 1.2: raise ValueError('too low')")
    trained = manual.Trainer(_load(tmp_path, text), X, YT, PARAMS, lr=0.1).train(10)
    assert 0 < len(trained.losses) < 10
    assert len(trained.states["W"]) == len(trained.losses) + 1
    assert "ValueError: too low" in trained.slip


def test_what_it_prints_goes_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "print('loading')\n" + GOOD.replace(
        "X, Y = cache", "X, Y = cache; print('step'); import sys; sys.stdout.close()"
    )
    manual.Trainer(_load(tmp_path, text), X, YT, PARAMS, lr=0.1).train(2)
    assert capsys.readouterr() == ("", "loading\nstep\nstep\n")


def test_a_dataclass_can_be_its_cache(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n@dataclass\nclass C:\n    X: int\n"
        + GOOD
    )
    assert _load(tmp_path, text).step(PARAMS, X, YT)[0] > 0


def test_ones_own_update_is_used(tmp_path: Path) -> None:
    text = GOOD + "\ndef update(params, grads, lr):\n    return {k: params[k] - 2 * lr * grads[k] for k in params}\n"
    trained = manual.Trainer(_load(tmp_path, text), X, YT, PARAMS, lr=0.1).train(1)
    np.testing.assert_allclose(trained.states["B"][1], PARAMS["B"] - 0.2 * trained.gradients["B"][0])


def test_hand_written_code_cannot_change_the_callers_arrays(tmp_path: Path) -> None:
    text = GOOD.replace("X, Y = cache", "X, Y = cache\n    params['W'] *= 0; X *= 0")
    own = {k: v.copy() for k, v in PARAMS.items()}
    data = X.copy()
    manual.Trainer(_load(tmp_path, text), data, YT, own, lr=0.1).train(2)
    np.testing.assert_array_equal(own["W"], PARAMS["W"])
    np.testing.assert_array_equal(data, X)
