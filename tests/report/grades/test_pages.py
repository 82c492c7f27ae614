"""Feedback pages and their files: names that are safe, text that is shown as it is, folders whole or not at all."""

from __future__ import annotations

import dataclasses
import re
import tracemalloc
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncheck.errors import InputError
from nncheck.grades import Graded
from nncheck.report.grades import Tally, feedback, terminal, write
from nncheck.report.grades.clean import clean, fenced
from nncheck.report.grades.names import Names, safe
from nncheck.report.grades.sheet import sheet
from nncheck.report.grades.terminal import bars
from tests.report.grades.conftest import ASSIGNMENT, CHECKS, GROUND, HALF, NONE, ROWS, SECRET, graded, part

# names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("student", "name"),
    [
        ("20261234", "20261234"),
        ("kim.minsu", "kim.minsu"),
        ("김민수", "김민수"),
        (unicodedata.normalize("NFD", "김민수"), "김민수"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a\\b:c*d?e"f<g>h|i', "a_b_c_d_e_f_g_h_i"),
        ("con", "_con"),
        ("COM1.txt", "_COM1.txt"),
        ("console", "console"),
        ("..", "_"),
        ("", "_"),
        ("dots...", "dots"),
        ("-rf", "_-rf"),
        ("a\x00\x1b\u202eb", "a___b"),
        ("\udc80", "_"),
    ],
)
def test_file_names_are_safe(student: str, name: str) -> None:
    assert safe(student) == name


def test_long_names_are_cut_at_a_letter_and_kept_apart() -> None:
    one, two = safe("가" * 200), safe("가" * 201)
    assert one != two
    assert max(len(name.encode()) for name in (one, two)) < 140


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=8), max_size=12))
def test_no_two_ids_get_one_name(students: list[str]) -> None:
    names = Names()
    given_ = [names.take(student) for student in students]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in given_}) == len(students)
    assert all(name == Path(name).name and name not in (".", "..") for name in given_)


def test_two_ids_that_fold_to_one_name_both_have_their_pages(save: Any) -> None:
    students = ["Kim", "kim", unicodedata.normalize("NFD", "é"), "é", "a/b", "a:b", "kim"]
    folder = save([graded(student) for student in students], "feedback")
    pages = sorted((folder / "feedback").iterdir())
    assert len(pages) == len(students)
    index = (folder / "feedback.md").read_text(encoding="utf-8")
    assert index.count("](feedback/") == len(students)
    assert {path.name for path in pages} == {unquote(link) for link in re.findall(r"\(feedback/([^)]+)\)", index)}


# pages --------------------------------------------------------------------------------------------------------------


def test_a_page_says_all_that_a_student_may_know() -> None:
    page = feedback.render(sheet(ROWS[1], ASSIGNMENT))
    assert page.startswith("# Hidden layers &lt;b&gt;1&lt;/b&gt;\n\n**half (Kim, Min-su)**\n\n**Points: 7 of 10**\n")
    assert "| ✓ | forward | 2 of 2 |  |" in page
    assert "| ✗ | dW2 | 0 of 3 | dW2 does not agree: its shape is (2, 3). |" in page
    assert "| ✓ | dW | 4 of 4 | follows rightly from your dZ2, so it counts |" in page
    assert "1. Look at \\`dW2\\` in line 7.\n2. Which way round" in page
    assert "- The file has functions.\n- It prints." in page
    assert "````text\nhello\n```\n<script>alert(1)</script>\n# not a title\n````\n" in page
    assert "You handed in more than once; this is the one that counts. Others: 1." in page
    assert "| — | loss | 0 of 1 | nothing ran |" in feedback.render(sheet(ROWS[5], ASSIGNMENT))
    assert "It was handed in late; that cost nothing." in feedback.render(sheet(ROWS[3], ASSIGNMENT))


def test_lines_of_a_sentence_stay_apart() -> None:
    hint = "Compare\n  dW = dZ.T @ X\n\nwith yours."
    page = feedback.render(
        sheet(graded("s", part(hints=(hint, "b"), status="crashed", reason="one\n# two")), ASSIGNMENT)
    )
    assert "1. Compare\\\n   dW = dZ.T @ X\\\n   with yours.\n2. b\n" in page
    assert "**Your code ended with an error. one\\\n\\# two**" in page


def test_cases_have_headings_where_there_are_several() -> None:
    assignment = dataclasses.replace(ASSIGNMENT, checks=(*CHECKS, *(("relu", *rest) for _, *rest in CHECKS)))
    page = feedback.render(sheet(graded("s", part(marks=HALF), part(case="relu", marks=NONE)), assignment))
    assert re.findall(r"(?m)^## (.*)$", page) == ["hidden", "relu"]
    assert "| ✗ | hidden: dW2 |" in page


@pytest.mark.parametrize(
    "text", ["[x](javascript:alert(1))", "![x](http://a/b.png)", "<img src=x>", "&lt;b&gt;", "a|b\n# c"]
)
def test_nothing_a_student_wrote_is_markup(text: str) -> None:
    mark = dataclasses.replace(HALF[2], why=text)
    row = graded(text, part(marks=(*HALF[:2], mark, HALF[3]), hints=(text,), notes=(text,), file=text), name=text)
    page = feedback.render(sheet(row, ASSIGNMENT))
    body = re.sub(r"\\.", "", page)
    assert not re.search(r"\]\(|<(?!/?b&gt;)|&lt;b&gt;(?=\s\|)", body)
    assert len(re.findall(r"(?m)^# ", page)) == 1
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in page.splitlines() if line.startswith("| ✗"))


@pytest.mark.parametrize("output", ["```", "````\n~~~", "a\n``` \n</details>", "`" * 50, "\x1b[31mred\x1b[0m", ""])
def test_a_code_block_cannot_be_ended_from_inside(output: str) -> None:
    lines = fenced(clean(output)).splitlines()
    fence = lines[-1]
    assert lines[0] == f"{fence}text"
    assert all(len(re.match("`*", line.strip())[0]) < len(fence) for line in lines[1:-1])  # type: ignore[index]
    assert "\x1b" not in "".join(lines)


# folders ------------------------------------------------------------------------------------------------------------


def test_a_page_of_an_earlier_run_is_gone(save: Any) -> None:
    folder = save([graded("gone"), graded("here")], "feedback", "gradescope")
    save([graded("here")], "feedback", "gradescope")
    assert [path.name for path in (folder / "feedback").iterdir()] == ["here.md"]
    assert [path.name for path in (folder / "gradescope").iterdir()] == ["here.json"]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_other_files_in_the_folder_stay(save: Any, tmp_path: Path) -> None:
    mine = tmp_path / "out" / "feedback" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    folder = save([graded("here")], "feedback")
    assert sorted(path.name for path in (folder / "feedback").iterdir()) == ["here.md", "notes.txt"]


def test_what_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match=r"out: cannot be written \(File exists\)\."):
        write(tmp_path / "out", lambda: ROWS, ASSIGNMENT, GROUND)


def test_the_summary_stands_first(tmp_path: Path) -> None:
    written = write(tmp_path / "new" / "out", lambda: ROWS, ASSIGNMENT, GROUND, ("csv", "feedback"), "# Summary\n")
    assert [path.name for path in written] == ["summary.md", "grades.csv", "feedback.md", "feedback"]
    assert all(path.exists() for path in written)


def test_memory_does_not_grow_with_the_number_of_results(tmp_path: Path) -> None:
    def rows(count: int) -> Iterator[Graded]:
        loud = part(output="x" * 5000, marks=HALF)
        for number in range(count):
            yield graded(f"s{number}", loud)

    def peak(count: int) -> int:
        tracemalloc.start()
        write(tmp_path / str(count), lambda: rows(count), ASSIGNMENT, GROUND, ("csv", "jsonl", "junit", "nbgrader"))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)  # what is loaded once
    few, many = peak(200), peak(600)  # from some hundreds on all buffers are full
    assert many - few < 400 * 1500  # bytes, for the file names; a record that is held has 5,000 and more


# the terminal -------------------------------------------------------------------------------------------------------


def test_the_terminal_says_counts_files_and_ground(tmp_path: Path) -> None:
    tally = Tally()
    paths = write(tmp_path / "out", lambda: ROWS, ASSIGNMENT, GROUND, ("csv",), tally=tally)
    text = terminal(tally, ASSIGNMENT, GROUND, paths)
    assert text.startswith(
        "Submissions that the grader itself failed on; this is nncheck's fault, they have no score: 1\n"
    )
    assert f"- {SECRET}/fault.py: {SECRET} traceback" in text
    assert f"Hidden layers <b>1</b>, submissions: {len(ROWS)}" in text
    assert re.search(r"graded +6\n", text)
    assert re.search(r"timed out +1\n", text)
    assert re.search(r"Points: 0 \|.{10}\| 10, mean 4\.19, median 2\.", text)
    assert "Handed in late: 3." in text
    assert "grades.csv" in text
    assert f"Isolation: {SECRET} words" in text


def test_bars_stand_for_tenths() -> None:
    assert bars([0.0, 1.0, 1.0, 0.95, 0.5]) == "▃    ▃   █"
    assert bars([0.3]) == "   █      "


def test_an_empty_batch_has_its_files_too(tmp_path: Path) -> None:
    tally = Tally()
    from nncheck.report.grades import FORMATS

    paths = write(tmp_path, lambda: (), ASSIGNMENT, GROUND, FORMATS, tally=tally)
    assert all(path.exists() for path in paths)
    assert "submissions: 0" in terminal(tally, ASSIGNMENT, GROUND, paths)


def test_pages_are_in_the_assignments_language(save: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = []
    from nncheck.language import current

    plain = feedback.render
    monkeypatch.setattr(feedback, "render", lambda sheet: spoken.append(current()) or plain(sheet))
    save(ROWS[:1], "feedback", language="ko")
    assert spoken == ["ko"]
