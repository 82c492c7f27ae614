"""Decodes a ratio as +-2^a N^b K^c lr^d with small integer exponents, the same at every point."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

#: Relative to the largest element: what a value may be off and still equal another.
MATCH = 1e-10
EXPONENTS = (0, 1, -1, 2, -2)
#: With more symbols than this not every product is tried, but those of at most three of them.
_ALL_UP_TO = 5


@dataclass(frozen=True)
class Factor:
    """A signed product of powers of 2 and of sizes.

    Attributes
    ----------
    sign : int
        1 or -1.
    powers : tuple of (symbol, exponent)
        Symbols with exponents that are not 0; the symbol of two is ``2``.
    """

    sign: int
    powers: tuple[tuple[str, int], ...]

    @property
    def cost(self) -> int:
        """How much is written: the sum of the exponents' sizes."""
        return sum(abs(exponent) for _, exponent in self.powers)

    @property
    def has_symbols(self) -> bool:
        """Whether anything but a power of 2 is in it."""
        return any(symbol != "2" for symbol, _ in self.powers)

    def times(self, quantity: str) -> str:
        """Write the factor with the quantity it multiplies: ``-2 dW / (N K)``."""
        above, below = self._side(1), self._side(-1)
        upper = " ".join([*above, quantity])
        lower = f"({' '.join(below)})" if len(below) > 1 else "".join(below)
        return ("-" if self.sign < 0 else "") + (f"{upper} / {lower}" if below else upper)

    def __str__(self) -> str:
        above, below = self._side(1), self._side(-1)
        lower = f"({' '.join(below)})" if len(below) > 1 else "".join(below)
        text = " ".join(above) or "1"
        return ("-" if self.sign < 0 else "") + (f"{text}/{lower}" if below else text)

    def _side(self, direction: int) -> list[str]:
        written = []
        for symbol, exponent in self.powers:
            size = exponent * direction
            if size > 0:
                power = str(2**size) if symbol == "2" else symbol if size == 1 else f"{symbol}**{size}"
                written.append(power)
        return written


def decode(ratios: Sequence[float], sizes: Sequence[Mapping[str, float]]) -> list[Factor]:
    """Return the factors that equal the ratio at every point, the simplest first.

    Parameters
    ----------
    ratios : (P,)
        None of them 0.
    sizes : P mappings
        Value of each symbol at each point; a symbol that some point has not, or that is not positive, is left out.
    """
    values = np.asarray(ratios, dtype=np.float64)
    signs = np.sign(values)
    if not (signs == signs[0]).all() or signs[0] == 0:
        return []
    symbols = [name for name in sizes[0] if _usable(name, sizes)]
    exponents = _exponents(len(symbols) + 1)
    logs = np.array([[np.log(2.0), *(np.log(size[name]) for name in symbols)] for size in sizes])
    errors = np.abs(exponents @ logs.T - np.log(np.abs(values)))
    fits = exponents[(errors <= MATCH).all(axis=1)]
    names = ("2", *symbols)
    return [
        Factor(int(signs[0]), tuple((name, int(power)) for name, power in zip(names, row) if power)) for row in fits
    ]


def _usable(name: str, sizes: Sequence[Mapping[str, float]]) -> bool:
    values = [size.get(name, 0.0) for size in sizes]
    return all(value > 0 for value in values) and any(value != 1 for value in values)


@lru_cache(maxsize=8)
def _exponents(symbols: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return every row of exponents, (rows, symbols), in order of cost, then of how many symbols take part."""
    rows = list(_few(symbols) if symbols > _ALL_UP_TO else itertools.product(EXPONENTS, repeat=symbols))
    # sorting is stable: between equals the earlier symbol comes first, and 2 before all
    rows.sort(key=lambda row: (sum(map(abs, row)), sum(e != 0 for e in row), [-abs(e) for e in row]))
    return np.array(rows, dtype=np.int64)


def _few(symbols: int) -> Iterator[tuple[int, ...]]:
    for count in range(4):
        for places in itertools.combinations(range(symbols), count):
            for powers in itertools.product(EXPONENTS[1:], repeat=count):
                row = [0] * symbols
                for place, power in zip(places, powers):
                    row[place] = power
                yield tuple(row)
