"""Points as whole millionths, so that the lines of a page add up to its score to the last digit."""

from __future__ import annotations

MILLION = 1_000_000


def millionths(points: float) -> int:
    """Return points as the nearest whole number of millionths."""
    return round(points * MILLION)


def number(points: int) -> int | float:
    """Return millionths as a number for JSON: whole where it is whole."""
    return points // MILLION if points % MILLION == 0 else points / MILLION


def text(points: int) -> str:
    """Return millionths with as many digits as they have: ``3``, ``0.5``, ``-1.25``."""
    sign, rest = ("-" if points < 0 else ""), abs(points)
    return f"{sign}{rest // MILLION}.{rest % MILLION:06d}".rstrip("0").rstrip(".")
