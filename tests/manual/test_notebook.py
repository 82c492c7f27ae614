"""A notebook's code cells become one text; each of its lines is known by its cell."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from nncheck import case as cases
from nncheck.errors import InputError
from nncheck.manual import notebook as notebooks
from nncheck.manual.notebook import code_of
from nncheck.manual.scripts.observed import Observed, observe
from nncheck.manual.scripts.script import watch
from tests.manual import scripts


def _notebook(*cells: str, kind: str = "code", **metadata: Any) -> str:
    described = [{"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)} for text in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": described})


def test_cells_are_joined_and_lines_keep_their_cells() -> None:
    text = json.loads(_notebook("import numpy as np\nW = 3", "for t in range(2):\n    W = W - 1\n", "print(W)"))
    text["cells"].insert(1, {"cell_type": "markdown", "source": ["# 제목\n"]})
    code, cells = code_of(json.dumps(text))
    lines = code.split("\n")
    assert lines[:4] == ["import numpy as np", "W = 3", "for t in range(2):", "    W = W - 1"]
    assert cells.place(2) == (1, 2) and cells.place(3) == (2, 1) and cells.words(4) == "code cell 2, line 2"
    assert cells.words(lines.index("print(W)") + 1) == "code cell 3, line 1"


def test_a_notebook_that_runs_has_numbered_its_cells() -> None:
    cells = notebooks.Cells((1, 4), (3, 7))
    assert cells.place(2) == (3, 2) and cells.place(5) == (7, 2)


def test_a_notebook_of_format_3_is_read() -> None:
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["w = 1\n", "b = 2"]}]}]}
    assert code_of(json.dumps(old))[0] == "w = 1\nb = 2\n"


def test_what_is_no_notebook_is_said_in_the_students_language(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(notebooks, "phrase", lambda text, **names: said.append(text) or text.format(**names))
    for text in ("{", "{}", _notebook("x", language_info={"name": "R"}), _notebook("x", kind="markdown")):
        with pytest.raises(InputError) as found:
            code_of(text)
        assert str(found.value).startswith(said[-1].partition("{")[0])
    assert len(said) == 4


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%matplotlib inline\nw = 1", "pass  # %matplotlib inline\nw = 1"),
        ("!pip install numpy\nw = 1", "pass  # !pip install numpy\nw = 1"),
        ("np.dot?\nw = 1", "pass  # np.dot?\nw = 1"),
        ("?np.dot\nw = 1", "pass  # ?np.dot\nw = 1"),
        ("%%time\nw = 1", "pass  # %%time\nw = 1"),
        ("%%bash\nls *.py", "# %%bash\n# ls *.py"),
        ("files = !ls\nw = 1", "files = None  # !ls\nw = 1"),
        ("if True:\n    !ls", "if True:\n    pass  # !ls"),
        ("w = (7\n  %3)", "w = (7\n  %3)"),
        ('s = """\n%d and !x\n"""', 's = """\n%d and !x\n"""'),
    ],
)
def test_what_only_ipython_understands_becomes_a_comment(cell: str, expected: str) -> None:
    code, _ = code_of(_notebook(cell))
    assert code == expected + "\n"
    ast.parse(code)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("w = 3", "This is no notebook: not JSON"),
        ("[1, 2]", "This is no notebook: its JSON has no list of cells."),
        ('{"cells": 3}', "its JSON has no list of cells"),
        (_notebook("# title", kind="markdown"), "The notebook has no code: 1 cells"),
        (_notebook(""), "The notebook has no code"),
        (_notebook("w <- 3", language_info={"name": "R"}), "The notebook's language is R; expected Python."),
    ],
)
def test_what_is_no_notebook_of_python_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        code_of(text)
    assert words in str(caught.value)


def test_a_script_in_a_notebook_is_observed() -> None:
    head, loop = scripts.ARRAYS.split("losses = []\n")
    code, cells = code_of(_notebook("%matplotlib inline\n" + head, "losses = []\n" + loop))

    def run(literals: Any = None, loop: int | None = None, most: int | None = None) -> Any:
        return watch(code, "book.ipynb", literals, loop, most)

    observed = observe(run, code, cases.find("relu_sigmoid"))
    assert isinstance(observed, Observed)
    (line,) = {variable.line for variable in observed.variables if variable.name == "dZ2"}
    assert line is not None and cells.words(line) == "code cell 2, line 10"
