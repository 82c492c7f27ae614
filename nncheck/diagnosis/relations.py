"""How a wrong tensor relates to the right one: a factor, a sign, a transpose, a permutation, a sum; or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nncheck.diagnosis.factors import MATCH, Factor, decode
from nncheck.diagnosis.forms import FORMS, Form
from nncheck.formula.plain import Array
from nncheck.language import N_, phrase, translate
from nncheck.verification import Explanation

#: Below this part of the tensor's largest element a value is the rounding of a zero.
_ROUNDING = 1e-14
#: A sum that cancels to less than this part of its terms is no evidence of a factor.
_CANCELS = 1e-6
#: How many other factors a text names.
_NAMED = 3


def relation(
    name: str,
    got: Sequence[Array],
    expected: Sequence[Array],
    sizes: Sequence[Mapping[str, float]],
) -> Explanation | None:
    """Find what a wrong tensor equals, at every point at which it was compared.

    Looked for, in this order: zeros; a factor +-2^a N^b K^c lr^d, exponents from -2 to 2; the transpose, rows or
    columns in reverse, another shape, a sum or mean, each with such a factor; the terms of a sum that was left out;
    permuted rows or columns; a ratio without a name.

    Parameters
    ----------
    name : str
        The quantity: ``dW2``.
    got, expected : P arrays each
        The wrong and the right tensor at every point; shapes may differ from point to point, and from each other.
    sizes : P mappings
        Value of each symbol at the points: ``{"N": 5, "K": 3, "lr": 0.07}``.

    Returns
    -------
    Explanation or None
        None if nothing fits at all points within 1e-10 of the tensor's largest element, if too little was compared
        to tell (a free factor asks for two points, or three different elements), or if nothing is wrong.
    """
    try:
        pairs = [(np.asarray(g, dtype=np.float64), np.asarray(e, dtype=np.float64)) for g, e in zip(got, expected)]
    except (TypeError, ValueError):
        return None
    # a point at which both are exactly zero says nothing
    kept = [(pair, size) for pair, size in zip(pairs, sizes) if pair[0].any() or pair[1].any()]
    pairs, sizes = [pair for pair, _ in kept], [size for _, size in kept]
    if not pairs or not all(np.isfinite(a).all() and a.size for pair in pairs for a in pair):
        return None
    if all(_equal(g, e) for g, e in pairs):
        return None
    if all(np.abs(g).max() <= _ROUNDING * np.abs(e).max() for g, e in pairs):
        return _explained(phrase("{name} is all zero{where}.", name=name, where=_at(len(pairs))), "0")
    return (
        _multiple(name, pairs, sizes)
        or _terms_of_a_sum(name, pairs)
        or _permuted(name, pairs)
        or _unexplained_ratio(name, pairs)
    )


# a factor of some form of the right tensor --------------------------------------------------------------------------


def _multiple(name: str, pairs: list[tuple[Array, Array]], sizes: Sequence[Mapping[str, float]]) -> Explanation | None:
    for form in FORMS:
        made = _formed(form, pairs)
        ratios = _ratios(pairs, made) if made else None
        if made is None or ratios is None:
            continue
        fits = decode(ratios, sizes)
        if not fits or (_is_free(fits[0]) and not _enough(made)):
            continue
        others = [str(fit) for fit in fits[1:] if fit.cost <= fits[0].cost + 1]
        if fits[0].has_symbols and _constant(ratios):
            others[:0] = _whole(ratios[0])
        return _explained(_text(name, form, fits[0], others, len(pairs)), fits[0].times(form.written.format(name)))
    return None


def _is_free(factor: Factor) -> bool:
    """Whether a constant was chosen to fit; the tensor itself in another form has none."""
    return factor.sign < 0 or bool(factor.powers)


def _formed(form: Form, pairs: list[tuple[Array, Array]]) -> list[Array] | None:
    """Return the right tensors in that form, None if some point has none or its sums cancel."""
    made = []
    for g, e in pairs:
        array = form.make(e, g.shape)
        if array is None or array.shape != g.shape or np.abs(array).max() <= _CANCELS * np.abs(e).max():
            return None
        made.append(array)
    return made


def _ratios(pairs: list[tuple[Array, Array]], made: list[Array]) -> list[float] | None:
    """Return got / made at every point, None if it is not one number there."""
    ratios = []
    for (g, _), m in zip(pairs, made):
        scale = np.abs(m).max()
        unit = m / scale  # squares of tiny numbers underflow
        ratio = float((g * unit).sum() / (unit * unit).sum() / scale)
        if not np.isfinite(ratio) or ratio == 0 or not _equal(g, ratio * m):
            return None
        ratios.append(ratio)
    return ratios


def _unexplained_ratio(name: str, pairs: list[tuple[Array, Array]]) -> Explanation | None:
    for form in FORMS[:2]:  # the tensor itself and its transpose
        made = _formed(form, pairs)
        ratios = _ratios(pairs, made) if made else None
        if made is None or ratios is None:
            continue
        written = form.written.format(name)
        if _constant(ratios) and _enough(made):
            number = _written(ratios[0], 6)
            return _explained(_times(name, number, form, len(pairs)), f"{number} {written}")
        if all(_enough([m]) for m in made):
            text = phrase(
                "{name} is a multiple of {what}, by another factor at each point ({numbers}).",
                name=name,
                what=translate(form.words),
                numbers=", ".join(_written(ratio, 4) for ratio in ratios[:4]),
            )
            return _explained(text, f"c {written}")
    return None


def _constant(ratios: Sequence[float]) -> bool:
    return all(abs(ratio - ratios[0]) <= MATCH * abs(ratios[0]) for ratio in ratios)


def _whole(ratio: float) -> list[str]:
    """Write a ratio that may be meant as the number it is, being whole or one over whole: 5, 1/5."""
    number, sign = abs(ratio), "-" if ratio < 0 else ""
    for value, written in ((number, "{}{}"), (1 / number, "{}1/{}")):
        if 1 < round(value) <= 100 and abs(value - round(value)) <= MATCH * value:
            return [written.format(sign, round(value))]
    return []


def _enough(made: Sequence[Array]) -> bool:
    """Whether a free factor is seen often enough: at two points, or in three elements of different size."""
    return len(made) >= 2 or _different(made[0]) >= 3


def _different(array: Array) -> int:
    """How many sizes of elements there are, zeros aside."""
    sizes = np.sort(np.abs(array), axis=None)
    sizes = sizes[sizes > MATCH * sizes[-1]]
    return int(1 + (np.diff(sizes) > MATCH * sizes[-1]).sum()) if sizes.size else 0


# sums and permutations ----------------------------------------------------------------------------------------------


def _terms_of_a_sum(name: str, pairs: list[tuple[Array, Array]]) -> Explanation | None:
    """Find a sum that was left out: got has an axis more, and its sum along it is what is expected."""
    for axis in (0, -1):
        if all(g.ndim > e.ndim or g.size > e.size for g, e in pairs) and all(
            np.size(s := g.sum(axis=axis)) == e.size and _equal(s.reshape(e.shape), e) for g, e in pairs
        ):
            text = phrase(
                "{name} has the terms of the sum: added up along axis {axis} they are what it should be{where}.",
                name=name,
                axis=axis,
                where=_at(len(pairs)),
            )
            return _explained(text, f"{name} before .sum(axis={axis})")
    return None


def _permuted(name: str, pairs: list[tuple[Array, Array]]) -> Explanation | None:
    for axis, written in ((0, "{}[{}]"), (1, "{}[:, {}]")):
        if not all(g.shape == e.shape and g.ndim > axis and g.shape[axis] > 1 for g, e in pairs):
            continue
        orders: dict[tuple[int, ...], tuple[int, ...]] = {}
        for g, e in pairs:
            order = orders.get(g.shape) or _order(g, e, axis)
            if order is None or not _equal(g, np.take(e, order, axis=axis)):
                break
            orders[g.shape] = order
        else:
            if len(pairs) == 1 and pairs[0][0].shape[axis] < 3 and _different(pairs[0][1]) < 3:
                continue  # two numbers the other way round may be chance
            order = next(iter(orders.values()))
            words = _OTHER_ORDER[axis if pairs[0][1].ndim > 1 else -1]
            text = phrase(words, name=name, order=list(order), where=_at(len(pairs)))
            return _explained(text, written.format(name, list(order)))
    return None


def _order(got: Array, expected: Array, axis: int) -> tuple[int, ...] | None:
    """Return where each row of got stands in expected; None if some row stands nowhere, or at two places."""
    g = np.moveaxis(got, axis, 0).reshape(got.shape[axis], -1)
    e = np.moveaxis(expected, axis, 0).reshape(expected.shape[axis], -1)
    if e.size * len(g) > 10_000_000:
        return None
    near = np.abs(g[:, None] - e[None]).max(axis=-1) <= MATCH * np.abs(e).max()
    if not ((near.sum(axis=0) == 1).all() and (near.sum(axis=1) == 1).all()):
        return None
    return tuple(int(i) for i in near.argmax(axis=1))


def _equal(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool((np.abs(a - b) <= MATCH * np.abs(a).max()).all())


# words --------------------------------------------------------------------------------------------------------------


_OTHER_ORDER = (
    N_("{name} is what it should be with its rows in another order: {order}{where}."),
    N_("{name} is what it should be with its columns in another order: {order}{where}."),
    N_("{name} is what it should be with its elements in another order: {order}{where}."),
)


def _text(name: str, form: Form, factor: Factor, others: list[str], points: int) -> str:
    text = _times(name, str(factor) if factor.powers else "-" if factor.sign < 0 else "", form, points)
    named = [other for other in dict.fromkeys(others) if other != str(factor)][:_NAMED]
    if not named:
        return text
    factors = named[0]
    for other in named[1:]:
        factors = phrase("{one} or {other}", one=factors, other=other)
    also = phrase("A factor of {factors} fits as well.", factors=factors)
    return f"{text} {also}"


def _times(name: str, factor: str, form: Form, points: int) -> str:
    facts = {"name": name, "what": translate(form.words), "where": _at(points)}
    if not factor:
        return phrase("{name} is {what}{where}.", **facts)
    if factor == "-":
        return phrase("{name} is minus {what}{where}.", **facts)
    return phrase("{name} is {factor} times {what}{where}.", factor=factor, **facts)


def _at(points: int) -> str:
    if points > 2:
        return phrase(", at all {points} points", points=points)
    return phrase(", at both points") if points == 2 else ""


def _written(ratio: float, digits: int) -> str:
    """Write a ratio to so many digits, or to as many as tell it from 1."""
    text = f"{ratio:.{digits}g}"
    while abs(float(text)) == 1 and abs(ratio) != 1:
        digits += 1
        text = f"{ratio:.{digits}g}"
    return text


def _explained(text: str, equals: str) -> Explanation:
    return Explanation(id="relation", text=text, equals=equals)
