"""A run as a picture for a paper or a slide, SVG or PNG: of each case its losses, differences, and error / bound."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nncheck.curves import Curve, apart
from nncheck.errors import InputError
from nncheck.language import current, phrase, use
from nncheck.language import translate as _
from nncheck.record import CaseResult, RunResult
from nncheck.report import fonts, words
from nncheck.report.wrapping import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT, _DPI = 11.0, 2.9, 200  # inches, of one case; dots per inch of a PNG
#: Colours that colour-blind people tell apart (Okabe and Ito 2008); each series has a line of its own kind as well.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#56b4e9", "#e69f00")
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)))
#: Of so many series those with the largest values are drawn.
_MOST_SERIES = 7
#: A line over steps whose value no log axis shows is broken where it would cross this part of the run.
_GAP = 1 / 40
#: A panel is so wide, in columns of which Hangul takes two.
_COLUMNS = 54
#: Of values that are not finite so many are marked.
_MOST_MARKS = 30
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_STYLE: dict[Any, Any] = {  # matplotlib names each key in its types, by version
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.4,
    "grid.color": "#d9d9d9",
    "lines.linewidth": 0.9,
    "legend.fontsize": 7,
    "axes.titlesize": 9,
    "figure.titlesize": 9.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.0,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.1,
    "legend.borderaxespad": 0.3,
    "svg.fonttype": "none",  # letters stay letters
    "svg.hashsalt": "nncheck",  # the same bytes each time
    "axes.unicode_minus": True,
    "text.parse_math": False,
}


@dataclass(frozen=True)
class _Series:
    """One line of a panel."""

    curve: Curve
    label: str
    colour: str
    dash: Any
    width: float = 0.9


def check() -> None:
    """Make sure before long work that pictures can be made.

    Raises
    ------
    InputError
        If matplotlib is missing.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError(_("A picture needs matplotlib:  pip install matplotlib")) from None


def svg(result: RunResult) -> bytes:
    """Return an SVG picture whose letters are letters, so that it can be searched and edited.

    Who looks at it has other fonts, so that nothing is left out for want of one here.
    """
    check()
    with _style([*fonts.families(), "sans-serif"]):
        return _saved(_figure(result, lambda text: True), "svg", {"Date": None, "Title": _title(result)})


def png(result: RunResult) -> bytes:
    """Return a PNG picture; in English, and without a title in Hangul, where no font with Hangul is installed."""
    check()
    with _style(fonts.families()), use(current() if fonts.installed() else "en"):
        drawn = _figure(result, fonts.drawable)
        return _saved(drawn, "png", {"Software": None, "Title": _title(result)}, dpi=_DPI)


def _figure(result: RunResult, drawable: Callable[[str], bool]) -> Figure:
    """Return the figure, one row of three panels for each case."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(_WIDTH, _HEIGHT * max(1, len(result.cases))), layout="constrained")
    rows = drawn.subfigures(max(1, len(result.cases)), 1, squeeze=False)[:, 0]
    for row, case in zip(rows, result.cases):
        names = [_plain(name) for name in (case.case, case.title) if name and drawable(_plain(name))]
        heading = f"{words.SIGNS[case.verdict]} {' - '.join(names)}: {words.verdict(case)}"
        row.suptitle(heading, x=0.01, ha="left")
        losses, differences, ratios = row.subplots(1, 3)
        _panel(losses, _("loss"), _losses(case), case.steps, log=_is_wide(case.curves))
        _panel(differences, _("difference of the two runs"), _differences(case), case.steps, log=True)
        _panel(ratios, _("error / bound"), _ratios(case), case.steps, log=True, bound=1.0)
    return drawn


def _losses(case: CaseResult) -> list[_Series]:
    """Both losses: the hand's thin and dashed upon torch's thick line, since they lie one on the other."""
    by_name = {curve.name: curve for curve in case.curves if curve.kind == "loss"}
    looks = (("autograd", "#56b4e9", "-", 2.4), ("manual", "#000000", _DASHES[1], 0.9))
    named = {"autograd": "autograd", "manual": _("hand-written")}
    return [_Series(by_name[name], named[name], colour, dash, w) for name, colour, dash, w in looks if name in by_name]


def _differences(case: CaseResult) -> list[_Series]:
    curves = [curve for curve in case.curves if curve.kind == "difference"]
    if len(curves) > _MOST_SERIES:
        largest = sorted(curves, key=lambda curve: max(np.nan_to_num(curve.values, nan=np.inf)), reverse=True)
        curves = [curve for curve in curves if curve in largest[:_MOST_SERIES]]
    return _told_apart(curves)


def _ratios(case: CaseResult) -> list[_Series]:
    return _told_apart([curve for curve in case.curves if curve.kind == "ratio"])


def _told_apart(curves: Sequence[Curve]) -> list[_Series]:
    return [
        _Series(curve, words.called(curve.name), _COLOURS[k % len(_COLOURS)], _DASHES[k % len(_DASHES)])
        for k, curve in enumerate(curves)
    ]


def _panel(
    axes: Axes, label: str, series: Sequence[_Series], steps: int, *, log: bool, bound: float | None = None
) -> None:
    """Draw lines over the steps, and say in words what a log axis cannot show."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.set_xlim(-0.01 * steps, 1.01 * max(1, steps - 1))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(True)
    axes.set_ylabel(label)
    if not series:
        axes.text(0.5, 0.5, _("nothing was checked"), transform=axes.transAxes, ha="center", va="center")
        axes.set_yticks([])
        return
    handles = [_line(axes, one, log) for one in series]
    labels = [_plain(one.label) for one in series]
    if log:
        _log_axis(axes, [v for one in series for v in _values(one.curve)] + ([] if bound is None else [bound]))
    else:
        _linear_axis(axes)
    if bound is not None:
        handles.append(axes.axhline(np.log10(bound) if log else bound, color="#c00000", linestyle="--", linewidth=1.1))
        labels.append(_("bound"))
    axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=min(5, len(labels)))
    axes.set_xlabel("\n".join([_("step"), *_remarks(series, log)]))


def _log_axis(axes: Axes, values: Sequence[float]) -> None:
    """Give the axis, on which logarithms are drawn, its marks: from a power of ten to another, so at least two.

    matplotlib's own logarithmic axis overflows where values come near the largest number, as diverging ones do.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    drawn = [value for value in values if np.isfinite(value) and value > 0]
    if drawn:
        axes.set_ylim(np.floor(np.log10(min(drawn))), np.floor(np.log10(max(drawn))) + 1)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))


def _linear_axis(axes: Axes) -> None:
    """Give the axis marks that few digits tell apart, each whole: what all share would stand above, in the legend."""
    from matplotlib.ticker import FuncFormatter

    low, high = axes.get_ylim()
    axes.set_ylim(*apart(low, high))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}".replace("-", "−")))


def _power_of_ten(exponent: float, _: object = None) -> str:
    return "10" + str(round(exponent)).translate(_RAISED)


def _line(axes: Axes, one: _Series, log: bool) -> Any:
    steps, values = np.array(one.curve.steps, dtype=float), _values(one.curve)
    shown = _shown(one.curve, log)
    lost = steps[~np.isfinite(values)]
    lost = lost[:: len(lost) // _MOST_MARKS + 1]
    edge = axes.get_xaxis_transform()  # of the panel, since they have no place on its scale
    axes.plot(lost, np.full(len(lost), 0.98), "x", color=one.colour, markersize=4, transform=edge)
    steps, values = steps[shown], values[shown]
    if log:
        values = np.log10(values)
    breaks = np.flatnonzero(np.diff(steps) > max(2.0, _GAP * one.curve.of)) + 1
    lonely = np.diff(np.concatenate([[0], breaks, [len(steps)]])) == 1
    alone = np.concatenate([[0], breaks])[lonely] if len(steps) else []
    axes.plot(steps[alone], values[alone], ".", color=one.colour, markersize=4.5)
    x, y = np.insert(steps, breaks, np.nan), np.insert(values, breaks, np.nan)
    return axes.plot(x, y, color=one.colour, linestyle=one.dash, linewidth=one.width)[0]


def _shown(curve: Curve, log: bool) -> Any:
    values = _values(curve)
    return np.isfinite(values) & ((values > 0) if log else True)


def _values(curve: Curve) -> Any:
    return np.array(curve.values, dtype=float)


def _remarks(series: Sequence[_Series], log: bool) -> list[str]:
    """Say how often a value is exactly 0, which a log axis does not show, and where it is not finite."""
    remarks = []
    zeros = [(one.label, one.curve) for one in series if one.curve.zeros]
    if log and zeros:
        counts = ", ".join(f"{label} {curve.zeros:,}/{curve.of:,}" for label, curve in zeros)
        remarks.append(phrase("steps at which it is exactly 0: {counts}", counts=counts))
    if any(not np.isfinite(one.curve.values).all() for one in series):
        remarks.append(_("x: not a finite number"))
    return [wrapped(_plain(remark), width=_COLUMNS) for remark in remarks]


def _is_wide(curves: Sequence[Curve]) -> bool:
    """Whether the losses are better read on a log axis."""
    values = [v for curve in curves if curve.kind == "loss" for v in curve.values if np.isfinite(v)]
    positive = [v for v in values if v > 0]
    return bool(positive) and min(values) >= 0 and max(positive) > 100 * min(positive)


def _title(result: RunResult) -> str:
    return _plain("nncheck run: " + ", ".join(case.case for case in result.cases))


def _plain(text: str) -> str:
    """Return a text that an XML file may hold: control characters and halves of signs are replaced."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


@contextmanager
def _style(family: list[str]) -> Iterator[None]:
    """Draw as nncheck does, whatever the person's own matplotlib is set to."""
    import matplotlib

    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)  # that some fonts of the list are not installed is as it should be
    try:
        with matplotlib.rc_context(), warnings.catch_warnings():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update({**_STYLE, "font.family": family, "font.sans-serif": [fonts.LATIN]})
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            yield
    finally:
        log.setLevel(level)


def _saved(drawn: Figure, form: str, metadata: dict[str, Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    drawn.savefig(stream, format=form, metadata=metadata, **options)
    return stream.getvalue()
