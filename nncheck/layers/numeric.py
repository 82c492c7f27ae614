"""Derivatives of a forward alone: the complex step, and central differences where it cannot be used.

For F = sum over outputs of dout * out, dF/dx = Im F(x + ih) / h, without cancellation. The complex step is silently
zero through abs, var, norm, vdot, casts and buffers of floats; it is tried against central differences first.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nncheck.errors import InputError
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.rounding import FIXED

#: No subtraction, so no cancellation; 1e-200 underflowed once.
STEP = 1e-20
#: A direction in which the two differ by more than this part of the terms' sum tells that the complex step is wrong.
GROSS = 1e-6
#: Steps of central differences, relative to the element: the first that settles is taken, a kink asks for a small one.
STEPS = (2e-3, 1e-5, 1e-7)

Forward = Callable[[Mapping[str, Any]], list[Array]]


class Numeric:
    """Gradients of a forward that is only called.

    Parameters
    ----------
    forward : callable
        From values by name to the outputs.
    values : mapping
        The point at which it is differentiated.
    names : sequence of str
        Inputs to differentiate with respect to.
    """

    def __init__(self, forward: Forward, values: Mapping[str, Any], names: Sequence[str]) -> None:
        self.forward, self.values, self.names = forward, dict(values), tuple(names)
        self.outputs = [np.array(out, dtype=np.float64) for out in forward(self.values)]
        generator = np.random.default_rng(0)
        self.why_not = {name: why for name in self.names if (why := self._why_not_complex(name, generator))}

    @property
    def judged_by(self) -> str:
        """Name the witness; the weaker one where it was needed."""
        return "central differences" if self.why_not else "complex step"

    @property
    def notes(self) -> tuple[str, ...]:
        """Say where the complex step could not be used, and what that costs."""
        return tuple(
            phrase(
                "{gradient} is judged by central differences, to about 1e-8 of its largest element: "
                "the complex step {why}.",
                gradient=f"d{name}",
                why=why,
            )
            for name, why in self.why_not.items()
        )

    def gradients(self, douts: Sequence[Sequence[Array]]) -> dict[str, tuple[list[Array], Array]]:
        """Return each input's gradients, one for each set of upstream gradients, and the error of their elements.

        Returns
        -------
        dict of str to (gradients, tolerance)
            The tolerance is 0 where the complex step was used.
        """
        result = {}
        for name in self.names:
            shape = self.values[name].shape
            gradients, error = [np.empty(shape) for _ in douts], np.zeros(shape)
            for index in np.ndindex(shape):
                if name in self.why_not:
                    column, error[index] = self._central(name, index, douts)
                else:
                    column = self._complex(name, index, douts)
                for gradient, number in zip(gradients, column):
                    gradient[index] = number
            result[name] = (gradients, error)
        return result

    def one_sided(self, name: str, index: tuple[int, ...], dout: Sequence[Array]) -> tuple[float, float] | None:
        """Return the derivatives just below and just above the point, by one element; None where it cannot be told."""
        step = 1e-7 * _scale(self.values[name], index)
        base = self.forward(self.values)
        sides = []
        for sign in (-1.0, 1.0):
            near, far = (self._moved(name, index, k * sign * step) for k in (1.0, 2.0))
            once, twice = (_contract(dout, _minus(out, base)) for out in (near, far))
            sides.append((4 * once - twice) / (2 * sign * step))
        return (sides[0], sides[1]) if np.isfinite(sides).all() else None

    # ----------------------------------------------------------------------------------------------------------------

    def _moved(self, name: str, index: tuple[int, ...], step: complex) -> list[Array]:
        moved = self.values[name].astype(complex if isinstance(step, complex) else float)
        moved[index] += step
        return self._called(name, moved)

    def _called(self, name: str, value: Array) -> list[Array]:
        """Call forward with another value of one input.

        Raises
        ------
        InputError
            If it raises there, although it does not at the inputs.
        """
        try:
            return self.forward({**self.values, name: value})
        except Exception as error:
            raise InputError(
                phrase(
                    "forward cannot be called near the given {name} ({kind}: {error}); hand in a torch function as "
                    "reference, or inputs that may be moved a little.",
                    name=name,
                    kind=type(error).__name__,
                    error=error,
                )
            ) from None

    def _complex(self, name: str, index: tuple[int, ...], douts: Sequence[Sequence[Array]]) -> list[float]:
        outputs = self._moved(name, index, complex(0.0, STEP))
        imaginary = [np.imag(out) / STEP for out in outputs]
        return [_contract(dout, imaginary) for dout in douts]

    def _central(
        self, name: str, index: tuple[int, ...], douts: Sequence[Sequence[Array]]
    ) -> tuple[list[float], float]:
        """Return Richardson's value at the step where it settles best, and how far it had settled."""
        best: list[float] = []
        least = np.inf
        for relative in STEPS:
            h = relative * _scale(self.values[name], index)
            slopes = []
            for step in (h, h / 2, h / 4):
                change = _minus(self._moved(name, index, step), self._moved(name, index, -step))
                slopes.append(np.array([_contract(dout, change) for dout in douts]) / (2 * step))
            once = [(4 * b - a) / 3 for a, b in itertools.pairwise(slopes)]
            twice = (16 * once[1] - once[0]) / 15
            rounding = 2.0**-52 * max(float(np.abs(out).max(initial=0.0)) for out in self.outputs) / h
            error = float(np.abs(once[1] - once[0]).max()) + rounding
            if not best or error < least:
                best, least = [float(slope) for slope in twice], error
            if error <= FIXED * float(np.abs(twice).max()):
                break
        return best, least

    def _why_not_complex(self, name: str, generator: np.random.Generator) -> str:
        """Hold the complex step against central differences in two random directions."""
        value = self.values[name]
        for _ in range(2):
            direction = generator.choice((-1.0, 1.0), value.shape) * generator.uniform(0.2, 1.5, value.shape)
            weights = [generator.uniform(0.5, 1.5, out.shape) for out in self.outputs]
            try:
                outputs = self.forward({**self.values, name: value + 1j * STEP * direction})
                imaginary = [np.imag(out) / STEP for out in outputs]
            except Exception as error:  # math.exp, a buffer of floats, int(x): they refuse complex numbers
                return phrase("cannot be used ({error})", error=f"{type(error).__name__}: {error}")
            step = 1e-6 * max(float(np.abs(value).max()), 1e-3)
            up, down = (self._called(name, value + s * step * direction) for s in (1, -1))
            central = [change / (2 * step) for change in _minus(up, down)]
            terms = sum(float((w * np.abs(c)).sum()) for w, c in zip(weights, central))
            noise = 1e-9 * sum(float((w * np.abs(out)).sum()) for w, out in zip(weights, self.outputs))
            gap = sum(float((w * np.abs(c - i)).sum()) for w, c, i in zip(weights, central, imaginary))
            if not gap <= GROSS * terms + noise / max(float(np.abs(value).max()), 1e-3):
                return phrase("and central differences disagree (abs, var, norm, a cast or a kink is on the way)")
        return ""


def _scale(value: Array, index: tuple[int, ...]) -> float:
    """Return the size of an element, or a part of the largest one where the element is small."""
    return max(abs(float(value[index])), 1e-1 * float(np.abs(value).max()), 1e-6)


def _contract(dout: Sequence[Array], change: Sequence[Array]) -> float:
    return float(sum(np.sum(d * c) for d, c in zip(dout, change)))


def _minus(a: Sequence[Array], b: Sequence[Array]) -> list[Array]:
    return [x - y for x, y in zip(a, b)]
