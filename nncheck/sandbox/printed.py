"""What a submission printed: head and tail, however much it was."""

from __future__ import annotations

import os

from nncheck.language import phrase
from nncheck.sandbox import clean

_KEPT = 2000


class Printed:
    """Output that is taken from a pipe.

    Parameters
    ----------
    most : int
        Bytes that may be printed.

    Attributes
    ----------
    open : bool
        Whether more can come.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._head = self._tail = b""
        self._size = 0
        self.open = True

    @property
    def too_much(self) -> bool:
        """Whether more was printed than may be."""
        return self._size > self._most

    def take(self, pipe: int) -> bool:
        """Take some of it; whether there was any, and no end.

        Raises
        ------
        BlockingIOError
            If there is nothing now.
        """
        data = os.read(pipe, 1 << 16)
        self.open = bool(data)
        self._size += len(data)
        room = _KEPT - len(self._head)
        self._head, data = self._head + data[:room], data[room:]
        self._tail = (self._tail + data)[-_KEPT:]
        return self.open

    def text(self) -> str:
        """Return head and tail, and how much lies between them."""
        left_out = self._size - len(self._head) - len(self._tail)
        parts = [self._head + (b"" if left_out else self._tail)]
        if left_out:
            parts.append(self._tail)
        words = [clean.text(part.decode("utf-8", "replace"), 2 * _KEPT) for part in parts]
        between = phrase("[... {count} bytes are left out ...]", count=left_out)
        return f"\n{between}\n".join(words)
