"""What goes wrong with the sandbox itself, which no submission ever pays for."""

from __future__ import annotations

from nncheck.errors import NncheckError


class SandboxError(NncheckError):
    """The sandbox cannot be started, or its own process came to an end: never the fault of what ran in it."""
