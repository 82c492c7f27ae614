"""The page of a run says what its record says, for each case and each kept step, and stays small."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import replace

import pytest

from nncheck.curves import Curve
from nncheck.language import use
from nncheck.network import Network
from nncheck.record import Fallback
from nncheck.report import ENDINGS, FORMATS
from nncheck.report.html import plotly, render
from nncheck.report.html.plots import HEIGHT, WIDTH, plots_of
from nncheck.report.html.run import MOST_ROWS
from tests.report.html import made
from tests.report.html.reading import Element, data, faults, without_plotly
from tests.report.html.reading import read as read_whole


@pytest.fixture(scope="module")
def wrong() -> str:
    return render(made.result(made.case(), made.case("hidden", wrong="dW2")))


def read(page: str) -> Element:
    """Read a page without plotly's megabytes, which would take most of the time."""
    return read_whole(without_plotly(page))


def _section(page: str, name: str) -> Element:
    return read(page).one("section", id=f"case-{name}")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_keeps_what_every_page_promises(language: str) -> None:
    with use(language):
        text = render(made.result(made.case(), made.case("hidden", wrong="dW2")))
        assert not faults(text)
        assert faults(text.replace("Plotly", "Plotty", 1)), "a changed script must not pass"
        assert read(text).one("html").attributes["lang"] == language
        assert not faults(render(made.result(made.case()), zooms=False))


def test_it_is_a_format_of_run() -> None:
    assert ENDINGS[".html"] == "html"
    assert FORMATS["html"](made.result()) == render(made.result())


def test_the_same_record_gives_the_same_page(wrong: str) -> None:
    assert render(made.result(made.case(), made.case("hidden", wrong="dW2"))) == wrong


def test_the_first_screen_answers(wrong: str) -> None:
    document = read(wrong)
    assert document.one("h1").text == "1 of 2 cases differ"
    right, off = document.one("ul", data_role="answers").all("li")
    assert "✓ agree" in right.text
    assert "All 1,000 steps agree" in right.text
    assert "✗ differ" in off.text
    assert "The derivation is wrong from step 120 on (dW2)" in off.text
    assert [a.attributes["href"] for a in (right.one("a"), off.one("a"))] == ["#case-relu_sigmoid", "#case-hidden"]
    rows = document.one("table", data_role="summary").one("tbody").all("tr")
    assert [row.one("th").text for row in rows] == ["relu_sigmoid", "hidden"]


@pytest.mark.parametrize(
    ("cases", "headline"),
    [
        ((made.case(),), "The case agrees"),
        ((made.case(), made.case("b")), "All 2 cases agree"),
        ((made.case(verdict="cannot-tell"), made.case("b")), "Nothing differs; 1 of 2 cases cannot be told"),
    ],
)
def test_headlines(cases: tuple[made.CaseResult, ...], headline: str) -> None:
    assert read(render(made.result(*cases))).one("h1").text == headline


def test_the_worked_step_starts_at_the_first_difference_and_holds_the_others_as_data(wrong: str) -> None:
    section = _section(wrong, "hidden")
    assert section.one(data_role="where").text == "Step 120 of 1,000: first difference: dW2"
    slider = section.one("input", data_role="slider")
    assert (slider.attributes["value"], slider.attributes["max"]) == ("4", "6")
    kept = data(read(wrong), "steps")["case-hidden"]
    assert kept["steps"] == [0, 1, 10, 100, 120, 500, 999]
    assert (kept["first"], kept["start"]) == (4, 4)
    slots = {int(e.attributes["data-slot"]): e.text for e in section.all() if "data-slot" in e.attributes}
    assert sorted(slots) == list(range(len(kept["texts"][0])))
    assert set(kept["texts"][4]) == {0}, "at the start everything is as it stands in the page"
    where = int(section.one(data_role="where").attributes["data-slot"])
    assert kept["texts"][0][where] == "Step 0 of 1,000: first step"


def test_a_difference_of_the_device_is_gone_to_though_no_line_differs() -> None:
    found = replace(made.case(wrong="dW2").findings[0], fault="device", first_step=100)
    kept = data(read(render(made.result(made.case(verdict="differ", findings=(found,))))), "steps")
    assert kept["case-relu_sigmoid"]["first"] == 3 and kept["case-relu_sigmoid"]["steps"][3] == 100
    assert data(read(render(made.result())), "steps")["case-relu_sigmoid"]["first"] is None


def test_lines_have_formula_numbers_values_and_verdict(wrong: str) -> None:
    lines = _section(wrong, "hidden").one("table", data_role="lines")
    row = lines.one("tr", data_line="dW2")
    assert row.attributes["data-verdict"] == "differ"
    assert "dW2 = dZ2.T @ H" in row.text
    assert "✗ differ" in row.text
    autograd = next(line for line in made.step(120).lines if line.name == "dW2").autograd
    assert f"{autograd[0][0]:.6g}" in row.text
    assert f"{2 * autograd[0][0]:.6g}" in row.text, "what the hand gave"
    assert [r.attributes["data-line"] for r in lines.all("tr", data_verdict="differ")] == ["dW2"]


def test_the_picture_of_the_network_marks_what_differs_by_sign_and_attribute(wrong: str) -> None:
    picture = _section(wrong, "hidden").one("figure", data_role="network").one("svg")
    marked = [g for g in picture.all("g", data_verdict="differ") if g.all("text")]
    assert len(marked) == 4, "all four weights of W2 have twice the gradient"
    assert all("✗ dW2" in g.text for g in marked)
    assert len([rect for rect in picture.all("rect") if rect.attributes.get("class") != "ground"]) == 6
    assert "X 0.05" in picture.text
    assert "✗" not in _section(wrong, "relu_sigmoid").one("figure", data_role="network").one("svg").text
    marks = data(read(wrong), "steps")["case-hidden"]["marks"]
    mark = int(marked[0].attributes["data-mark"])
    assert [codes[mark] for codes in marks] == ["-", "-", "-", "-", "d", "-", "-"]


def test_a_network_that_is_no_chain_or_too_wide_is_left_out_with_a_sentence() -> None:
    none = render(made.result(made.case(network=None)))
    assert "There is no picture: these formulas are no chain of layers" in none
    wide = Network(sizes=(2, 40, 2), layers=made.NETWORK.layers)
    assert "There is no picture: a layer has 40 units" in render(made.result(made.case(network=wide)))


def test_exact_zeros_are_counted_in_words() -> None:
    curve = Curve(kind="difference", name="W", steps=(0, 1, 2), values=(0.0, 1e-16, 0.0), zeros=812, of=1000)
    endless = Curve(kind="difference", name="B", steps=(0, 5), values=(1e-3, math.nan), zeros=0, of=1000)
    nothing = Curve(kind="ratio", name="device", steps=(0, 1), values=(0.0, 0.0), zeros=1000, of=1000)
    text = render(made.result(made.case(curves=(curve, endless, nothing))))
    assert "Exactly 0, which a log axis cannot show: W at 812 of 1,000 steps." in text
    assert "B: not a finite number, first at step 5." in text
    assert "device at 1,000 of 1,000 steps" in text
    series = data(read(text), "plots")["cases"]["case-relu_sigmoid"]["plots"][0]["series"]
    assert [one["values"] for one in series] == [[None, 1e-16, None], [1e-3, None]]


def test_a_spike_of_one_step_stands_in_the_picture_and_in_the_data() -> None:
    case = made.case(steps=100_000, wrong="dW")
    plot = plots_of(case)[2]
    assert plot.kind == "ratio"
    assert plot.bound is not None
    at = round(WIDTH * 120 / 99_999)
    heights = [y for x, y in _points(plot.series[0].path) if x == at]
    assert min(heights) / HEIGHT * 100 < plot.bound, "above the line at 1"
    series = plot.data["series"][0]
    steps = [sum(series["steps"][: k + 1]) for k in range(len(series["steps"]))]
    assert series["values"][steps.index(120)] == 4e4
    assert max(value for k, value in enumerate(series["values"]) if steps[k] != 120) < 1


def _points(path: str) -> list[tuple[int, int]]:
    points, x, y = [], 0, 0
    for command, numbers in re.findall(r"([Mlh])([-\d ]+)", path):
        values = [int(value) for value in re.findall(r"-?\d+", numbers)]
        if command == "M":
            x, y = values
        elif command == "l":
            x, y = x + values[0], y + values[1]
        points.append((x, y))
    return points


def test_the_path_of_a_curve_by_hand() -> None:
    # ten steps, values 1, 10 and 100 on a log axis of two decades: the middle of the height is 10
    values = (1.0, 10.0, 100.0, 0.0, 10.0)
    curve = Curve(kind="difference", name="W", steps=(0, 3, 6, 7, 9), values=values, zeros=1, of=10)
    (plot,) = plots_of(made.case(steps=10, curves=(curve,)))
    third = WIDTH // 3
    half = HEIGHT // 2
    assert plot.series[0].path == f"M0 {HEIGHT}h0l{third}-{half}l{third}-{half}M{WIDTH} {half}h0"
    assert [tick.label for tick in plot.upright] == ["1", "10", "100"]
    assert plot.series[0].most == "largest 100 at step 6"


def test_the_marks_of_a_loss_that_hardly_moves_are_told_apart() -> None:
    curve = Curve(kind="loss", name="manual", steps=(0, 1), values=(0.28292751, 0.28292752), zeros=0, of=2)
    (plot,) = plots_of(made.case(steps=2, curves=(curve,)))
    labels = [tick.label for tick in plot.upright]
    assert len(set(labels)) == len(labels) > 2


@pytest.mark.parametrize("value", [5e-324, 1.7e308, 1e-307, -1.7e308, 0.0])
def test_no_value_is_too_large_or_too_small_for_a_plot(value: float) -> None:
    for kind in ("loss", "difference", "ratio"):
        values = (abs(value) if kind != "loss" else value, 1.0, math.inf)
        curve = Curve(kind=kind, name="loss", steps=(0, 1, 2), values=values, zeros=0, of=3)  # type: ignore[arg-type]
        assert render(made.result(made.case(curves=(curve,))))
        text = render(made.result(made.case(curves=(curve,))), zooms=False)
        assert not faults(text)
        assert "nan" not in re.sub("<script.*", "", read(text).one("figure", data_role="plot").text)


def test_why_the_cpu_was_taken_is_said_once() -> None:
    case = made.case()
    fallback = Fallback(kind="directml", stage="device_count", reason="no driver")
    case = dataclasses.replace(case, device=dataclasses.replace(case.device, name="Some CPU", fallback=fallback))
    text = _section(render(made.result(case)), case.case).text
    assert "torch on cpu (Some CPU) against manual.py" in text
    assert text.count("torch ran on cpu (Some CPU), because directml failed at device_count: no driver.") == 1
    assert text.count("no driver") == 1


def test_what_others_wrote_is_escaped() -> None:
    hostile = "<script>alert(1)</script>\x1b\u202e\"'"
    case = made.case(hostile, title=hostile, notes=(hostile,), wrong="dW2")
    finding = dataclasses.replace(case.findings[0], text=hostile, quantity=hostile)
    worked = tuple(dataclasses.replace(step, why=(hostile,)) for step in case.worked)
    device = dataclasses.replace(case.device, name=hostile, fallback=Fallback(stage=hostile, reason=hostile))
    case = dataclasses.replace(case, findings=(finding,), worked=worked, device=device)
    text = render(made.result(case, case))
    assert not faults(render(made.result(case, case), zooms=False))
    assert "alert(1)</script>" not in text
    assert "\\x1b\\u202e" in text


def test_a_megabyte_in_one_line_does_not_make_the_page_large() -> None:
    case = made.case(title="x" * 1_000_000, notes=("y" * 1_000_000,))
    assert len(without_plotly(render(made.result(case)))) < 400_000


def test_the_page_stays_small() -> None:
    # as a run thins: at most 800 points of 100,000 steps, 500 of 1,000
    def short(name: str) -> made.CaseResult:
        case = made.case(name, wrong="dW2")
        kept = tuple(made.step(50 * k, "checkpoint", wrong="dW2") for k in range(20))
        return dataclasses.replace(case, curves=made.curves(1000, 120, points=500), worked=kept)

    long = made.case("softmax_cross_entropy", 100_000)
    for cases in ((long,), (long, *(short(f"case_{k}") for k in range(5)))):
        text = render(made.result(*cases)).encode("utf-8")
        assert len(text) <= 6_000_000
        assert len(text) - len(plotly.javascript().encode("utf-8")) < 1_000_000
    rows = read(render(made.result(long), zooms=False)).one("section", id="case-softmax_cross_entropy")
    assert len(rows.all("details")[0].one("tbody").all("tr")) == MOST_ROWS
    assert "200 of 1,000 rows, evenly picked" in rows.text


def test_a_case_that_gave_nothing_is_shown_too() -> None:
    empty = made.case(rows=(), worst={}, quantities=(), curves=(), worked=(), network=None)
    text = render(made.result(empty))
    assert not faults(text)
    assert 'id="plotly"' not in text
    one_step = made.case(steps=1, curves=made.curves(1), worked=(made.step(0, "first step"),), rows=())
    assert not faults(render(made.result(one_step), zooms=False))


def test_without_a_script_everything_but_zoom_and_slider_is_there(wrong: str) -> None:
    section = _section(wrong, "hidden")
    for figure in section.all("figure", data_role="plot"):
        assert figure.all("path", **{"class": "series series-0"})
    for role in ("slider", "zoom-in", "first-difference"):
        element = section.one(data_role=role)
        parents = [e for e in section.all() if element in e.all()]
        assert any("only-scripted" in parent.attributes.get("class", "") for parent in parents)
