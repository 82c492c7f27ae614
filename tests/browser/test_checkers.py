"""Each checker of pages finds a planted fault, and finds nothing on a page without one."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import access, layout
from tests.browser.conftest import missing
from tests.browser.photographs import ONE_IN, PART, Photographs
from tests.browser.watched import PHONE, Watched

Show = Callable[..., Watched]
GOOD = "<h1>Title</h1><p>Some words.</p><label>Step <input type=range></label><button>Next</button>"


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write a page around a body."""

    def write(body: str, head: str = "") -> Path:
        file = tmp_path / "page.html"
        file.write_text(
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>'
            f"<body><main>{body}</main></body></html>",
            encoding="utf-8",
        )
        return file

    return write


@pytest.mark.parametrize("name", ["CI", "NNCHECK_CI"])
def test_what_is_missing_is_a_failure_in_ci(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("CI", "NNCHECK_CI"):
        monkeypatch.delenv(each, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        missing("no Chromium")
    monkeypatch.setenv(name, "true")
    with pytest.raises(pytest.fail.Exception, match="CI has to install it"):
        missing("no Chromium")


def test_a_good_page_has_no_fault(show: Show, written: Callable[..., Path], axe: str) -> None:
    it = show(written(GOOD), before=axe, width=PHONE)
    assert it.faults == []
    assert layout.overlaps(it.page) == layout.protruding(it.page) == []
    assert access.faults(it.page, ("minor", "moderate", "serious", "critical")) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<img alt='' src='https://example.org/dot.png'>", "request: https://example.org/dot.png"),
        ("<img alt='' src='dot.png'>", "dot.png"),
        ("<script>fetch('https://example.org/')</script>", "request: https://example.org/"),
        ("<style>@import 'https://example.org/a.css';</style>", "request: https://example.org/a.css"),
        ("<script>console.error('no')</script>", "console.error: no"),
        ("<script>console.log('so')</script>", "console.log: so"),
        ("<script>throw new Error('oh')</script>", "error: oh"),
        ("<script>alert(1)</script>", "dialog: 1"),
    ],
)
def test_what_no_page_may_do(show: Show, written: Callable[..., Path], body: str, said: str) -> None:
    it = show(written(GOOD + body))
    it.page.wait_for_timeout(100)
    assert any(said in fault for fault in it.faults), it.faults


def test_a_script_that_the_policy_stops(show: Show, written: Callable[..., Path]) -> None:
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    it = show(written("<script>document.title = 'ran'</script>", policy))
    assert it.page.title() == "A page"
    assert any(fault.startswith("policy: script-src-elem inline") for fault in it.faults)


@pytest.mark.parametrize(
    "body",
    [
        "<p style='margin-bottom: -2em'>one one one</p><p>two two two</p>",
        "<div style='position: relative'><span style='position: absolute'>left</span><span>right</span></div>",
        "<svg width=100 height=40><text x=5 y=20>first</text><text x=9 y=22>second</text></svg>",
        "<table style='table-layout: fixed; width: 90px; white-space: nowrap'><tr><td>a long long cell<td>b</table>",
        "<button>press</button><p style='margin-top: -1.2em'>text</p>",
    ],
)
def test_text_over_text(show: Show, written: Callable[..., Path], body: str) -> None:
    assert layout.overlaps(show(written(body)).page)


@pytest.mark.parametrize(
    "body",
    [
        "<p style='line-height: 1'>lines and lines " + "and lines " * 50 + "</p>",
        "<p style='margin-bottom: -2em; visibility: hidden'>one</p><p>two</p>",
        "<p style='margin-bottom: -2em; opacity: 0'>one</p><p>two</p>",
        "<details><summary>more</summary><p style='margin: -3em'>one</p></details>",
        "<div style='width: 50px; overflow: hidden; float: left; white-space: nowrap'>cut cut cut cut</div><p>two</p>",
        "<button>pr<b>es</b>s</button>",
    ],
)
def test_text_beside_text(show: Show, written: Callable[..., Path], body: str) -> None:
    assert layout.overlaps(show(written(body)).page) == []


def test_wider_than_the_window(show: Show, written: Callable[..., Path]) -> None:
    wide = "<div style='width: 500px' class=wide>w</div>"
    found = layout.protruding(show(written(wide), width=PHONE).page)
    assert len(found) == 2 and 'class="wide"' in found[1]
    scrolls = layout.protruding(show(written(f"<div style='overflow-x: auto'>{wide}</div>"), width=PHONE).page)
    assert scrolls == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("<p style='color: #999; background: #fff'>pale</p>", "color-contrast"),
        ("<input type=text>", "label"),
        ("<button></button>", "button-name"),
        ("<button>a <a href='#'>link</a> in it</button>", "nested-interactive"),
    ],
)
def test_what_axe_finds(show: Show, written: Callable[..., Path], axe: str, body: str, rule: str) -> None:
    found = access.faults(show(written(GOOD + body), before=axe).page)
    assert len(found) == 1 and rule in found[0]


def test_a_long_page_is_kept_in_parts_from_top_to_end(show: Show, tmp_path: Path) -> None:
    page = tmp_path / "long.html"
    page.write_text('<!doctype html><body style="margin:0"><div style="height:9000px">a</div>', encoding="utf-8")
    photographs = Photographs(tmp_path)
    parts = photographs.take(show(page).page, "long.png")
    assert parts == photographs.taken and not photographs.left_out
    assert [part.name for part in parts] == ["long-1.png", "long-2.png", "long-3.png"]
    heights = [struct.unpack(">I", part.read_bytes()[20:24])[0] for part in parts]  # of a PNG's header
    assert heights == [PART, PART, 1000]


class Frameless:
    """A page of which a picture comes at the asked-for attempt, or never."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.asked = at, 0
        self.viewport_size = {"width": 100, "height": 100}
        self.sizes: list[int] = []

    def evaluate(self, script: str) -> list[int]:
        return [100, 2 * PART]

    def set_viewport_size(self, size: dict[str, int]) -> None:
        self.sizes.append(size["height"])

    def screenshot(self, *, path: Path, **_: object) -> None:
        from playwright.sync_api import TimeoutError as NoFrame

        self.asked += 1
        if self.asked == self.at or (self.at is not None and path.stem.endswith("-2")):
            return
        raise NoFrame("Timeout 20000ms exceeded.")


def test_a_picture_that_does_not_come_is_asked_for_again(tmp_path: Path) -> None:
    photographs, page = Photographs(tmp_path), Frameless(at=2)
    assert [part.name for part in photographs.take(page, "run.png")] == ["run-1.png", "run-2.png"]  # type: ignore[arg-type]
    assert page.sizes == [101, 100] and photographs.fault is None


def test_a_picture_that_never_comes_is_left_out_and_many_are_a_fault(tmp_path: Path) -> None:
    photographs = Photographs(tmp_path, taken=[tmp_path] * (ONE_IN - 1))
    with pytest.warns(UserWarning, match="no frame for run-1.png"):
        assert photographs.take(Frameless(), "run.png") == []  # type: ignore[arg-type]
    assert photographs.fault is None and len(photographs.left_out) == 1
    with pytest.warns(UserWarning, match="no frame for ran-1.png"):
        photographs.take(Frameless(), "ran.png")  # type: ignore[arg-type]
    assert photographs.fault is not None and "run-1.png, ran-1.png" in photographs.fault
