"""Makes what comes out of a submission's process fit to be kept and shown: short, of plain types, no control signs."""

from __future__ import annotations

import math
from typing import Any

from nncheck.replies import UNPRINTABLE

#: Characters of one text, items of one list or object, levels.
MOST_TEXT, MOST_ITEMS, MOST_DEPTH = 4000, 20_000, 12


def text(value: str, most: int = MOST_TEXT) -> str:
    """Return a text without what terminals and files cannot hold, and not longer than most."""
    plain = UNPRINTABLE.sub("\ufffd", value[: most + 1])
    return plain if len(plain) <= most else plain[: most - 1] + "\u2026"


def value(given: Any, depth: int = 0) -> Any:
    """Return a JSON value with its texts cleaned, its lists shortened, and None for what is none or too deep."""
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, int):
        return given if abs(given) < 1 << 63 else None
    if isinstance(given, float):
        return given if math.isfinite(given) else None
    if isinstance(given, str):
        return text(given)
    if depth < MOST_DEPTH and isinstance(given, list):
        return [value(item, depth + 1) for item in given[:MOST_ITEMS]]
    if depth < MOST_DEPTH and isinstance(given, dict):
        items = list(given.items())[:MOST_ITEMS]
        return {text(str(key)): value(item, depth + 1) for key, item in items}
    return None
