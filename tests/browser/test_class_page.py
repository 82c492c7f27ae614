"""The page of a class: its table sorts and filters, leads to every student's page; hints there open one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from tests.browser.pages import Pages
from tests.browser.watched import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Locator

Show = Callable[..., Watched]


@pytest.fixture
def it(show: Show, pages: Pages) -> Watched:
    return show(pages.make("class"))


STUDENT, POINTS, STATUS, MISTAKE = "student", "points", "status", "first mistake"


def place(it: Watched, name: str) -> int:
    """Return which column has this head, from 1."""
    return it.page.locator("table.students thead th").all_inner_texts().index(name) + 1


def column(it: Watched, name: str) -> list[str]:
    """Return the texts of a column of the table of students."""
    number = place(it, name)
    return it.page.locator(f"table.students tbody tr > :nth-child({number})").all_inner_texts()


def head(it: Watched, name: str) -> Locator:
    """Return the head of a column."""
    return it.page.locator(f"table.students thead th:nth-child({place(it, name)})")


def test_sorts_by_each_column(it: Watched) -> None:
    assert len(column(it, STUDENT)) == 30
    head(it, POINTS).locator("button").click()
    points = [float(text) for text in column(it, POINTS) if text != "—"]
    assert points == sorted(points) and len(set(points)) > 2
    assert head(it, POINTS).get_attribute("aria-sort") == "ascending"
    head(it, POINTS).locator("button").click()
    assert [float(text) for text in column(it, POINTS) if text != "—"] == sorted(points, reverse=True)
    assert head(it, POINTS).get_attribute("aria-sort") == "descending"
    head(it, STUDENT).locator("button").click()
    assert column(it, STUDENT) == sorted(column(it, STUDENT))
    assert it.page.locator("table.students thead [aria-sort]").count() == 1
    head(it, MISTAKE).locator("button").click()
    named = [text for text in column(it, MISTAKE) if text]
    assert (
        named == sorted(named, key=str.lower) and column(it, MISTAKE)[: len(named)] == named
    )  # without a mistake last
    assert it.faults == []


def test_sorts_by_key(it: Watched) -> None:
    head(it, POINTS).locator("button").focus()
    it.page.keyboard.press("Enter")
    points = [float(text) for text in column(it, POINTS) if text != "—"]
    assert points == sorted(points)


def test_filters(it: Watched) -> None:
    it.page.locator("#search").fill("s00")
    assert column(it, STUDENT) == [f"s{number:03d}" for number in range(10)]
    assert "10" in it.page.locator("#shown").inner_text()
    it.page.locator("#search").fill("S003 김")  # each word, in whatever case
    assert column(it, STUDENT) == []
    it.page.locator("button[type=reset]").click()
    it.page.wait_for_timeout(100)
    assert len(column(it, STUDENT)) == 30
    mistakes = it.page.locator("#by-mistake option").all_inner_texts()
    it.page.locator("#by-mistake").select_option(label="act.missing")
    assert "act.missing" in mistakes
    assert set(column(it, MISTAKE)) == {"act.missing"}
    it.page.locator("#search").fill("nobody at all")
    assert column(it, STUDENT) == []
    it.page.locator("button[type=reset]").click()
    it.page.locator("#by-status").select_option(index=1)
    assert len(set(column(it, STATUS))) == 1
    it.page.locator("button[type=reset]").click()
    it.page.locator("#by-points").select_option(index=1)
    assert 0 < len(column(it, STUDENT)) < 30
    assert it.faults == []


def test_a_frequent_mistake_leads_to_who_made_it(it: Watched) -> None:
    row = it.page.locator("section[aria-labelledby=mistakes] tbody tr").first
    row.locator("[data-mistake]").click()
    it.page.wait_for_timeout(100)
    assert str(len(column(it, STUDENT))) == row.locator("td").first.inner_text()
    assert row.locator("code").inner_text() in column(it, MISTAKE)
    assert it.faults == []


def test_every_student_s_page_is_there(it: Watched, pages: Pages) -> None:
    links = it.page.locator("table.students tbody a").evaluate_all("all => all.map(e => e.getAttribute('href'))")
    folder = pages.make("class").parent
    assert len(set(links)) == 30
    assert all((folder / unquote(link)).is_file() for link in links)


@pytest.mark.parametrize("kind", ["student", "verify", "derive"])
def test_hints_open_one_after_another(kind: str, show: Show, pages: Pages) -> None:
    it = show(pages.make(kind))
    hints = it.page.locator("[data-hints]").first.locator("details")
    assert hints.count() >= 2
    hints.nth(1).locator("summary").click()
    assert hints.nth(1).get_attribute("open") is None  # not before the first has been read
    for number in range(hints.count()):
        hint = hints.nth(number)
        hint.locator("summary").focus()
        it.page.keyboard.press("Enter")
        assert hint.get_attribute("open") is not None
        assert hint.locator(".hint").is_visible()
        it.page.wait_for_timeout(50)  # until the next one is let open
    assert it.faults == []


@pytest.mark.parametrize("kind", ["verify", "derive"])
def test_the_line_in_question_is_marked_and_linked(kind: str, show: Show, pages: Pages) -> None:
    it = show(pages.make(kind))
    link = it.page.locator(".findings a").first
    target = it.page.locator(link.get_attribute("href") or "#none")
    assert "marked" in (target.get_attribute("class") or "")
    assert "▶" in target.inner_text()
    assert ("dZ = dH" if kind == "verify" else "dZ2 = dY * (1 - Y)") in target.inner_text()
