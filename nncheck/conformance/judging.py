"""What a device answered, held against float64 on the CPU: equal, inside the bound, or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nncheck.conformance.sample import Allowed, Sample
from nncheck.conformance.snippet import MOST
from nncheck.device_check import Input
from nncheck.formula.plain import Array
from nncheck.rounding import TINY as _TINY
from nncheck.rounding import UNIT as _UNIT

#: Unit roundoff and smallest normal number of each type that is tried.
UNIT = {**_UNIT, "float16": 2.0**-11, "bfloat16": 2.0**-8}
TINY = {**_TINY, "float16": 2.0**-14, "bfloat16": _TINY["float32"]}


@dataclass(frozen=True)
class Answer:
    """Results and gradients (``dx``) by name, with the dtype of each; a refusal gives its reason instead."""

    values: Mapping[str, Array]
    dtypes: Mapping[str, str]
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """The worst element of a quantity that is wrong; fields as those of `nncheck.device_check.Example`."""

    quantity: str
    what: str
    index: tuple[int, ...] | None
    got: float | str | None
    expected: float | str | None
    error: float | None
    bound: float | None


@dataclass(frozen=True)
class Judged:
    """What became of one sample: its largest error / bound, None where all must be equal, and what is wrong."""

    ratio: float | None
    wrong: Wrong | None


def judge(sample: Sample, got: Answer, expected: Answer, allowed: Mapping[str, Allowed]) -> Judged:
    """Hold an answer of the device, every result and gradient, against that of the CPU."""
    ratio, worst = None, None
    for name in expected.values:
        own, wrong = _quantity(sample, name, got, expected, allowed[name])
        ratio = own if ratio is None or (own is not None and own > ratio) else ratio
        worst = worst or wrong
    return Judged(ratio, worst)


def bound_of(allowed: Allowed, dtype: str) -> Array | None:
    """Return the largest difference that rounding explains between a type and float64; None if there is to be none."""
    if allowed.radius is None:
        return None
    bound: Array = (UNIT[dtype] + UNIT["float64"]) * allowed.radius + TINY[dtype]
    return bound


def shown(sample: Sample) -> dict[str, Input]:
    """Return the operands as a result shows them."""
    return {
        name: Input(
            dtype=own.dtype or sample.dtype,
            shape=own.values.shape,
            layout=own.layout,
            values=own.values.tolist() if own.values.size <= MOST else None,
        )
        for name, own in sample.operands.items()
    }


def _quantity(
    sample: Sample, name: str, got: Answer, expected: Answer, allowed: Allowed
) -> tuple[float | None, Wrong | None]:
    if name not in got.values:
        return None, _off(name, "missing", None, None)
    dtype = expected.dtypes[name]
    dtype = sample.dtype if dtype == "float64" else dtype  # the CPU works in float64 in place of the type tried
    if got.dtypes[name] != dtype:
        return None, _off(name, "dtype", got.dtypes[name], dtype)
    g, e = got.values[name], expected.values[name]
    if g.shape != e.shape:
        return None, _off(name, "shape", str(g.shape), str(e.shape))
    if not e.size:
        return None, None
    return _values(name, g, e, allowed, sample.dtype)


def _values(name: str, g: Array, e: Array, allowed: Allowed, dtype: str) -> tuple[float | None, Wrong | None]:
    bound = bound_of(allowed, dtype)
    with np.errstate(all="ignore"):
        same = (g == e) | (np.isnan(g) & np.isnan(e))
        if allowed.bits:
            same &= (np.signbit(g) == np.signbit(e)) | np.isnan(e)
        error = np.where(same, 0.0, np.abs(g - e))
        limit = np.zeros_like(error) if bound is None else np.broadcast_to(bound, error.shape)
        # a NaN or an infinity on one side alone is inside no bound, and 0 is not -0 where the sign counts
        inside = (error <= limit) & np.isfinite(g) & np.isfinite(e) & (bound is not None)
        apart = ~same & ~inside
        ratio = np.where(same, 0.0, np.where(limit > 0, error / limit, np.inf))
        ratio = np.where(apart & ~(ratio > 1), np.inf, ratio)
    largest = None if bound is None else float(np.max(ratio))
    if not apart.any():
        return largest, None
    index = tuple(int(i) for i in np.unravel_index(np.argmax(np.where(apart, ratio, -1.0)), error.shape))
    return largest, Wrong(
        quantity=name,
        what="value",
        index=index,
        got=float(g[index]),
        expected=float(e[index]),
        error=float(error[index]),
        bound=float(limit[index]),
    )


def _off(name: str, what: str, got: str | None, expected: str | None) -> Wrong:
    return Wrong(quantity=name, what=what, index=None, got=got, expected=expected, error=None, bound=None)
