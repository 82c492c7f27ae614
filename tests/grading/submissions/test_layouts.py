"""Exports as platforms name them, in folders and packed, are told apart and give each file to whom it belongs."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from nncheck.errors import InputError
from nncheck.grading.submissions import Collected, collect, counting
from nncheck.grading.submissions.folders import Folder
from nncheck.grading.submissions.layouts import gradescope
from nncheck.language import use

from .trees import WORK, assignment, notebook, part, tarred, write, zipped

MOODLE = {
    "김민수_1234567_assignsubmission_file_/solution.py": WORK,
    "김민수_1234567_assignsubmission_file_/data/x.csv": b"1,2\n",
    "Ann Mary O'Hara_1234568_assignsubmission_file/work.ipynb": notebook("x = 1"),
    "Lee Two_1234569_assignsubmission_file_/hw.zip": zipped({"hw/solution.py": WORK, "hw/__MACOSX/._x": b"x"}),
    "Only Text_1234570_assignsubmission_onlinetext_/onlinetext.html": b"<p>hello</p>",
    "Lee Two_1234569_assignsubmission_onlinetext_/onlinetext.html": b"<p>see file</p>",
}
FLAT = {
    "김민수_1234567_assignsubmission_file_solution.py": WORK,
    "김민수_1234567_assignsubmission_file_helper.py": b"x = 1\n",
    "Ann Lee_1234568_assignsubmission_file_my_work.py": WORK,
}
CANVAS = {
    "kimminsu_12345_67890_solution.py": WORK,
    "kimminsu_12345_67891_helper.py": b"x = 1\n",
    "이영희_LATE_12346_67892_solution-2.py": WORK,
    "mary_ann_12347_67893_hw_1.ipynb": notebook("x = 1"),
    "parkjunho_12348_text.html": b"<p>typed</p>",
    "anon_Xy1Za_67894_solution.py": WORK,
}
METADATA = """---
submission_100200300:
  :submitters:
  - :name: 김민수
    :sid: '20231234'
    :email: kim@example.org
    :tags:
      - :name: Mallory
  :created_at: 2026-03-01 10:00:00.123456000 +09:00
  :score: 3.0
  :results:
    tests:
    - output: "line
        submission_100200301:
        :submitters:
        - :name: Mallory"
  :history:
  - :id: 1
    :created_at: 2020-01-01 00:00:00 Z
submission_100200301:
  :submitters:
  - :name: "Ann \\"A\\" Lee"
    :sid: ''
    :email: ann@example.org
  - :name: Bob
    :sid: 20231236
  :created_at: 2026-03-01T02:30:00Z
"""
GRADESCOPE = {
    "assignment_8046601_export/submission_metadata.yml": METADATA.encode(),
    "assignment_8046601_export/submission_100200300/solution.py": WORK,
    "assignment_8046601_export/submission_100200300/lib/helper.py": b"x = 1\n",
    "assignment_8046601_export/submission_100200301/solution.py": WORK,
    "assignment_8046601_export/submission_100200302/solution.py": WORK,
}
CLASSROOM = {
    "hw1-submissions/hw1-kim-minsu/solution.py": WORK,
    "hw1-submissions/hw1-kim-minsu/.git/HEAD": b"ref: refs/heads/main\n",
    "hw1-submissions/hw1-kim-minsu/.github/workflows/x.yml": b"on: push\n",
    "hw1-submissions/hw1-kim-jia/solution.py": WORK,
    "hw1-submissions/hw1-kim-jia/README.md": b"# hw1\n",
}


def _read(collected: Collected) -> dict[str, tuple[str, list[str], str]]:
    """Name, files and problem of each student."""
    return {one.student: (one.name, [f.name for f in one.files], one.problem) for one in collected.submissions}


Pack = Callable[[dict[str, bytes]], Path]


@pytest.fixture(params=["folder", "zip", "tar", "tar.gz", "zip in folder"])
def pack(request: pytest.FixtureRequest, tmp_path: Path) -> Pack:
    def packed(files: dict[str, bytes]) -> Path:
        if request.param == "folder":
            return write(tmp_path / "given", files)
        (tmp_path / "given").mkdir()
        ending = request.param.removesuffix(" in folder")
        content = zipped(files) if ending == "zip" else tarred(files, "w:gz" if ending == "tar.gz" else "w")
        (tmp_path / "given" / f"export.{ending}").write_bytes(content)
        return tmp_path / "given" if " in " in request.param else tmp_path / "given" / f"export.{ending}"

    return packed


def test_moodle(pack: Pack) -> None:
    collected = collect([pack(MOODLE)], assignment())
    assert collected.layout == "moodle" and "moodle" in collected.notes[0]
    found = _read(collected)
    assert found["1234567"] == ("김민수", ["data/x.csv", "solution.py"], "")
    assert found["1234568"] == ("Ann Mary O'Hara", ["work.ipynb"], "")
    assert found["1234569"] == ("Lee Two", ["solution.py"], "")
    name, files, problem = found["1234570"]
    assert (name, files) == ("Only Text", []) and "no file was handed in" in problem
    assert len(found) == 4


def test_moodle_without_folders(pack: Pack) -> None:
    collected = collect([pack(FLAT)], assignment())
    assert collected.layout == "moodle"
    assert _read(collected) == {
        "1234567": ("김민수", ["helper.py", "solution.py"], ""),
        "1234568": ("Ann Lee", ["my_work.py"], ""),
    }


def test_canvas(pack: Pack) -> None:
    collected = collect([pack(CANVAS)], assignment())
    assert collected.layout == "canvas"
    found = _read(collected)
    assert found["12345"] == ("kimminsu", ["helper.py", "solution.py"], "")
    assert found["12346"] == ("이영희", ["solution.py"], "")
    assert found["12347"] == ("mary_ann", ["hw_1.ipynb"], "")
    assert "no file was handed in" in found["12348"][2]
    assert found["anon_Xy1Za"] == ("", ["solution.py"], "")
    late = {one.student: one.late for one in collected.submissions}
    assert late["12346"] is True and late["12345"] is False


def test_uploads_of_one_name_in_canvas_are_several_submissions(tmp_path: Path) -> None:
    names = ("kim_12345_67890_a.py", "kim_12345_67899_a-2.py", "kim_12345_67895_a-1.py", "lee_12346_67896_a.py")
    collected = collect([write(tmp_path, dict.fromkeys(names, WORK))], assignment())
    last, other = counting(collected.places, "last")
    assert last[0].label == names[1] and last[1] == (names[0], names[2])
    assert other[0].student == "12346"
    assert counting(collected.submissions, "first")[0][0].label == names[0]
    assert len(counting(collected.places, "best")) == 4


def test_gradescope(pack: Pack) -> None:
    collected = collect([pack(GRADESCOPE)], assignment())
    assert collected.layout == "gradescope"
    assert _read(collected) == {
        "20231234": ("김민수", ["lib/helper.py", "solution.py"], ""),
        "ann@example.org": ('Ann "A" Lee', ["solution.py"], ""),
        "20231236": ("Bob", ["solution.py"], ""),
        "100200302": ("", ["solution.py"], ""),
    }
    times = {one.student: one.submitted for one in collected.submissions}
    assert times["20231234"] == datetime(2026, 3, 1, 1, 0, 0, 123456, tzinfo=timezone.utc)
    assert times["20231236"] == datetime(2026, 3, 1, 2, 30, tzinfo=timezone.utc)
    assert any("Not every submission is named" in note and "others (1)" in note for note in collected.notes)
    group = {one.student: one.content_digest for one in collected.submissions}
    assert group["20231236"] == group["ann@example.org"] != group["20231234"]


def test_gradescope_with_metadata_in_each_folder(tmp_path: Path) -> None:
    own = b":submitters:\n- :name: Kim\n  :sid: '7'\n:created_at: 2026-03-01 10:00:00 +0900\n"
    write(tmp_path, {"submission_1/submission_metadata.yml": own, "submission_1/a.py": WORK})
    collected = collect([tmp_path], assignment())
    assert _read(collected) == {"7": ("Kim", ["a.py"], "")}
    assert collected.submissions[0].submitted == datetime(2026, 3, 1, 1, tzinfo=timezone.utc)


def test_output_of_an_autograder_names_no_submitter() -> None:
    said = gradescope.parse(METADATA.splitlines())
    assert [person[":name"] for person in said["submission_100200301"].people] == ['Ann "A" Lee', "Bob"]
    assert [person[":sid"] for person in said["submission_100200300"].people] == ["20231234"]
    assert said["submission_100200300"].created.startswith("2026")


def test_classroom(pack: Pack) -> None:
    collected = collect([pack(CLASSROOM)], assignment())
    assert collected.layout == "classroom"
    assert _read(collected) == {
        "kim-minsu": ("", ["solution.py"], ""),
        "kim-jia": ("", ["README.md", "solution.py"], ""),
    }


def test_classroom_without_the_folder_around(tmp_path: Path) -> None:
    write(tmp_path, {"hw1-kim/a.py": WORK, "hw1-lee/a.py": WORK, "hw1-kim/.git/HEAD": b"", "hw1-lee/.git/HEAD": b""})
    collected = collect([tmp_path], assignment())
    assert collected.layout == "classroom" and set(_read(collected)) == {"kim", "lee"}
    assert any("hw1-" in note for note in collected.notes)


NOT_IN_A_FOLDER = pytest.mark.parametrize("pack", ["folder", "zip", "tar", "tar.gz"], indirect=True)


@NOT_IN_A_FOLDER  # where nothing tells an export from a student's archive, it is the student's
def test_plain_files(pack: Pack) -> None:
    collected = collect([pack({"김민수.py": WORK, "lee.ipynb": notebook("x = 1"), "README.md": b"x"})], assignment())
    assert collected.layout == "plain"
    found = _read(collected)
    assert found == {"김민수": ("", ["김민수.py"], ""), "lee": ("", ["lee.ipynb"], "")}
    assert any("README.md" in note for note in collected.notes)


@NOT_IN_A_FOLDER
def test_plain_folders(pack: Pack) -> None:
    files = {"kim/solution.py": WORK, "kim/data.csv": b"1\n", "lee/hw/a.py": WORK, "박/b.py": WORK}
    found = _read(collect([pack(files)], assignment()))
    assert found == {
        "kim": ("", ["data.csv", "solution.py"], ""),
        "lee": ("", ["a.py"], ""),
        "박": ("", ["b.py"], ""),
    }


def test_folder_that_was_packed_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "week1.zip"
    path.write_bytes(zipped({"week1/kim.py": WORK, "week1/lee.py": WORK, "__MACOSX/week1/._kim.py": b"x"}))
    assert set(_read(collect([path], assignment()))) == {"kim", "lee"}


def test_groups_of_a_course(tmp_path: Path) -> None:
    write(tmp_path, {f"group{g}/{name}{g}/a.py": WORK for g in "12" for name in ("kim", "lee")})
    assert set(_read(collect([tmp_path], assignment()))) == {"kim1", "lee1", "kim2", "lee2"}
    students = write(tmp_path / "own", {f"{name}/{sub}/a.py": WORK for name in ("kim", "lee") for sub in ("p1", "p2")})
    assert set(_read(collect([students], assignment()))) == {"kim", "lee"}


def test_paths_side_by_side_are_as_the_folder_around_them(tmp_path: Path) -> None:
    write(tmp_path, {"kim/solution.py": WORK, "lee/solution.py": WORK, "park.py": WORK})
    packed = tmp_path / "choi.zip"
    packed.write_bytes(zipped({"choi/solution.py": WORK, "choi/data.csv": b"1\n"}))
    write(tmp_path, {"__pycache__/kim.pyc": b"x", "Thumbs.db": b"x", "empty": None})
    given = collect(sorted(tmp_path.iterdir()), assignment())
    around = collect([tmp_path], assignment())
    assert list(given.submissions) == list(around.submissions)
    assert _read(given)["choi"] == ("", ["data.csv", "solution.py"], "")
    assert set(_read(given)) == {"kim", "lee", "park", "choi", "empty"}


def test_the_pattern_finds_id_and_name(tmp_path: Path) -> None:
    write(tmp_path, {"hw1_20231234_김민수.py": WORK, "hw1_20231235_이.ipynb": notebook("x"), "mine.py": WORK})
    found = _read(collect([tmp_path], assignment(r"(?P<student>\d{8})_(?P<name>[^_.]+)")))
    assert found["20231234"] == ("김민수", ["hw1_20231234_김민수.py"], "")
    assert found["20231235"][0] == "이"
    problem = found["mine"][2]
    assert "mine.py does not follow the pattern" in problem and "Rename it" in problem


def test_the_pattern_is_looked_for_in_the_folder_then_in_the_files(tmp_path: Path) -> None:
    pattern = r"(?P<student>\d{8})"
    write(tmp_path, {"20231234_kim/a.py": WORK, "lee/20231235.py": WORK, "lee/helper.py": b"x = 1\n"})
    write(tmp_path, {"group/20231236.py": WORK, "group/20231237.py": WORK})
    found = _read(collect([tmp_path], assignment(pattern)))
    assert set(found) == {"20231234", "20231235", "20231236", "20231237"}
    assert found["20231235"][1] == ["20231235.py", "helper.py"]


def test_the_pattern_in_an_export_falls_back_to_its_own_id(tmp_path: Path) -> None:
    write(tmp_path, {"Kim_1_assignsubmission_file_/20231234.py": WORK, "Lee_2_assignsubmission_file_/a.py": WORK})
    collected = collect([tmp_path], assignment(r"(?P<student>\d{8})"))
    assert set(_read(collected)) == {"20231234", "2"}
    assert any("(names: 1): " in note for note in collected.notes)


def test_files_of_several_parts_are_one_submission(tmp_path: Path) -> None:
    parts = (part("relu_sigmoid", "*part1*"), part("softmax_cross_entropy", "*PART2*"))
    names = ("7_part1.py", "7_part2.py", "8_part1.py", "8_part1-2.py", "8_part2.py", "9_part1.py")
    write(tmp_path, dict.fromkeys(names, WORK))
    pattern = r"^(?P<student>\d)_"
    found = collect([tmp_path], assignment(pattern, parts))
    assert [(place.student, [name for name, _ in place.files]) for place in found.places] == [
        ("7", ["7_part1.py", "7_part2.py"]),
        ("8", ["8_part1.py", "8_part2.py"]),
        ("8", ["8_part1-2.py", "8_part2.py"]),
        ("9", ["9_part1.py"]),
    ]
    apart = collect([tmp_path], assignment(pattern))
    assert len(apart.submissions) == len(names)


def test_second_files_are_ordered_by_their_number(tmp_path: Path) -> None:
    names = ["7.py", "7 (2).py", "7 (10).py", "7-1.py"]
    write(tmp_path, dict.fromkeys(names, WORK))
    collected = collect([tmp_path], assignment(r"^(?P<student>\d)"))
    assert [place.label for place in collected.places] == ["7.py", "7-1.py", "7 (2).py", "7 (10).py"]
    guessed = collect([tmp_path], assignment())
    assert len({place.student for place in guessed.places}) == 4
    assert any("second files" in note for note in guessed.notes)


def test_times_only_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(tarred({"kim.py": WORK}))
    assert collect([path], assignment()).submissions[0].submitted is None
    assert collect([path], assignment(), times=True).submissions[0].submitted == datetime.fromtimestamp(
        1_700_000_000, timezone.utc
    )


def test_doubts_are_noted(tmp_path: Path) -> None:
    write(tmp_path, {"7_kim.py": WORK, "7_lee.py": WORK, "Ab_x.py": WORK, "aB_x.py": WORK})
    notes = collect([tmp_path], assignment(r"(?P<student>\w+?)_(?P<name>\w+)")).notes
    assert any("7 has several names: kim, lee" in note for note in notes)
    assert any("Ab, aB" in note or "aB, Ab" in note for note in notes)


def test_notes_are_the_instructors_and_problems_the_students(tmp_path: Path) -> None:
    export = {"submission_1/a.py": WORK, "submission_2/b.pdf": b"", "submission_metadata.yml": b"", "x.py": WORK}
    repositories = {f"hw1-{name}/{file}": WORK for name in ("kim", "lee") for file in ("a.py", ".git/HEAD")}
    given = [write(tmp_path / "export", export), write(tmp_path / "clones", repositories)]
    given.append(write(tmp_path / "plain", {"a (1).py": WORK, "A.py": WORK, "a.py": WORK, "b.md": b"", "c.pdf": b""}))
    notes: dict[str, list[str]] = {}
    problems: dict[str, list[str]] = {}
    for spoken, written in itertools.product(("en", "ko"), ("en", "ko")):
        with use(spoken):
            found = [collect([path], assignment(language=written)) for path in given]
        said = [note for one in found for note in one.notes]
        wrong = [one.problem for these in found for one in these.submissions if one.problem]
        assert (len(said), len(wrong)) == (8, 3)
        assert notes.setdefault(spoken, said) == said
        assert problems.setdefault(written, wrong) == wrong
    for told in (notes, problems):
        assert not re.search("[가-힣]", "".join(told["en"])) and re.search("[가-힣]", told["ko"][0])


def test_decomposed_korean_of_macos_is_composed(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "김민수")
    found = collect([write(tmp_path, {f"{name}.py": WORK})], assignment())
    assert found.submissions[0].student == "김민수" and found.submissions[0].files[0].name == "김민수.py"


def test_a_layout_that_was_named_is_taken(tmp_path: Path) -> None:
    write(tmp_path, {"kim_12345_67890_a.py": WORK, "notes.py": WORK})
    assert set(_read(collect([tmp_path], assignment(), "plain"))) == {"kim_12345_67890_a", "notes"}
    found = _read(collect([tmp_path], assignment(), "canvas"))
    assert found["12345"][2] == "" and "not named as canvas names" in found["notes"][2]
    with pytest.raises(InputError, match="--layout sakai: there is no such layout; expected auto, plain, moodle"):
        collect([tmp_path], assignment(), "sakai")


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {f"s{number}.py": WORK for number in (10, 9, 1)})
    opened: list[object] = []
    read = Folder.read
    monkeypatch.setattr(Folder, "read", lambda own, key, limit: opened.append(key) or read(own, key, limit))
    collected = collect([tmp_path], assignment())
    assert [place.student for place in collected.places] == ["s1", "s9", "s10"] and len(collected.submissions) == 3
    assert opened == []
    assert collected.submissions[1].files[0].content == WORK and len(opened) == 1
    assert [one.student for one in collected.submissions[1:]] == ["s9", "s10"]
    assert collected.load(collected.places[0]) == collected.submissions[0]


def test_given_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, {"kim.py": WORK}) / "kim.py"
    assert len(collect([path, path, tmp_path / "." / "kim.py"], assignment()).submissions) == 1


def test_labels_of_several_exports_are_told_apart(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "export.zip").write_bytes(zipped(FLAT))
    collected = collect([tmp_path / "a" / "export.zip", tmp_path / "b" / "export.zip"], assignment())
    labels = [place.label for place in collected.places]
    assert len(set(labels)) == len(labels) == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda top: [top / "none"], "there is no such file or folder; expected submissions"),
        (lambda top: [Path("x" * 5000)], "there is no such file"),
        (lambda top: [top], "there is no submission here; expected files .*.py"),
        (lambda top: [write(top, {"README.md": b"x"})], "no submission here(.|\n)*README.md"),
        (lambda top: [write(top, {"x.zip": b"PK\x03\x04broken"}) / "x.zip"], "x.zip cannot be unpacked"),
        (lambda top: [], "No submissions were given"),
    ],
)
def test_nothing_to_grade_is_said(tmp_path: Path, make: Callable[[Path], list[Path]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        collect(make(tmp_path), assignment())


@pytest.mark.parametrize("pattern", ["(", r"\d+"])
def test_a_pattern_that_cannot_find_a_student_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError, match=r"student: .*(regular expression|has no group)"):
        collect([write(tmp_path, {"a.py": WORK})], assignment(pattern))
