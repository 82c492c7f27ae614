"""Mistakes of the update: rewrites of an optimizer's lines, replayed over a few steps, for states show from the second.

The first of M, V and t hides many of them: 4 of 13 mistakes of momentum and 5 of 18 of Adam coincide with the right
update at step 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nncheck.diagnosis.edits import small_edits
from nncheck.diagnosis.index import shortest
from nncheck.diagnosis.mistakes import Edit
from nncheck.errors import FormulaError
from nncheck.formula import Derivation, Plain, PlainArithmetic, evaluate, plain, read_line, text_of
from nncheck.formula.plain import Array
from nncheck.language import N_
from nncheck.optimizers import Optimizer

#: Equal to this part of the largest movement.
_MATCH = 1e-9

#: What any optimizer's last line may be changed to, ``this`` being its own right-hand side's movement.
_ANY = (
    ("upd.plus", "W_ = 2 * W - ({W_})", N_("adding what is to be subtracted")),
    ("upd.no_lr", "W_ = W - (W - ({W_})) / lr", N_("leaving out the learning rate")),
    ("upd.lr2", "W_ = W - lr * (W - ({W_}))", N_("multiplying by the learning rate twice")),
    ("upd.none", "W_ = W", N_("changing nothing")),
    ("upd.movement", "W_ = W - ({W_})", N_("taking the movement itself for the new parameter")),
    ("upd.gradient", "W_ = W - lr * dW", N_("doing plain gradient descent")),
)
_MOMENTUM = (
    ("mom.not_stored", "M_ = dW", N_("not keeping the velocity from step to step")),
    ("mom.stale", "W_ = W - lr * M", N_("using the velocity of the step before")),
    (
        "mom.lr_twice",
        "M_ = momentum * M + lr * dW",
        N_("putting the learning rate into the velocity and into the update"),
    ),
    ("mom.sign", "M_ = momentum * M - dW", N_("subtracting the gradient in the velocity")),
    ("mom.dampened", "M_ = momentum * M + (1 - momentum) * dW", N_("damping the gradient by 1 - momentum")),
    ("mom.swapped", "M_ = (1 - momentum) * M + momentum * dW", N_("swapping momentum and 1 - momentum")),
    ("mom.no_factor", "M_ = M + dW", N_("leaving out the momentum's factor")),
    ("mom.no_gradient", "W_ = W - lr * momentum * M_", N_("leaving out the gradient in the update")),
    ("mom.plain", "W_ = W - lr * M_", N_("leaving out Nesterov's step ahead")),
    ("mom.nesterov", "W_ = W - lr * (dW + momentum * M_)", N_("doing Nesterov's step ahead")),
)
_RMSPROP = (
    ("rms.not_stored", "V_ = (1 - alpha) * dW ** 2", N_("not keeping the mean square from step to step")),
    ("rms.sum", "V_ = V + dW ** 2", N_("summing the squares, as Adagrad does")),
    ("rms.no_square", "V_ = alpha * V + (1 - alpha) * dW", N_("leaving out the square")),
    ("rms.swapped", "V_ = (1 - alpha) * V + alpha * dW ** 2", N_("swapping alpha and 1 - alpha")),
    ("rms.no_factor", "V_ = alpha * V + dW ** 2", N_("leaving out the factor 1 - alpha")),
    ("rms.no_root", "W_ = W - lr * dW / (V_ + eps)", N_("leaving out the square root")),
    ("rms.eps_inside", "W_ = W - lr * dW / sqrt(V_ + eps)", N_("putting eps inside the square root")),
    ("rms.stale", "W_ = W - lr * dW / (sqrt(V) + eps)", N_("using the mean square of the step before")),
)
_ADAM = (
    ("adam.no_correction", "MH = M_; VH = V_", N_("leaving out the bias correction")),
    ("adam.no_m_correction", "MH = M_", N_("leaving out the bias correction of the first moment")),
    ("adam.no_v_correction", "VH = V_", N_("leaving out the bias correction of the second moment")),
    ("adam.t_one", "MH = M_ / (1 - beta1); VH = V_ / (1 - beta2)", N_("using a step count t that stays 1")),
    (
        "adam.beta2",
        "MH = M_ / (1 - beta1 ** 2); VH = V_ / (1 - beta2 ** 2)",
        N_("writing beta ** 2 in place of beta ** t"),
    ),
    (
        "adam.t_plus",
        "MH = M_ / (1 - beta1 ** (t + 1)); VH = V_ / (1 - beta2 ** (t + 1))",
        N_("using a step count t that is one too high"),
    ),
    (
        "adam.t_zero",
        "MH = M_ / (1 - beta1 ** (t - 1)); VH = V_ / (1 - beta2 ** (t - 1))",
        N_("starting the step count t at 0"),
    ),
    *(
        (
            "adam.t_each",
            f"MH = M_ / (1 - beta1 ** ({count} * (t - 1) + {place})); "
            f"VH = V_ / (1 - beta2 ** ({count} * (t - 1) + {place}))",
            N_("counting the step t up for every parameter instead of once for all"),
        )
        for count in (2, 4, 6, 8)
        for place in range(1, count + 1)
    ),
    (
        "adam.eps_hat",
        "W_ = {before} - lr * sqrt(1 - beta2 ** t) / (1 - beta1 ** t) * M_ / (sqrt(V_) + eps)",
        N_("adding eps before the bias correction instead of after it"),
    ),
    (
        "adam.t_times",
        "MH = M_ / (1 - beta1 * t); VH = V_ / (1 - beta2 * t)",
        N_("writing beta * t in place of beta ** t"),
    ),
    (
        "adam.persisted",
        "M_ = (beta1 * M + (1 - beta1) * dW) / (1 - beta1 ** t); V_ = (beta2 * V + (1 - beta2) * dW ** 2) / "
        "(1 - beta2 ** t); MH = M_; VH = V_",
        N_("keeping the corrected moments instead of the raw ones"),
    ),
    (
        "adam.swapped",
        "M_ = beta2 * M + (1 - beta2) * dW; V_ = beta1 * V + (1 - beta1) * dW ** 2; "
        "MH = M_ / (1 - beta2 ** t); VH = V_ / (1 - beta1 ** t)",
        N_("swapping beta1 and beta2"),
    ),
    ("adam.one_beta", "M_ = beta1 * M + beta1 * dW", N_("writing beta1 where 1 - beta1 belongs")),
    (
        "adam.not_stored",
        "M_ = (1 - beta1) * dW; V_ = (1 - beta2) * dW ** 2",
        N_("not keeping the moments from step to step"),
    ),
    ("adam.no_square", "V_ = beta2 * V + (1 - beta2) * dW", N_("leaving out the square")),
    ("adam.no_root", "W_ = {before} - lr * MH / (VH + eps)", N_("leaving out the square root")),
    ("adam.eps_inside", "W_ = {before} - lr * MH / sqrt(VH + eps)", N_("putting eps inside the square root")),
    (
        "adam.no_first",
        "W_ = {before} - lr * dW / (sqrt(VH) + eps)",
        N_("using the gradient in place of its first moment"),
    ),
    (
        "adam.raw",
        "W_ = {before} - lr * M_ / (sqrt(V_) + eps)",
        N_("computing the corrected moments and not using them"),
    ),
)
_ADAMW = (
    ("adamw.no_decay", "D = W", N_("leaving out the weight decay")),
    ("adamw.no_lr", "D = W - weight_decay * W", N_("leaving the learning rate out of the weight decay")),
    ("adamw.plus", "D = W + lr * weight_decay * W", N_("adding the weight decay")),
)
_OF = {
    "sgd": (),
    "momentum": _MOMENTUM,
    "nesterov": _MOMENTUM,
    "rmsprop": _RMSPROP,
    "adam": _ADAM,
    "adamw": (*_ADAM, *_ADAMW),
}


def explain_update(
    optimizer: Optimizer, before: Sequence[Array], after: Sequence[Array], gradients: Sequence[Array], lr: float
) -> list[Edit]:
    """Return the mistakes in an optimizer's lines that give just these updates; the named ones if there are any.

    Parameters
    ----------
    optimizer : Optimizer
    before, after, gradients : sequences of arrays
        One vector for each step from the first on: the parameters before and after its update, and the gradient.
    lr : float
    """
    names = ("W", "dW", "lr", "t", *optimizer.states, *optimizer.numbers)
    for edits in (tuple(named_updates(optimizer)), small_edits(optimizer.lines, names)):
        found = [edit for edit in edits if _fits(optimizer, edit, before, after, gradients, lr)]
        if found and found[0].text:
            return list({edit.id: edit for edit in found}.values())
        if found:
            return shortest(found)
    return []


def named_updates(optimizer: Optimizer) -> Iterator[Edit]:
    """Yield every known mistake in the lines of an optimizer."""
    lines = {line.name: line for line in optimizer.lines.lines}
    filled = {"W_": text_of(lines["W_"].expression), "before": "D" if "D" in lines else "W"}
    for id, rewrite, text in (*_OF[optimizer.name], *_ANY):
        changed = [read_line(part.strip(), "the catalogue") for part in rewrite.format(**filled).split(";")]
        if all(line.name in lines for line in changed) and any(
            line.expression != lines[line.name].expression for line in changed
        ):
            yield Edit(id, text, tuple(changed))


def _fits(
    optimizer: Optimizer,
    edit: Edit,
    before: Sequence[Array],
    after: Sequence[Array],
    gradients: Sequence[Array],
    lr: float,
) -> bool:
    replaced = {line.name: line for line in edit.lines}
    lines = Derivation(tuple(replaced.get(line.name, line) for line in optimizer.lines.lines))
    states = {state: plain(np.zeros_like(before[0])) for state in optimizer.states}
    numbers = {name: plain(value) for name, value in {**optimizer.numbers, "lr": lr}.items()}
    for t, (W, W_, dW) in enumerate(zip(before, after, gradients), start=1):
        inputs: dict[str, Plain] = {**numbers, **states, "W": plain(W), "dW": plain(dW), "t": plain(float(t))}
        try:
            values = evaluate(lines, inputs, PlainArithmetic())
        except (FormulaError, ValueError):
            return False
        expected = values["W_"].array
        if expected.shape != W_.shape:
            return False
        if not _equal(expected, W_, W):
            return False
        states = {state: values[f"{state}_"] for state in states}
    return True


def _equal(expected: Array, after: Array, before: Array) -> bool:
    """Whether two vectors of updated parameters are equal: where one is no number, the other must be none.

    The root of a negative mean is none, and how far parameters move that are none says nothing.
    """
    finite = np.isfinite(after)
    if (finite != np.isfinite(expected)).any():
        return False
    if not finite.any():
        return True
    with np.errstate(all="ignore"):
        start = np.where(np.isfinite(before), before, after)[finite]
        allowed = _MATCH * np.abs(after[finite] - start).max() + 1e-14 * np.abs(start).max()
        return bool((np.abs(expected[finite] - after[finite]) <= allowed).all())
