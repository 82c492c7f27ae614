"""How many digits of a number were printed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from nncheck.formula.plain import Array

#: Beyond it every number is 0 or infinite, whatever its digits are.
_EXPONENT = 300
_NUMBER = re.compile(r"[-+]?(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?")


def resolution_of(texts: Sequence[str], significant: int = 0) -> Array:
    """Return half a unit in the last digit of each number, as the format of all of them shows.

    With one number of decimals throughout it is a fixed format; with 15 digits or more somewhere all digits were
    printed; otherwise as many significant digits as the longest has. Whole numbers alone are exact.

    Parameters
    ----------
    texts : sequence of str
        A column.
    significant : int
        How many significant digits the columns beside it show: of a column that holds one number over and over, 0.6,
        the zeros behind it were left away.
    """
    parsed = [_NUMBER.fullmatch(text.strip()) for text in texts]
    decimals = {len(m[2]) for m in parsed if m}
    exponents = [m for m in parsed if m and m[3]]
    digits = _digits(parsed)
    if significant > digits and len({text.strip() for text in texts}) == 1:
        decimals, digits = set(), significant
    result = np.zeros(len(texts))
    if not any(m and (m[2] or m[3]) for m in parsed):
        return result
    for place, m in enumerate(parsed):
        if m is None or not texts[place].strip():
            continue
        value = abs(float(texts[place]))
        if len(decimals) == 1 and not (exponents and digits >= 15):
            result[place] = 0.5 * 10.0 ** (max(-_EXPONENT, min(_EXPONENT, int(m[3] or 0))) - len(m[2]))
        elif digits < 15 and value > 0 and math.isfinite(value):
            result[place] = 0.5 * 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    return result


def significant_of(columns: Sequence[Sequence[str]]) -> int:
    """Return how many significant digits a table shows, 0 if its numbers have a fixed number of decimals."""
    varied = [texts for texts in columns if len({len(m[2]) for m in map(_NUMBER.fullmatch, texts) if m}) > 1]
    return max((_digits([_NUMBER.fullmatch(text.strip()) for text in texts]) for texts in varied), default=0)


def _digits(parsed: Sequence[re.Match[str] | None]) -> int:
    return max((len((m[1] + m[2]).lstrip("0")) for m in parsed if m), default=0)
