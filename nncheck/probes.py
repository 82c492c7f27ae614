"""Random points at which gradients are compared, drawn so that no mistake can hide in them.

At the document's own numbers (one sample, two outputs) many wrong derivations give the right gradient. So: batches of
2, 5 and 7 (with N = 1, sums over the batch do nothing), three outputs (with two, (Y - YT)/N *is* the gradient of the
mean squared error), layers of unequal widths (a transpose shows in the shape) and of equal ones (it shows in the
values), no zero, no symmetry, both branches of every kink taken and none of them near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncheck.case import Case, shapes_for
from nncheck.errors import FormulaError
from nncheck.formula import Derivation, Plain, PlainArithmetic, evaluate, plain
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.rounding import has_probability_targets

BATCHES = (2, 5, 7)
#: Operations with two branches: relu(a), abs(a), sign(a) branch at 0, the others where a = b.
KINKS = ("maximum", "minimum", "abs", "sign", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal")
MARGIN = 0.02
_TRIES = 500


@dataclass(frozen=True)
class Probe:
    """One point: data and parameters of a network of the case's kind, in other sizes.

    Attributes
    ----------
    sizes : tuple of int
        Widths of the layers.
    X, YT : (N, n_in), (N, n_out)
    params : mapping of str to array
    """

    sizes: tuple[int, ...]
    X: Array
    YT: Array
    params: Mapping[str, Array]


def widths(case: Case) -> tuple[tuple[int, ...], ...]:
    """Return the widths at which a case is probed: no two neighbours alike, and all alike."""
    layers = len(case.sizes) - 1
    return (4, *(5,) * (layers - 1), 3), (3,) * (layers + 1)


def draw(
    case: Case,
    derivation: Derivation,
    seed: int,
    shapes: Sequence[tuple[int, ...]] = (),
    batches: Sequence[int] = BATCHES,
    one_hot: bool = False,
) -> Iterator[Probe]:
    """Draw the probes of a case: every batch size at all widths.

    Parameters
    ----------
    case : Case
    derivation : Derivation
    seed : int
    shapes : sequence of tuple of int
        Widths of the layers; by default `widths`.
    batches : sequence of int
    one_hot : bool
        Whether targets that are distributions are to be labels, one 1 in a row, as many cases have them.

    Raises
    ------
    FormulaError
        If a line cannot be computed at the probe.
    """
    generator = np.random.default_rng(seed)
    for sizes in shapes or widths(case):
        for batch in batches:
            yield _drawn(case, derivation, sizes, batch, generator, one_hot)


def _drawn(
    case: Case,
    derivation: Derivation,
    sizes: tuple[int, ...],
    batch: int,
    generator: np.random.Generator,
    one_hot: bool,
) -> Probe:
    best, clearest = None, -1.0
    for _ in range(_TRIES):
        probe = _random(case, derivation, sizes, batch, generator, one_hot)
        margins = _Margins()
        values = {"X": plain(probe.X), "YT": plain(probe.YT), **{k: plain(p) for k, p in probe.params.items()}}
        evaluate(derivation, values, margins)
        if margins.clearance > clearest:
            best, clearest = probe, margins.clearance
        if clearest > MARGIN:
            break
    assert best is not None
    if clearest <= 0:
        raise FormulaError(
            phrase("no probe takes both branches of a kink at sizes {sizes}, N = {batch}", sizes=sizes, batch=batch),
            "derivation.txt",
        )
    return best


def _random(
    case: Case,
    derivation: Derivation,
    sizes: tuple[int, ...],
    batch: int,
    generator: np.random.Generator,
    one_hot: bool,
) -> Probe:
    def numbers(shape: tuple[int, ...]) -> Array:
        signs = generator.choice((-1.0, 1.0), shape)
        # rounded to float32, so that both precisions start from one number
        values: Array = signs * generator.uniform(0.2, 1.5, shape)
        return values.astype(np.float32).astype(np.float64)

    params = {name: numbers(shape) for name, shape in shapes_for(case.params, sizes).items()}
    targets = numbers((batch, sizes[-1]))
    if (case.YT >= 0).all() and (case.YT <= 1).all():  # as a binary cross-entropy asks for
        targets = generator.uniform(0.05, 0.95, targets.shape).astype(np.float32).astype(np.float64)
    if has_probability_targets(case, derivation):
        # multiples of 1/64: every row sums to 1 exactly in both precisions
        weights = generator.dirichlet(np.ones(sizes[-1]), batch)
        targets = np.floor(weights * 60) / 64 + 1 / 64
        targets[:, 0] += 1 - targets.sum(axis=1)
        if one_hot:
            targets = np.eye(sizes[-1])[_labels(batch, sizes[-1], generator)]
    return Probe(sizes, numbers((batch, sizes[0])), targets, params)


def _labels(batch: int, classes: int, generator: np.random.Generator) -> Array:
    """Return labels that are not all equal."""
    labels = generator.integers(0, classes, batch)
    if classes > 1 and batch > 1:
        labels[1] = (labels[0] + 1) % classes
    return labels


class _Margins(PlainArithmetic):
    """Measures how far a probe stays from every kink, and whether it takes both branches of each.

    Attributes
    ----------
    clearance : float
        Smallest distance from a kink; 0 if some comparison goes one way everywhere.
    """

    def __init__(self) -> None:
        self.clearance = np.inf

    def _see(self, a: Plain, b: Plain) -> None:
        distance = self.subtract(a, b).array
        one_way = bool((distance > 0).all() or (distance < 0).all())
        self.clearance = min(self.clearance, 0.0 if one_way else float(np.abs(distance).min()))


def _seeing(op: str) -> Callable[..., Plain]:
    def operation(self: _Margins, a: Plain, *others: Plain) -> Plain:
        self._see(a, others[0] if others else self.number(0.0))
        result: Plain = getattr(PlainArithmetic, op)(self, a, *others)
        return result

    return operation


for _op in KINKS:
    setattr(_Margins, _op, _seeing(_op))
