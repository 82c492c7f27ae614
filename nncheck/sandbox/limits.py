"""How much of everything one submission may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one submission.

    Attributes
    ----------
    check : float
        Seconds for one check: loading the file, one call of forward, loss, backward or update at one probe.
    seconds : float
        Seconds in all.
    memory : int
        Megabytes of address space, Python and NumPy among them (about 200).
    output : int
        Kilobytes that may be printed; what is kept of it is its head and its tail.
    disk : int
        Megabytes that may be written to its own empty folder.
    processes : int
        Processes and threads that it may start.
    """

    check: float = 5.0
    seconds: float = 30.0
    memory: int = 1024
    output: int = 1024
    disk: int = 16
    processes: int = 0
