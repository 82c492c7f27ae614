"""The page of a run under people's hands: its first view, the slider, keys, zoom, colours, and a spike at one step."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import pytest

from nncheck.report.html import plotly
from tests.browser.pages import LONG, SPIKE, Pages
from tests.browser.watched import Watched

Show = Callable[..., Watched]
NAMES = ("one_to_one", "two_to_one", "two_to_two", "hidden", "relu_sigmoid", "softmax_cross_entropy")


class Case:
    """One case on an open page, and what can be done to it."""

    def __init__(self, it: Watched, name: str) -> None:
        self.it = it
        self.section = it.page.locator(f"section.case[data-case='{name}']")
        self.slider = self.section.locator("[data-role=slider]")

    def press(self, role: str) -> None:
        """Press a button."""
        self.section.locator(f"button[data-role={role}]").click()

    def where(self) -> str:
        """Return which step is shown, in the page's words."""
        return self.section.locator("[data-role=where]").inner_text()

    def value(self, name: str) -> str:
        """Return what the worked step says of a line."""
        return self.section.locator(f'tr[data-line="{name}"]').inner_text()

    def draw(self) -> None:
        """Bring every plot into sight, and wait until it is one to zoom in."""
        for plot in self.section.locator("[data-role=plot]").all():
            plot.scroll_into_view_if_needed()
            plot.locator(".js-plotly-plot .xtick").first.wait_for()

    def plots(self, what: str) -> list[Any]:
        """Return something of each plot, as JavaScript says it of ``e``, plotly's element."""
        self.draw()
        found: list[Any] = self.section.evaluate(f"e => [...e.querySelectorAll('.js-plotly-plot')].map(e => {what})")
        return found

    def ranges(self) -> list[list[float]]:
        """Return which steps each plot shows."""
        return self.plots("e.layout.xaxis.range.map(Number)")

    def marked(self) -> list[float]:
        """Return the step that each plot marks with its upright line."""
        return self.plots("e.layout.shapes.filter(s => s.yref === 'paper').map(s => s.x0)[0]")


@pytest.fixture
def six(show: Show, pages: Pages) -> Watched:
    return show(pages.make("run"))


@pytest.fixture
def differing(show: Show, pages: Pages) -> Case:
    return Case(show(pages.make("run-differs")), "differs")


def test_the_first_screen_answers(six: Watched) -> None:
    height = six.page.viewport_size["height"]  # type: ignore[index]
    for name in NAMES:
        link = six.page.locator(f"[data-role=answers] a[href='#case-{name}']")
        box = link.bounding_box()
        assert box is not None and box["y"] + box["height"] < height
    assert six.page.locator("[data-role=answers] .verdict").all_inner_texts() == ["✓ agree"] * 6


def test_first_view_within_two_seconds(show: Show, pages: Pages, capsys: pytest.CaptureFixture[str]) -> None:
    took = []
    for _ in range(3):
        it = show(pages.make("run"))
        first = it.page.evaluate(
            """() => {
                const {domContentLoadedEventEnd: ready} = performance.getEntriesByType("navigation")[0];
                const paint = performance.getEntriesByName("first-contentful-paint")[0];
                return [ready, paint ? paint.startTime : ready, performance.now()];
            }"""
        )
        it.page.locator("[data-role=plot]").first.scroll_into_view_if_needed()
        drawn = it.wait_for_plot()
        took.append((first[0], first[1], drawn - first[2]))
        assert it.faults == []
    ready, paint, plot = (statistics.median(column) for column in zip(*took))
    with capsys.disabled():
        print(
            f"\nfirst view: ready {ready:.0f} ms, painted {paint:.0f} ms; first plot to zoom in, once in sight, "
            f"{plot:.0f} ms"
        )
    assert max(ready, paint) < 2000
    assert max(ready, paint) + plot < 4000


def test_every_series_of_every_case_is_drawn(six: Watched) -> None:
    for name in NAMES:
        case = Case(six, name)
        assert case.plots("e.dataset.kind ?? e.closest('[data-kind]').dataset.kind") == ["loss", "difference", "ratio"]
        series = case.plots("e.data.map(s => [s.name, s.x.length, s.y.filter(v => v !== null).length])")
        assert [one[0] for one in series[0]] == ["autograd", "hand-written"]
        assert all(0 < one[1] < 5_000 for plot in series for one in plot)
        assert case.plots("e.layout.yaxis.type")[1:] == ["log", "log"]
        bounds = case.plots("e.layout.shapes.filter(s => s.xref === 'paper').map(s => s.y0)")
        assert bounds == [[], [], [1]]
    assert six.faults == []


def test_slider_by_mouse(differing: Case) -> None:
    differing.draw()
    before = differing.where(), differing.value("Z"), differing.marked()
    box = differing.slider.bounding_box() or {}
    differing.slider.scroll_into_view_if_needed()
    differing.slider.click(position={"x": box["width"] * 0.7, "y": box["height"] / 2})
    after = differing.where(), differing.value("Z"), differing.marked()
    assert all(old != new for old, new in zip(before, after))
    assert len(set(after[2])) == 1
    assert f"{after[2][0]:,.0f}" in after[0]
    assert differing.slider.get_attribute("aria-valuetext") == after[0]
    assert differing.it.faults == []


def test_slider_by_keys(differing: Case) -> None:
    differing.slider.focus()
    seen = [differing.where()]
    for key in ("End", "ArrowLeft", "Home", "ArrowRight"):
        differing.it.page.keyboard.press(key)
        seen.append(differing.where())
    last = int(differing.slider.get_attribute("max") or 0)
    assert last > 2
    assert len(set(seen[1:4])) == 3
    assert differing.slider.input_value() == "1"
    assert differing.it.faults == []


def test_keys_of_the_page(differing: Case) -> None:
    """Previous, next and first difference, wherever the focus is."""
    page = differing.it.page
    differing.section.scroll_into_view_if_needed()
    start = int(differing.slider.input_value())
    page.keyboard.press("n")
    assert int(differing.slider.input_value()) == start + 1
    page.keyboard.press("ArrowRight")
    assert int(differing.slider.input_value()) == start + 2
    page.keyboard.press("p")
    page.keyboard.press("ArrowLeft")
    assert int(differing.slider.input_value()) == start
    page.keyboard.press("n")
    page.keyboard.press("d")
    assert "✗" in differing.value("dZ2") + differing.value("dW2")
    assert differing.marked()[0] == 0  # a wrong formula differs from the first step on
    assert differing.it.faults == []


def test_buttons(differing: Case) -> None:
    start = int(differing.slider.input_value())
    differing.press("next")
    assert int(differing.slider.input_value()) == start + 1
    differing.press("previous")
    assert int(differing.slider.input_value()) == start
    differing.press("next")
    differing.press("first-difference")
    assert differing.marked()[0] == 0


def test_differences_are_marked_in_the_picture_and_by_a_sign(differing: Case) -> None:
    differing.press("first-difference")
    wrong = differing.section.locator("[data-role=network] [data-verdict=differ]")
    assert wrong.count() > 0
    assert all(each.count("✗") for each in differing.section.locator(".verdict[data-verdict=differ]").all_inner_texts())


def test_zoom_by_drag_is_shared(differing: Case) -> None:
    whole = differing.ranges()
    assert len(whole) == 3 and whole[0] == whole[1] == whole[2]
    plot = differing.section.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box() or {}
    mouse, middle = differing.it.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + box["width"] * 0.25, middle)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.4, middle, steps=5)
    mouse.move(box["x"] + box["width"] * 0.5, middle, steps=5)
    mouse.up()
    differing.it.page.wait_for_timeout(400)
    near = differing.ranges()
    assert near[0] == near[1] == near[2]
    width = whole[0][1] - whole[0][0]
    assert near[0][0] == pytest.approx(whole[0][0] + width * 0.25, abs=width * 0.02)
    assert near[0][1] == pytest.approx(whole[0][0] + width * 0.5, abs=width * 0.02)
    differing.it.page.wait_for_timeout(400)
    plot.dblclick(position={"x": 50, "y": 20})
    differing.it.page.wait_for_timeout(400)
    assert differing.ranges() == whole
    assert differing.it.faults == []


def test_zoom_by_buttons(differing: Case) -> None:
    differing.press("zoom-in")
    whole = differing.plots("e.layout.xaxis.range[1] - e.layout.xaxis.range[0]")
    differing.press("zoom-in")
    assert differing.plots("e.layout.xaxis.range[1] - e.layout.xaxis.range[0]") == pytest.approx([w / 2 for w in whole])
    differing.press("zoom-out")
    assert differing.plots("e.layout.xaxis.range[1] - e.layout.xaxis.range[0]") == pytest.approx(whole)
    differing.press("zoom-all")
    assert differing.ranges()[0] == pytest.approx([-29.99, 3028.99])
    assert differing.it.faults == []


def test_a_click_in_a_plot_takes_the_nearest_kept_step(differing: Case) -> None:
    differing.draw()
    plot = differing.section.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box() or {}
    before = differing.marked()
    plot.hover(position={"x": box["width"] * 0.8, "y": box["height"] / 2})
    plot.click(position={"x": box["width"] * 0.8, "y": box["height"] / 2})
    differing.it.page.wait_for_timeout(400)
    assert differing.marked() != before
    assert differing.it.faults == []


def test_a_series_can_be_put_out_of_sight(differing: Case) -> None:
    differing.draw()
    button = differing.section.locator("[data-kind=difference] [data-role=legend] button").first
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert differing.plots("e._fullData.map(s => s.visible)")[1][:2] == [False, True]
    button.click()
    assert differing.plots("e._fullData.map(s => s.visible)")[1][:2] == [True, True]


def test_dark_mode_changes_page_and_plots(differing: Case) -> None:
    look = "[e._fullLayout.font.color, e._fullLayout.xaxis.gridcolor, ...e._fullData.map(s => s.line.color)]"
    ground = "getComputedStyle(document.body).backgroundColor"
    light = differing.plots(look), differing.it.page.evaluate(ground)
    differing.it.page.emulate_media(color_scheme="dark")
    differing.it.page.wait_for_timeout(300)
    dark = differing.plots(look), differing.it.page.evaluate(ground)
    assert light[1] != dark[1]
    for before, after in zip(light[0], dark[0]):
        assert all(old != new for old, new in zip(before, after))
    assert differing.it.faults == []


def test_a_spike_at_one_step_of_100_000(show: Show, pages: Pages) -> None:
    size, script = pages.make("spike").stat().st_size, len(plotly.javascript().encode("utf-8"))
    assert size <= 6_000_000
    assert size - script < 1_000_000
    case = Case(show(pages.make("spike")), "spike")
    steps = case.plots("e.data.map(s => s.x)")
    values = case.plots("e.data.map(s => s.y)")
    names = case.plots("e.data.map(s => s.name)")
    for plot, series in ((1, "loss"), (2, "loss")):
        at = names[plot].index(series)
        assert len(steps[plot][at]) < LONG / 10
        tallest = max(zip((value or 0 for value in values[plot][at]), steps[plot][at]))
        assert tallest[1] == SPIKE
        assert case.section.locator("[data-role=plot]").nth(plot).get_by_text(f"at step {SPIKE:,}").count() >= 1
    case.it.page.keyboard.press("d")
    assert case.marked() == [SPIKE] * 3
    assert f"{SPIKE:,}" in case.where()
    assert "✗" in case.value("E")
    assert case.it.faults == []


def test_a_notebook_s_frame(show: Show, pages: Pages) -> None:
    it = show(pages.make("notebook"))
    frame = it.page.frame_locator("iframe")
    before = frame.locator("[data-role=where]").inner_text()
    frame.locator("button[data-role=next]").click()
    assert frame.locator("[data-role=where]").inner_text() != before
    assert frame.locator("[data-role=plot] path.series").count() >= 3
    assert it.faults == []


def test_a_folder_of_pages_shares_one_script(show: Show, pages: Pages) -> None:
    index = show(pages.make("folder"))
    links = index.page.locator("main a[href$='.html']").evaluate_all("all => all.map(e => e.getAttribute('href'))")
    assert set(links) == {"one_to_one.html", "relu_sigmoid.html"}
    assert index.faults == []
    page = pages.make("folder").parent / "relu_sigmoid.html"
    assert page.stat().st_size < 1_000_000
    case = Case(show(page, beside=pages.beside("folder")), "relu_sigmoid")
    assert len(case.ranges()) == 3
    assert case.it.page.locator(f"a[href='{index.page.url.rpartition('/')[2]}']").count() >= 1
    assert case.it.faults == []
