"""Which other optimizer than the case's the updates of a script are: a velocity kept by hand, say."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.manual.scripts import syntax
from nncheck.optimizers import Optimizer
from nncheck.verification import Explanation

#: Equal to this part of the largest movement.
_MATCH = 1e-7
_MOST_NUMBERS = 12
#: From this size on a number may be the part of a state that is kept; below, what is added under a root.
_SMALL = 1e-3


def other_optimizer(
    text: str,
    before: Sequence[Sequence[Array]],
    after: Sequence[Sequence[Array]],
    true: Sequence[Sequence[Array]],
    lr: float,
) -> Explanation | None:
    """Return the optimizer whose updates these are, with settings that the script writes; None if there is none.

    Parameters
    ----------
    text : str
        The script.
    before, after, true : sequences of sequences of arrays
        For each chain of steps from the first on: all parameters as one vector, and their true gradients.
    lr : float
    """
    for optimizer in _candidates(text):
        if all(_is_of(optimizer, *chain, lr) for chain in zip(before, after, true)):
            said = phrase(
                "The updates equal, at all steps, those of {optimizer}; those of the case are W - lr dW.",
                optimizer=optimizer.described,
            )
            equals = "; ".join(line.text for line in optimizer.lines.lines)
            return Explanation(id=f"opt.{optimizer.name}", text=said, equals=equals)
    return None


def _candidates(text: str) -> Iterator[Optimizer]:
    numbers = sorted({abs(literal.value) for literal in syntax.literals(syntax.parse(text))})
    parts = [number for number in numbers if _SMALL <= number < 1][-_MOST_NUMBERS:]
    small = [number for number in numbers if 0 < number < _SMALL][:_MOST_NUMBERS] or [1e-8]
    for name in ("momentum", "nesterov"):
        yield from (Optimizer(name, {"momentum": part}) for part in parts)
    for eps in small:
        yield from (Optimizer("rmsprop", {"alpha": part, "eps": eps}) for part in parts)
        yield from (Optimizer("adam", {"betas": pair, "eps": eps}) for pair in itertools.permutations(parts, 2))


def _is_of(
    optimizer: Optimizer, before: Sequence[Array], after: Sequence[Array], true: Sequence[Array], lr: float
) -> bool:
    states = optimizer.zeros({"W": before[0]})
    for t, (W, W_, dW) in enumerate(zip(before, after, true), start=1):
        expected, states = optimizer.step({"W": W}, {"W": dW}, states, t, lr)
        allowed = _MATCH * np.abs(W_ - W).max() + 1e-14 * np.abs(W).max()
        if not (np.abs(expected["W"] - W_) <= allowed).all():
            return False
    return True
