"""Judging processes: none of their deaths loses a submission, stops the others, or leaves anything running."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from nncheck.errors import InputError
from nncheck.grades import Grade
from nncheck.grading import member
from nncheck.grading.assignment import Assignment
from nncheck.grading.carried import Unpacked, packed
from nncheck.grading.crew import Crew
from nncheck.grading.judging_process import submission_from_frame, submission_to_frame
from nncheck.grading.member import opening_of
from nncheck.grading.submissions import Submission, SubmittedFile
from nncheck.process import ProcessFailure


def submission(text: str, number: int = 0) -> Submission:
    file = SubmittedFile(name="homework.py", content=text.encode())
    return Submission(student=f"s{number}", label=f"s{number}.py", files=(file,))


def grade_all(assignment: Assignment, texts: list[str], jobs: int = 2) -> dict[str, Grade]:
    tasks = [(str(number), submission(text, number)) for number, text in enumerate(texts)]
    with Crew(opening_of(assignment, trust=True), jobs) as crew:
        pairs = list(crew.grade(tasks))
    assert sorted(key for key, _ in pairs) == sorted(str(number) for number in range(len(texts)))  # each exactly once
    return dict(pairs)


def judges() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "fake_bench" in " ".join(child.cmdline())]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    assert judges() == []


@pytest.mark.usefixtures("acted")
def test_every_death_is_survived_and_none_costs_another_submission(assignment: Assignment, tmp_path: Path) -> None:
    texts = ["# ok", "# die", "# ok", f"# die-once {tmp_path / 'died'}", "# raise", *["# ok 1"] * 6]
    grades = grade_all(assignment, texts)
    statuses = {key: found.status for key, found in grades.items()}
    assert statuses == {str(k): "grader-fault" if k in (1, 4) else "graded" for k in range(len(texts))}
    assert "was ended by SIGKILL" in grades["1"].reason
    assert "ValueError: a planted fault" in grades["4"].reason
    assert [(mark.check, mark.of) for mark in grades["1"].parts[0].marks] == [("forward", 1), ("loss", 1), ("dW", 1)]
    assert grades["1"].content == submission("# die", 1).content_digest


@pytest.mark.usefixtures("acted")
def test_a_judging_process_that_hangs_is_replaced(assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "_ALLOWANCE", -59.0)  # of 60 seconds that the assignment's limits make
    grades = grade_all(assignment, ["# hang", "# ok", "# ok 1"], jobs=1)
    assert [grades[key].status for key in "012"] == ["grader-fault", "graded", "graded"]
    assert "no sign of life for 1 seconds" in grades["0"].reason


@pytest.mark.usefixtures("acted")
def test_files_and_results_of_megabytes_go_through(assignment: Assignment) -> None:
    body = "# print 3000000\n" + "x" * (5 << 20)
    found = grade_all(assignment, [body])["0"]
    assert found.status == "graded"
    assert found.parts[0].output == "é" * 3_000_000
    assert found.content == submission(body).content_digest  # of what arrived there


def test_a_submission_is_the_same_on_the_other_side() -> None:
    files = tuple(SubmittedFile(name=f"a/{k}\udcff.py", content=bytes([k % 256]) * k) for k in range(300))
    given = Submission(student="김\udcff", label="x/y", files=files, name="K", problem="half of it is missing")
    assert submission_from_frame(submission_to_frame(given)) == given


def test_an_assignment_is_the_same_on_the_other_side(assignment: Assignment, copy_case: Callable[..., Path]) -> None:
    from dataclasses import replace

    from nncheck import case as cases

    folder = copy_case("relu_sigmoid", certified=True)
    own = replace(assignment, parts=(replace(assignment.parts[0], case=cases.find(folder)),), imports=("scipy",))
    record = packed(own)
    with Unpacked(record) as unpacked:
        assert unpacked.assignment.digest == own.digest
        assert unpacked.assignment.parts[0].case.folder == folder.resolve()
        assert unpacked.assignment.imports == ("scipy",)
    (folder / "derivation.txt").write_text("Y = X\n", encoding="utf-8")  # it travels with what was packed
    with Unpacked(record) as unpacked:
        assert unpacked.assignment.digest == record["digest"]
        there = unpacked.assignment.parts[0].case
        assert there.folder != folder.resolve()
        assert (there.folder / "certificate.json").is_file()
    assert not there.folder.exists()
    with pytest.raises(InputError, match="the assignment reads differently here"):
        Unpacked({**record, "title": "x", "seed": "another"})


@pytest.mark.usefixtures("acted")
def test_what_cannot_be_opened_stops_the_run_in_words(assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNCHECK_FAKE_OPEN", "refuse")
    with pytest.raises(InputError, match=r"^The network is open here; add --trust\.$"):
        grade_all(assignment, ["# ok", "# ok 1"])
    monkeypatch.setenv("NNCHECK_FAKE_OPEN", "die")
    with pytest.raises(ProcessFailure, match="was ended by SIGKILL"):
        grade_all(assignment, ["# ok", "# ok 1", "# ok 2"])


@pytest.mark.usefixtures("acted")
def test_work_is_read_only_so_far_ahead(assignment: Assignment) -> None:
    read = []

    def work() -> Iterator[tuple[str, Submission]]:
        for number in range(40):
            read.append(number)
            yield str(number), submission("# ok", number)

    with Crew(opening_of(assignment, trust=True), 2) as crew:
        for done, _ in enumerate(crew.grade(work())):
            assert len(read) <= done + 5


@pytest.mark.usefixtures("acted")
def test_judges_killed_from_outside_at_random_moments_lose_nothing(assignment: Assignment) -> None:
    drawn = random.Random(5)
    tasks = [(str(number), submission("# sleep 0.02\n" + "x" * (number % 4), number)) for number in range(60)]
    grades: dict[str, Grade] = {}
    with Crew(opening_of(assignment, trust=True), 2) as crew:
        for key, found in crew.grade(tasks):
            assert key not in grades
            grades[key] = found
            if len(grades) in (5, 20, 35, 50):  # not twice at one submission, which is then a fault of ours
                time.sleep(drawn.random() * 0.03)
                drawn.choice(judges()).kill()
    assert {found.status for found in grades.values()} == {"graded"}
    assert len(grades) == 60


@pytest.mark.usefixtures("acted")
def test_judging_processes_end_with_their_parent_in_the_middle_of_a_submission(
    assignment: Assignment, tmp_path: Path
) -> None:
    code = """if True:
        import sys, threading
        from tests.grading.test_crew import submission
        from nncheck import case as cases
        from nncheck.grading import member
        from nncheck.grading.assignment import Assignment, Part
        from nncheck.grading.crew import Crew
        from pathlib import Path
        member.MODULE = "fake_bench"
        part = Part(case=cases.find("relu_sigmoid"), points={"loss": 1.0})
        assignment = Assignment(path=Path("a.toml"), title="", parts=(part,), seed="s" * 20)
        with Crew(member.opening_of(assignment, trust=True), 2) as crew:
            list(crew.grade([("a", submission("# hang")), ("b", submission("# hang", 1))]))
    """
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        until = time.monotonic() + 30
        log = tmp_path / "graded.log"
        while not (log.exists() and len(log.read_text().split()) == 2):
            assert time.monotonic() < until
            time.sleep(0.02)
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) == 2
    finally:
        parent.kill()
        parent.wait()
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert (len(gone), alive) == (2, [])
