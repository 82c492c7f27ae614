"""Text that nobody vouches for, made harmless to look at: signs that are invisible or turn a line around are shown."""

from __future__ import annotations

import re
from typing import Any

from nncheck.language import phrase

#: Longest text that a page shows of one value; a line of a megabyte says nothing more to a reader.
LONGEST = 10_000

_LINES = re.compile(r"\r\n")
# C0 but for tab and line feed, DEL, C1, marks that are invisible or set the direction, line and paragraph separators,
# lone surrogates, which no UTF-8 file can hold, and what is no character
_SIGNS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff]"
)


def clean(text: str) -> str:
    r"""Return text with every control character as a sign that can be seen: ``\x00``, ``\x1b``, ``\u202e``.

    Tabs and line feeds stay; a Windows line end becomes a line feed.
    """
    return _SIGNS.sub(_shown, _LINES.sub("\n", text))


def clip(text: str, most: int = LONGEST) -> str:
    """Return cleaned text; of a longer one its beginning, and how long it is."""
    if len(text) <= most:
        return clean(text)
    return clean(text[:most]) + " … " + phrase("({count} characters in all)", count=f"{len(text):,}")


def cleaned(value: Any) -> Any:
    """Return a value for JSON with every text in it clipped and cleaned."""
    if isinstance(value, str):
        return clip(value)
    if isinstance(value, dict):
        return {clip(str(key)): cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned(item) for item in value]
    return value


def _shown(match: re.Match[str]) -> str:
    # as Python writes them: Unicode's own pictures of control characters are missing in many fonts
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
