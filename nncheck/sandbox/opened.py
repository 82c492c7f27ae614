"""A ground that is open for submissions: a zygote, or a job for each on Windows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol

from nncheck.language import phrase
from nncheck.manual.client import Transport
from nncheck.sandbox.faults import SandboxError
from nncheck.sandbox.limits import Limits


class Opened(Protocol):
    """Gives each submission its process."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Processes of the sandbox itself, as the judge sees them."""
        ...

    def seat(self, limits: Limits) -> Transport:
        """Start the process of a submission."""
        ...

    def close(self) -> None:
        """End everything."""
        ...


def open_ground(name: str, limits: Limits, imports: Sequence[str] = ()) -> Opened:
    """Open a ground.

    Raises
    ------
    SandboxError
        If it cannot be opened here.
    InputError
        If one of the imports is missing.
    """
    if name == "job":
        from nncheck.sandbox.job import Jobs

        return Jobs(limits)
    if sys.platform == "win32":
        raise SandboxError(phrase("the ground {name!r} needs a system that can fork.", name=name))
    return Zygotes(name, limits, imports)


class Zygotes:
    """Grounds with a zygote."""

    def __init__(self, name: str, limits: Limits, imports: Sequence[str]) -> None:
        from nncheck.sandbox.started import Zygote

        self.zygote = Zygote(name, limits, imports)

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the process that was started."""
        return (self.zygote.pid,)

    def seat(self, limits: Limits) -> Transport:
        """Fork the zygote."""
        from nncheck.sandbox.seat import Seat

        return Seat(self.zygote, limits)

    def close(self) -> None:
        """End the zygote."""
        self.zygote.close()
