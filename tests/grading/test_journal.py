"""The journal: nothing lost, nothing doubled, and every file that is no journal refused in words."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nncheck.errors import InputError
from nncheck.grades import Grade, GroundFacts, Mark, PartGrade, Status
from nncheck.grading import journal as journals
from nncheck.grading.journal import NAME, Entry, Journal, key_of


def grade(key: str, points: float = 1.0, status: Status = "graded", ground: str = "bubblewrap") -> Grade:
    mark = Mark(check="forward", verdict="pass" if points else "wrong", points=points, of=2.0)
    part = PartGrade(
        case="relu_sigmoid",
        file="a.py",
        form="functions",
        status=status,
        reason="",
        marks=(mark,),
        output="\udcff 역전파",
    )
    return Grade(key=key, content=f"content {key}", ground=ground, parts=(part,), versions={"nncheck": "0"})


def entry(student: str, key: str, counts: bool = True, penalty: float = 0.0) -> Entry:
    return Entry(student=student, label=f"{student}/{key}.py", counts=counts, key=key, late_penalty=penalty)


def test_what_is_stored_comes_back_in_the_order_of_the_roster(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.enrol([entry("kim\udcff", "b"), entry("lee", "a"), entry("lee", "c", counts=False), entry("park", "b")])
        for key in "abc":
            journal.put(grade(key))
        journal.put(grade("a", points=2.0))  # graded anew: in place of the first, not beside it
        assert len(journal) == 3
        assert journal.get("a") == grade("a", points=2.0)
        assert journal.get("z") is None
    with Journal(tmp_path) as journal:  # and it is still there
        results = list(journal.results())
        assert [(one.student, one.grade.key, one.also) for one in results] == [
            ("kim\udcff", "b", ()),
            ("lee", "a", ("lee/c.py",)),
            ("park", "b", ()),
        ]
        tally = journal.tally()
        assert (tally.submissions, tally.counting, tally.graded, tally.full) == (4, 3, 3, 1)
        assert (tally.mean, tally.of, tally.statuses) == (pytest.approx(4 / 3), 2.0, {"graded": 3})


def test_each_content_is_graded_once_and_a_fault_of_ours_again(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.enrol([entry("a", "x"), entry("b", "y"), entry("c", "x"), entry("d", "z"), entry("d", "w", False)])
        journal.put(grade("z", status="grader-fault"))
        journal.put(grade("y"))
        assert journal.collect_pending("faults") == 2
        assert list(journal.pending()) == [(0, "x"), (3, "z")]
        assert journal.known() == 1
        assert journal.collect_pending("nothing") == 1
        assert journal.collect_pending("all") == 3
        assert [one.student for one in journal.results("grader-fault")] == ["d"]


def test_the_best_counts_with_what_being_late_costs(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.enrol([entry("a", "one"), entry("a", "two", penalty=1.5), entry("b", "one"), entry("b", "same")])
        journal.enrol(
            [*(entry("a", k, penalty=p) for k, p in (("one", 0), ("two", 1.5))), entry("b", "one"), entry("b", "z")]
        )
        for key, points in (("one", 1.0), ("two", 2.0), ("z", 1.0)):
            journal.put(grade(key, points))
        journal.choose_best()
        assert [(one.student, one.grade.key) for one in journal.results()] == [("a", "one"), ("b", "z")]
        journal.put(grade("two", 0.0, status="grader-fault"))  # it might be the best, nobody knows
        journal.choose_best()
        assert [one.grade.key for one in journal.results()] == ["two", "z"]


def test_the_weakest_isolation_of_the_results_is_told(tmp_path: Path) -> None:
    strong = GroundFacts(name="bubblewrap", held=("a", "b"), open=(), words="")
    weak = GroundFacts(name="process", held=("a",), open=("b",), words="")
    with Journal(tmp_path) as journal:
        journal.enrol([entry("a", "x"), entry("b", "y")])
        assert journal.ground() is None
        for facts in (strong, weak, replace(weak, open=())):
            journal.put_ground(facts)
        journal.put(grade("x"))
        assert journal.ground() == strong
        journal.put(grade("y", ground="process"))
        assert journal.ground() == weak


def test_the_key_changes_with_each_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {key_of("a", "b"), key_of("a", "c"), key_of("b", "b")}
    monkeypatch.setattr(journals, "__version__", "999")
    keys.add(key_of("a", "b"))
    assert len(keys) == 4


def test_a_roster_that_breaks_off_leaves_the_old_one(tmp_path: Path) -> None:
    def breaking() -> object:
        yield entry("b", "y")
        raise KeyboardInterrupt

    with Journal(tmp_path) as journal:
        journal.enrol([entry("a", "x")])
        with pytest.raises(KeyboardInterrupt):
            journal.enrol(breaking())  # type: ignore[arg-type]
        journal.put(grade("x"))
        assert [one.student for one in journal.results()] == ["a"]


def test_a_second_grader_is_refused_and_a_dead_one_is_not_waited_for(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from nncheck.grading.journal import Journal\n"
    code += "held = Journal(Path(sys.argv[1])); print('open', flush=True); time.sleep(600)"
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"open"
        with pytest.raises(InputError, match=r"another grader is at work on this folder; wait for it to end, or name"):
            Journal(tmp_path)
    finally:
        other.kill()
        other.communicate()
    Journal(tmp_path).close()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"my own notes " * 1000)
    with pytest.raises(InputError, match="is not a journal but some other file; name another folder with -o"):
        Journal(tmp_path)
    assert path.read_bytes() == b"my own notes " * 1000
    path.unlink()
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE notes (text)")
    base.close()
    with pytest.raises(InputError, match="is an SQLite file, but not a journal of nncheck"):
        Journal(tmp_path)


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal(tmp_path).close()
    monkeypatch.setattr(journals, "VERSION", 2)
    with pytest.raises(InputError, match="is a journal of version 1, this nncheck writes version 2"):
        Journal(tmp_path)


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for number in range(200):
            journal.put(grade(f"key {number}"))
    path = tmp_path / NAME
    body = bytearray(path.read_bytes())
    body[8192:20000] = b"\xff" * (20000 - 8192)
    path.write_bytes(body)
    with pytest.raises(InputError, match=r"the journal is damaged, so its results cannot be trusted\. Move it away"):
        Journal(tmp_path)


def test_a_grade_that_cannot_be_read_is_damage_too(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.enrol([entry("a", "x")])
        journal.put(grade("x"))
        journal._base.execute("UPDATE grades SET grade = '{}'")
        with pytest.raises(InputError, match="the journal is damaged"):
            list(journal.results())


def test_a_full_disk_is_said_and_costs_nothing_that_was_stored(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(grade("first"))
        pages = journal._base.execute("PRAGMA page_count").fetchone()[0]
        journal._base.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(InputError, match=r"the disk is full\. What was graded so far is kept; make room"):
            for number in range(100):
                journal.put(grade(f"key {number}"))
    with Journal(tmp_path) as journal:
        assert journal.get("first") == grade("first")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read or written"):
        Journal(tmp_path / "nowhere")


def test_two_digits_of_rounding_do_not_cost_full_marks(tmp_path: Path) -> None:
    marks = tuple(Mark(check=c, verdict="pass", points=p, of=p) for c, p in (("loss", 0.1), ("dW", 0.2), ("dB", 0.3)))
    part = replace(grade("x").parts[0], marks=marks)
    with Journal(tmp_path) as journal:
        journal.enrol([entry("a", "x")])
        journal.put(replace(grade("x"), parts=(part,)))
        assert journal.tally().full == 1
