"""Every kind of page in every dress: quiet, within its window, nothing over anything, accessible, printable."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser import access, layout
from tests.browser.pages import KINDS, Pages
from tests.browser.photographs import Photographs
from tests.browser.watched import DESKTOP, PHONE, Watched

Show = Callable[..., Watched]
DRESSES: dict[str, dict[str, Any]] = {
    "light": {"width": DESKTOP, "scheme": "light"},
    "dark": {"width": DESKTOP, "scheme": "dark"},
    "phone": {"width": PHONE, "scheme": "light"},
    "phone-dark": {"width": PHONE, "scheme": "dark"},
}
#: What takes the focus by Tab, as a selector; what is hidden or switched off does not.
_CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex='0']"


# colours do not depend on the language, widths do
@pytest.mark.parametrize(("dress", "lang"), [*((dress, "en") for dress in DRESSES), ("light", "ko"), ("phone", "ko")])
@pytest.mark.parametrize("kind", KINDS)
def test_looks_right(
    kind: str, dress: str, lang: str, show: Show, pages: Pages, axe: str, photographs: Photographs
) -> None:
    it = show(pages.make(kind, lang), beside=pages.beside(kind, lang), before=axe, **DRESSES[dress])
    settle(it)
    photographs.take(it.page, f"{kind}-{lang}-{dress}.png")
    assert it.page.locator("html").get_attribute("lang") == lang
    assert it.page.locator("h1").count() == 1
    assert layout.protruding(it.page) == []
    assert layout.overlaps(it.page) == []
    assert access.faults(it.page) == []
    assert it.faults == []


@pytest.mark.parametrize("kind", KINDS)
def test_everything_open_at_a_phone_s_width(
    kind: str, show: Show, pages: Pages, axe: str, photographs: Photographs
) -> None:
    it = show(pages.make(kind), beside=pages.beside(kind), before=axe, width=PHONE)
    it.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    settle(it)
    photographs.take(it.page, f"{kind}-en-phone-open.png")
    assert layout.protruding(it.page) == []
    assert layout.overlaps(it.page) == []
    assert access.faults(it.page) == []
    assert it.faults == []


@pytest.mark.parametrize("kind", KINDS)
def test_keyboard_reaches_every_control(kind: str, show: Show, pages: Pages) -> None:
    it = show(pages.make(kind), beside=pages.beside(kind), motion="reduce")  # the window follows the focus at once
    settle(it)
    wanted = it.page.evaluate(
        f"""() => [...document.querySelectorAll({_CONTROLS!r})].filter(e => !e.disabled && e.tabIndex >= 0
            && e.checkVisibility({{checkVisibilityCSS: true}})).map((e, i) => (e.dataset.tab = String(i)))"""
    )
    reached, unseen = [], []
    for _ in range(len(wanted) + 5):
        it.page.keyboard.press("Tab")
        name, seen, label = it.page.evaluate(_FOCUS)
        if name is None or name in reached:
            break
        reached.append(name)
        if not seen:
            unseen.append(label)
    assert unseen == []
    assert sorted(reached, key=int) == wanted
    assert it.faults == []


#: The control that has the focus, whether that can be seen, and what it is.
_FOCUS = """
() => {
  const e = document.activeElement;
  if (!e || e === document.body) return [null, true, "body"];
  const s = getComputedStyle(e), r = e.getBoundingClientRect();
  const marked = (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2) || s.boxShadow !== "none";
  const inside = r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth;
  return [e.dataset.tab ?? null, marked && inside, e.outerHTML.slice(0, 120)];
}
"""


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("kind", KINDS)
def test_prints(kind: str, lang: str, show: Show, pages: Pages, photographs: Photographs) -> None:
    it = show(pages.make(kind, lang), beside=pages.beside(kind, lang), scheme="dark")
    settle(it)
    said = headings_of(
        it.page.pdf(path=photographs.folder / f"{kind}-{lang}.pdf", format="A4", outline=True, tagged=True)
    )
    for text in it.page.locator("h1, h2:not(.unseen)").all_inner_texts():
        assert plain(text) in map(plain, said)
    it.page.emulate_media(media="print")
    it.page.set_viewport_size({"width": 680, "height": 960})  # A4 between margins
    photographs.take(it.page, f"{kind}-{lang}-print.png")
    assert it.page.evaluate("getComputedStyle(document.body).color") in ("rgb(0, 0, 0)", "rgb(27, 32, 39)")
    assert layout.protruding(it.page) == []
    assert layout.overlaps(it.page) == []
    assert it.faults == []


@pytest.mark.parametrize("kind", KINDS)
def test_says_the_same_without_scripts(kind: str, show: Show, pages: Pages) -> None:
    it = show(pages.make(kind), beside=pages.beside(kind))
    settle(it)
    bare = show(pages.make(kind), beside=pages.beside(kind), javascript=False)
    for text in it.page.locator("h1, h2").all_inner_texts():
        assert text in bare.page.locator("h1, h2").all_inner_texts()


def settle(it: Watched) -> None:
    """Scroll through the whole page, so that what is drawn when it comes into sight is drawn, and back up."""
    it.page.evaluate(
        """async () => {
            for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight / 2) {
                scrollTo({top: y, behavior: "instant"});
                await new Promise(done => setTimeout(done, 30));
            }
            scrollTo({top: 0, behavior: "instant"});
            await new Promise(done => setTimeout(done, 150));
        }"""
    )


def headings_of(document: bytes) -> list[str]:
    """Return the texts of a PDF's outline, which the headings that were printed make."""
    packed = [document]
    for match in re.finditer(rb"stream\r?\n", document):
        try:
            packed.append(zlib.decompressobj().decompress(document[match.end() :]))
        except zlib.error:
            continue
    said = []
    for part in packed:
        for match in re.finditer(
            rb"/Title\s*(?:<(?P<hex>[0-9A-Fa-f\s]*)>|\((?P<text>(?:\\.|[^\\)])*)\))", part, re.DOTALL
        ):
            if match["hex"] is not None:
                raw = bytes.fromhex(match["hex"].decode())
            else:
                raw = re.sub(rb"\\([()\\])", rb"\1", match["text"])
            said.append(raw.decode("utf-16") if raw.startswith(b"\xfe\xff") else raw.decode("latin-1"))
    return said


def plain(text: str) -> str:
    """Return a text without its white space."""
    return "".join(text.split())
