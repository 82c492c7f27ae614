"""The command line with `fake_bench` in place of judge and sandbox, for tests that kill it."""

from __future__ import annotations

from nncheck.grading import grade as grading
from nncheck.grading import member

if __name__ == "__main__":
    from fake_bench import GROUND

    from nncheck.cli import main

    member.MODULE = "fake_bench"
    grading.tested = lambda *_: GROUND
    main()
