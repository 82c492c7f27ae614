"""A run as a folder of pages: one for each case, an index of them, and one copy of plotly's script for all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from nncheck.files import write_whole
from nncheck.record import RunResult
from nncheck.report.html import plotly
from nncheck.report.html.run import render, render_index

#: What the pages call the script beside them.
SHARED = "plotly.min.js"
INDEX = "index.html"


def write(folder: Path, result: RunResult) -> tuple[Path, ...]:
    """Write the pages into a folder, each whole or not at all; what else stands there stays.

    Returns
    -------
    tuple of Path
        The index first.

    Raises
    ------
    InputError
        If something cannot be written, or plotly's script is not there.
    """
    texts = pages(result)
    for name, text in texts.items():
        write_whole(folder / name, text)
    return tuple(folder / name for name in texts)


def pages(result: RunResult) -> dict[str, str]:
    """Return every file's name and text, in the language that is spoken; the index first."""
    names = _names([case.case for case in result.cases])
    texts = {INDEX: render_index(result, names)}
    for case, name in zip(result.cases, names):
        texts[name] = render(replace(result, cases=(case,)), beside=SHARED, home=INDEX)
    texts[SHARED] = plotly.javascript()
    return texts


def _names(cases: list[str]) -> list[str]:
    """Return a file name for each case, no two alike on any system, and none that another file has."""
    names: list[str] = []
    taken = {INDEX, SHARED}
    for case in cases:
        stem = re.sub(r"[^\w-]+", "-", case).strip("-") or "case"
        name, k = f"{stem}.html", 2
        while name.lower() in taken:
            name, k = f"{stem}-{k}.html", k + 1
        taken.add(name.lower())
        names.append(name)
    return names
