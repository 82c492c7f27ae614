"""How functions are read: what they take and return, how their arrays lie, what they call things."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest

from nncheck.errors import InputError
from nncheck.manual.naming import CannotBind, bound
from nncheck.manual.person import Aliases
from nncheck.verifier.verify import verify
from tests.verifier.conftest import FORWARD, LOSS, RIGHT, Held, returning

READ = {
    "a dict": ('{"W": dW, "B": dB}', ()),
    "with every gradient": ('{"W": dW, "B": dB, "Y": dY}', ()),
    "under the names of gradients": ('{"dW": dW, "dB": dB}', ()),
    "under other names": ('{"grad_W1": dW, "b1_grad": dB}', ("grad_W1 is read as dW", "b1_grad is read as dB")),
    "things that are no gradients": ('{"W": dW, "B": dB, "note": "done", "N": len(X)}', ()),
    "lists": ('{"W": dW.tolist(), "B": list(dB)}', ()),
    "a tuple": ("dW, dB", ("backward returns a tuple",)),
    "a tuple in another order": ("dB, dW", ("backward returns a tuple",)),
    "a list": ("[dW, dB]", ("backward returns a tuple",)),
    "a tuple without names": ("dY.T @ X, dY.sum(0)", ("the tuple of backward is read by its shapes as dW, dB",)),
    "a tuple of another order without names": (
        "dY.sum(0), dY.T @ X",
        ("the tuple of backward is read by its shapes as dB, dW",),
    ),
    "a bias as a row": ('{"W": dW, "B": dB[None, :]}', ()),
    "a bias as a column": ('{"W": dW, "B": dB[:, None]}', ()),
}


@pytest.mark.parametrize(("expression", "read_as"), READ.values(), ids=READ)
def test_what_backward_returns_is_read(held: Held, expression: str, read_as: tuple[str, ...]) -> None:
    result = held(returning(expression))
    assert (result.verdict, result.findings) == ("agree", ())
    assert set(read_as) <= set(result.read_as)
    names = [checked.name for checked in result.quantities]
    assert names == (["Y", "E", "dY", "dW", "dB"] if '"Y"' in expression else ["Y", "E", "dW", "dB"])


def _net(forward: str, backward: str, first: str = "dY = 2 * (Y - YT) / Y.size") -> str:
    return (
        f"import numpy as np\n\ndef forward(params, X):\n    W, b = params['W'], params['b']\n    Y = {forward}\n"
        f"    return Y, (X, Y)\n{LOSS}\ndef backward(params, cache, YT):\n    W, b = params['W'], params['b']\n"
        f"    X, Y = cache\n    {first}\n    return {{{backward}}}\n"
    )


LAID_OUT = {
    "rows": (_net("X @ W.T + b", "'W': dY.T @ X, 'b': dY.sum(0)"), ()),
    "a bias as a row": (
        _net("X @ W.T + b.reshape(1, len(W))", "'W': dY.T @ X, 'b': dY.sum(0, keepdims=True)"),
        (),
    ),
    "a bias that must be a row": (
        _net("X @ W.T + b[0]", "'W': dY.T @ X, 'b': dY.sum(0, keepdims=True)"),
        ("biases are handed over as (1, n)",),
    ),
    "a bias that must be a column beside rows": (
        _net("X @ W.T + b[:, 0]", "'W': dY.T @ X, 'b': dY.sum(0)[:, None]"),
        ("biases are handed over as (n, 1)",),
    ),
    "weights the other way round": (
        _net("X @ W + b", "'W': X.T @ dY, 'b': dY.sum(0)"),
        ("weights are handed over as (n_in, n_out)",),
    ),
    "samples as columns": (
        _net("W @ X + b", "'W': dY @ X.T, 'b': dY.sum(1, keepdims=True)"),
        ("samples are columns: X is handed over as (n_in, N)", "biases are handed over as (n, 1)"),
    ),
    "samples as columns and a bias as a vector": (
        _net("W @ X + b[:, None]", "'W': dY @ X.T, 'b': dY.sum(1)", "assert b.ndim == 1; dY = 2 * (Y - YT) / Y.size"),
        ("samples are columns: X is handed over as (n_in, N)",),
    ),
    "samples as columns and weights the other way round": (
        _net("W.T @ X + b", "'W': X @ dY.T, 'b': dY.sum(1, keepdims=True)"),
        (
            "samples are columns: X is handed over as (n_in, N)",
            "weights are handed over as (n_in, n_out)",
            "biases are handed over as (n, 1)",
        ),
    ),
}


@pytest.mark.parametrize(("text", "read_as"), LAID_OUT.values(), ids=LAID_OUT)
@pytest.mark.parametrize("case", ["two_to_one", "two_to_two"])
def test_arrays_lie_as_the_person_has_them(held: Held, case: str, text: str, read_as: tuple[str, ...]) -> None:
    result = held(text, case)
    assert (result.verdict, result.findings) == ("agree", ())
    assert tuple(said for said in result.read_as if "handed over" in said) == read_as


def test_a_mistake_in_columns_is_named_as_in_rows(held: Held) -> None:
    text = _net("W @ X + b", "'W': dY @ X.T, 'b': dY.mean(1, keepdims=True)")
    assert held(text).findings[0].explanations[0].id == "db.mean"


def test_a_bias_whose_sum_is_missing_is_no_row(held: Held) -> None:
    finding = held(returning('{"W": dW, "B": dY}')).findings[0]
    assert (finding.kind, finding.quantity) == ("shape", "dB")
    assert "dB has shape (2, 3), expected (n_out,) = (3,) (sizes 4-3, N = 2)" in finding.text
    assert "Is the sum over the batch missing?" in finding.text


OFFERED = {"params": "p", "cache": "c", "YT": "t"}
EXTRAS = {"W": "w", "B": "b", "X": "x", "Y": "y"}
BOUND = {
    "the contract": (lambda params, cache, YT: 0, "pct"),
    "other words": (lambda theta, ctx, target: 0, "pct"),
    "no words of ours": (lambda a, b, c: 0, "pct"),
    "another order": (lambda cache, YT, params: 0, "ctp"),
    "fewer": (lambda cache, labels: 0, "ct"),
    "what the contract does not hand over": (lambda X, Y, YT, W: 0, "xytw"),
    "in small letters": (lambda x, y_pred, y_true, params: 0, "xytp"),
    "y beside no other output is the target": (lambda params, cache, y: 0, "pct"),
    "y beside a target is the output": (lambda params, X, y, t: 0, "pxyt"),
    "y beside an output is the target": (lambda params, x, y_hat, y: 0, "pxyt"),
    "a cache that is called x": (lambda params, x, t: 0, "pct"),
    "X itself": (lambda params, X, t: 0, "pxt"),
    "anything": (lambda *arguments: 0, "pct"),
    "more with defaults": (lambda params, cache, YT, verbose=False: 0, "pct"),
}


@pytest.mark.parametrize(("function", "expected"), BOUND.values(), ids=BOUND)
def test_arguments_are_known_by_their_names_else_by_their_places(function: object, expected: str) -> None:
    assert "".join(bound(function, OFFERED, EXTRAS)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda Y, YT: 0, "yt"),
        (lambda y, t: 0, "yt"),
        (lambda target, output: 0, "ty"),
        (lambda y, y_hat: 0, "ty"),
        (lambda y_pred, y: 0, "yt"),
        (lambda a, b: 0, "yt"),
    ],
)
def test_a_loss_gets_output_and_target_by_name(function: object, expected: str) -> None:
    assert "".join(bound(function, {"Y": "y", "YT": "t"}, {})) == expected  # type: ignore[arg-type]


def test_arguments_that_fit_nowhere_are_said() -> None:
    def backward(a: int, b: int, c: int, d: int, e: int) -> None: ...

    with pytest.raises(CannotBind, match=r"backward takes \(a, b, c, d, e\), expected \(params, cache, YT\)\."):
        bound(backward, OFFERED, EXTRAS)


def test_parameters_answer_to_their_other_names_for_reading_and_writing() -> None:
    params = Aliases({"W": 1, "B": 2, "W2": 3})
    assert (params["W1"], params["b1"], params["w2"], params.get("b1"), params.get("b3", 7)) == (1, 2, 3, 2, 7)
    assert "W1" in params
    assert "Z" not in params
    params["W1"] = 5
    params["dW"] = 9  # a gradient that is kept here is not the weight
    assert (params["W"], params.copy()["W1"], list(params)) == (5, 5, ["W", "B", "W2", "dW"])
    with pytest.raises(KeyError):
        params["W9"]


class Net:
    """An object whose methods are the functions."""

    def forward(self, params: dict[str, np.ndarray], X: np.ndarray) -> tuple[np.ndarray, object]:
        print("something that must not reach our results")
        Y = X @ params["W"].T + params["B"]
        return Y, (X, Y)

    def loss(self, Y: np.ndarray, YT: np.ndarray) -> float:
        return float(np.mean((Y - YT) ** 2))

    def backward(self, params: object, cache: tuple[np.ndarray, np.ndarray], YT: np.ndarray) -> tuple[object, object]:
        X, Y = cache
        dY = self.factor * (Y - YT) / Y.size
        return dY.T @ X, dY.sum(axis=0)

    factor = 2


class Halved(Net):
    """With the 2 forgotten."""

    factor = 1


def test_an_object_is_called_where_it_is(by_the_lines: None, capsys: pytest.CaptureFixture[str]) -> None:
    result = verify(Net(), "two_to_one")
    assert (result.verdict, result.file, result.form) == ("agree", "Net", "functions")
    assert verify(Halved(), "two_to_one").findings[0].explanations[0].id == "mse.no2"
    assert capsys.readouterr().out == ""


def test_a_module_of_a_file_is_run_again_and_one_of_none_called_as_it_is(by_the_lines: None, tmp_path: Path) -> None:
    path = tmp_path / "handed_in.py"
    path.write_text(RIGHT, encoding="utf-8")
    module = types.ModuleType("handed_in")
    module.__file__ = str(path)
    assert verify(module, "two_to_one").file == str(path)
    loose = types.ModuleType("loose")
    exec(RIGHT, loose.__dict__)
    assert (verify(loose, "two_to_one").verdict, verify(loose, "two_to_one").file) == ("agree", "loose")


def test_a_file_in_a_hangul_path_and_one_in_cp949_are_read(by_the_lines: None, tmp_path: Path) -> None:
    folder = tmp_path / "제출" / "홍길동 (2)"
    folder.mkdir(parents=True)
    text = '"""손으로 쓴 역전파"""\n' + RIGHT + "\ndef 확인():\n    return '맞음'\n"
    for name, encoding in (("과제.py", "utf-8"), ("과제_cp949.py", "cp949"), ("과제_bom.py", "utf-8-sig")):
        (folder / name).write_bytes(text.encode(encoding))
        result = verify(folder / name, "two_to_one")
        assert (result.verdict, result.file) == ("agree", str(folder / name))


def test_a_file_may_import_what_lies_beside_it(held: Held, tmp_path: Path) -> None:
    (tmp_path / "layers_of_mine.py").write_text("def linear(X, W, B):\n    return X @ W.T + B\n", encoding="utf-8")
    text = "from layers_of_mine import linear\n" + RIGHT.replace(
        'X @ params["W"].T + params["B"]', 'linear(X, params["W"], params["B"])'
    )
    assert held(text).verdict == "agree"


def test_forward_may_return_what_backward_needs_one_by_one_or_nothing_of_it(held: Held) -> None:
    flat = RIGHT.replace("return Y, (X, Y)", "return Y, X, Y")
    assert "forward returns Y and then what backward needs, one by one" in held(flat).read_as
    alone = (
        FORWARD.replace("return Y, (X, Y)", "return Y")
        + LOSS
        + "\ndef backward(params, X, YT):\n    dY = 2 * (forward(params, X) - YT) / YT.size\n"
        + "    return dY.T @ X, dY.sum(0)\n"
    )
    result = held(alone)
    assert (result.verdict, "forward returns Y alone" in result.read_as) == ("agree", True)


@pytest.mark.parametrize("sign", ["가", "x"])
def test_more_code_than_can_be_sent_is_refused_and_no_finding(held: Held, sign: str) -> None:
    with pytest.raises(InputError, match="characters of code, too many to be run; expected a program as people write"):
        held(f"{RIGHT}# {sign * 1_050_000}\n")
    assert held(f"{RIGHT}# {sign * 170_000}\n").verdict == "agree"
