"""A process for one submission that is started anew: where there is no fork, on Windows."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile

from nncheck.sandbox import lodger


def main() -> None:
    """Run the process: frames on streams that the person's code does not find, in a folder of its own."""
    import numpy

    assert numpy is not None  # loaded before the path is narrowed
    from nncheck.manual.scripts import script

    assert script is not None
    reading = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    writing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        os.dup2(nothing, stream.fileno())
    folder = tempfile.mkdtemp(prefix="nncheck-own-")
    os.chdir(folder)
    sys.path[:] = [path for path in sys.path if not path.endswith("-packages")]
    sys.dont_write_bytecode = True
    lodger.serve(reading, writing, lambda: _remove(folder))


def _remove(folder: str) -> None:
    with contextlib.suppress(OSError):
        os.chdir(os.path.dirname(folder))
    shutil.rmtree(folder, ignore_errors=True)
