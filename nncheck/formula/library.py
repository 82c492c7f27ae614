"""How accurate the elementary functions of each kind of device are, by the documents of their makers.

`BoundArithmetic` takes libraries within one unit in the last place, as those of the CPU are. A graphics device may be
further off and still be what its maker promises; what is added here is in units of the unit roundoff u, half a unit
in the last place.

References
----------
Microsoft, Direct3D 11.3 Functional Specification, section 22.10 (exp, log: 2^-21; division, square root: 1 ULP).
Apple, Metal Shading Language Specification, section 8.4 (fast math: exp 3 + |2x| ULP, log 3 ULP, division 2.5 ULP).
Khronos, OpenCL C Specification, section 7.4 (exp, log 3 ULP, tanh 5, pow 16, erf 16, division 2.5, sqrt 3), which
holds for XPU and contains what NVIDIA, CUDA C++ Programming Guide, Mathematical Functions, states.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nncheck.formula.bound import BoundArithmetic, Bounded
from nncheck.formula.plain import Array, Plain

_erf = np.vectorize(math.erf, otypes=[float])


@dataclass(frozen=True, kw_only=True)
class Library:
    """What is added to the radius of each function, in units of u.

    Attributes
    ----------
    exp, log, tanh, power, root, quotient : float
        Times the size of the value; of log at least times 1.
    reach : float
        Of exp and what is made of it, times the argument too: exp(x) = exp2(x log2 e) rounds that product.
    erf : float
        Times 1.
    """

    exp: float = 0
    log: float = 0
    tanh: float = 0
    power: float = 0
    root: float = 0
    quotient: float = 0
    reach: float = 0
    erf: float = 0


# erf of torch's own is formula 7.1.26 of Abramowitz and Stegun, off by 1.5e-7 = 2.5 u, with some seven roundings of its
# own.
_CPU = Library(erf=10)
_SHADER = Library(exp=8, log=8, tanh=10, power=16, root=6, quotient=5, reach=4, erf=16)
_COMPUTE = Library(exp=6, log=6, tanh=10, power=32, root=6, quotient=5, erf=32)
_LIBRARIES = {"directml": _SHADER, "mps": _SHADER, "cuda": _COMPUTE, "xpu": _COMPUTE}


class DeviceArithmetic(BoundArithmetic):
    """Values with a bound that holds for the library of a kind of device, and for erf.

    Parameters
    ----------
    unit : float
        Unit roundoff of the type on the device.
    kind : str
        As `nncheck.autograd.device.kinds` has it.
    """

    def __init__(self, unit: float, kind: str) -> None:
        super().__init__(unit)
        self._library = _LIBRARIES.get(kind, _CPU)

    def exp(self, a: Bounded) -> Bounded:
        """Radius of the library in use."""
        v = super().exp(a)
        return _wider(v, np.abs(v.value.array) * self._of_exp(a))

    def sigmoid(self, a: Bounded) -> Bounded:
        """Radius s (1 - s) times that of exp, and that of the division."""
        v = super().sigmoid(a)
        s = v.value.array
        return _wider(v, s * (1 - s) * self._of_exp(a) + s * self._library.quotient)

    def tanh(self, a: Bounded) -> Bounded:
        """Radius of the library; the form by exp loses absolute accuracy where tanh is small."""
        v = super().tanh(a)
        t = v.value.array
        if self._library.reach:
            return _wider(v, (1 - t * t) * self._of_exp(a) + self._library.tanh)
        return _wider(v, np.abs(t) * self._library.tanh)

    def log(self, a: Bounded) -> Bounded:
        """Radius of the library in use."""
        v = super().log(a)
        return _wider(v, np.maximum(np.abs(v.value.array), 1.0) * self._library.log)

    def sqrt(self, a: Bounded) -> Bounded:
        """Radius of the library in use."""
        v = super().sqrt(a)
        return _wider(v, np.abs(v.value.array) * self._library.root)

    def divide(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius of the library in use."""
        v = super().divide(a, b)
        return _wider(v, np.abs(v.value.array) * self._library.quotient)

    def power(self, a: Bounded, b: Bounded) -> Bounded:
        """Radius of the library; by exp2(b log2 a) the logarithm's own error is multiplied by b."""
        v = super().power(a, b)
        by_logarithm = (self._library.log + self._library.reach) * np.abs(b.value.array) if self._library.reach else 0.0
        return _wider(v, np.abs(v.value.array) * (self._library.power + by_logarithm))

    def erf(self, a: Bounded) -> Bounded:
        """2 / sqrt(pi) times the integral of exp(-t^2) from 0 to a; radius of its slope times that of a."""
        v = _erf(a.value.array)
        slope = 2 / math.sqrt(math.pi) * np.exp(-(a.value.array**2))
        inner = 0.0 if a.radius is None else slope * a.radius.array
        return Bounded(Plain(v, a.value.rank), Plain(inner + self._library.erf + 0 * v, a.value.rank))

    def _of_exp(self, a: Bounded) -> Array:
        size: Array = self._library.exp + self._library.reach * np.abs(a.value.array)
        return size


def _wider(v: Bounded, extra: Array) -> Bounded:
    if not np.any(extra):
        return v
    before = 0.0 if v.radius is None else v.radius.array
    return Bounded(v.value, Plain(before + np.nan_to_num(extra, nan=0.0), v.value.rank), v.terms)
