"""Pictures of whole pages, kept for people to look at: a long page in parts.

Chromium without a window at times never gives the frame that a picture waits for: four times in one run of all tests,
of pages that gave theirs in a second in a browser of their own. No test is about that, so such a picture is asked for
again, then left out and named; that many are left out is a fault (`fault`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Pixels of one part: the larger the surface, the more often no frame comes.
PART = 4_000
#: How long a frame may take, in milliseconds; on a machine with five programs for two cores it took up to two seconds.
PATIENCE = 20_000
#: Of so many pictures one may be left out.
ONE_IN = 20


@dataclass
class Photographs:
    """Takes pictures into a folder and counts those of which no frame came."""

    folder: Path
    taken: list[Path] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)

    def take(self, page: Page, name: str) -> list[Path]:
        """Take a page from its top to its end; ``run.png`` becomes ``run-1.png``, ``run-2.png``, ... where it is long.

        Returns
        -------
        list of Path
            What was written, from the top down.
        """
        path = self.folder / name
        width, height = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        tops = range(0, height, PART)
        names = [path] if len(tops) == 1 else [path.with_stem(f"{path.stem}-{k + 1}") for k in range(len(tops))]
        written = []
        for top, part in zip(tops, names):
            clip = {"x": 0, "y": top, "width": width, "height": min(PART, height - top)}
            if not self._frame(page, part, clip) and not self._frame(_woken(page), part, clip):
                warnings.warn(f"Chromium gave no frame for {part.name}", stacklevel=2)
                self.left_out.append(part)
                break  # nor would it for the parts below
            written.append(part)
        self.taken += written
        return written

    @property
    def fault(self) -> str | None:
        """What is wrong with the pictures as a whole, if anything is: too many left out."""
        if len(self.left_out) * ONE_IN <= len(self.taken) + len(self.left_out) or len(self.left_out) == 1:
            return None
        return (
            f"{len(self.taken)} pictures were taken; of these no frame came: {', '.join(p.name for p in self.left_out)}"
        )

    def _frame(self, page: Page, path: Path, clip: dict[str, float]) -> bool:
        from playwright.sync_api import TimeoutError as NoFrame

        try:
            page.screenshot(path=path, full_page=True, clip=clip, timeout=PATIENCE)
        except NoFrame:
            return False
        return True


def _woken(page: Page) -> Page:
    """Give the page a surface of another size for a moment, which asks for new frames."""
    size = page.viewport_size
    if size is not None:
        page.set_viewport_size({"width": size["width"], "height": size["height"] + 1})
        page.set_viewport_size(size)
    return page
