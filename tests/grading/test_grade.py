"""Whole runs: nothing is graded twice, nothing is lost, whatever happens to the grader."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from nncheck import course_commands
from nncheck.cli import cli
from nncheck.errors import InputError
from nncheck.grading import submissions
from nncheck.grading.assignment import Assignment, Late
from nncheck.grading.grade import GradeRun, grade
from nncheck.grading.journal import NAME, Journal
from nncheck.grading.progress import Standing
from nncheck.report import grades as reports
from tests.grading import classroom
from tests.grading.conftest import TOML

TEXTS = [f"# ok {number}{'x' * (number % 4)}" for number in range(12)]


def scores(run: GradeRun) -> dict[str, float]:
    with run:
        return {graded.student: graded.score for graded in run}


def test_a_second_run_grades_nothing_and_a_changed_file_only_itself(
    assignment: Assignment, acted: Callable[[], list[str]], hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder, out = hand_in(*TEXTS), tmp_path / "out"
    first = scores(grade([folder], assignment, out, jobs=2))
    assert sorted(acted()) == sorted(f"s{number:03d}.py" for number in range(12))
    assert set(first.values()) == {0.0, 1.0, 2.0, 3.0}
    with grade([folder], assignment, out) as run:
        assert (run.known, run.fresh, [graded.student for graded in run]) == (12, 0, list(first))
    assert acted() == []
    (folder / "s003.py").write_text("# ok other", encoding="utf-8")
    (folder / "new.py").write_text("# ok new", encoding="utf-8")
    again = scores(grade([folder], assignment, out))
    assert sorted(acted()) == ["new.py", "s003.py"]
    assert {**again, "new": 0, "s003": 0} == {**first, "new": 0, "s003": 0}
    scores(grade([folder], replace(assignment, seed="another secret"), out))
    assert len(acted()) == 13
    scores(grade([folder], assignment, out, regrade=True))
    assert len(acted()) == 13


def test_identical_files_are_graded_once(
    assignment: Assignment, acted: Callable[[], list[str]], hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder = hand_in()
    for number in range(30):
        (folder / f"s{number}").mkdir()
        (folder / f"s{number}" / "homework.py").write_text(f"# ok {number % 3}", encoding="utf-8")
    with grade([folder], assignment, tmp_path / "out", jobs=2) as run:
        assert (run.fresh, run.tally.graded, len(list(run))) == (3, 30, 30)
    assert len(acted()) == 3


def test_a_fault_of_ours_is_tried_again_next_time(
    assignment: Assignment, acted: Callable[[], list[str]], hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder = hand_in("# ok", "# raise")
    with grade([folder], assignment, tmp_path / "out") as run:
        assert run.tally.statuses == {"grader-fault": 1, "graded": 1}
        assert [graded.student for graded in run.ended("grader-fault")] == ["s001"]
    assert acted().count("s001.py") == 2
    scores(grade([folder], assignment, tmp_path / "out"))
    assert acted() == ["s001.py", "s001.py"]


@pytest.mark.usefixtures("acted")
def test_a_file_that_changes_during_the_run_is_graded_as_it_is_then(
    assignment: Assignment, hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder = hand_in(*TEXTS)

    def edit(standing: Standing) -> None:
        if standing.done == 0:
            (folder / "s011.py").write_text("# ok as edited", encoding="utf-8")

    with grade([folder], assignment, tmp_path / "out", jobs=1, progress=edit) as run:
        found = {graded.student: graded.grade for graded in run}
    assert len(found) == 12
    edited = submissions.collect([folder / "s011.py"], assignment).submissions[0]
    nameless = replace(edited, files=(replace(edited.files[0], name="submission.py"),))
    assert found["s011"].content == nameless.content_digest


@pytest.mark.usefixtures("acted")
def test_which_of_several_counts_and_what_late_costs(
    assignment: Assignment, hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder = hand_in(kim_1="# ok123", kim_2="# ok1", lee="# ok12")  # 3, 1, 2 points: by length
    named = replace(assignment, student=r"(?P<student>[a-z]+)")

    def counting(**changes: Any) -> list[tuple[str, str, float, tuple[str, ...]]]:
        with grade([folder], replace(named, **changes), tmp_path / "out") as run:
            return [(one.student, one.label, one.score, one.also) for one in run]

    lee = ("lee", "lee.py", 2.0, ())
    assert counting(multiple="last") == [("kim", "kim_2.py", 1.0, ("kim_1.py",)), lee]
    assert counting(multiple="first") == [("kim", "kim_1.py", 3.0, ("kim_2.py",)), lee]
    assert counting(multiple="best") == [("kim", "kim_1.py", 3.0, ("kim_2.py",)), lee]


def test_one_that_came_too_late_gives_way(assignment: Assignment) -> None:
    from nncheck.grading.grade import _counting
    from nncheck.grading.submissions import Collected, Place
    from nncheck.grading.submissions.record import Submissions

    def at(hour: int, student: str) -> Place:
        return Place(student=student, label=str(hour), submitted=datetime(2026, 3, 1, hour, tzinfo=timezone.utc))

    places = [at(9, "kim"), at(11, "kim"), at(13, "kim"), at(14, "lee"), at(15, "lee")]
    collected = Collected(submissions=Submissions(places, lambda _: pytest.fail("read")), layout="plain")
    due = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    for policy, chosen in (("accept", {2, 4}), ("penalty", {2, 4}), ("refuse", {1, 4})):
        late = Late(due=due, policy=policy, penalty=0.5)  # type: ignore[arg-type]
        assert _counting(collected, replace(assignment, late=late)) == chosen


@pytest.mark.usefixtures("acted")
def test_progress_tells_the_time_left(assignment: Assignment, hand_in: Callable[..., Path], tmp_path: Path) -> None:
    told: list[Standing] = []
    folder = hand_in(*TEXTS)
    scores(grade([folder / "s000.py"], assignment, tmp_path / "out"))
    grade([folder], assignment, tmp_path / "out", jobs=2, progress=told.append).close()
    assert [standing.done for standing in told] == [*range(12), 11]
    assert (told[0].left, told[0].total, told[0].known, told[0].submissions) == (None, 11, 1, 12)
    assert told[5].left == pytest.approx(told[5].seconds / 5 * 6)
    assert told[-1].left == 0.0


@pytest.mark.usefixtures("acted")
def test_bad_use_is_said(assignment: Assignment, hand_in: Callable[..., Path], tmp_path: Path) -> None:
    folder = hand_in("# ok")
    (tmp_path / "notes").touch()
    with pytest.raises(InputError, match="notes: is a file; name a folder for the results"):
        grade([folder], assignment, tmp_path / "notes")
    with pytest.raises(InputError, match=r"out: lies in .*, whose files are submissions; name a folder outside of it"):
        grade([folder], assignment, folder / "out")
    with pytest.raises(InputError, match="jobs: got 0, expected 1 or more"):
        grade([folder], assignment, tmp_path / "out", jobs=0)
    (tmp_path / "out").mkdir()
    with Journal(tmp_path / "out"), pytest.raises(InputError, match="another grader is at work on this folder"):
        grade([folder], assignment, tmp_path / "out")
    (tmp_path / "out" / NAME).write_bytes(b"x" * 5000)
    with pytest.raises(InputError, match="is not a journal"):
        grade([folder], assignment, tmp_path / "out")


def command(folder: Path, out: Path, *options: str) -> list[str]:
    toml = folder.parent / "homework.toml"
    toml.write_text(TOML, encoding="utf-8")
    fixed = ["grade", str(folder), "--assignment", str(toml), "-o", str(out), "--lang", "en"]
    return [sys.executable, str(Path(__file__).parent / "fake_grader.py"), *fixed, *options]


def lines(out: Path) -> list[dict[str, Any]]:
    """Return what results.jsonl holds, without the times."""
    text = (out / "results.jsonl").read_text(encoding="utf-8")
    return [json.loads(re.sub(r'"seconds": [\d.e-]+', '"seconds": 0', line)) for line in text.splitlines()]


def judges() -> list[psutil.Process]:
    """Return the judging processes of this test."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            ours = process.environ().get("NNCHECK_FAKE_LOG") == os.environ["NNCHECK_FAKE_LOG"]
            if ours and "from fake_bench import main" in " ".join(process.cmdline()):
                found.append(process)
    return found


def none_left() -> bool:
    _, alive = psutil.wait_procs(judges(), timeout=10)
    return not alive


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Start the grader in a process group of its own; it is ended with the block."""
    pipe = subprocess.PIPE
    heard = interruptible if os.name == "posix" else None
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=heard
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def interruptible() -> None:
    """Let Ctrl-C be heard where these tests themselves run in the background, and it would be ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def killed_at(command: list[str], log: Path, moment: float) -> None:
    """Start the grader and kill it when so many submissions have been begun, and a fraction of one's time more."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if log.exists() and log.read_text(encoding="utf-8").count("\n") >= int(moment):
            break
        time.sleep(0.002)
    time.sleep(moment % 1 * 0.02)
    process.kill()
    process.wait()


@pytest.mark.slow
@pytest.mark.usefixtures("acted")
def test_a_grader_killed_at_random_moments_loses_nothing_and_doubles_nothing(
    hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    drawn, log = random.Random(11), tmp_path / "graded.log"
    folder = hand_in(*[f"# sleep 0.01\n{'x' * (number % 4)}{number // 2}" for number in range(40)])
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    assert subprocess.run(command(folder, undisturbed), capture_output=True, timeout=60).returncode == 1
    for _ in range(3):
        log.unlink(missing_ok=True)
        killed_at(command(folder, out), log, drawn.uniform(1, 12))
        assert none_left()
        with Journal(out) as journal:
            stored = len(journal)
    assert 3 <= stored < 40  # it was killed before its end, and what it had is there
    log.unlink()
    assert subprocess.run(command(folder, out), capture_output=True, timeout=60).returncode == 1
    assert log.read_text(encoding="utf-8").count("\n") == 40 - stored
    assert lines(out) == lines(undisturbed)
    assert len(lines(out)) == 40


@pytest.mark.slow
def test_500_files_and_50_moments_with_the_judge_itself(hand_in: Callable[..., Path], tmp_path: Path) -> None:
    drawn, mistakes = random.Random(50), list(classroom.MISTAKES)
    texts = [classroom.wrong(n, mistakes[n % len(mistakes)]) if n % 3 else classroom.correct(n) for n in range(500)]
    folder, undisturbed = hand_in(*[f"{text}\n# {n}\n" for n, text in enumerate(texts)]), tmp_path / "undisturbed"

    def real(out: Path) -> list[str]:
        return [sys.executable, "-m", "nncheck", *command(folder, out, "--trust")[2:]]

    assert subprocess.run(real(undisturbed), capture_output=True, timeout=300).returncode == 1
    right, out, stored, spread = lines(undisturbed), tmp_path / "out 0", 0, set()
    assert len(right) == 500
    for moment in range(50):
        process = subprocess.Popen(real(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(drawn.uniform(0.2, 3.0))
        except subprocess.TimeoutExpired:
            children = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait()
            assert psutil.wait_procs(children, timeout=10)[1] == []
            with Journal(out) if out.exists() else nullcontext() as journal:
                held = 0 if journal is None else len(journal)
            assert held >= stored
            stored = held
            spread.add(held)
        else:
            assert lines(out) == right
            out, stored = tmp_path / f"out {moment}", 0
    assert len(spread) > 10  # they were moments of grading, and not of starting alone
    assert subprocess.run(real(out), capture_output=True, timeout=300).returncode == 1
    assert lines(out) == right


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.usefixtures("acted")
def test_ctrl_c_ends_it_with_reports_and_no_process(hand_in: Callable[..., Path], tmp_path: Path) -> None:
    folder, out, log = hand_in(*[f"# sleep 0.05\n{n}" for n in range(60)]), tmp_path / "out", tmp_path / "graded.log"
    with started(command(folder, out)) as process:
        while not log.exists() or log.read_text(encoding="utf-8").count("\n") < 10:
            assert process.poll() is None
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
        said, complained = process.communicate(timeout=30)
    assert process.returncode == 130, complained
    assert none_left()
    assert "Traceback" not in said + complained
    done = re.search(r"Interrupted: (\d+) of 60 submissions are graded\. The same command goes on", complained)
    assert done, complained
    assert len(lines(out)) == int(done[1]) >= 6
    assert (out / "grades.csv").is_file()
    finished = subprocess.run(command(folder, out), capture_output=True, text=True, timeout=60)
    assert f"Submissions: 60, to grade: {60 - int(done[1])}. Known from before: {done[1]}." in finished.stderr
    assert len(lines(out)) == 60


@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.usefixtures("acted")
def test_judges_that_never_start_are_our_fault_and_said_in_one_sentence(
    hand_in: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: bool
) -> None:
    monkeypatch.setenv("NNCHECK_FAKE_OPEN", "die")
    options = ["--cluster", "local:1"] if cluster else ["--jobs", "2"]
    if cluster:
        pytest.importorskip("distributed")
    found = subprocess.run(
        command(hand_in(*TEXTS * 3), tmp_path / "out", *options), capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 3
    told = found.stderr.splitlines()
    assert "the judging process was ended by SIGKILL" in told[1]
    assert len(told) == 3
    assert none_left()


@pytest.fixture
def graded(acted: Callable[[], list[str]], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    def invoke(folder: Path, *options: str) -> Any:
        arguments = command(folder, tmp_path / "out", *options)[2:]
        return CliRunner().invoke(cli, arguments, standalone_mode=False)

    yield invoke


def test_the_exit_code_says_how_it_ended(graded: Callable[..., Any], hand_in: Callable[..., Path]) -> None:
    assert graded(hand_in("# ok1", folder="less")).return_value == 1  # one of 3 points
    assert graded(hand_in("# ok123", folder="full")).return_value == 0
    found = graded(hand_in("# raise", "# ok5", folder="fault"))
    assert found.return_value == 3
    assert found.stdout.splitlines()[1].startswith("- s000.py: ")  # before everything else
    assert "Submissions: 2, to grade: 2." in found.stderr
    assert "graded 1, the grader itself failed 1" in found.stderr


def test_reports_are_written_and_nothing_is_graded_for_another_format(
    graded: Callable[..., Any], hand_in: Callable[..., Path], tmp_path: Path, acted: Callable[[], list[str]]
) -> None:
    folder = hand_in(*TEXTS)
    found = graded(folder)
    for name in ("journal.sqlite", "grades.csv", "results.jsonl", "summary.md"):
        assert (tmp_path / "out" / name).is_file()
    assert len(list((tmp_path / "out" / "feedback").iterdir())) >= 12
    acted()
    found = graded(folder, "--format", "gradescope", "--format", "junit")
    assert acted() == []
    assert "Submissions: 12, to grade: 0. Known from before: 12." in found.stderr
    assert len(list((tmp_path / "out" / "gradescope").iterdir())) == 12


def test_the_summary_says_what_was_passed_over(
    graded: Callable[..., Any], hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder = hand_in("# ok")
    (folder / "roster.csv").write_text("1,2", encoding="utf-8")
    found = graded(folder)
    assert "roster.csv" in found.stderr
    assert "roster.csv" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8").split("\n## ")[-1]


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_what_holds_the_seeds_is_only_its_owners(
    graded: Callable[..., Any], hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    out, folder = tmp_path / "out", hand_in("# ok")
    mask = os.umask(0)
    try:
        for _ in range(2):
            graded(folder)
            modes = {name: (out / name).stat().st_mode & 0o777 for name in (NAME, "results.jsonl", "grades.csv")}
            assert modes == {NAME: 0o600, "results.jsonl": 0o600, "grades.csv": 0o666}
            for name in (NAME, "results.jsonl"):  # as an older nncheck left them
                (out / name).chmod(0o644)
    finally:
        os.umask(mask)


@pytest.mark.skipif(os.name != "posix", reason="a pipe of POSIX")
@pytest.mark.usefixtures("acted")
def test_reports_are_written_though_nobody_reads_what_is_said(hand_in: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command(hand_in("# ok1"), out), stdout=writer, stderr=writer, check=False, timeout=60)
    os.close(writer)
    assert done.returncode in (0, 1)
    assert (out / "summary.md").is_file() and len(lines(out)) == 1
    with open(tmp_path / "said", "w+", encoding="utf-8") as said:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(command(tmp_path / "handed_in", out), stdout=said, stderr=writer, check=False, timeout=60)
        os.close(writer)
    assert done.returncode == 1  # one of 3 points; a closed standard error alone changes nothing
    assert "summary.md" in (tmp_path / "said").read_text(encoding="utf-8")


def test_what_help_lists_is_what_there_is() -> None:
    assert set(course_commands.FORMATS) == set(reports.FORMATS)
    assert course_commands.LAYOUTS[1:] == submissions.collecting.LAYOUTS
    for name in ("grade", "assess", "pack"):
        shown = CliRunner().invoke(cli, [name, "--help"])
        assert (shown.exit_code, "xit codes" in shown.output or name == "pack") == (0, True)
