"""The plots of a case: what each shows, in words and as an SVG that stands there without a script and on paper."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from nncheck.curves import Curve, Kind, apart
from nncheck.language import N_, phrase, translate
from nncheck.record import CaseResult
from nncheck.report import words
from nncheck.report.html.said import number

#: The picture's own units, which the page stretches; the smaller, the shorter its paths.
WIDTH, HEIGHT = 240, 300

#: Larger values leave the picture, before its own arithmetic overflows.
_LARGEST = 1e300

_TITLES: dict[Kind, str] = {
    "loss": N_("Loss of both sides"),
    "difference": N_("Difference of the two runs"),
    "ratio": N_("Error of a single step / what rounding explains"),
}
_ABOUT: dict[Kind, str] = {
    "loss": N_("The loss before the update of each step, of torch autograd and of the hand-written code."),
    "difference": N_(
        "How far the two runs have come apart after each step: the loss, and the largest element of each parameter."
    ),
    "ratio": N_(
        "Each step begun anew from the same numbers. Below the dashed line at 1 rounding alone explains the error; "
        "above it something is wrong."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis: where, from 0 to 100, and what stands at it."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a plot, with its path in the picture and its largest value in words."""

    name: str
    path: str
    most: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """One plot.

    Attributes
    ----------
    kind, title, about : str
    series : tuple of Series
    log : bool
        Whether its vertical axis is logarithmic.
    across, upright : tuple of Tick
    bound : float or None
        How high the line at 1 stands, from 0 (top) to 100.
    unseen : tuple of str
        What it cannot show, in sentences: exact zeros, numbers that are not finite.
    data : dict
        The same for plotly.
    """

    kind: Kind
    title: str
    about: str
    series: tuple[Series, ...]
    log: bool
    across: tuple[Tick, ...]
    upright: tuple[Tick, ...]
    bound: float | None
    unseen: tuple[str, ...]
    data: dict[str, Any] = field(repr=False)


def plots_of(case: CaseResult) -> tuple[Plot, ...]:
    """Return the plots of a case: those kinds of which it has curves."""
    kinds = {kind: [curve for curve in case.curves if curve.kind == kind] for kind in _TITLES}
    return tuple(_plot(kind, curves, max(case.steps - 1, 1)) for kind, curves in kinds.items() if curves)


def _plot(kind: Kind, curves: Sequence[Curve], last: int) -> Plot:
    finite = [value for curve in curves for value in curve.values if math.isfinite(value)]
    positive = [value for value in finite if value > 0]
    log = kind != "loss" or (bool(positive) and min(finite) >= 0 and max(positive) > 100 * min(positive))
    # above the bound, which stands at 1, there is room for its name
    seen = (positive if log else finite) + ([2.0] if kind == "ratio" else [])
    scale = _scale(seen, last, log)
    bound = scale.up(1.0) if kind == "ratio" else None
    return Plot(
        kind=kind,
        title=translate(_TITLES[kind]),
        about=translate(_ABOUT[kind]),
        series=tuple(
            Series(name=named(curve), path=scale.path(curve) if seen else "", most=_most(curve)) for curve in curves
        ),
        log=log,
        across=tuple(Tick(at=100 * at / last, label=f"{at:,}") for at in _whole(last)),
        upright=scale.ticks if seen else (),
        bound=None if bound is None else 100 * bound / HEIGHT,
        unseen=tuple(_unseen(curves, log)),
        data={
            "kind": kind,
            "log": log,
            "range": [scale.low, scale.high],
            "series": [_series(curve, named(curve), log, 7 if kind == "loss" else 3) for curve in curves],
        },
    )


def named(curve: Curve) -> str:
    """Return what a series is called on the page."""
    return translate(N_("hand-written")) if curve.name == "manual" else words.called(curve.name)


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """From steps and values to the picture's units; ``low`` and ``high`` are exponents of ten if it is logarithmic."""

    last: int
    low: float
    high: float
    log: bool
    stride: float

    def up(self, value: float) -> float:
        """Return how far below the top a value stands."""
        return self._height(math.log10(value) if self.log else value)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Return the marks of the vertical axis."""
        count = math.floor((self.high - self.low) / self.stride + 1e-9)
        heights = [self.low + k * self.stride for k in range(count + 1)]
        labels = [_power(round(height)) if self.log else _label(number(height, 4)) for height in heights]
        return tuple(Tick(at=100 * self._height(at) / HEIGHT, label=label) for at, label in zip(heights, labels))

    def _height(self, at: float) -> float:
        return HEIGHT * (1 - (at - self.low) / (self.high - self.low))

    def path(self, curve: Curve) -> str:
        """Return an SVG path, broken where a value cannot be drawn; of each column its extremes and its ends."""
        parts: list[str] = []
        x = y = 0
        drawing = False
        for column, value in self._columns(curve):
            if value is None:
                drawing = False
                continue
            height = round(self.up(value))
            # a lone point is a line of no length, which round ends make a dot
            parts.append(f"l{column - x} {height - y}" if drawing else f"M{column} {height}h0")
            x, y, drawing = column, height, True
        return "".join(parts).replace(" -", "-")

    def _columns(self, curve: Curve) -> Iterator[tuple[int, float | None]]:
        """Yield, in order, the column and the value of what is drawn; None where the line is broken."""
        column, own = -1, list[float]()
        for step, value in zip(curve.steps, curve.values):
            at = round(WIDTH * step / self.last)
            if at != column:
                yield from ((column, kept) for kept in _extremes(own))
                column, own = at, []
            if math.isfinite(value) and (value > 0 or not self.log):
                own.append(value)
            elif not own:
                yield at, None
        yield from ((column, kept) for kept in _extremes(own))


def _extremes(values: list[float]) -> list[float]:
    """Return the first value, the smallest, the largest and the last, each once, in an order that draws one stroke."""
    if not values:
        return []
    return list(dict.fromkeys([values[0], min(values), max(values), values[-1]]))


def _series(curve: Curve, name: str, log: bool, digits: int) -> dict[str, Any]:
    """Return a series for plotly: the first step and then the distances between them, and rounded values."""
    steps = [curve.steps[0], *(b - a for a, b in zip(curve.steps, curve.steps[1:]))] if curve.steps else []
    values = [
        float(f"{value:.{digits}g}") if math.isfinite(value) and (value > 0 or not log) else None
        for value in curve.values
    ]
    return {"name": name, "steps": steps, "values": values}


def _unseen(curves: Sequence[Curve], log: bool) -> Iterator[str]:
    """Say what of the series cannot be drawn."""
    zero = [
        phrase("{name} at {zeros} of {of} steps", name=named(curve), zeros=f"{curve.zeros:,}", of=f"{curve.of:,}")
        for curve in curves
        if curve.zeros and log
    ]
    if zero:
        yield phrase("Exactly 0, which a log axis cannot show: {series}.", series=", ".join(zero))
    for curve in curves:
        endless = [step for step, value in zip(curve.steps, curve.values) if not math.isfinite(value)]
        if endless:
            yield phrase(
                "{name}: not a finite number, first at step {step}.", name=named(curve), step=f"{endless[0]:,}"
            )


def _most(curve: Curve) -> str:
    finite = [(value, -step) for step, value in zip(curve.steps, curve.values) if math.isfinite(value)]
    if not finite:
        return ""
    value, step = max(finite)
    if value == 0 and curve.zeros == curve.of:
        return phrase("0 throughout")
    return phrase("largest {value} at step {step}", value=number(value, 3), step=f"{-step:,}")


def _scale(values: Sequence[float], last: int, log: bool) -> _Scale:
    """Return the scale that shows all of some values; nothing of its own overflows, however large they are."""
    if not values:
        return _Scale(last=last, low=0.0, high=1.0, log=log, stride=1.0)
    low, high = min(values), max(values)
    if log:
        low, high = math.floor(math.log10(low)), math.ceil(math.log10(high))
        high = max(high, low + 1)
        return _Scale(last=last, low=low, high=high, log=True, stride=max(1, math.ceil((high - low) / 5)))
    low, high = max(low, -_LARGEST), min(high, _LARGEST)
    low, high = apart(low, high)
    stride = _round_step((high - low) / 4)
    low, high = math.floor(low / stride) * stride, math.ceil(high / stride) * stride
    return _Scale(last=last, low=low, high=high, log=False, stride=stride)


def _power(exponent: int) -> str:
    """Return a power of ten as plotly writes it: ``1e−6``, ``0.01``."""
    return _label(number(10.0**exponent, 3) if abs(exponent) <= 2 else f"1e{exponent}")


def _label(text: str) -> str:
    """Return a tick's number as plotly writes it: ``1e−6``, ``2e+7``."""
    mantissa, e, exponent = text.partition("e")
    return (f"{mantissa}e{int(exponent):+}" if e else text).replace("-", "−")


def _whole(last: int) -> list[int]:
    step = max(1, int(_round_step(last / 5)))
    return list(range(0, last + 1, step))


def _round_step(size: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is no smaller."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= size * 0.999)
