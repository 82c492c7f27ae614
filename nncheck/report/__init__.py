"""One result record to text: every format is a function of the record; `verification` has those of verify and derive.

To add a format: a file here, and a line in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable

from nncheck.record import RunResult
from nncheck.report import csv, json, markdown, table
from nncheck.report import verification as verification

FORMATS: dict[str, Callable[[RunResult], str]] = {
    "table": table.render,
    "markdown": markdown.render,
    "json": json.render,
    "csv": csv.render,
}
#: File name endings by which a format is chosen when none is named.
ENDINGS = {".txt": "table", ".md": "markdown", ".json": "json", ".csv": "csv"}
#: Spreadsheets take a file for UTF-8 only if it begins with a byte order mark.
ENCODINGS = {"csv": "utf-8-sig"}
