"""A loss that is another by a constant, with gradients that are just as much other: a convention, not a mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nncheck.diagnosis.factors import Factor, decode
from nncheck.diagnosis.points import MATCH
from nncheck.formula.plain import Array
from nncheck.language import N_, phrase
from nncheck.verification import Explanation

#: What the factors of a consistent loss are called; K is the number of outputs, N the batch size.
_KNOWN = {
    "1/2": ("conv.half", N_("half the mean squared error")),
    "K": ("conv.sumO", N_("a sum over the outputs, averaged over the batch alone")),
    "N": ("conv.sumN", N_("a sum over the batch instead of its mean")),
    "N K": ("conv.sum", N_("the sum of the squares instead of their mean")),
    "K/2": ("conv.half_sumO", N_("half the sum over the outputs, averaged over the batch")),
    "N K/2": ("conv.half_sum", N_("half the sum of the squares")),
}


def convention(
    got: Sequence[Mapping[str, Array]],
    true: Sequence[Mapping[str, Array]],
    gradients: Sequence[str],
    sizes: Sequence[Mapping[str, float]],
    slack: Sequence[Mapping[str, Array]] = (),
) -> Explanation | None:
    """Return the convention that explains every value, if the loss E and all gradients are off by one factor.

    Parameters
    ----------
    got, true : for each point a mapping of line names to arrays
    gradients : sequence of str
        The gradients that were observed.
    sizes : for each point the values of N, K
    slack : for each point, how far each gradient may be off by its own making
    """
    ratios = []
    for place, (own, right) in enumerate(zip(got, true)):
        free = slack[place] if slack else {}
        factor = _factor(own.get("E"), right["E"])
        if (
            factor is None
            or factor <= 0
            or any(not _is_times(own.get(n), right[n], factor, free.get(n, 0.0)) for n in gradients)
        ):
            return None
        ratios.append(factor)
    factors = [f for f in decode(ratios, sizes) if f.sign > 0]
    if not factors or not factors[0].powers:
        return None
    return _explained(factors[0])


def _explained(factor: Factor) -> Explanation:
    id, name = _KNOWN.get(str(factor), ("conv.factor", ""))
    said = phrase(name) if name else phrase("{factor} times the loss", factor=str(factor))
    text = phrase(
        "loss and gradients are both {equals}: {name}, consistently. A convention to declare, no wrong derivation.",
        equals=factor.times("E"),
        name=said,
    )
    return Explanation(id=id, text=text, equals=factor.times("E"))


def _factor(own: Array | None, right: Array) -> float | None:
    if own is None or own.shape != right.shape or own.size != 1 or not right.any():
        return None
    with np.errstate(all="ignore"):
        factor = float((own / right).reshape(()))
    return factor if np.isfinite(factor) else None


def _is_times(own: Array | None, right: Array, factor: float, slack: Array | float) -> bool:
    if own is None or own.shape != right.shape:
        return False
    wanted = factor * right
    return bool((np.abs(own - wanted) <= MATCH * np.abs(wanted).max(initial=0.0) + slack).all())
