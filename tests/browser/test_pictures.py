"""The pictures of README.md and README.ko.md are those that the reports give today, as far as their size tells."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.pictures import IMAGES, MOST_BYTES, take

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def _size(png: Path) -> tuple[int, int]:
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    return width, height


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_pictures_of_the_readme_are_of_todays_pages(browser: Browser, tmp_path: Path, lang: str) -> None:
    for taken in take(browser, tmp_path, lang):
        kept = IMAGES / taken.name
        assert kept.stat().st_size < MOST_BYTES
        assert _size(kept)[0] == _size(taken)[0]
        assert _size(kept)[1] == pytest.approx(_size(taken)[1], rel=0.15), f"python -m tests.browser.pictures: {kept}"
