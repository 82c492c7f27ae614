"""Files read once more to be shown: the text that was graded, under the name that the student gave it, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from nncheck.cli import cli
from nncheck.grades import Grade, PartGrade
from nncheck.grading.assignment import Assignment
from nncheck.grading.grade import grade
from nncheck.grading.own_files import listings
from nncheck.grading.submissions import Submission, SubmittedFile
from nncheck.listing import Listing
from tests.grading.conftest import TOML


def of(form: str, *files: tuple[str, bytes], name: str = "") -> dict[str, Listing]:
    """Return what is shown of a submission of which the named file, or the first, was judged in a form."""
    part = PartGrade(case="c", file=name or files[0][0], form=form, status="graded", reason="", marks=())
    held = tuple(SubmittedFile(name=one, content=content) for one, content in files)
    return listings(Submission(student="s", label="s", files=held), Grade(key="", content="", ground="", parts=(part,)))


def test_a_text_is_read_as_it_was_when_it_was_graded() -> None:
    code = "x = '한글'\r\ny = 1\r\n"
    for raw in (b"\xef\xbb\xbf" + code.encode(), code.encode("cp949"), code.encode("utf-16")):
        assert of("functions", ("a.py", raw)) == {"a.py": Listing(text="x = '한글'\ny = 1\n")}


def test_of_a_notebook_the_code_cells_are_shown() -> None:
    cells = [{"cell_type": kind, "source": text} for kind, text in (("code", "a\nb"), ("markdown", "m"), ("code", "c"))]
    raw = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}).encode()
    assert of("notebook", ("a.ipynb", raw)) == {"a.ipynb": Listing(text="a\nb\nc\n", starts=(1, 3))}
    assert of("notebook", ("a.ipynb", b"{broken")) == {}


def test_of_numbers_the_rows_in_question_are_shown_and_of_arrays_nothing() -> None:
    assert of("numbers", ("a.csv", b"step,E\n0,1\n")) == {"a.csv": Listing(text="step,E\n0,1\n", excerpt=True)}
    assert of("numbers", ("a.npz", b"PK\x03\x04\x00\x00")) == {}


def test_of_several_files_the_judged_one_is_shown() -> None:
    files = (("a.py", b"a = 1\n"), ("b.py", b"b = 1\n"))
    assert of("functions", *files, name="b.py") == {"b.py": Listing(text="b = 1\n")}
    assert of("functions", *files, name="c.py") == {}
    assert of("functions", files[0], name="as the student calls it.py")  # a sole file has no name while it is graded


@pytest.mark.usefixtures("acted")
def test_what_has_changed_since_it_was_graded_is_not_shown(
    assignment: Assignment, hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder = hand_in("# ok one", "# ok two")
    with grade([folder], assignment, tmp_path / "out") as run:
        (folder / "s001.py").write_text("# something else", encoding="utf-8")
        first, second = run
        assert run.listings(first) == {"s000.py": Listing(text="# ok one")}
        assert run.listings(second) == {}
        assert run.listings(replace(first, student="nobody")) == {}


@pytest.mark.usefixtures("acted")
def test_the_command_writes_a_page_for_each_and_one_for_all(hand_in: Callable[..., Path], tmp_path: Path) -> None:
    folder, out, assignment = hand_in("# ok of s000", "# ok of s001"), tmp_path / "out", tmp_path / "homework.toml"
    assignment.write_text(TOML, encoding="utf-8")
    arguments = ["grade", str(folder), "--assignment", str(assignment), "-o", str(out), "--format", "html"]
    CliRunner().invoke(cli, arguments, standalone_mode=False)
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "submissions: 2" in index  # the summary stands in it
    for student, other in (("s000", "s001"), ("s001", "s000")):
        assert f'href="html/{student}.html"' in index
        page = (out / "html" / f"{student}.html").read_text(encoding="utf-8")
        assert f"# ok of {student}" in page and other not in page
