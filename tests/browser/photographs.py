"""Pictures of whole pages, kept for people to look at: a long page in parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Pixels of one part: of a surface of tens of thousands, headless Chromium at times never gives a frame.
PART = 4_000


def photograph(page: Page, path: Path) -> list[Path]:
    """Take a page from its top to its end; ``run.png`` becomes ``run-1.png``, ``run-2.png``, ... where it is long.

    Returns
    -------
    list of Path
        What was written, from the top down.
    """
    width, height = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    tops = range(0, height, PART)
    names = [path] if len(tops) == 1 else [path.with_stem(f"{path.stem}-{k + 1}") for k in range(len(tops))]
    for top, name in zip(tops, names):
        part = {"x": 0, "y": top, "width": width, "height": min(PART, height - top)}
        _shot(page, name, part)
    return names


def _shot(page: Page, path: Path, part: dict[str, float]) -> None:
    from playwright.sync_api import TimeoutError as NoFrame

    try:
        page.screenshot(path=path, full_page=True, clip=part, timeout=30_000)
    except NoFrame:  # once more: of a page that stands still the next frame comes
        page.screenshot(path=path, full_page=True, clip=part)
