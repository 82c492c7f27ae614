"""The code of a Jupyter notebook as one text, with the cell and the line that each of its lines came from."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

from nncheck.errors import InputError
from nncheck.language import phrase

# Cell magics whose body is Python; the body of any other (%%bash, %%html, %%writefile) is not.
_PYTHON_CELLS = ("time", "timeit", "capture", "prun", "matplotlib")
_MAGIC = re.compile(r"^(\s*)(%{1,2}[A-Za-z_]\S*|!\S+|\?{1,2}\S+)(.*)$")
_ASSIGNED_MAGIC = re.compile(r"^(\s*[^\W\d]\w*\s*=)\s*([!%]\S.*)$")
_QUESTION = re.compile(r"^(\s*)([\w.]+\?{1,2})\s*$")


@dataclass(frozen=True)
class Cells:
    """Where the lines of the joined text stand in the notebook.

    Attributes
    ----------
    starts : tuple of int
        Line of the text at which each code cell begins, from 1.
    numbers : tuple of int
        What the notebook calls each, where it runs and has numbered them; counted from 1 if it is empty.
    """

    starts: tuple[int, ...]
    numbers: tuple[int, ...] = ()

    def place(self, line: int) -> tuple[int, int]:
        """Return the number of the code cell and the line in it, counted from 1."""
        cell = max(sum(start <= line for start in self.starts), 1)
        return self.numbers[cell - 1] if self.numbers else cell, line - self.starts[cell - 1] + 1

    def words(self, line: int) -> str:
        """``code cell 3, line 2``."""
        cell, inside = self.place(line)
        return phrase("code cell {cell}, line {line}", cell=cell, line=inside)


def code_of(text: str) -> tuple[str, Cells]:
    """Join the code cells of a notebook (format 3 or 4).

    Magics (``%matplotlib inline``), shell lines (``!pip``) and questions (``np.dot?``) become comments; every line
    keeps its place.

    Raises
    ------
    InputError
        If the text is no notebook, or holds no code of Python.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            phrase(
                "This is no notebook: not JSON ({error}). Save it again, or export it as a Python file (.py).",
                error=error,
            )
        ) from None
    cells = _cells(content)
    language = _language(content)
    if language and "python" not in language.lower():
        raise InputError(phrase("The notebook's language is {language}; expected Python.", language=language))
    sources = [_source(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    if not any(source.strip() for source in sources):
        raise InputError(
            phrase("The notebook has no code: {count} cells, none of them a code cell with text.", count=len(cells))
        )
    joined: list[str] = []
    starts = []
    for source in sources:
        starts.append(len(joined) + 1)
        joined += _plain(source).split("\n")
    return "\n".join(joined) + "\n", Cells(tuple(starts))


def _cells(content: Any) -> list[Any]:
    if isinstance(content, dict):
        if isinstance(content.get("cells"), list):  # format 4
            cells: list[Any] = content["cells"]
            return cells
        sheets = content.get("worksheets")
        if isinstance(sheets, list):  # format 3
            lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
            return [cell for cells in lists if isinstance(cells, list) for cell in cells]
    raise InputError(
        phrase("This is no notebook: its JSON has no list of cells. Expected a file that Jupyter saved (.ipynb).")
    )


def _language(content: dict[str, Any]) -> str:
    metadata = content.get("metadata")
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(part, dict) and isinstance(part.get(name), str):
            return str(part[name])
    return ""


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _plain(source: str) -> str:
    """Return the cell without what only IPython understands; what is Python as it stands is not touched."""
    first = next((line for line in source.split("\n") if line.strip()), "").strip()
    if first.startswith("%%") and first[2:].split(" ")[0] not in _PYTHON_CELLS:
        return "\n".join(f"# {line}" for line in source.split("\n"))
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "\n".join(map(_plain_line, source.split("\n")))
    return source


def _plain_line(line: str) -> str:
    assigned = _ASSIGNED_MAGIC.match(line)
    if assigned:
        return f"{assigned[1]} None  # {assigned[2]}"
    magic = _MAGIC.match(line) or _QUESTION.match(line)
    if magic:
        # a statement that does nothing, for it may be all that a block holds
        return f"{magic[1]}pass  # {line.strip()}"
    return line
