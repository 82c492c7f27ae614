"""Which layout what was given has, as its names at the top tell; in doubt it is plain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from nncheck.grading.submissions.grouping import few
from nncheck.grading.submissions.layouts import canvas, classroom, gradescope, moodle, tops
from nncheck.grading.submissions.layouts.owner import Root
from nncheck.language import phrase

#: Whether a name at the top is the layout's.
FOLLOWS: dict[str, Callable[[str], bool]] = {
    "moodle": moodle.follows,
    "canvas": canvas.follows,
    "gradescope": gradescope.follows,
}
# a layout is taken for granted if more than so many of the names follow it
_SURE = 0.5


def guess(root: Root, pattern: re.Pattern[str] | None) -> str:
    """Return the layout that most of the names at the top of one root follow: one vote each, whatever is in it."""
    for layout, follows in FOLLOWS.items():
        names = [name for name in tops.top(root, follows, pattern).names if name != gradescope.METADATA]
        if sum(map(follows, names)) > _SURE * len(names):
            return layout
    return "classroom" if classroom.share(root) > _SURE else "plain"


def of_all(roots: Sequence[Root], pattern: re.Pattern[str] | None) -> str:
    """Return the layout of most roots, one vote each."""
    votes = Counter(guess(root, pattern) for root in roots)
    layout, count = votes.most_common(1)[0] if votes else ("plain", 0)
    return layout if count > _SURE * len(roots) else "plain"


def contradictions(roots: Sequence[Root], pattern: re.Pattern[str] | None) -> Iterator[str]:
    """Yield notes on names that look like an export's where the layout is plain all the same."""
    for layout, follows in FOLLOWS.items():
        found: list[str] = []
        for root in roots:
            level = tops.top(root, follows, pattern)
            found += [level.around + name.rstrip("/") for name in level.names if follows(name)]
            paths = [entry.path for entry in root.found.entries]
            deep = [path for path in paths if _deep(path, follows)]
            if layout == "gradescope":
                found += [path for path in paths if path.rpartition("/")[2] == gradescope.METADATA]
            found += deep if len(deep) > _SURE * len(paths) else []
        if found:
            yield contradiction(layout, list(dict.fromkeys(found)))


def contradiction(layout: str, files: Sequence[str]) -> str:
    """Return the note for names that look like an export's among others that do not."""
    return phrase(
        "The layout is plain, though some names look like an export of {layout} ({count}): {files}. If everything is "
        "such an export, name it: --layout {layout}.",
        layout=layout,
        count=len(files),
        files=few(files),
    )


def _deep(path: str, follows: Callable[[str], bool]) -> bool:
    *folders, last = path.split("/")
    return any(follows(name + "/") for name in folders) or follows(last)
