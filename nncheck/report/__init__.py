"""One result record to text or a picture: every format is a function of the record.

`verification` has those of verify and derive, `explained` those of explain.
To add a format: a file here, and a line in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable

from nncheck.record import RunResult
from nncheck.report import csv, json, markdown, pictures, table
from nncheck.report import verification as verification


def _html(result: RunResult) -> str:
    from nncheck.report.html import run  # here, so that the other formats do not wait for Jinja2

    return run.render(result)


FORMATS: dict[str, Callable[[RunResult], str | bytes]] = {
    "table": table.render,
    "markdown": markdown.render,
    "json": json.render,
    "csv": csv.render,
    "svg": pictures.svg,
    "png": pictures.png,
    "html": _html,
}
#: File name endings by which a format is chosen when none is named.
ENDINGS = {
    ".txt": "table",
    ".md": "markdown",
    ".json": "json",
    ".csv": "csv",
    ".svg": "svg",
    ".png": "png",
    ".html": "html",
}
#: Spreadsheets take a file for UTF-8 only if it begins with a byte order mark.
ENCODINGS = {"csv": "utf-8-sig"}
