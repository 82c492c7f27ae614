"""HTML for a class: pages that show a student's own lines and nothing else, and a table of all for the instructor."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from nncheck.grades import AssignmentFacts, Graded, Mistake
from nncheck.listing import Listing
from nncheck.report.grades import student_page, write
from nncheck.report.grades.class_page import ROWS as AT_ONCE
from nncheck.report.grades.sheet import sheet
from nncheck.summary import AlikeGroup, MistakeCount, Scores, StatusCount, Summary, Whose
from tests.report.grades.conftest import ASSIGNMENT, GROUND, HALF, MISTAKES, ROWS, SECRET, SEED, graded, part
from tests.report.html.test_own_file import marked, shown
from tests.report.html.test_verified import ATTACK, check

CODE = "".join(f"line_{number} = {number}\n" for number in range(1, 31))
LISTINGS = {"answer.py": Listing(text=CODE, starts=(1, 11))}
HINTS = ("Look at `dW2` in line 7.", "Which way round?", "EVIDENCE")


def a_page(level: int = 2, **changes: Any) -> str:
    """Return the page of somebody whose mistake stands in line 7 of code cell 2."""
    row = graded("s", part(marks=HALF, mistakes=MISTAKES[1:], hints=HINTS[:level], **changes))
    return student_page.render(sheet(row, dataclasses.replace(ASSIGNMENT, hints=level), LISTINGS))


# a student's page ----------------------------------------------------------------------------------------------------


def test_the_line_that_the_hints_speak_of_is_marked() -> None:
    page = a_page()
    check(page)
    assert marked(page) == [17]
    assert shown(page)[17] == ("7", "line_17 = 17")
    assert '<a href="#part-1-line-17">' in page and '<a href="#part-1-hints">' in page


@pytest.mark.parametrize("level", [1, 2, 3])
def test_as_many_hints_as_the_assignment_gives_one_after_another(level: int) -> None:
    page = a_page(level)
    assert re.findall(r'<p class="hint">(.*?)</p>', page) == list(HINTS[:level])
    assert re.findall(r"opens after hint (\d)", page) == [str(number) for number in range(1, level)]


def test_level_0_shows_the_file_and_no_line_of_it() -> None:
    row = graded("s", part(marks=HALF, mistakes=MISTAKES[1:], hints=HINTS))
    page = student_page.render(sheet(row, dataclasses.replace(ASSIGNMENT, hints=0), LISTINGS))
    check(page)
    assert not marked(page)
    assert "line_17 = 17" in page
    assert "hint" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).lower()


def test_the_checks_stand_with_sign_word_points_and_why() -> None:
    page = a_page()
    rows = re.findall(
        r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td></tr>', page, re.DOTALL
    )
    said = [tuple(re.sub(r"<[^>]*>", "", cell).strip() for cell in row) for row in rows]
    assert said[0] == ("forward", "✓ right", "2 of 2", "")
    assert said[2] == ("dW2", "✗ wrong", "0 of 3", "dW2 does not agree: its shape is (2, 3).")
    assert "Points: 7 of 10" in page


def test_deductions_add_up_on_the_page() -> None:
    page = student_page.render(sheet(ROWS[2], ASSIGNMENT))
    check(page)
    numbers = [float(text) for text in re.findall(r'<td class="number">(.*?)</td>', page)]
    assert numbers == [7, -0.5, -1.2, 5.3]


def test_a_fault_of_ours_shows_no_points_and_nothing_of_itself() -> None:
    page = student_page.render(sheet(next(row for row in ROWS if row.student == "fault"), ASSIGNMENT, LISTINGS))
    check(page)
    assert "your points are not affected" in page
    assert "Points:" not in page and SECRET not in page and not marked(page)


@pytest.mark.parametrize("level", [0, 1, 4])
def test_a_page_with_the_file_holds_nothing_of_the_instructors(level: int, tmp_path: Path) -> None:
    folder = whole(tmp_path, ROWS, hints=level)
    pages = list((folder / "html").iterdir())
    assert len(pages) == len(ROWS)
    for path in pages:
        text = path.read_text(encoding="utf-8")
        check(text)
        assert SECRET not in text and str(SEED) not in text
        assert len(text) < 40_000
        others = {row.student for row in ROWS} - {path.stem}
        assert not [name for name in others if f">{name}<" in text]


def test_that_check_catches_a_page_with_the_id_of_a_mistake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(student_page, "whose", lambda sheet: f"{SECRET}.act")
    with pytest.raises(AssertionError):
        test_a_page_with_the_file_holds_nothing_of_the_instructors(2, tmp_path)


def test_nothing_that_a_student_wrote_is_markup() -> None:
    row = graded(
        ATTACK,
        part(
            marks=tuple(dataclasses.replace(mark, why=ATTACK) for mark in HALF),
            **{name: (ATTACK,) for name in ("hints", "notes", "read_as")},
            file=ATTACK,
            output=ATTACK,
            mistakes=(Mistake(id="a", quantity=None, line=1, text=""),),
        ),
        name=ATTACK,
    )
    page = student_page.render(sheet(row, ASSIGNMENT, {ATTACK: Listing(text=f"# {ATTACK}\n")}))
    tree = check(page)
    assert "img" not in tree.tags and page.count("<script") == 1 and marked(page) == [1]


# the class -----------------------------------------------------------------------------------------------------------


def summary(rows: tuple[Graded, ...]) -> Summary:
    return Summary(
        title="t",
        submissions=len(rows),
        statuses=(StatusCount(status="crashed", whose=Whose(students=(ATTACK,), more=2)),),
        scores=Scores(count=3, of=10.0, least=1.0, quartiles=(1.0, 2.0, 3.0), most=9.0, mean=2.5, histogram=(0,) * 10),
        checks=(),
        mistakes=(
            MistakeCount(
                case="hidden", id="act.missing", text=ATTACK, convention=False, whose=Whose(students=("kim",), more=1)
            ),
            MistakeCount(case="hidden", id="nobody.first", text="x", convention=True, whose=Whose(students=())),
        ),
        other_mistakes=4,
        alike=(AlikeGroup(students=("a", ATTACK), labels=("", ""), likeness="bytes", share=1.0, pieces=9, why="W."),),
        ground=("Walls held.",),
        late=0,
        refused=0,
        several=0,
    )


def whole(folder: Path, rows: tuple[Graded, ...], **changes: Any) -> Path:
    """Write the pages of a class, with every student's file."""
    assignment: AssignmentFacts = dataclasses.replace(ASSIGNMENT, **changes)
    told: Callable[[], Summary] = lambda: summary(rows)  # noqa: E731
    write(folder, lambda: rows, assignment, GROUND, ("html",), overview=told, listings=lambda _: LISTINGS)
    return folder


def index(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the page of the class and what its script reads."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    return page, json.loads(re.findall(r'<script type="application/json" id="class">(.*?)</script>', page)[0])


def test_every_result_has_its_row_and_its_page(tmp_path: Path) -> None:
    page, data = index(whole(tmp_path, ROWS))
    tree = check(page)
    seen = {row[0]: row for row in data["rows"]}
    assert set(seen) == {row.student for row in ROWS}
    assert data["rows"][0][0] == "fault"  # it needs to be looked into
    for row in ROWS:
        _, name, link, points, _, status, late, mistakes, _ = seen[row.student]
        told = sheet(row, ASSIGNMENT)
        assert points == (None if told.score is None else told.score / 1e6)
        assert (name, late) == (row.name, int(row.late))
        assert data["statuses"][str(status)]
        ids = {one.id for one in row.grade.parts[0].mistakes}
        assert {data["mistakes"][place] for place in mistakes} == ids
        assert (tmp_path / unquote(link)).is_file()
    assert {link for link in tree.links if not link.startswith("#")} == {row[2] for row in data["rows"]}


def test_the_first_mistake_is_none_of_the_conventions(tmp_path: Path) -> None:
    _, data = index(whole(tmp_path, ROWS))
    row = next(row for row in data["rows"] if row[0] == "half")
    assert [data["mistakes"][place] for place in row[7]] == [f"{SECRET}.act", f"{SECRET}.convention"]


def test_the_bars_count_what_the_table_holds(tmp_path: Path) -> None:
    page, data = index(whole(tmp_path, ROWS))
    counts = re.findall(r'</th><td class="number">(\d+)</td><td aria-hidden="true">', page)
    tenths = Counter(row[8] for row in data["rows"] if row[3] is not None)
    assert [int(count) for count in counts] == [tenths[place] for place in range(10)]
    assert sum(tenths.values()) == len(ROWS) - 1  # the grader's own fault has no score


@pytest.mark.parametrize(("score", "tenth"), [(0.0, 0), (0.99, 0), (1.0, 1), (3.0, 3), (9.999999, 9), (10.0, 9)])
def test_a_score_stands_in_its_tenth(score: float, tenth: int, tmp_path: Path) -> None:
    marks = (dataclasses.replace(HALF[0], points=score, of=10.0),)
    checks = (("hidden", "forward", 10.0),)
    _, data = index(whole(tmp_path, (graded("s", part(marks=marks)),), checks=checks))
    assert data["rows"][0][8] == tenth


def test_columns_that_nobody_needs_are_left_out(tmp_path: Path) -> None:
    _, full = index(whole(tmp_path, ROWS))
    _, bare = index(whole(tmp_path, (graded("s"),)))
    assert (full["fields"], bare["fields"]) == ([0, 1, 3, 4, 5, 6, 7], [0, 3, 4, 5, 7])


def test_what_is_told_of_the_batch_stands_on_the_page(tmp_path: Path) -> None:
    mistake = Mistake(id="act.missing", quantity="dW", line=1, text="")
    page, _ = index(whole(tmp_path, (graded("kim", part(mistakes=(mistake,))),)))
    for said in ("Walls held.", "other kinds: 4", "the same file", "kim and 1 more", "nobody.first (convention)"):
        assert said in page
    assert re.findall(r'data-mistake="(\d+)"', page) == ["0"]  # nobody to show for the other one


def test_names_of_every_kind_are_harmless_and_lead_somewhere(tmp_path: Path) -> None:
    names = (
        "<script>alert(1)</script>",
        "../../x",
        "김민수",
        "",
        " ",
        "a" * 5000,
        "x\x00\x1b\u202ey",
        "?a=1#b",
        "%2e",
        ATTACK,
    )
    rows = tuple(graded(name, part(marks=HALF), name=name) for name in names)
    page, data = index(whole(tmp_path, rows))
    tree = check(page)
    assert "img" not in tree.tags and page.count("<script") == 2
    assert not set(page) & set("\x1b\u202e\x00")
    assert len(data["rows"]) == len({row[2] for row in data["rows"]}) == len(names)
    for row in data["rows"]:
        assert row[0].strip() and len(row[0]) < 300
        path = tmp_path / unquote(row[2])
        assert path.is_file() and path.parent == tmp_path / "html"
        assert not set("?#<>") & set(row[2])


def test_of_many_the_first_stand_in_the_page_and_all_in_its_data(tmp_path: Path) -> None:
    rows = tuple(graded(f"s{number}") for number in range(AT_ONCE + 5))
    page, data = index(whole(tmp_path, rows))
    assert len(re.findall(r'<th scope="row"><a href="html/', page)) == AT_ONCE
    assert len(data["rows"]) == AT_ONCE + 5
    assert f"The first {AT_ONCE} stand here" in page


def test_without_a_summary_or_anybody_there_is_a_page_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, lambda: (), ASSIGNMENT, GROUND, ("html",))
    page, data = index(tmp_path)
    check(page)
    assert data["rows"] == [] and "0 students" in page


def test_files_are_read_only_where_pages_are_wanted(tmp_path: Path) -> None:
    def fail(_: Graded) -> dict[str, Listing]:
        raise AssertionError

    write(tmp_path, lambda: ROWS, ASSIGNMENT, GROUND, ("csv", "feedback"), listings=fail)
    assert (tmp_path / "grades.csv").is_file() and not (tmp_path / "html").exists()
    with pytest.raises(AssertionError):
        write(tmp_path, lambda: ROWS, ASSIGNMENT, GROUND, ("html",), listings=fail)
