"""A run as a picture: well-formed, with every title and series in it, the same bytes each time, in any language."""

from __future__ import annotations

import dataclasses
import io
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import click
import numpy as np
import pytest
from click.testing import CliRunner

import nncheck
from nncheck import cli as command_line
from nncheck import runner
from nncheck.cli import cli
from nncheck.curves import Curve
from nncheck.language import use
from nncheck.record import AtStep, CaseResult, DeviceUsed, Local, RunResult
from nncheck.report import fonts, pictures

matplotlib = pytest.importorskip("matplotlib")
NOWHERE = Local(ratio=None, step=None, name=None)


def _case(name: str = "made_up", title: str = "A title", **changes: Any) -> CaseResult:
    """Return a case of 1,000 steps with the curves of a small network."""
    steps = tuple(range(0, 1000, 5))

    def curve(kind: Any, name: str, values: Any, zeros: int = 0) -> Curve:
        return Curve(kind=kind, name=name, steps=steps, values=tuple(values), zeros=zeros, of=1000)

    falling = [2.0 ** (-step / 100) for step in steps]
    noise = np.random.default_rng(0).lognormal(-20, 1, len(steps)).tolist()
    some = [0.0 if k % 3 else value for k, value in enumerate(noise)]
    case = CaseResult(
        case=name,
        title=title,
        steps=1000,
        device=DeviceUsed(kind="cpu", name="", fallback=None),
        verdict="agree",
        faults=(),
        findings=(),
        notes=(),
        seed=0,
        dtypes={"manual": "float64"},
        drift={"loss": AtStep(step=999, diff=0.0)},
        rows=(),
        worst={"loss": AtStep(step=999, diff=0.0)},
        local={side: NOWHERE for side in ("derivation", "loss", "device")},
        quantities=(),
        final={"autograd": {"W": [[0.0]]}, "manual": {"W": [[0.0]]}},
        curves=(
            curve("loss", "autograd", falling),
            curve("loss", "manual", falling),
            curve("difference", "loss", some, 667),
            curve("difference", "W", noise),
            curve("ratio", "derivation", [0.25] * len(steps)),
            curve("ratio", "device", [0.75] * len(steps)),
        ),
    )
    return dataclasses.replace(case, **changes)


def _result(*cases: CaseResult) -> RunResult:
    return RunResult(schema="nncheck/run/1", versions={}, cases=cases)


def _words(svg: bytes) -> list[str]:
    return [
        " ".join("".join(text.itertext()).split()) for text in ElementTree.fromstring(svg).iter() if "text" in text.tag
    ]


@pytest.fixture
def no_hangul(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fonts, "HANGUL", ())
    fonts.installed.cache_clear()
    yield
    fonts.installed.cache_clear()


def test_svg_holds_every_title_and_series_as_text() -> None:
    svg = pictures.svg(_result(_case("first"), _case("second", "활성화 함수", verdict="differ")))
    words = _words(svg)
    assert {"✓ first - A title: agree", "✗ second - 활성화 함수: differ"} <= set(words)
    for label in ("step", "loss", "autograd", "hand-written", "W", "derivation", "device", "bound", "1,000", "10⁰"):
        assert label in words or any(label in word for word in words), label
    assert words.count("error / bound") == words.count("difference of the two runs") == 2
    assert any("exactly 0" in word and "loss 667/1,000" in word for word in words)
    assert ElementTree.fromstring(svg).find("{http://www.w3.org/2000/svg}title").text == "nncheck run: first, second"  # type: ignore[union-attr]


def test_the_bytes_are_the_same_each_time_and_anywhere(tmp_path: Path) -> None:
    result = _result(_case())
    svg, png = pictures.svg(result), pictures.png(result)
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": "another", "lines.linewidth": 9}):
        assert (pictures.svg(result), pictures.png(result)) == (svg, png)
        assert matplotlib.rcParams["font.size"] == 30
    assert re.search(rb"20\d\d-\d\d-\d\d", svg) is None


def test_png_is_as_large_as_the_cases_ask_for() -> None:
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(pictures.png(_result(_case(), _case()))))
    assert pixels.shape[:2] == (2 * 580, 2200)
    assert 0.02 < (pixels[..., :3].min(axis=-1) < 0.9).mean() < 0.5  # something is drawn, most is paper


def test_the_spike_is_drawn_above_the_bound() -> None:
    """The line of a ratio of a million at one step rises above the dashed bound; without it nothing does."""

    def above(values: list[float]) -> bool:
        curve = dataclasses.replace(_case().curves[4], values=tuple(values))
        with pictures._style(fonts.families()):
            figure = pictures._figure(_result(_case(curves=(curve,))), lambda text: True)
        axes = figure.subfigs[0].axes[2]
        bound = next(
            line for line in axes.lines if line.get_label().startswith("_child") and line.get_linestyle() == "--"
        )
        tops = [np.nanmax(line.get_ydata(), initial=-np.inf) for line in axes.lines if line is not bound]
        assert axes.get_ylim()[1] >= max(tops)
        return max(tops) > bound.get_ydata()[0]

    flat = [0.5] * 200
    assert not above(flat)
    assert above([*flat[:99], 1e6, *flat[100:]])


@pytest.mark.filterwarnings("error")
def test_any_numbers_can_be_drawn() -> None:
    numbers = (
        [0.0] * 200,
        [math.nan] * 200,
        [1e-320, 1e308] * 100,
        [1.0, math.inf] * 100,
        [*[1e300] * 100, *[-1e300] * 100],
        [5.0] * 200,
    )
    cases = [
        _case(curves=tuple(dataclasses.replace(curve, values=tuple(values)) for curve in _case().curves))
        for values in numbers
    ]
    words = _words(pictures.svg(_result(*cases)))
    assert words.count("x: not a finite number") == 2 * 3  # in each panel of the second and the fourth


def test_a_case_without_curves_and_one_with_a_hundred_parameters() -> None:
    empty = _words(pictures.svg(_result(_case(curves=()))))
    assert empty.count("nothing was checked") == 3
    W = _case().curves[3]
    many = [dataclasses.replace(W, name=f"W{k}", values=tuple(v * (k + 1) for v in W.values)) for k in range(100)]
    words = _words(pictures.svg(_result(_case(curves=tuple(many)))))
    assert [word for word in words if re.fullmatch(r"W\d+", word)] == [f"W{k}" for k in range(93, 100)]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_remarks_stay_inside_the_picture(language: str) -> None:
    curves = tuple(dataclasses.replace(curve, zeros=99_999, of=100_000) for curve in _case().curves)
    with use(language), pictures._style(fonts.families()):
        figure = pictures._figure(_result(_case(curves=curves)), lambda text: True)
        figure.draw_without_rendering()
        for axes in figure.subfigs[0].axes:
            box = axes.xaxis.label.get_window_extent()
            assert 0 <= box.x0 < box.x1 <= figure.bbox.x1


def test_hostile_names_are_harmless() -> None:
    name, title = "<script>alert(1)</script>&\x1b[31m\x00\ud800", "$\\frac{1}{0$ ${x}^{"
    words = _words(pictures.svg(_result(_case(name, title))))
    assert "✓ <script>alert(1)</script>&\ufffd[31m\ufffd\ufffd - $\\frac{1}{0$ ${x}^{: agree" in words
    assert pictures.png(_result(_case(name, title))).startswith(b"\x89PNG")


@pytest.mark.filterwarnings("error")
def test_korean_is_drawn_where_a_font_has_it() -> None:
    if not fonts.installed():
        pytest.skip("no font with Hangul is installed")
    assert fonts.drawable("활성화 함수 적용(relu, sigmoid)")
    korean = _case(title="활성화 함수")
    with use("ko"):
        assert pictures.png(_result(korean)) != pictures.png(_result(_case(title="")))


@pytest.mark.filterwarnings("error")
def test_a_png_without_such_a_font_is_in_english_and_an_svg_stays_korean(no_hangul: None) -> None:
    korean = _result(_case(title="활성화 함수"))
    assert not fonts.drawable("활성화") and fonts.drawable("✓ ✗ 10⁻⁶ ≤")
    with use("ko"):
        assert pictures.png(korean) == _in_english(_result(_case(title="")))
        assert any("활성화 함수" in word for word in _words(pictures.svg(korean)))


def _in_english(result: RunResult) -> bytes:
    with use("en"):
        return pictures.png(result)


def test_without_matplotlib_it_says_what_to_install_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(runner, "run", lambda *_, **__: pytest.fail("the run was begun"))
    with pytest.raises(nncheck.InputError, match=r"needs matplotlib:  pip install matplotlib"):
        CliRunner().invoke(cli, ["run", "hidden", "--format", "svg"], catch_exceptions=False, standalone_mode=False)


def test_the_format_follows_the_files_ending_and_bytes_go_to_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "run", lambda *_, **__: _result(_case()))
    for form, first in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        path = tmp_path / f"run.{form.upper()}"
        written = CliRunner().invoke(cli, ["run", "--lang", "en", "-o", str(path)], standalone_mode=False)
        assert written.return_value == 0, written.output
        piped = CliRunner().invoke(cli, ["run", "--lang", "en", "--format", form], standalone_mode=False)
        assert path.read_bytes() == piped.stdout_bytes
        assert path.read_bytes().startswith(first)


def test_a_png_is_not_thrown_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(click.UsageError, match="nothing for a terminal: name a file with -o"):
        command_line._check_picture("png", None)
    command_line._check_picture("svg", None)
    command_line._check_picture("png", Path("run.png"))
