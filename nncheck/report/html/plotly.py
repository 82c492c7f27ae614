"""Plotly's own JavaScript, from the installed package and put into the page: no page asks for it anywhere."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from nncheck.errors import InputError
from nncheck.language import phrase


@lru_cache
def javascript() -> str:
    """Return the script; the package is found, not imported, which would take longer than a report.

    Raises
    ------
    InputError
        If plotly is not installed, or without its script.
    """
    spec = find_spec("plotly")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "package_data" / "plotly.min.js"
        if path.is_file():
            # as an HTML reader joins lines, or the hash would be of another text
            return path.read_text(encoding="utf-8").replace("\r\n", "\n").replace("\r", "\n")
    raise InputError(phrase("A page with plots needs plotly's script, which is not there: pip install plotly"))
