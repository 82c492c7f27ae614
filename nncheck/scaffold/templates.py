"""Templates that come with nncheck, one folder a language."""

from __future__ import annotations

from pathlib import Path

from nncheck.language import current

_FOLDER = Path(__file__).parents[1] / "templates"


def template(kind: str, name: str) -> str:
    """Return a template in the language that is spoken now: of a ``student`` file, a ``case`` or an ``assignment``."""
    return (_FOLDER / current() / kind / f"{name}.template").read_text(encoding="utf-8")
