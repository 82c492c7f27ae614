"""Where code of our own runs when it is judged like a submission: in this very process, with no walls around it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nncheck import source
from nncheck.grades import GroundFacts
from nncheck.manual.client import Local


class OwnCode:
    """Stands in for a sandbox where nothing is untrusted: an assignment's own mistakes, a case's own manual.py."""

    facts = GroundFacts(name="none", held=(), open=(), words="")

    def guest(self, path: Path, text: str, files: Mapping[str, bytes]) -> Local:
        """Return the functions of a text; raises InputError if it does not run."""
        return Local(source.run_module(text, path, "nncheck_own_code"), path)

    def close(self) -> None:
        """Nothing runs that would have to be ended."""
