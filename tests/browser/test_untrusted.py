"""Names, files and lines that were made to harm a page are shown, and harm nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser import layout
from tests.browser.pages import ATTACK, CONTROLS, Pages
from tests.browser.test_every_page import settle
from tests.browser.watched import DESKTOP, PHONE, Watched

Show = Callable[..., Watched]


@pytest.mark.parametrize("kind", ["class", "student"])
def test_a_name_that_is_a_script(kind: str, show: Show, pages: Pages) -> None:
    it = show(pages.make(kind), beside=pages.beside(kind))
    settle(it)
    assert ATTACK in it.page.locator("main").inner_text()
    assert it.page.evaluate("[...document.scripts].filter(each => each.text.trim() === 'alert(1)').length") == 0
    assert it.faults == []


def test_a_file_with_every_control_character(show: Show, pages: Pages) -> None:
    it = show(pages.make("controls"), beside=pages.beside("controls"))
    settle(it)
    shown = it.page.locator("body").evaluate("e => e.textContent")
    assert ATTACK in shown
    left = {sign for sign in CONTROLS if sign in shown} - {"\t", "\n"}
    assert left == set()
    assert all(said in shown for said in (r"\x07", r"\x1b", r"\x9f", r"\u202e"))  # shown, not left out
    assert layout.overlaps(it.page) == []
    assert it.faults == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_line_of_a_megabyte(size: tuple[int, int], show: Show, pages: Pages) -> None:
    it = show(pages.make("long_line"), beside=pages.beside("long_line"), width=size)
    settle(it)
    assert layout.protruding(it.page) == []
    assert layout.overlaps(it.page) == []
    assert it.page.evaluate("document.documentElement.scrollHeight") < 40 * size[1]
    assert it.seen()["longest"] < 500  # milliseconds in which it would not have answered
    it.page.keyboard.press("Tab")
    assert it.faults == []
