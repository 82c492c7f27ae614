"""How far a result may be off, from the computation itself: by formula lines, by its own terms, or not at all.

References
----------
Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), section 3.1: a sum of k products is off by at
most k u times the sum of their absolute values, in whatever order it is taken.
Barabasz, Anderson, Soodhalter, Gregg, Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural
Networks, ACM TOMS 46 (2020): its error is one of norms, not of single elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from nncheck.conformance.sample import Allowed, Asked, Sample
from nncheck.formula import Bounded, Derivation, DeviceArithmetic, evaluate, exact, radius_like
from nncheck.formula.plain import Array
from nncheck.formula.reader import FUNCTIONS, read_line
from nncheck.optimizers import Optimizer

_FUNCTIONS = {**FUNCTIONS, "erf": 1}

# Roundings of a fast convolution. Winograd's F(4 x 4, 3 x 3) by its usual points was off by up to 86 u times the
# largest sum of absolute values, in 400 float32 tiles of one channel, and by less with more of them.
_MIXED = 128


@dataclass(frozen=True)
class Lines:
    """The call as formula lines, forward and backward: the radius of a line is what its quantity may be off by.

    Attributes
    ----------
    text : str
        Lines that give each result by its name and each gradient as ``dx``, from the operands and from ``dy``, the
        gradient that comes from above for the result ``y``. A result ``m_`` is the operand m after the call.
    views : mapping of str to shape
        In which other shape the lines see an operand or result, and the gradient of each.
    given : mapping of str to array
        Exact numbers besides the operands, as labels in one-hot form.
    """

    text: str
    views: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    given: Mapping[str, Array] = field(default_factory=dict)

    def bounds(self, sample: Sample, asked: Asked) -> dict[str, Allowed]:
        """Carry values and radii through the lines."""
        from nncheck.autograd.operators import upstream

        inputs = {name: exact(self._seen(name, own.values)) for name, own in sample.operands.items()}
        inputs |= {name: exact(values) for name, values in self.given.items()}
        for k, name in enumerate(sample.results):
            if name in asked.expected:
                above = upstream(asked.upstream, asked.expected[name].shape, k)
                inputs[f"d{name}"] = exact(self._seen(f"d{name}", above))
        lines = _read(self.text)
        values = evaluate(lines, inputs, DeviceArithmetic(asked.unit, asked.kind))
        return {name: _allowed(values[name], asked.expected[name]) for name in lines.names if name in asked.expected}

    def _seen(self, name: str, values: Array) -> Array:
        return values.reshape(self.views[name]) if name in self.views else values


@dataclass(frozen=True)
class Terms:
    """A call that is linear in each operand: k u times the call itself applied to absolute values.

    The number k of terms in an element is the call applied to ones.

    Attributes
    ----------
    more : int
        Roundings besides, or k itself where weights other than 1 hide it, as in a mean.
    signed : tuple of str
        Operands whose sign is part of the call, as an input of max pooling: they are used as they are.
    equal : tuple of str
        Results and gradients that are a choice of given numbers, and must be equal.
    mixed : tuple of str
        Those that a library may compute by Winograd's algorithm or Fourier's, which adds neighbours and takes them away
        again: each element may be off by what the largest may.
    """

    more: int = 0
    signed: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()
    mixed: tuple[str, ...] = ()

    def bounds(self, sample: Sample, asked: Asked) -> dict[str, Allowed]:
        """Apply the call to absolute values and to ones."""
        absolute = asked.on_cpu(self._changed(sample, np.abs), np.abs(asked.upstream))
        ones = asked.on_cpu(self._changed(sample, np.ones_like), np.ones_like(asked.upstream))
        return {
            name: Allowed() if name in self.equal else Allowed(radius=self._radius(name, np.abs(ones[name]), sizes))
            for name, sizes in ((name, absolute[name]) for name in asked.expected)
        }

    def _radius(self, name: str, terms: Array, sizes: Array) -> Array:
        if name not in self.mixed:
            return np.asarray((terms + self.more) * sizes)
        return np.full(sizes.shape, np.max((terms + self.more + _MIXED) * sizes))

    def _changed(self, sample: Sample, change: object) -> dict[str, Array]:
        assert callable(change)
        return {
            name: change(own.values) if not own.dtype and name not in self.signed else own.values
            for name, own in sample.operands.items()
        }


@dataclass(frozen=True)
class Equal:
    """A call that computes nothing, as a copy or a choice: results and gradients must be equal.

    Attributes
    ----------
    bits : bool
        Whether the sign of a zero counts.
    """

    bits: bool = False

    def bounds(self, sample: Sample, asked: Asked) -> dict[str, Allowed]:
        """Allow nothing."""
        return {name: Allowed(bits=self.bits) for name in asked.expected}


@dataclass(frozen=True)
class Steps:
    """Steps of an optimizer on the parameter ``w`` with gradients ``g1``, ``g2``, ...: its own lines, step by step."""

    optimizer: Optimizer
    lr: float

    def bounds(self, sample: Sample, asked: Asked) -> dict[str, Allowed]:
        """Carry the parameter, its states and their radii through the steps."""
        own = self.optimizer.rounded(self.lr)
        w = exact(sample.operands["w"].values)
        states = {state: exact(np.zeros(w.value.shape)) for state in self.optimizer.states}
        gradients = [operand.values for name, operand in sample.operands.items() if name.startswith("g")]
        for t, gradient in enumerate(gradients, start=1):
            inputs = {**own, **states, "t": exact(float(t)), "W": w, "dW": exact(gradient)}
            values = evaluate(self.optimizer.lines, inputs, DeviceArithmetic(asked.unit, asked.kind))
            w, states = values["W_"], {state: values[f"{state}_"] for state in states}
        return {"y": _allowed(w, asked.expected["y"])}


def one_hot(labels: Array, classes: int) -> Array:
    """Return labels (N,) as rows (N, K) with one 1 each."""
    rows: Array = (labels[:, None] == np.arange(classes)).astype(np.float64)
    return rows


def _read(text: str) -> Derivation:
    lines = (line.strip() for line in text.strip().splitlines())
    return Derivation(tuple(read_line(line, functions=_FUNCTIONS) for line in lines if line))


def _allowed(line: Bounded, expected: Array) -> Allowed:
    if line.value.array.size == expected.size:
        value, radius = line.value.array.reshape(expected.shape), radius_like(line).reshape(expected.shape)
    else:
        value, radius = (np.broadcast_to(a, expected.shape) for a in (line.value.array, radius_like(line)))
    return Allowed(radius=radius, value=value)
