"""Fonts of pictures: one that has Hangul where there is one, and whether a text can be drawn with what there is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

#: Fonts with Hangul, those of Windows and macOS first; the last ones are how older matplotlib names a collection.
HANGUL = (
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "NanumGothic",
    "NanumBarunGothic",
    "Noto Sans KR",
    "Noto Sans CJK KR",
    "Source Han Sans KR",
    "UnDotum",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
)
#: matplotlib brings it along.
LATIN = "DejaVu Sans"


def families() -> list[str]:
    """Return the fonts to draw with, each for the signs that those before it lack."""
    return [LATIN, *installed()[:1]]


@lru_cache
def installed() -> tuple[str, ...]:
    """Return the fonts with Hangul that are installed."""
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return tuple(name for name in HANGUL if name in there)


def drawable(text: str) -> bool:
    """Whether there is a font for every sign of a text."""
    return all(any(ord(sign) in _signs(name) for name in families()) for sign in text)


@lru_cache
def _signs(name: str) -> Any:
    from matplotlib.font_manager import findfont, get_font

    return get_font(findfont(name)).get_charmap()
