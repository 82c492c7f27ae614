"""The parent's end of the torch process, opened for one device."""

from __future__ import annotations

from nncheck.process import Process

#: Seconds in which torch must be imported; from a cold disk under a virus scanner that has taken a minute.
START_LIMIT = 180.0


class Worker(Process):
    """A torch process with one device.

    Parameters
    ----------
    device : str
        As given to ``--device``.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        super().__init__("nncheck.autograd.worker", "the torch process")
