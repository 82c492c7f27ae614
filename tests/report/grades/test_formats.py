"""Each format for another system follows that system's schema, and says of every result what it has to say."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from nncheck.errors import InputError
from nncheck.grades import STATUSES, Mark
from nncheck.language import phrase, use
from nncheck.report.grades import single
from nncheck.report.grades.github import command
from tests.report.grades.conftest import ASSIGNMENT, CHECKS, HALF, MISTAKES, ROWS, SECRET, graded, part
from tests.report.grades.foreign import CHECK50, CLASSROOM50, GRADESCOPE, PRAIRIELEARN, junit_faults

SCHEMAS = {"gradescope": GRADESCOPE, "prairielearn": PRAIRIELEARN, "classroom50": CLASSROOM50, "check50": CHECK50}


@pytest.fixture(autouse=True)
def _no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL", "REVIEW_URL"):
        monkeypatch.delenv(name, raising=False)


def _all(save: Any, form: str, rows: Any = ROWS) -> dict[str, Any]:
    folder = save(rows, form) / form
    return {path.stem: json.loads(path.read_text(encoding="ascii")) for path in folder.iterdir()}


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("form", SCHEMAS)
def test_json_follows_its_schema(save: Any, form: str) -> None:
    found = _all(save, form)
    assert len(found) == len(ROWS)
    for record in found.values():
        jsonschema.validate(record, SCHEMAS[form])


@pytest.mark.parametrize(
    ("form", "spoil"),
    [
        ("gradescope", lambda r: r["tests"][0].update(status="ok")),
        ("gradescope", lambda r: r.update(visibility="all")),
        ("gradescope", lambda r: r.pop("score")),
        ("prairielearn", lambda r: r.update(score=1.5)),
        ("prairielearn", lambda r: r["tests"][0].pop("points")),
        ("prairielearn", lambda r: r.update(gradable=False)),
        ("classroom50", lambda r: r.update(score=6.5)),
        ("classroom50", lambda r: r.update(submission="main")),
        ("classroom50", lambda r: r["tests"][0].update(score=-1)),
        ("check50", lambda r: r["results"][0].update(passed="yes")),
        ("check50", lambda r: r["results"][2].update(cause=None)),
    ],
)
def test_the_schemas_catch_what_is_off(save: Any, form: str, spoil: Any) -> None:
    record = _all(save, form)["half"]
    spoil(record)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, SCHEMAS[form])


# a fault of the grader ----------------------------------------------------------------------------------------------


def test_the_graders_own_fault_is_never_0_points(save: Any) -> None:
    words = "The grader failed; your points are not affected; ask your instructor."
    folder = save(ROWS, "csv", "nbgrader", "gradescope", "prairielearn", "classroom50", "check50", "junit", "feedback")
    read = {form: json.loads((folder / form / "fault.json").read_text()) for form in SCHEMAS}
    assert "score" not in read["gradescope"]
    assert read["gradescope"]["tests"] == []
    assert read["gradescope"]["output"] == words
    assert read["gradescope"]["visibility"] == "visible"
    assert (read["prairielearn"]["gradable"], read["prairielearn"]["succeeded"]) == (False, False)
    assert "score" not in read["prairielearn"]
    assert read["prairielearn"]["message"] == words
    assert {result["passed"] for result in read["check50"]["results"]} == {None}
    assert len(read["check50"]["results"]) == len(CHECKS)
    assert (read["classroom50"]["score"], read["classroom50"]["max-score"]) == (0, 0)
    assert read["classroom50"]["tests"][0]["test-name"] == words
    page = (folder / "feedback" / "fault.md").read_text(encoding="utf-8")
    assert words in page
    assert "Points:" not in page
    for name, key in (("grades.csv", "student"), ("nbgrader.csv", "student_id")):
        line = next(line for line in _table(folder / name) if line[key] == "fault")
        assert line["score"] == ""
        assert line["max_score"] == "10"
    cases = ElementTree.parse(folder / "junit.xml").getroot().findall(".//testcase[@classname='fault']")
    assert len(cases) == len(CHECKS)
    assert all(case.find("error").get("message") == words for case in cases)  # type: ignore[union-attr]


def test_faults_come_first_for_the_instructor(save: Any) -> None:
    folder = save(ROWS, "csv", "feedback")
    assert [line["student"] for line in _table(folder / "grades.csv")][:2] == ["fault", "full"]
    index = (folder / "feedback.md").read_text(encoding="utf-8").splitlines()
    assert index[4].startswith("| [fault](feedback/fault.md) |")


# grades.csv ---------------------------------------------------------------------------------------------------------


def test_grades_csv_says_it_all(save: Any) -> None:
    path = save(ROWS, "csv") / "grades.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbfstudent,name,score,max_score,status,late,forward,loss,dW2,dW,")
    lines = {line["student"]: line for line in _table(path)}
    assert lines["half"] == {
        **{"student": "half", "name": "Kim, Min-su", "score": "7", "max_score": "10", "status": "graded", "late": "no"},
        **{"forward": "2", "loss": "1", "dW2": "0", "dW": "4", "mistake": f"{SECRET}.act"},
        "label": f"{SECRET}/half.py",
    }
    assert (lines["late"]["score"], lines["late"]["late"]) == ("5.3", "yes")
    assert lines["timed"]["status"] == "timed-out"
    assert len(lines) == len(ROWS)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\n=1"),
        ("a\r=1", "a\n=1"),
        ("＝1+1", "'＝1+1"),
        ("-12", "-12"),
        ("+82", "+82"),
        ("20261234", "20261234"),
        ("a=b", "a=b"),
        ('quote", comma', 'quote", comma'),
        ("two\nlines", "two\nlines"),
        ("a\x00b\udc80", "ab\ufffd"),
    ],
)
def test_no_cell_is_a_formula(save: Any, text: str, written: str) -> None:
    row = dataclasses.replace(graded(text, name=text), label=text)
    line = _table(save([row], "csv", "nbgrader") / "grades.csv")[0]
    assert (line["student"], line["name"], line["label"]) == (written,) * 3


def test_a_deduction_is_a_number_and_stays_one(save: Any) -> None:
    line = _table(save([ROWS[2]], "nbgrader") / "nbgrader.csv")[0]
    assert (line["raw_score"], line["late_submission_penalty"], line["score"]) == ("6.5", "1.2", "5.3")


def test_nbgrader_has_its_columns(save: Any) -> None:
    folder = save([ROWS[1], graded("kim@example.org", name="Kim Minsu")], "nbgrader")
    first, second = _table(folder / "nbgrader.csv")
    assert ",".join(first) == (
        "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,late_submission_penalty,"
        "score,max_score"
    )
    assert (first["last_name"], first["first_name"], first["timestamp"]) == (
        "Kim",
        "Min-su",
        "2026-03-02T10:00:00+09:00",
    )
    assert (second["last_name"], second["email"]) == ("Kim Minsu", "kim@example.org")


# the others ---------------------------------------------------------------------------------------------------------


def test_gradescope_tests_add_up_and_name_deductions(save: Any) -> None:
    found = _all(save, "gradescope")
    late = found["late"]
    assert [test["score"] for test in late["tests"]] == [2, 1, 0, 4, -0.5, -1.2]
    assert late["score"] == 5.3
    assert [test["status"] for test in found["untold"]["tests"]] == ["passed"] * 4
    assert "Look at `dW2` in line 7." in found["half"]["output"]
    assert "<script>" in found["half"]["output"]
    assert found["half"]["output_format"] == "text"  # so that it is shown, not run
    assert found["half"]["stdout_visibility"] == "hidden"
    assert found["half"]["tests"][2]["output"] == "dW2 does not agree: its shape is (2, 3)."


@pytest.mark.parametrize(("seconds", "told"), [(0.0, 1), (0.25, 1), (1.0, 1), (2.1, 3)])
def test_gradescope_is_told_whole_seconds(save: Any, seconds: float, told: int) -> None:
    found = _all(save, "gradescope", [graded("one", part(seconds=seconds))])
    assert found["one"]["execution_time"] == told


def test_prairielearn_scores_are_shares(save: Any) -> None:
    found = _all(save, "prairielearn")
    assert found["half"]["score"] == 0.7
    assert found["nothing-left"]["score"] == 0
    assert found["timed"]["score"] == 0.2
    assert found["unreadable"]["gradable"] is False
    assert found["unreadable"]["format_errors"] == ["Your submission could not be read. The zip is broken."]


def test_prairielearn_stays_below_its_megabyte(save: Any) -> None:
    loud = part(output="x" * 5_000_000, notes=("y" * 100_000,) * 10, hints=("z" * 100_000,) * 10)
    folder = save([graded("loud", loud)], "prairielearn", "gradescope", "feedback", "junit")
    assert all(path.stat().st_size < 200_000 for path in folder.rglob("*") if path.is_file())
    assert "[... the middle is left out ...]" in (folder / "feedback" / "loud.md").read_text(encoding="utf-8")


def test_check50_tells_wrong_from_not_reached(save: Any) -> None:
    found = _all(save, "check50")
    assert [result["passed"] for result in found["timed"]["results"]] == [True, None, None, None]
    assert [result["passed"] for result in found["half"]["results"]] == [True, True, False, True]
    assert found["half"]["results"][2]["cause"]["help"].startswith("Look at `dW2` in line 7.\n")
    assert found["late"]["results"][-1]["data"] == {"points": -1.2, "of": 0}
    assert found["half"]["slug"] == "nncheck/hidden-layers-b-1-b"


@pytest.mark.parametrize(
    ("worth", "score", "most"),
    [((2.0, 1.0, 3.0, 4.0), 7, 10), ((2.0, 0.5, 3.0, 4.5), 70, 100), ((2.25, 0.5, 3.0, 4.25), 700, 1000)],
)
def test_classroom50_scores_are_whole_and_alike_for_all(
    save: Any, worth: tuple[float, ...], score: int, most: int
) -> None:
    assignment = dataclasses.replace(
        ASSIGNMENT, checks=tuple(("hidden", c[1], w) for c, w in zip(CHECKS, worth, strict=True))
    )
    marks = tuple(
        dataclasses.replace(mark, of=w, points=w if mark.verdict == "pass" else 0.0)
        for mark, w in zip(HALF, worth, strict=True)
    )
    late = graded("late", part(marks=marks), late=True, late_penalty=0.123)
    folder = save([graded("half", part(marks=marks)), late], "classroom50", assignment=assignment) / "classroom50"
    half, behind = (json.loads((folder / f"{name}.json").read_text()) for name in ("half", "late"))
    assert (half["score"], half["max-score"]) == (score, most)
    assert half["score"] == sum(test["score"] for test in half["tests"])
    assert score * 0.95 < behind["score"] <= score  # what is rounded is rounded up
    assert behind["tests"][-1]["test-name"] == "handed in late: -0.123 points"


def test_classroom50_takes_who_it_is_from_its_runner(save: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSROOM", "cs101")
    monkeypatch.setenv("ASSIGNMENT", "backprop")
    monkeypatch.setenv("SUBMISSION_TAG", "submit/2026")
    monkeypatch.setenv("COMMIT_URL", "https://example.org/c")
    record = _all(save, "classroom50")["full"]
    assert (record["classroom"], record["assignment"], record["submission"]) == ("cs101", "backprop", "submit/2026")
    assert (record["commit"], record["release"], record["review"]) == ("https://example.org/c",) * 3


def test_junit_follows_its_schema_and_counts(save: Any) -> None:
    text = (save(ROWS, "junit") / "junit.xml").read_text(encoding="utf-8")
    assert not junit_faults(text)
    suite = ElementTree.fromstring(text).find("testsuite")
    assert suite is not None
    assert suite.get("errors") == "4"
    assert suite.get("skipped") == "1"
    late = [case.get("name") for case in suite.findall("testcase[@classname='late']/failure/..")]
    assert late == ["dW2", "another convention", "handed in late"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('failures="', 'failures="1'),
        ("<testcase classname", "<testcase nr"),
        ("<system-out>", "<system-out x='1'>"),
        ("system-out>", "output>"),
        ("testsuites", "suites"),
    ],
)
def test_the_check_of_junit_catches_what_is_off(save: Any, old: str, new: str) -> None:
    assert junit_faults((save(ROWS, "junit") / "junit.xml").read_text(encoding="utf-8").replace(old, new))


def test_junit_survives_what_xml_forbids(save: Any) -> None:
    why = "a\x00b\x0c]]>\x1b[31m\ud800\ufffe & <b> \"quoted\" 'single'"
    row = graded('s\x01<&">', part(marks=(Mark(check="forward", verdict="wrong", points=0.0, of=2.0, why=why),)))
    root = ElementTree.fromstring((save([row], "junit") / "junit.xml").read_text(encoding="utf-8"))
    case = root.find("testsuite/testcase")
    assert case is not None
    assert case.get("classname") == 's<&">'
    assert case.find("failure").get("message") == "ab]]>\ufffd & <b> \"quoted\" 'single'"  # type: ignore[union-attr]


def test_github_annotations_cannot_be_broken_out_of(save: Any) -> None:
    text = (save(ROWS, "github") / "annotations.txt").read_text(encoding="utf-8")
    assert all(re.match(r"::(error|warning|notice) (file=[^,:]*,)?title=[^,:]*::", line) for line in text.splitlines())
    assert "::error file=answer.py,title=dW2%3A 0 / 3::dW2 does not agree: its shape is (2, 3).\n" in text
    assert command("error", "a:b,c%", "x\n::set-env name=A::1\r", "f,:.py") == (
        "::error file=f%2C%3A.py,title=a%3Ab%2Cc%25::x%0A::set-env name=A::1%0D\n"
    )


@pytest.mark.parametrize(
    ("language", "file", "hint", "line"),
    [
        ("en", "a.py", "Look at dW2 (line 17 of your file).", 17),
        ("ko", "a.py", "dW2을(를) 보세요 ({place}).", 17),
        ("en", "sub/a.py", "sub/a.py, line 3: ZeroDivisionError: division by zero", 3),
        ("en", "a.py", "dW2[0, 1] is 3 there", 0),
        ("en", "a.ipynb", "Look at dW2 (code cell 2, line 17).", 0),
    ],
)
def test_github_is_told_the_line_that_a_hint_tells(save: Any, language: str, file: str, hint: str, line: int) -> None:
    with use(language):
        said = hint.replace("{place}", phrase("line {line} of your file", line=17))
    found = graded("one", part(file=file, marks=HALF, mistakes=MISTAKES, hints=(said, "Why?")))
    text = (save([found], "github", hints=1, language=language) / "annotations.txt").read_text(encoding="utf-8")
    assert re.findall(r"^::(\w+) file=[^,]*,line=(\d+),", text, re.M) == [
        (level, str(line)) for level in ("error", "notice", "notice") if line
    ]
    text = (save([found], "github", hints=0, language=language) / "annotations.txt").read_text(encoding="utf-8")
    assert "file=" in text and "line=" not in text


def test_one_file_for_an_autograder(tmp_path: Path) -> None:
    path = single(tmp_path / "results.json", ROWS[1], ASSIGNMENT)
    jsonschema.validate(json.loads(path.read_text()), GRADESCOPE)
    single(path, ROWS[1], ASSIGNMENT, "prairielearn")
    jsonschema.validate(json.loads(path.read_text()), PRAIRIELEARN)
    with pytest.raises(InputError, match="format: got 'csv', expected one with a file for each student: feedback"):
        single(path, ROWS[1], ASSIGNMENT, "csv")


def test_every_row_is_one_of_the_kinds_that_there_are() -> None:
    assert {row.grade.status for row in ROWS} == set(STATUSES)
