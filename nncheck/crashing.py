"""How a process of nncheck crashes: at once, without a window of Windows that waits for somebody to close it."""

from __future__ import annotations

import sys


def show_no_dialog() -> None:
    """Let this process and those that it starts end in silence when they crash or find no DLL; whoever asked notices.

    A window of Windows would keep the crashed process alive, and it would look like one that hangs.
    """
    if sys.platform == "win32":
        import msvcrt

        quiet = msvcrt.SEM_FAILCRITICALERRORS | msvcrt.SEM_NOGPFAULTERRORBOX | msvcrt.SEM_NOOPENFILEERRORBOX
        msvcrt.SetErrorMode(quiet)
