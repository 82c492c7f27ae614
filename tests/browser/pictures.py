"""Takes the pictures in docs/images from real reports: ``python -m tests.browser.pictures``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
#: CSS pixels; a picture has `SCALE` times as many, to be sharp on today's screens.
WIDTH, SCALE = 1000, 1.5
#: A README is read over slow lines too.
MOST_BYTES = 300_000

_RIGHT, _WRONG = "dY = 2 * (Y - YT) / Y.size", "dY = (Y - YT) / Y.size"


def take(browser: Browser, folder: Path, lang: str) -> list[Path]:
    """Take the pictures of one language into a folder.

    They show one run: a case that agrees, one whose derivation forgets a factor 2, and the stand-in for a device.
    """
    page = browser.new_page(viewport={"width": WIDTH, "height": 900}, device_scale_factor=SCALE)
    page.goto(_report(folder, lang).as_uri())
    ending = "" if lang == "en" else f".{lang}"
    pictures = [
        _part(page, "h1", "#all-cases", folder / f"report{ending}.png"),
        _part(page, "#case-forgotten_two .where", "#case-forgotten_two figure.network", folder / f"step{ending}.png"),
    ]
    page.close()
    return pictures


def _report(folder: Path, lang: str) -> Path:
    """Make the report, as people do."""
    with tempfile.TemporaryDirectory() as place:
        case = Path(place) / "forgotten_two"
        shutil.copytree(ROOT / "reference" / "hidden", case)
        (case / "certificate.json").unlink()
        for name, old, new in (
            ("manual.py", _RIGHT, _WRONG),
            ("case.toml", "Two inputs, two hidden units, two outputs", "The factor 2 is forgotten"),
            ("case.toml", "입력2 은닉2 출력2", "2를 빠뜨린 유도"),
        ):
            text = (case / name).read_text(encoding="utf-8")
            assert old in text
            (case / name).write_text(text.replace(old, new), encoding="utf-8")
        report = folder / f"report-{lang}.html"
        faulty = ROOT / "docs" / "examples" / "half_precision"
        command = ["run", "relu_sigmoid", str(case), str(faulty), "--lang", lang, "-o", str(report)]
        done = subprocess.run([sys.executable, "-m", "nncheck", *command], capture_output=True, encoding="utf-8")
        assert done.returncode == 1, done.stderr
    return report


def _part(page: Page, first: str, last: str, path: Path) -> Path:
    """Take the page from the top of one element to the end of another, or to above it if that is a heading."""
    page.locator(first).first.scroll_into_view_if_needed()
    place = page.evaluate(
        """([first, last]) => {
            const [a, b] = [first, last].map(name => document.querySelector(name).getBoundingClientRect());
            const heading = /^H/.test(document.querySelector(last).tagName);
            return [a.top + scrollY, (heading ? b.top - 40 : b.bottom) + scrollY];
        }""",
        [first, last],
    )
    top = max(place[0] - 10, 0)
    bottom = place[1] + 10
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": top, "width": WIDTH, "height": bottom - top})
    return path


def main() -> None:
    """Take all of them anew."""
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(parents=True, exist_ok=True)
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    root = getattr(os, "geteuid", lambda: 1)() == 0  # Chromium does not run as root inside its own sandbox
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"] * root)
        for lang in ("en", "ko"):
            for picture in take(browser, Path(place), lang):
                assert picture.stat().st_size < MOST_BYTES, picture
                shutil.copy(picture, IMAGES)
        browser.close()


if __name__ == "__main__":
    main()
