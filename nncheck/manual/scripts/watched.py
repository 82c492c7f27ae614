"""What was seen while a script ran: the numbers before and after iterations of its loops; sent as one frame."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncheck.formula.plain import Array
from nncheck.frames import FrameError
from nncheck.language import phrase

_MAX_NAMES = 600_000  # characters of all names and shapes: the header of a frame holds a million


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Iterations of one loop.

    Attributes
    ----------
    loop : int
        Its number, as `syntax.loops` counts.
    steps : tuple of int
        Which iterations were recorded, counted over the whole run from 0.
    iterations : int
        How many were begun.
    under : tuple of int
        Loops that ran around it, outermost first.
    before, after : mapping of str to (S, ...)
        Every variable at the begin and at the end of the recorded iterations; NaN where it did not exist.
    kinds : mapping of str to str
        ``i``, ``b`` or ``s`` for variables that hold whole numbers, booleans or float32 when the loop begins.
    broken : bool
        Whether the first iteration was left by ``break``, so that it may be incomplete.
    """

    loop: int
    steps: tuple[int, ...]
    iterations: int
    under: tuple[int, ...]
    before: Mapping[str, Array]
    after: Mapping[str, Array]
    kinds: Mapping[str, str]
    broken: bool = False


@dataclass(frozen=True, kw_only=True)
class Watched:
    """One run of a script.

    Attributes
    ----------
    loops : tuple of Seen
        Loops of which an iteration was recorded.
    printed : tuple of str
        The last lines that it printed.
    failure : str
        ``file, line N: Kind: message`` if it raised; what was seen before is kept.
    stopped : str
        ``steps`` or ``time`` if it was ended on purpose.
    lines : mapping of str to int
        Where expressions that are no variables stand: ``np.mean((Y - YT) ** 2)`` inside a print.
    """

    loops: tuple[Seen, ...]
    printed: tuple[str, ...] = ()
    failure: str = ""
    stopped: str = ""
    lines: Mapping[str, int]

    def to_frame(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return header and arrays of a frame: all variables of a loop side by side in one matrix."""
        arrays: dict[str, Array] = {}
        described = []
        left = _MAX_NAMES
        for seen in self.loops:
            entry: dict[str, Any] = {
                "loop": seen.loop,
                "steps": list(seen.steps),
                "iterations": seen.iterations,
                "under": list(seen.under),
                "kinds": dict(seen.kinds),
                "broken": seen.broken,
            }
            for side in ("before", "after"):
                stacks, left = _within(getattr(seen, side), left)
                entry[side] = [[name, list(stack.shape[1:])] for name, stack in stacks.items()]
                flat = [stack.reshape(len(seen.steps), -1) for stack in stacks.values()]
                arrays[f"{seen.loop} {side}"] = np.concatenate(flat, axis=1) if flat else np.empty((len(seen.steps), 0))
            described.append(entry)
        header = {
            "loops": described,
            "printed": list(self.printed),
            "failure": self.failure,
            "stopped": self.stopped,
            "lines": dict(self.lines),
        }
        return header, arrays

    @classmethod
    def from_frame(cls, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> Watched:
        """Read what `to_frame` gave, trusting none of it.

        Raises
        ------
        FrameError
            If it is not well-formed.
        """
        try:
            return cls(
                loops=tuple(_seen(entry, arrays) for entry in header["loops"]),
                printed=tuple(str(line)[:500] for line in header["printed"][:40]),
                failure=str(header["failure"])[:2000],
                stopped=str(header["stopped"]),
                lines={str(name): int(line) for name, line in header["lines"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
            raise FrameError(phrase("not what a watched script sends")) from None


def _within(stacks: Mapping[str, Array], left: int) -> tuple[dict[str, Array], int]:
    """Keep as many variables as the header of a frame has room for; return what room is left."""
    kept = {}
    for name, stack in stacks.items():
        left -= len(json.dumps(name)) + 20
        if left > 0:
            kept[name] = stack
    return kept, left


def _seen(entry: Mapping[str, Any], arrays: Mapping[str, Array]) -> Seen:
    loop, steps = int(entry["loop"]), tuple(int(step) for step in entry["steps"])
    sides: dict[str, dict[str, Array]] = {}
    for side in ("before", "after"):
        matrix = np.asarray(arrays[f"{loop} {side}"], dtype=np.float64)
        stacks: dict[str, Array] = {}
        at = 0
        for name, shape in entry[side]:
            sizes = tuple(int(n) for n in shape)
            if min(sizes, default=0) < 0:
                raise ValueError("negative size")
            width = math.prod(sizes)
            stacks[str(name)] = matrix[:, at : at + width].reshape(len(steps), *sizes)
            at += width
        sides[side] = stacks
    return Seen(
        loop=loop,
        steps=steps,
        iterations=int(entry["iterations"]),
        under=tuple(int(other) for other in entry["under"]),
        before=sides["before"],
        after=sides["after"],
        kinds={str(name): str(kind) for name, kind in entry["kinds"].items()},
        broken=bool(entry["broken"]),
    )
