"""A person's update, held against the optimizer of the case over a few steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verifier.conftest import RIGHT, Held, returning


def _with(body: str, arguments: str = "params, grads, lr", functions: str = RIGHT) -> str:
    return f"{functions}\ndef update({arguments}):\n" + "".join(f"    {line}\n" for line in body.split("\n"))


SGD = {
    "new ones": _with("return {k: params[k] - lr * grads[k] for k in params}"),
    "in place": _with("for k in params:\n    params[k] -= lr * grads[k]"),
    "in place by other names": _with(
        "params['W1'] = params['W1'] - lr * grads['dW1']\nparams['b1'] = params['b1'] - lr * grads['db1']"
    ),
    "by other names": _with("return {'W1': params['W1'] - lr * grads['W1'], 'b1': params['b1'] - lr * grads['b1']}"),
    "a copy that is changed": _with(
        "new = params.copy()\nfor k in grads:\n    new[k] = new[k] - lr * grads[k]\nreturn new"
    ),
    "with a state": _with("return {k: params[k] - lr * grads[k] for k in params}, {}", "params, grads, lr, state"),
    "arguments in another order": _with("return {k: p[k] - eta * g[k] for k in p}", "g, p, eta"),
    "a gradient and an update of the other sign": _with(
        "return {k: params[k] + lr * grads[k] for k in params}", functions=returning('{"W": -dW, "B": -dB}')
    ),
    "an update that divides by what the gradient lacks": _with(
        "return {k: params[k] - 2 * lr * grads[k] for k in params}", functions=returning('{"W": dW / 2, "B": dB / 2}')
    ),
}


@pytest.mark.parametrize("text", SGD.values(), ids=SGD)
def test_right_updates_pass(held: Held, text: str) -> None:
    result = held(text)
    assert (result.verdict, result.findings) == ("agree", ())


WRONG = {
    "upd.plus": _with("return {k: params[k] + lr * grads[k] for k in params}"),
    "upd.no_lr": _with("return {k: params[k] - grads[k] for k in params}"),
    "upd.lr2": _with("return {k: params[k] - lr**2 * grads[k] for k in params}"),
    "upd.none": _with("new = {k: params[k] - lr * grads[k] for k in params}"),
    "upd.movement": _with("return {k: lr * grads[k] for k in params}"),
}


@pytest.mark.parametrize(("id", "text"), WRONG.items(), ids=WRONG)
def test_wrong_updates_are_named(held: Held, id: str, text: str) -> None:
    result = held(text)
    first = result.findings[0]
    assert (result.verdict, result.faults) == ("differ", ("derivation",))
    assert (first.kind, first.quantity, first.explanations[0].id) == ("value", "W'", id)
    assert first.explanations[0].text.startswith("W' equals, at all 3 steps, what one gets by ")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("return {'W': params['W']}", "missing", "update returned no B; its keys are W."),
        ("return 3", "code", "update returned int, expected a dict of the new parameters."),
        ("raise NotImplementedError", "missing", "update is not written yet."),
        ("return 1 / 0", "code", "ZeroDivisionError"),
        ("return {k: params[k][None] for k in params}", "shape", "W' has shape (1, 3, 4), expected (3, 4)"),
        ("return {k: None for k in params}", "shape", "W' has shape ()"),
    ],
)
def test_what_an_update_returns_is_judged(held: Held, body: str, kind: str, said: str) -> None:
    first = held(_with(body)).findings[0]
    assert first.kind == kind
    assert said in first.text


ADAM = """
for k in params:
    m, v, t = state.get(k, (0, 0, 0))
    t = t + 1
    m = 0.9 * m + 0.1 * grads[k]
    v = 0.999 * v + 0.001 * grads[k] ** 2
    state[k] = m, v, t
    params[k] = params[k] - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
return params""".strip()


@pytest.mark.parametrize(
    ("old", "new", "id"),
    [
        ("", "", None),
        ("(m / (1 - 0.9**t))", "m", "adam.no_m_correction"),
        ("t = t + 1", "t = 1", "adam.t_one"),
        ("state[k] = m, v, t", "state[k] = 0, 0, t", "adam.not_stored"),
        ("np.sqrt(v / (1 - 0.999**t))", "v / (1 - 0.999**t)", "adam.no_root"),
    ],
    ids=["right", "no correction of M", "t stays 1", "nothing kept", "no root"],
)
def test_an_update_is_held_against_the_optimizer_of_the_case(
    held: Held, copy_case: Callable[..., Path], old: str, new: str, id: str | None
) -> None:
    case = copy_case("two_to_one", ("case.toml", "steps = 1000", 'steps = 1000\noptimizer = "adam"'))
    assert old in ADAM
    result = held(_with(ADAM.replace(old, new) if old else ADAM, "params, grads, lr, state"), case)
    assert result.verdict == ("differ" if id else "agree")
    assert [e.id for finding in result.findings[:1] for e in finding.explanations][:1] == ([id] if id else [])
