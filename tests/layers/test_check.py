"""Each thing that is looked for is seen when it is planted, in order, and correct code that looks unusual passes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import nncheck
from nncheck.errors import InputError
from nncheck.layers import check_backward
from nncheck.verification import VerifyResult
from tests.layers import elementwise as e
from tests.layers import weighted as w
from tests.layers.test_layers_worked import LABELS, B, T, W, X

INPUTS = {"x": X, "w": W, "b": B}


def _linear(backward: Any, **options: Any) -> VerifyResult:
    return check_backward(w.linear_forward, backward, inputs=INPUTS, **options)


def _only(result: VerifyResult) -> Any:
    assert result.verdict == "differ"
    assert len(result.findings) == 1, [f.text for f in result.findings]
    return result.findings[0]


# code ---------------------------------------------------------------------------------------------------------------


def test_what_backward_raises_is_a_finding_with_its_line() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        return dout @ cache[1]  # the transpose is missing

    finding = _only(_linear(backward))
    assert (finding.kind, finding.quantity) == ("code", None)
    first = backward.__code__.co_firstlineno
    assert finding.line == first + 1
    assert finding.text.startswith(f"backward raises ValueError (line {first + 1}): matmul")


def test_exit_and_a_forward_that_raises_are_findings() -> None:
    assert "backward raises SystemExit" in _only(_linear(lambda dout, cache: exit(3))).text
    finding = _only(check_backward(lambda x: 1 / 0, lambda dout, x: x, inputs={"x": X}))
    assert finding.text.startswith("forward raises ZeroDivisionError")
    with pytest.raises(KeyboardInterrupt):
        _linear(lambda dout, cache: (_ for _ in ()).throw(KeyboardInterrupt))


def test_an_output_that_is_no_number_is_a_finding() -> None:
    finding = _only(check_backward(lambda x: "x", lambda dout, x: x, inputs={"x": X}))
    assert finding.text == "forward gives str as an output, expected an array of numbers."


def test_parameters_of_backward_that_are_not_known_are_a_finding() -> None:
    finding = _only(_linear(lambda foo, bar, baz, qux, quux: foo))
    assert finding.text.startswith("backward takes 5 argument(s) (foo, bar, baz, qux, quux); expected (dout, cache)")


# missing and shape --------------------------------------------------------------------------------------------------


def test_a_gradient_too_few_is_missing_and_the_others_are_told_by_their_shapes() -> None:
    result = _linear(lambda dout, cache: w.linear_backward(dout, cache)[1:])
    finding = _only(result)
    assert (finding.kind, finding.quantity) == ("missing", "dx")
    assert finding.text == "backward returns 2 gradient(s), and 3 of the inputs have one (x, w, b); not found: dx."
    assert result.read_as[-1] == "read by its shape, which no other input has: dw, db."
    assert [c.verdict for c in result.quantities] == ["agree"] * 3


def test_what_shapes_do_not_tell_is_not_guessed() -> None:
    square = {"a": X, "b": T, "c": X + T}
    result = check_backward(
        lambda a, b, c: a * b * c, lambda dout, a, b, c: (dout * b * c, dout * a * c), inputs=square
    )
    assert _only(result).kind == "missing"
    assert [c.name for c in result.quantities] == ["out"]


def test_a_gradient_too_many_is_a_finding() -> None:
    result = _linear(lambda dout, cache: (*w.linear_backward(dout, cache), dout))
    assert _only(result).kind == "shape"


def test_none_and_an_unknown_name_are_missing() -> None:
    finding = _only(_linear(lambda dout, cache: (*w.linear_backward(dout, cache)[:2], None)))
    assert (finding.kind, finding.quantity) == ("missing", "db")
    finding = _only(_linear(lambda dout, cache: dict(zip(("x", "w", "q"), w.linear_backward(dout, cache)))))
    assert (finding.kind, finding.quantity) == ("missing", "db")
    assert "it is not known which input q is of" in finding.text


@pytest.mark.parametrize(
    ("place", "change", "equals", "said"),
    [
        (1, lambda dw, dout: dw.T, "dw.T", "dw has shape (3, 4), expected (4, 3), that of w. The same sizes in"),
        (2, lambda db, dout: dout, "db before .sum(axis=0)", "db has shape (5, 3), expected (3,), that of b."),
        (2, lambda db, dout: db[None], "db in another shape", "db has shape (1, 3), expected (3,)"),
        (2, lambda db, dout: db.sum(), "db.sum()", "db has shape (), expected (3,)"),
    ],
)
def test_a_wrong_shape_is_explained(place: int, change: Any, equals: str, said: str) -> None:
    def backward(dout: Any, cache: Any) -> Any:
        right = list(w.linear_backward(dout, cache))
        right[place] = change(right[place], dout)
        return tuple(right)

    finding = _only(_linear(backward))
    assert finding.kind == "shape"
    assert finding.text.startswith(said)
    assert [x.equals for x in finding.explanations] == [equals]


def test_an_output_of_another_shape_than_the_reference_stops_there() -> None:
    result = check_backward(
        lambda x: x.sum(axis=1, keepdims=True),
        lambda dout, x: dout + 0 * x,
        inputs={"x": X},
        reference=lambda x: x.sum(1),
    )
    assert _only(result).text == "out has shape (5, 1), expected (5,)."
    assert [(c.name, c.verdict) for c in result.quantities] == [("out", "differ")]


# dtype, aliasing, mutated, state ------------------------------------------------------------------------------------


def test_a_lower_type_is_a_finding_and_its_rounding_is_none() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        dx, dw, db = w.linear_backward(dout, cache)
        return dx, dw.astype(np.float32), db

    finding = _only(_linear(backward))
    assert (finding.kind, finding.quantity) == ("dtype", "dw")
    result = check_backward(
        lambda x: np.tanh(x).astype(np.float32), lambda dout, x: dout * (1 - np.tanh(x) ** 2), inputs={"x": X},
        reference=torch.tanh,
    )  # fmt: skip
    assert (_only(result).kind, _only(result).quantity) == ("dtype", "out")


def test_an_integer_buffer_is_named_before_its_values() -> None:
    def backward(dout: Any, x: Any) -> Any:
        dx = np.zeros(x.shape, dtype=int)
        dx[:] = dout * 2 * x
        return dx

    result = check_backward(lambda x: x**2, backward, inputs={"x": X})
    assert [f.kind for f in result.findings] == ["dtype", "value"]


def test_a_gradient_that_is_an_input_is_aliasing() -> None:
    def forward(x: Any, w: Any) -> Any:
        return (x * w).sum()

    result = check_backward(forward, lambda x, w: (w, x), inputs={"x": X, "w": T})
    assert [f.kind for f in result.findings] == ["aliasing", "aliasing"]
    assert "dx shares memory with the input w" in result.findings[0].text
    assert check_backward(forward, lambda x, w: (w.copy(), x.copy()), inputs={"x": X, "w": T}).verdict == "agree"


def test_a_buffer_handed_out_again_is_aliasing() -> None:
    buffer = np.zeros_like(X)

    def backward(dout: Any, x: Any) -> Any:
        return np.multiply(dout, 2 * x, out=buffer)

    finding = _only(check_backward(lambda x: x**2, backward, inputs={"x": X}))
    assert (finding.kind, "dx is the same array at every call" in finding.text) == ("aliasing", True)


def test_views_of_dout_are_notes() -> None:
    result = check_backward(
        lambda x: x.reshape(5, 2, 2), lambda dout, x: dout.reshape(x.shape), inputs={"x": X}, reference=None
    )
    assert result.verdict == "agree"
    assert result.notes == ("dx is a view of dout: right as long as neither is changed in place.",)
    result = check_backward(lambda a, b: a + b, lambda dout, a, b: (dout, dout), inputs={"a": X, "b": T})
    assert (result.verdict, len(result.notes)) == ("agree", 3)


def test_changed_inputs_and_dout_are_found() -> None:
    def forward(x: Any) -> Any:
        x *= 2
        return x.copy()

    finding = _only(check_backward(forward, lambda dout, x: 2 * dout, inputs={"x": X}))
    assert (finding.kind, finding.text) == ("mutated", "forward changes x in place.")

    def backward(dout: Any, cache: Any) -> Any:
        dout[cache <= 0] = 0
        return dout

    result = check_backward(e.relu_forward, backward, inputs={"x": X}, reference=F.relu)
    assert (_only(result).kind, _only(result).text) == ("mutated", "backward changes dout in place.")


def test_an_update_inside_backward_is_found() -> None:
    class Updating(w.Linear):
        def backward(self, dout: Any) -> Any:
            dx = super().backward(dout)
            self.W = self.W - 0.1 * self.dW
            return dx

    result = check_backward(Updating(W, B), inputs={"x": X, "W": W, "b": B})
    assert result.findings[0].text == "backward changes W, which it keeps in place."


def test_gradients_that_pile_up_are_state() -> None:
    class Piling(w.Linear):
        def __init__(self, W: Any, b: Any) -> None:
            super().__init__(W, b)
            self.dW, self.db = np.zeros_like(W), np.zeros_like(b)

        def backward(self, dout: Any) -> Any:
            self.dW += self.x.T @ dout
            self.db = dout.sum(axis=0)
            return dout @ self.W.T

    finding = _only(check_backward(Piling(W, B), inputs={"x": X, "W": W, "b": B}))
    assert finding.kind == "state"
    assert finding.text == (
        "forward and backward, called again with the same numbers, gives another dW: "
        "it is added to what stood there before."
    )


def test_a_cache_changed_by_backward_is_state() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        p, labels = cache
        p[np.arange(len(p)), labels] -= 1
        p /= len(p)
        return p.copy()

    finding = _only(check_backward(e.cross_entropy_forward, backward, inputs={"x": X, "labels": LABELS}))
    assert finding.text.startswith("backward, called again with the same numbers, gives another dx: something is kept")


def test_a_random_forward_is_state() -> None:
    generator = np.random.default_rng(0)

    def forward(x: Any) -> Any:
        mask = generator.random(x.shape) < 0.5
        return x * mask, mask

    result = check_backward(forward, lambda dout, cache: dout * cache, inputs={"x": X}, reference=lambda x: x)
    assert result.findings[0].kind == "state"
    assert "hand in what is random, such as a mask, as an input" in result.findings[0].text


# values -------------------------------------------------------------------------------------------------------------


def test_a_wrong_element_is_shown_with_its_numbers() -> None:
    def backward(dout: Any, x: Any) -> Any:
        dx = dout * 2 * x
        dx[3, 1] += 0.25
        return dx

    result = check_backward(lambda x: x**2, backward, inputs={"x": X})
    finding, checked = _only(result), result.quantities[1]
    assert (finding.index, checked.wrong, checked.of, checked.rule) == ((3, 1), 1, 20, "fixed tolerance")
    assert checked.worst is not None
    assert checked.worst.got - checked.worst.expected == pytest.approx(0.25)
    assert checked.worst.error == pytest.approx(0.25)
    assert checked.worst.bound == pytest.approx(1e-10 * 2 * 1.5 * 1.5, rel=0.5)
    assert finding.text.startswith("dx[3, 1] is ")
    assert "1 of 20 element(s) differ" in finding.text


def test_a_nan_on_one_side_differs_and_on_both_is_a_note() -> None:
    def backward(dout: Any, x: Any) -> Any:
        dx = dout * 2 * x
        dx[0, 0] = np.nan
        return dx

    assert _only(check_backward(lambda x: x**2, backward, inputs={"x": X})).index == (0, 0)
    x = np.array([0.0, 4.0, 2.0])
    with np.errstate(all="ignore"):
        result = check_backward(np.sqrt, lambda dout, x: dout / (2 * np.sqrt(x)), inputs={"x": x}, reference=torch.sqrt)
    assert result.findings == ()
    assert "dx: 1 element(s) are NaN or infinite on both sides." in result.notes


def test_a_wrong_forward_comes_first_and_a_backward_right_for_it_is_not_blamed() -> None:
    result = check_backward(
        lambda x: 2 * np.tanh(x),
        lambda dout, x: 2 * dout * (1 - np.tanh(x) ** 2),
        inputs={"x": X},
        reference=torch.tanh,
    )
    finding = _only(result)
    assert (finding.kind, finding.quantity) == ("value", "out")
    assert "backward is right for forward as it is written: mend forward, then look again." in result.notes
    result = check_backward(
        lambda x: 2 * np.tanh(x), lambda dout, x: dout * (1 + np.tanh(x) ** 2), inputs={"x": X}, reference=torch.tanh
    )
    assert [f.quantity for f in result.findings] == ["out", "dx"]


def test_half_the_mean_squared_error_is_a_convention_if_its_gradient_is_its_own() -> None:
    inputs = {"y": X, "t": T}
    result = check_backward(
        lambda y, t: ((y - t) ** 2).mean() / 2, lambda y, t: (y - t) / y.size, inputs=inputs, reference=F.mse_loss
    )
    finding = _only(result)
    assert (finding.kind, finding.convention, finding.quantity) == ("convention", True, "loss")
    assert result.faults == ("loss",)
    only_loss = check_backward(
        lambda y, t: ((y - t) ** 2).mean() / 2, e.mse_backward, inputs=inputs, reference=F.mse_loss
    )
    assert (_only(only_loss).kind, only_loss.faults) == ("value", ("loss",))


# explanations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "id", "equals"),
    [
        (lambda dx, dw, db, dout, x, w: (dx, dw / len(x), db), "relation", "dw / N"),
        (lambda dx, dw, db, dout, x, w: (dx, -dw, db), "relation", "-dw"),
        (lambda dx, dw, db, dout, x, w: (dx, 3.7 * dw, db), "relation", "3.7 dw"),
        (lambda dx, dw, db, dout, x, w: (dx, 0 * dw, db), "relation", "0"),
        (lambda dx, dw, db, dout, x, w: (dx, dw, np.full_like(db, db.sum())), "relation", "db.sum()"),
        (lambda dx, dw, db, dout, x, w: (np.ones_like(dout) @ w.T, dw, db), "act.no_upstream", "dx for dout = 1"),
    ],
)
def test_a_wrong_gradient_is_explained(change: Any, id: str, equals: str) -> None:
    def backward(dout: Any, cache: Any) -> Any:
        return change(*w.linear_backward(dout, cache), dout, cache[0], cache[1])

    for reference in (None, lambda x, w, b: F.linear(x, w.T, b)):
        explanation = _only(_linear(backward, reference=reference)).explanations[0]
        assert (explanation.id, explanation.equals) == (id, equals)


def test_gradients_in_each_others_place_are_named() -> None:
    result = check_backward(lambda a, b: a * b, lambda dout, a, b: (dout * a, dout * b), inputs={"a": X, "b": T})
    assert [f.explanations[0].equals for f in result.findings] == ["db", "da"]
    assert result.findings[0].explanations[0].id == "layer.swapped"
    assert "da equals what is expected of db." in result.findings[0].text


def test_a_sum_over_the_batch_for_the_mean_names_the_batch() -> None:
    finding = _only(
        check_backward(
            e.cross_entropy_forward,
            lambda dout, cache: len(cache[1]) * e.cross_entropy_backward(dout, cache),
            inputs={"x": X, "labels": LABELS},
        )
    )
    assert finding.explanations[0].equals == "N dx"
    assert finding.explanations[0].text == "dx is N times what it should be. A factor of 5 fits as well. Here N = 5."


def test_what_is_wrong_is_said_in_korean() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        return len(cache[1]) * e.cross_entropy_backward(dout, cache)

    inputs = {"x": X, "labels": LABELS}
    result = check_backward(e.cross_entropy_forward, backward, inputs=inputs, language="ko")
    finding = _only(result)
    assert (
        finding.explanations[0].text == "dx는 옳은 값의 N배입니다. 배수를 5로 보아도 들어맞습니다. 여기서 N = 5입니다."
    )
    assert finding.text.endswith(finding.explanations[0].text)
    assert result.read_as[0].startswith("호출한 방식: backward(")
    with pytest.raises(InputError, match="language"):
        check_backward(e.cross_entropy_forward, backward, inputs=inputs, language="fr")


def test_settings_that_forward_writes_into_are_copies() -> None:
    def forward(x: Any, state: Any) -> Any:
        state["calls"] = state.get("calls", 0) + 1
        return x * state["calls"]

    state: dict[str, int] = {}
    result = check_backward(forward, lambda dout, x, state: dout.copy(), inputs={"x": X, "state": state})
    assert (result.verdict, state) == ("agree", {})


# kinks and what cannot be told --------------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", [F.relu, None])
@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0])
def test_any_slope_at_zero_is_right_for_relu(at_zero: float, reference: Any) -> None:
    x = X.copy()
    x[1, 2] = x[4, 0] = 0.0
    result = check_backward(
        lambda x: np.maximum(0, x),
        lambda dout, x: dout * np.where(x == 0, at_zero, x > 0),
        inputs={"x": x},
        reference=reference,
    )
    assert (result.verdict, result.findings) == ("agree", ())
    wrong = check_backward(
        lambda x: np.maximum(0, x),
        lambda dout, x: dout * np.where(x == 0, -0.2, x > 0),
        inputs={"x": x},
        reference=reference,
    )
    assert wrong.quantities[1].wrong == 2


def test_a_kink_is_named() -> None:
    x = X.copy()
    x[1, 2] = 0.0
    result = check_backward(lambda x: np.maximum(0, x), lambda d, x: d * (x >= 0), inputs={"x": x}, reference=F.relu)
    assert result.notes == (
        "dx: 1 element(s) lie on a kink ([1, 2]), where either one-sided derivative, and all between, is right.",
    )


@pytest.mark.parametrize("alone", [True, False])
def test_ties_of_a_maximum_and_corners_of_losses_are_kinks(alone: bool) -> None:
    image = np.random.default_rng(0).normal(size=(1, 1, 4, 4))
    image[0, 0, 0, 0] = image[0, 0, 1, 1] = 3.0
    pooled = check_backward(
        w.maxpool_forward,
        w.maxpool_backward,
        inputs={"x": image},
        reference=None if alone else lambda x: F.max_pool2d(x, 2),
    )
    assert (pooled.verdict, "kink" in " ".join(pooled.notes)) == ("agree", True)
    y = T + 0.5
    y[0, 0] = T[0, 0]
    mae = check_backward(
        e.mae,
        lambda y, t: np.where(y >= t, 1.0, -1.0) / y.size,
        inputs={"y": y, "t": T},
        reference=None if alone else F.l1_loss,
    )
    assert (mae.verdict, "kink" in " ".join(mae.notes)) == ("agree", True)


def test_a_kink_close_by_does_not_excuse() -> None:
    x = X.copy()
    x[1, 2] = 1e-4
    for reference in (F.relu, None):
        result = check_backward(
            lambda x: np.maximum(0, x), lambda d, x: d * (x > 1e-3), inputs={"x": x}, reference=reference
        )
        assert _only(result).index == (1, 2)


def test_a_gradient_that_is_zero_on_paper_cannot_be_told() -> None:
    inputs = {"x": X, "shift": np.random.default_rng(0).normal(size=1)}  # softmax does not feel a shift
    result = check_backward(
        lambda x, shift: e.softmax_forward(x + shift)[0],
        lambda dout, x, shift: (e.softmax_backward(dout, e.softmax_forward(x)[0])["dx"], 1e-17 * shift),
        inputs=inputs,
    )
    assert (result.verdict, result.findings) == ("cannot-tell", ())
    assert result.quantities[-1].verdict == "cannot-tell"
    assert result.quantities[-1].why.startswith("it is ")


@pytest.mark.parametrize(
    ("forward", "slope"),
    [
        (lambda x: np.abs(x) ** 3, lambda x: 3 * x * np.abs(x)),
        (lambda x: x * x.var(), lambda x: None),
        (lambda x: x / np.linalg.norm(x), lambda x: None),
        (lambda x: np.array([float(v) ** 2 for v in x.ravel()]).reshape(x.shape), lambda x: 2 * x),
        (lambda x: (x**2).astype(np.float64), lambda x: 2 * x),
        (lambda x: _filled(x), lambda x: 2 * x),
        (lambda x: np.real(x) ** 2, lambda x: 2 * x),
    ],
)
def test_where_the_complex_step_is_wrong_it_is_noticed(forward: Any, slope: Any) -> None:
    if slope(X) is None:  # the gradient by torch

        def backward(dout: Any, x: Any) -> Any:
            leaf = torch.tensor(x, requires_grad=True)
            out = leaf * leaf.var(correction=0) if forward(X)[0, 0] == (X * X.var())[0, 0] else leaf / leaf.norm()
            return torch.autograd.grad(out, leaf, torch.tensor(dout))[0].numpy()
    else:

        def backward(dout: Any, x: Any) -> Any:
            return dout * slope(x)

    result = check_backward(forward, backward, inputs={"x": X})
    assert (result.verdict, result.judged_by) == ("agree", "central differences")
    assert "the complex step" in result.notes[0]
    wrong = check_backward(forward, lambda dout, x: 1.0001 * backward(dout, x), inputs={"x": X})
    assert wrong.verdict == "differ"


def _only_here(x: Any) -> Any:
    if not np.array_equal(x, X):
        raise ValueError("not there")
    return x**2


def _filled(x: Any) -> Any:
    out = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        out[index] = x[index] ** 2
    return out


# how it is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "backward",
    [
        lambda dout, cache: w.linear_backward(dout, cache),
        lambda cache, dout: w.linear_backward(dout, cache),
        lambda dout, x, w_, b: w.linear_backward(dout, (x, w_, b)),
        lambda dout, w, x: (dout @ w.T, x.T @ dout, dout.sum(axis=0)),
        lambda *a: w.linear_backward(*a),
        lambda d, cache, debug=False: dict(zip(("dx", "dW", "db"), w.linear_backward(d, cache))),
        lambda d, cache: dict(zip(("grad_x", "w_grad", "b"), w.linear_backward(d, cache))),
        lambda d, cache: list(w.linear_backward(d, cache)),
    ],
)
def test_backward_is_called_and_read_in_many_ways(backward: Any) -> None:
    result = _linear(backward)
    assert (result.verdict, result.findings) == ("agree", ())


def test_inputs_in_a_list_are_named_by_forward() -> None:
    result = check_backward(w.linear_forward, w.linear_backward, inputs=[X, W, B])
    assert [c.name for c in result.quantities] == ["out", "dx", "dw", "db"]
    assert result.read_as == ("called as backward(dout, cache).", "returned by backward, in this order: dx, dw, db.")
    assert (result.case, result.file, result.form) == ("linear_forward", "weighted.py", "layer")


def test_methods_of_one_object_may_be_handed_in() -> None:
    layer = w.Linear(W, B)
    assert check_backward(layer.forward, layer.backward, inputs={"x": X, "W": W, "b": B}).verdict == "agree"


def test_targets_without_a_gradient_are_said_to_be_read_so() -> None:
    result = check_backward(e.mse, e.mse_backward, inputs={"y": X, "t": T})
    assert "t: read as given, without a gradient, since none is returned." in result.read_as
    asked = check_backward(e.mse, e.mse_backward, inputs={"y": X, "t": T}, wrt=["y", "t"])
    assert _only(asked).text.endswith("and 2 of the inputs have one (y, t); not found: dy, dt.")
    chosen = check_backward(lambda y, q: e.mse(y, q), e.mse_backward, inputs={"y": X, "q": T}, wrt=["y"])
    assert chosen.verdict == "agree"


def test_a_numpy_function_is_a_reference_too() -> None:
    result = check_backward(e.silu, e.silu_backward, inputs={"x": X}, reference=lambda x: x * (1 / (1 + np.exp(-x))))
    assert (result.verdict, result.judged_by) == ("agree", "complex step")


def test_the_result_is_json_and_the_same_again() -> None:
    first, second = (_linear(w.linear_backward).to_dict() for _ in range(2))
    assert json.loads(json.dumps(first, allow_nan=False)) == second == first
    shape = _linear(lambda dout, cache: (*w.linear_backward(dout, cache)[:2], dout)).to_dict()
    assert json.dumps(shape, allow_nan=False)


def test_the_inputs_of_the_caller_are_left_alone() -> None:
    x = X.copy()
    check_backward(lambda x: np.multiply(x, 2, out=x), lambda dout, x: 2 * dout, inputs={"x": x})
    assert np.array_equal(x, X)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"forward": 3, "backward": None, "inputs": [X]}, "forward is int, expected a function, or an object with"),
        ({"forward": w.Linear, "backward": None, "inputs": [X]}, r"forward is the class Linear; hand in an object"),
        ({"forward": e.silu, "backward": e.silu_backward, "inputs": 3}, "inputs is int, expected a dict of arrays"),
        ({"forward": e.silu, "backward": e.silu_backward, "inputs": [LABELS]}, "none of the inputs is an array of"),
        ({"forward": e.silu, "backward": e.silu_backward, "inputs": {"x": X}, "wrt": ["z"]}, "wrt names z; the inputs"),
        ({"forward": e.silu, "backward": e.silu_backward, "inputs": [X * np.nan]}, "the input x holds numbers that"),
        ({"forward": e.silu, "backward": e.silu_backward, "inputs": [X], "reference": 3}, "reference is int, expected"),
        (
            {"forward": e.silu, "backward": e.silu_backward, "inputs": [X], "reference": lambda x: x.nothing()},
            "the reference cannot be used: with tensors it raises AttributeError",
        ),
        (
            {"forward": e.silu, "backward": e.silu_backward, "inputs": [X], "reference": lambda x: x.float()},
            "the reference gives torch.float32 for float64 inputs; remove the cast",
        ),
        (
            {"forward": e.silu, "backward": e.silu_backward, "inputs": [X], "reference": lambda x: x.sigmoid().mul_(2)},
            "the reference cannot be differentiated: one of the variables needed",
        ),
        (
            {"forward": _only_here, "backward": e.silu_backward, "inputs": [X]},
            "forward cannot be called near the given x \\(ValueError: not there\\)",
        ),
        (
            {"forward": e.silu, "backward": e.silu_backward, "inputs": [X], "reference": lambda x: x.detach()},
            "the reference's output depends on none of the inputs",
        ),
        (
            {
                "forward": lambda x, weight: x @ weight,
                "backward": lambda dout, x, weight: (dout @ weight.T, x.T @ dout),
                "inputs": {"x": X, "weight": W},
                "reference": torch.nn.Linear(4, 3, bias=False),
            },
            r"the input weight has shape \(4, 3\), the reference's weight \(3, 4\)",
        ),
        ({"forward": w.Linear(W, B), "backward": None, "inputs": {"x": X, "V": W}}, "the object has no attribute V"),
        (
            {"forward": e.silu, "backward": e.silu_backward, "inputs": [np.ones((200, 200))]},
            "the inputs have 40000 elements",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_backward(**arguments)


def test_it_is_published() -> None:
    assert nncheck.check_backward is check_backward
