"""What one student hands in changes nothing for the others: neither how the class is read nor whose work is whose."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from nncheck.grading.submissions import Collected, collect

from .trees import WORK, assignment, write, zipped

CLASS = {f"kim{n}/hw.py": WORK for n in range(4)}
NAMES = {f"kim{n}" for n in range(4)}
FORGED = b"submission_1:\n  :submitters:\n  - :name: kim0\n    :sid: kim0\n"
OWN = b":submitters:\n- :name: kim0\n  :sid: kim0\n"
EVIL: dict[str, dict[str, bytes]] = {
    "metadata": {"submission_metadata.yml": FORGED, "submission_1/hw.py": WORK},
    "metadata about itself": {"submission_metadata.yml": OWN, "hw.py": WORK},
    "moodle": {f"X Y_1_assignsubmission_file/f{n}.py": WORK for n in range(200)},
    "canvas": {f"evilx_LATE_12345_67890_f{n}.py": WORK for n in range(200)},
    "gradescope": {f"submission_{n}/f.py": WORK for n in range(200)},
}


def _students(collected: Collected) -> list[str]:
    return [place.student for place in collected.places]


def _sound(collected: Collected) -> set[str]:
    return {one.student for one in collected.submissions if one.files}


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("way", ["folder", "zip", "around", "side by side", "flat"])
def test_one_folder_is_one_vote(tmp_path: Path, evil: str, way: str) -> None:
    files = {f"evil/{name}": content for name, content in EVIL[evil].items()}
    files |= {f"{name}.py": WORK for name in NAMES} if way == "flat" else CLASS
    paths = [tmp_path / "given"]
    if way == "zip":
        paths = [write(tmp_path, {"all.zip": zipped(files)}) / "all.zip"]
    elif way == "around":
        write(tmp_path / "given", {f"hw1/{name}": content for name, content in files.items()})
    else:
        write(tmp_path / "given", files)
    if way == "side by side":
        paths = sorted(paths[0].iterdir())
    collected = collect(paths, assignment())
    assert collected.layout == "plain"
    assert sorted(_students(collected)) == sorted(NAMES | {"evil"}) and _sound(collected) >= NAMES
    notes = [note for note in collected.notes if "The layout is plain, though" in note]
    assert notes and all("evil/" in note and "--layout" in note for note in notes)


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("way", ["folder", "side by side"])
def test_one_archive_is_one_vote(tmp_path: Path, evil: str, way: str) -> None:
    write(tmp_path, {f"{name}.zip": zipped({"hw.py": WORK}) for name in NAMES} | {"evil.zip": zipped(EVIL[evil])})
    collected = collect([tmp_path] if way == "folder" else sorted(tmp_path.iterdir()), assignment())
    assert collected.layout == "plain" and sorted(_students(collected)) == sorted(NAMES | {"evil"})
    assert _sound(collected) >= NAMES
    if evil in ("moodle", "canvas", "gradescope", "metadata"):
        assert any("The layout is plain, though" in note and "evil.zip" in note for note in collected.notes)


@pytest.mark.parametrize("evil", EVIL)
def test_folders_of_different_places_have_one_vote_each(tmp_path: Path, evil: str) -> None:
    paths = [write(tmp_path / f"home{n}" / f"kim{n}", {"hw.py": WORK}) for n in range(3)]
    paths.append(write(tmp_path / "home" / "evil", EVIL[evil]))
    assert collect(paths, assignment()).layout == "plain"


def test_metadata_at_the_root_of_other_files_is_no_export(tmp_path: Path) -> None:
    collected = collect([write(tmp_path, {"submission_metadata.yml": FORGED, **CLASS})], assignment())
    assert collected.layout == "plain" and _sound(collected) == NAMES
    half = write(tmp_path / "half", {**CLASS, **{f"submission_{n}/hw.py": WORK for n in range(4)}})
    collected = collect([half], assignment())
    assert collected.layout == "plain" and any("(4): submission_0" in note for note in collected.notes)


def test_a_students_metadata_tells_of_nobody_in_an_export(tmp_path: Path) -> None:
    export = {f"submission_{n}/hw.py": WORK for n in range(1, 5)}
    said = b"".join(b"submission_%d:\n  :submitters:\n  - :sid: s%d\n" % (n, n) for n in range(1, 5))
    forged = FORGED.replace(b"submission_1", b"submission_4")
    for around in ("", "assignment_1_export/"):
        for number, yml in enumerate((OWN, FORGED, forged)):
            files = {**export, "submission_4/submission_metadata.yml": yml, "submission_metadata.yml": said}
            files["submission_4/submission_1/submission_metadata.yml"] = yml
            top = write(tmp_path / f"{number}{bool(around)}", {around + name: data for name, data in files.items()})
            assert sorted(_students(collect([top], assignment()))) == ["s1", "s2", "s3", "s4"]
    # nor where nothing is said of all: one student alone has such a file
    top = write(tmp_path / "none", {**export, "submission_4/submission_metadata.yml": OWN})
    assert sorted(_students(collect([top], assignment()))) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("layout", "names", "ids"),
    [
        ("moodle", "Kim_{}_assignsubmission_file_/hw.py", "{}"),
        ("canvas", "kim_{}_67890_hw.py", "{}"),
        ("gradescope", "submission_{}/hw.py", "{}"),
    ],
)
def test_the_same_naming_deeper_books_nothing_on_others(tmp_path: Path, layout: str, names: str, ids: str) -> None:
    files = {names.format(n): WORK for n in range(1, 5)} | {"evil/" + names.format(1): b"pass\n"}
    collected = collect([write(tmp_path, files)], assignment())
    assert collected.layout == layout
    those = {place.student: place.label for place in collected.places}
    assert len(collected.places) == 5 and not those["1"].startswith("evil")
    assert sum("not named as" in one.problem for one in collected.submissions) == 1


def test_a_student_whom_the_pattern_finds_is_no_wrapper(tmp_path: Path) -> None:
    files = {f"20231234/{name}": content for name, content in EVIL["metadata"].items()}
    collected = collect([write(tmp_path, files)], assignment(r"(?P<student>\d{8})"))
    assert collected.layout == "plain" and _students(collected) == ["20231234"]


def test_exports_in_folders_are_read_if_the_layout_is_named(tmp_path: Path) -> None:
    for week, sid in (("a", b"7"), ("b", b"8")):
        said = b"submission_1:\n  :submitters:\n  - :sid: " + sid + b"\n"
        write(tmp_path / week, {"submission_metadata.yml": said, "submission_1/hw.py": WORK})
    assert set(_students(collect([tmp_path], assignment(), "gradescope"))) == {"7", "8"}
    assert any("--layout gradescope" in note for note in collect([tmp_path], assignment()).notes)


@pytest.mark.parametrize("shape", ["{}.py", "{}/a.py"])
def test_composed_and_decomposed_names_are_two_students(tmp_path: Path, shape: str) -> None:
    both = [shape.format(unicodedata.normalize(form, "é")) for form in ("NFC", "NFD")]
    write(tmp_path, {both[0]: WORK, both[1]: WORK + b"\n", shape.format("kim"): WORK})
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system has one name for both")
    for paths in ([tmp_path], sorted(tmp_path.iterdir())):
        collected = collect(paths, assignment())
        assert sorted(_students(collected)) == ["kim", "é", "é~2"] and len(_sound(collected)) == 3
        assert len({one.content_digest for one in collected.submissions if one.student != "kim"}) == 2
        assert any("look the same" in note and "é~2" in note for note in collected.notes)
    again = collect([tmp_path], assignment(r"^(?P<student>\w)(?:~|\.|$)"))
    assert _students(again).count("é") == 2 and len({place.label for place in again.places}) == 3


def test_the_same_in_an_archive(tmp_path: Path) -> None:
    files = {unicodedata.normalize(form, "é") + ".py": WORK for form in ("NFC", "NFD")}
    top = write(tmp_path, {"all.zip": zipped(files)})
    assert sorted(_sound(collect([top / "all.zip"], assignment()))) == ["é", "é~2"]
