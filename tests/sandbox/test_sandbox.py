"""The sandbox at work: parts, files, limits, output, and a zygote that is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest

from nncheck.errors import InputError
from nncheck.grades import GroundFacts
from nncheck.manual.client import Guest
from nncheck.sandbox import grounds, opened, started, trial
from nncheck.sandbox.exposed import PACKAGE, exposed
from nncheck.sandbox.faults import SandboxError
from nncheck.sandbox.limits import Limits
from nncheck.sandbox.sandbox import Sandbox, prepare
from tests.sandbox.conftest import GOOD, LIMITS, RIGHT, is_right, need_bubblewrap, step

ALL = trial.facts_of("bubblewrap", dict.fromkeys((*trial.CONTAINED, *trial.SERIOUS), True))
HANGS = GOOD.replace("    Y = cache", "    while True: pass\n    Y = cache")


def test_a_submission_is_run(sandbox: Sandbox) -> None:
    with sandbox.guest(Path("kim.py"), GOOD) as guest:
        assert guest.open() == {} and not guest.has_update
        assert all(is_right(step(guest)) for _ in range(3))
    assert guest.failure is None and not guest.ended


def test_what_came_before_a_hang_is_kept(sandbox: Sandbox) -> None:
    with sandbox.guest(Path("kim.py"), HANGS) as guest:
        guest.open()
        given = step(guest)
        assert guest.failure is not None
        assert (guest.failure.kind, guest.failure.stage) == ("timed-out", "backward")
        assert guest.failure.reason == "backward did not come to an end within 1.5 seconds: an endless loop?"
        assert set(given.arrays) == {"Y", "E"} and np.allclose(given.arrays["Y"], RIGHT["Y"])
        assert given.problem["text"] == guest.failure.reason
        assert step(guest).arrays == {}  # it is gone, and nothing waits for it any more


def test_the_time_of_all_checks_is_limited(sandbox: Sandbox) -> None:
    slow = GOOD.replace("    return float", "    import time; time.sleep(0.2)\n    return float")
    with sandbox.guest(Path("kim.py"), slow) as guest:
        guest.open()
        for _ in range(20):
            step(guest)
    assert guest.failure is not None and guest.failure.kind == "timed-out"
    assert guest.failure.reason == "everything together took longer than 3 seconds."


def test_other_files_lie_beside_it_and_can_be_imported(sandbox: Sandbox) -> None:
    files = {
        "helper.py": b"SCALE = 3\n",
        "data/weights.txt": "1 2 3 값".encode(),
        "../escape": b"x",
        "/tmp/absolute": b"x",
        "random.py": b"raise SystemExit",
    }
    text = "import helper, os, random\nprint(helper.SCALE, open('data/weights.txt').read(), sorted(os.listdir('.')))\n"
    with sandbox.guest(Path("/home/teacher/kim/hw.py"), text + GOOD, files) as guest:
        assert guest.open() == {}
    assert guest.output.startswith("3 1 2 3 값 ['data', 'helper.py', 'random.py']")


def test_files_that_do_not_fit_are_a_problem_of_the_submission(sandbox: Sandbox) -> None:
    with sandbox.guest(Path("kim.py"), GOOD, {"big.bin": bytes(3 << 20)}) as guest:
        problem = guest.open()
    assert "big.bin does not fit into the folder" in problem["text"]


def test_a_long_text_goes_in(sandbox: Sandbox) -> None:
    with sandbox.guest(Path("kim.py"), GOOD + "# 가나다\n" * 200_000) as guest:
        assert guest.open() == {} and is_right(step(guest))


def test_output_is_kept_head_and_tail(sandbox: Sandbox) -> None:
    text = "for i in range(3000): print('line', i)\n"
    with sandbox.guest(Path("kim.py"), text + GOOD) as guest:
        assert guest.open() == {}
    assert guest.output.startswith("line 0\n") and guest.output.rstrip().endswith("['here']")
    assert "bytes are left out" in guest.output and len(guest.output) < 5000


def test_a_script_is_watched(sandbox: Sandbox) -> None:
    script = "import numpy as np\nW = np.ones(2)\nfor t in range(5):\n    W = W - 0.1 * W\n"
    with sandbox.guest(Path("kim.py"), script) as guest:
        watched = guest.watch()
    assert watched.failure == "" and watched.loops[0].iterations == 5


def test_a_watched_script_that_forges_its_frame_has_crashed(sandbox: Sandbox) -> None:
    forged = """
import os, struct
head = b'{"answer": {"loops": [{"loop": 1e400, "steps": "x"}]}, "arrays": []}'
for fd in range(3, 64):
    try: os.write(fd, struct.pack(">I", len(head)) + head)
    except OSError: pass
"""
    with sandbox.guest(Path("kim.py"), forged) as guest:
        watched = guest.watch()
    assert guest.failure is not None and guest.failure.kind == "crashed" and watched.failure


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("import os; os._exit(0)", "crashed", "your code ended its process (exit code 0) instead of returning"),
        ("import ctypes; ctypes.string_at(0)", "crashed", "the process of your code was ended by SIGSEGV"),
        ("import numpy; numpy.ones(1 << 28)", "too-much-memory", "there are 512 MB of memory in all."),
        ("while True: print('x' * 100)", "too-much-output", "more than 64 KB were printed."),
        ("while True: pass", "timed-out", "the file did not come to an end within 1.5 seconds: an endless loop?"),
    ],
)  # fmt: skip
def test_each_end_has_its_kind_and_its_sentence(sandbox: Sandbox, text: str, kind: str, reason: str) -> None:
    with sandbox.guest(Path("kim.py"), text) as guest:
        problem = guest.open()
    assert guest.failure is not None and guest.failure.kind == kind
    assert reason in guest.failure.reason and problem["text"] == guest.failure.reason


def test_a_guest_that_was_left_open_makes_room(sandbox: Sandbox) -> None:
    sandbox.guest(Path("one.py"), GOOD).open()
    with sandbox.guest(Path("two.py"), GOOD) as guest:
        assert guest.open() == {} and is_right(step(guest))


def _inner(sandbox: Sandbox) -> psutil.Process:
    """Return the zygote itself: the last of the chain of processes."""
    assert isinstance(sandbox._opened, opened.Zygotes)
    return psutil.Process(sandbox._opened.pids[0]).children(recursive=True)[-1]


def _family() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


def test_a_zygote_that_is_gone_is_started_again() -> None:
    need_bubblewrap()
    before = _family()
    with prepare(LIMITS, ground="bubblewrap", tested=ALL) as sandbox:
        sandbox._opened.zygote._process.kill()  # type: ignore[attr-defined]
        sandbox._opened.zygote._process.wait()  # type: ignore[attr-defined]
        with sandbox.guest(Path("kim.py"), GOOD) as guest:
            assert guest.open() == {} and is_right(step(guest))
        inner = _inner(sandbox)
        with pytest.raises(SandboxError), sandbox.guest(Path("kim.py"), HANGS) as guest:
            inner.kill()
            guest.open()
            step(guest)
        with sandbox.guest(Path("kim.py"), GOOD) as guest:
            assert guest.open() == {} and is_right(step(guest))
    assert _family() == before


def test_when_the_judge_is_killed_everything_ends() -> None:
    need_bubblewrap()
    code = """
import sys
from pathlib import Path
from nncheck.sandbox.limits import Limits
from nncheck.sandbox.sandbox import prepare
from nncheck.sandbox.trial import facts_of
sandbox = prepare(Limits(check=60, seconds=60), tested=facts_of("bubblewrap", {}), trust=True)
with sandbox.guest(Path("a.py"), "print(1)\\nwhile True: pass") as guest:
    print("ready", flush=True)
    guest.open()
"""
    judge = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=PACKAGE.parent)
    assert judge.stdout is not None and judge.stdout.readline() == b"ready\n"
    family = psutil.Process(judge.pid).children(recursive=True)
    assert family
    judge.send_signal(signal.SIGKILL)
    judge.wait()
    judge.stdout.close()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_a_sandbox_that_cannot_start_is_not_the_fault_of_a_submission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grounds.shutil, "which", lambda name: "/bin/false")
    with pytest.raises(InputError, match="did not start"):
        prepare(LIMITS, ground="bubblewrap")
    monkeypatch.setattr(grounds.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match=r"bubblewrap .bwrap. is not installed"):
        prepare(LIMITS, ground="bubblewrap")


def test_the_self_test_finds_every_wall_of_bubblewrap(sandbox: Sandbox) -> None:
    assert sandbox.facts.open == () and set(sandbox.facts.held) == {*trial.CONTAINED, *trial.SERIOUS}
    assert (
        sandbox.facts.words
        == "Submissions ran behind the walls of bubblewrap; every attack of the self-test was stopped."
    )


@pytest.mark.skipif(find_spec("sandlock") is not None, reason="landlock closes what is open here")
def test_the_self_test_sees_what_is_open() -> None:
    with pytest.raises(InputError, match=r"read files.*--trust"):
        prepare(LIMITS, ground="process")
    with prepare(LIMITS, ground="process", trust=True) as sandbox:
        assert {"read files", "read the answers", "write files elsewhere", "end other processes"} <= set(
            sandbox.facts.open
        )
        assert "could: " in sandbox.facts.words and "read files" in sandbox.facts.words
        with sandbox.guest(Path("kim.py"), GOOD) as guest:
            assert guest.open() == {} and is_right(step(guest))
        with sandbox.guest(Path("kim.py"), HANGS) as guest:
            guest.open()
            assert set(step(guest).arrays) == {"Y", "E"}
        assert guest.failure is not None and guest.failure.kind == "timed-out"
        folder = Path(sandbox._opened.zygote._folder)  # type: ignore[attr-defined]
        assert list(folder.iterdir()) == []
    assert not folder.exists()


def test_as_root_submissions_can_run_as_another_user() -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        with pytest.raises(InputError, match="only root can start another user's process"):
            prepare(LIMITS, ground="user")
        return
    try:
        sandbox = prepare(LIMITS, ground="user", trust=True)
    except InputError as error:
        assert "other users cannot read the Python at" in str(error)  # it lies in root's own home
        return
    with sandbox:
        assert {*sandbox.facts.open} <= {"read the answers", "reach the network"}
        with sandbox.guest(Path("kim.py"), "import os\nprint(os.getuid() > 1000)\n" + GOOD) as guest:
            assert guest.open() == {} and is_right(step(guest))
        assert guest.output.startswith("True\n")


def test_what_was_tested_before_is_not_tested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "tried", lambda *_: pytest.fail("tested again"))
    facts = GroundFacts(name="process", held=(), open=("read files",), words="")
    with pytest.raises(InputError, match="submissions could: read files"):
        prepare(LIMITS, tested=facts)
    with prepare(LIMITS, tested=facts, trust=True) as sandbox:
        assert sandbox.facts is facts


def test_a_ground_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="got 'docker', expected one of bubblewrap, user, process, job"):
        prepare(LIMITS, ground="docker")


def test_imports_that_the_assignment_names() -> None:
    need_bubblewrap()
    with (
        prepare(LIMITS, tested=ALL, imports=["tabulate"]) as sandbox,
        sandbox.guest(Path("kim.py"), "import tabulate\n" + GOOD) as guest,
    ):
        assert guest.open() == {}
    with pytest.raises(InputError, match="'no_such_package' is not installed here"):
        prepare(LIMITS, tested=ALL, imports=["no_such_package"])


def test_without_namespaces_of_its_own_the_walls_of_bubblewrap_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    need_bubblewrap()
    real = started.ground
    monkeypatch.setattr(started, "ground", lambda *arguments: replace(real(*arguments), walls="plain"))
    with prepare(LIMITS, ground="bubblewrap", trust=True) as sandbox:
        assert not {"read files", "read the answers", "reach the network", "write files elsewhere"} & set(
            sandbox.facts.open
        )
        for _ in range(2):
            with sandbox.guest(Path("kim.py"), GOOD) as guest:
                assert guest.open() == {} and is_right(step(guest))
        assert guest.output.startswith("files []")


def test_what_is_shown_holds_no_answers() -> None:
    seen = exposed()
    assert not any(Path(path).match("*/reference*") for path in seen.readable)
    empty = {path for how, path in seen.shown if how == "empty"}
    assert {str(PACKAGE / name) for name in ("diagnosis", "grading", "templates", "verifier")} <= empty
    assert not any(path.endswith("-packages") for path in seen.readable)


def test_verifying_needs_no_sandbox() -> None:
    with Guest(Path("kim.py"), GOOD) as guest:
        assert guest.open() == {} and is_right(step(guest))
        assert guest.output == ""
    assert guest.failure is None


def test_an_end_without_a_sandbox_has_its_kind_too() -> None:
    with Guest(Path("kim.py"), "import os; os._exit(3)", 5.0) as guest:
        guest.open()
    assert guest.failure is not None and guest.failure.kind == "crashed" and "exit code 3" in guest.failure.reason


def test_limits_say_what_they_are() -> None:
    assert Limits().processes == 0


def test_a_fresh_process_for_each_submission_serves_where_there_is_no_fork() -> None:
    facts = GroundFacts(name="job", held=(), open=(), words="")
    with prepare(LIMITS, tested=facts) as sandbox:
        with sandbox.guest(Path("kim.py"), "import helper\n" + GOOD, {"helper.py": b""}) as guest:
            assert guest.open() == {} and is_right(step(guest))
            folder = Path(sandbox._opened._open[0]._folder)  # type: ignore[attr-defined]
            assert folder.is_dir()
        assert not folder.exists()
        with sandbox.guest(Path("kim.py"), "while True: pass") as guest:
            guest.open()
        assert guest.failure is not None and guest.failure.kind == "timed-out"
