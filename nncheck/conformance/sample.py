"""What a device is asked: a call of torch as text, its operands, and the rule that says how far off it may be."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from nncheck.formula.plain import Array


@dataclass(frozen=True, kw_only=True)
class Operand:
    """A tensor that a call takes.

    Attributes
    ----------
    values : array of float64
        Such as its dtype holds exactly.
    dtype : str
        ``int64``, ``bool``, or empty for the floating-point type that is tried.
    grad : bool
        Whether its gradient is judged too.
    layout : str
        One of `nncheck.autograd.operators.LAYOUTS`.
    """

    values: Array
    dtype: str = ""
    grad: bool = False
    layout: str = "plain"


class Rule(Protocol):
    """How far each result and gradient of a call may be off."""

    def bounds(self, sample: Sample, asked: Asked) -> Mapping[str, Allowed]:
        """Return for each result and each gradient (``dx``) what is allowed."""
        ...


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What is allowed of one quantity.

    Attributes
    ----------
    radius : array or None
        In units of the unit roundoff (`nncheck.formula.bound`); None if the quantity must be equal.
    value : array or None
        Its value by another way than torch's, where there is one.
    bits : bool
        Whether equal means the sign of a zero too.
    """

    radius: Array | None = None
    value: Array | None = None
    bits: bool = False


class Asked(Protocol):
    """What a rule may want to know to make its bounds."""

    unit: float
    kind: str
    expected: Mapping[str, Array]
    upstream: Array

    def on_cpu(self, operands: Mapping[str, Array], upstream: Array) -> Mapping[str, Array]:
        """Return results and gradients of the call with other numbers, in float64 on the CPU."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One call with its numbers.

    Attributes
    ----------
    call : str
        Statements of torch that define the names of ``results``; they may name ``torch``, ``F`` and ``device``.
    dtype : str
        The floating-point type that is tried.
    """

    call: str
    operands: Mapping[str, Operand]
    rule: Rule
    results: tuple[str, ...] = ("y",)
    dtype: str = "float32"

    @property
    def size(self) -> int:
        """How many numbers it takes."""
        return sum(operand.values.size for operand in self.operands.values())


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A row of the table: an operator, or a use of one, with its samples from the smallest on."""

    name: str
    samples: tuple[Sample, ...] = field(repr=False)


def operator(name: str, *samples: Sample) -> Operator:
    """Make a row; the first of its samples that is wrong is to be the smallest that shows it."""
    return Operator(name=name, samples=tuple(sorted(samples, key=lambda sample: sample.size)))


class Draw:
    """Numbers for operands, always the same ones.

    Sizes lie in [0.2, 1.5] with random signs: none so small that it hides a mistake, none so large that it saturates.
    """

    def __init__(self, seed: str) -> None:
        self._random = np.random.default_rng(zlib.crc32(seed.encode()))

    def real(
        self,
        *shape: int,
        low: float = 0.2,
        high: float = 1.5,
        signed: bool = True,
        grad: bool = True,
        layout: str = "plain",
        bits: int = 24,
    ) -> Operand:
        """Return numbers that a type with so many bits of mantissa holds; float32 has 24, bfloat16 8."""
        values = self._random.uniform(low, high, shape)
        values = values.astype(np.float32).astype(np.float64) if bits == 24 else np.round(values * 64) / 64
        if signed:
            values = values * self._random.choice([-1.0, 1.0], shape)
        return Operand(values=values, grad=grad, layout=layout)

    def rows(self, n: int, k: int) -> Operand:
        """Return n distributions over k classes, each as float32 holds it."""
        weights = self._random.uniform(0.2, 1.5, (n, k))
        shares = weights / weights.sum(axis=1, keepdims=True)
        return Operand(values=shares.astype(np.float32).astype(np.float64))

    def labels(self, n: int, k: int) -> Operand:
        """Return n class indices below k, 0 and k - 1 among them where there is room."""
        values = self._random.integers(0, k, n)
        values[:1], values[-1:] = k - 1, 0 if n > 1 else k - 1
        return whole(values)


def at(values: object, grad: bool = True) -> Operand:
    """Return given numbers, rounded to float32."""
    return Operand(values=np.asarray(values, dtype=np.float32).astype(np.float64), grad=grad)


def whole(values: object) -> Operand:
    """Return whole numbers, int64."""
    return Operand(values=np.asarray(values, dtype=np.float64), dtype="int64")


def flags(values: object) -> Operand:
    """Return truth values."""
    return Operand(values=np.asarray(values, dtype=np.float64), dtype="bool")
