"""nncheck on Windows, as far as another system can play it: nothing of POSIX, a console in cp949, names in Hangul.

What plays it is `tests.as_windows`. It is no Windows: paths, locks on open files and job objects are those of here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nncheck
from tests import as_windows

PACKAGE = Path(nncheck.__file__).resolve().parent
ROOT = PACKAGE.parent
#: Modules of the grounds that fork, which Windows has not; nothing there imports them, and they can be imported.
FORKING = ("sandbox/started.py", "sandbox/seat.py", "sandbox/walls.py", "sandbox/zygote.py")

IMPORT = """
import importlib, json, sys
said = {}
for name in json.loads(sys.stdin.read()):
    try:
        importlib.import_module(name)
    except BaseException as error:
        said[name] = f"{type(error).__name__}: {error}"
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which processes think that they are on a Korean Windows, its output not on a console."""
    folder = as_windows.folder_for(tmp_path_factory.mktemp("windows") / "stand_in")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "NNCHECK_"))}
    local = str(tmp_path_factory.mktemp("AppData"))
    spoken = {"NNCHECK_LANG": "ko", "PYTHONIOENCODING": "cp949", "LOCALAPPDATA": local}
    path = os.pathsep.join((str(folder), str(ROOT)))
    return {**kept, **spoken, "PYTHONPATH": path, "PYTHONWARNDEFAULTENCODING": "1"}


def _not_imported(names: list[str], environment: dict[str, str]) -> dict[str, str]:
    """Import modules in a fresh process, and return what those say that cannot be."""
    command = [sys.executable, "-c", IMPORT]
    given = json.dumps(names)
    done = subprocess.run(command, input=given, env=environment, capture_output=True, text=True, check=True)
    said: dict[str, str] = json.loads(done.stdout)
    return said


def _modules() -> list[str]:
    parts = [path.relative_to(PACKAGE).with_suffix("").parts for path in sorted(PACKAGE.rglob("*.py"))]
    return [".".join(("nncheck", *(part for part in own if part != "__init__"))) for own in parts]


def test_every_module_is_imported_where_nothing_of_posix_is(windows: dict[str, str]) -> None:
    names = _modules()
    assert len(names) > 300 and "nncheck.sandbox.zygote" in names
    assert _not_imported(names, windows) == {}


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("import fcntl", "fcntl"),
        ("from resource import getrlimit", "resource"),
        ("import os\nstart = os.fork", "fork"),
        ("import os\nFLAGS = os.O_RDONLY | os.O_NOFOLLOW", "O_NOFOLLOW"),
        ("import signal\nEND = signal.SIGKILL", "SIGKILL"),
        ("from signal import SIGALRM", "SIGALRM"),
        ("import sys\nif sys.platform == 'win32':\n    import pwd", "pwd"),
    ],
)
def test_a_planted_name_of_posix_is_found(windows: dict[str, str], tmp_path: Path, planted: str, said: str) -> None:
    (tmp_path / "nncheck_planted.py").write_text(planted, encoding="utf-8")
    path = os.pathsep.join((windows["PYTHONPATH"], str(tmp_path)))
    found = _not_imported(["nncheck_planted", "nncheck.process"], {**windows, "PYTHONPATH": path})
    assert list(found) == ["nncheck_planted"] and said in found["nncheck_planted"]
    assert _not_imported(["nncheck_planted"], {**os.environ, "PYTHONPATH": str(tmp_path)}) == {}


def test_what_windows_lacks_is_known() -> None:
    modules, names = as_windows.absent()
    assert {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty"} <= modules
    assert not {"msvcrt", "os", "signal", "socket", "subprocess", "threading"} & modules
    lacking = {"fork", "setsid", "getuid", "geteuid", "killpg", "sched_setaffinity", "O_NOFOLLOW", "O_CLOEXEC", "wait4"}
    assert lacking <= names["os"]
    assert not {"kill", "replace", "getpid", "cpu_count", "O_RDONLY", "waitpid", "umask", "chmod"} & names["os"]
    assert {"SIGKILL", "SIGALRM", "SIGXCPU"} <= names["signal"] and "SIGTERM" not in names["signal"]
    assert "poll" in names["select"] and "select" not in names["select"]


@pytest.mark.slow
def test_type_checkers_find_nothing_of_posix_but_where_processes_fork(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--platform", "win32", "--cache-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = [line for line in done.stdout.splitlines() if "error:" in line]
    assert any("sandbox/zygote.py" in line for line in found), done.stdout + done.stderr  # it can find such names
    allowed = tuple(f"nncheck/{name}:" for name in (*FORKING, "grading/crew.py"))  # the crew goes on without
    assert [line for line in found if not line.startswith(allowed)] == []


# --- commands, in a folder with Hangul and a blank in its name ---


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("사용자") / "내 문서"
    folder.mkdir()
    for name in ("01_right.py", "06_no_derivative.py", "19_os_exit.py"):
        text = (ROOT / "tests" / "grading" / "twenty" / name).read_text(encoding="utf-8")
        (folder / "과제").mkdir(exist_ok=True)
        (folder / "과제" / f"김{name}").write_bytes(f"# 내가 쓴 것\n{text}".encode("cp949"))
    return folder


def _said(command: str, place: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command as a Korean student on Windows does, its output into a file in cp949."""
    words = [sys.executable, "-m", "nncheck", *command.split()]
    done = subprocess.run(words, cwd=place, env=environment, capture_output=True, timeout=300)
    complained = done.stderr.decode("cp949")
    assert "Traceback" not in complained
    assert not re.findall(r"^.*nncheck.*EncodingWarning.*$", complained, re.MULTILINE)
    return done.returncode, done.stdout.decode("cp949") + complained


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("new relu_sigmoid -o 김철수.py", 0, "김철수.py에 썼습니다"),
        ("verify 과제/김06_no_derivative.py --case relu_sigmoid", 1, "dW가 첫 번째입니다"),
        ("explain hidden --step 3", 0, "모두 일치합니다"),
        ("new --case 내_예제", 0, "예제 폴더 내_예제를 만들었습니다"),
        ("run 내_예제 hidden --steps 20 --device cpu -o 실행.html", 0, "실행.html에 썼습니다"),
        ("show 내_예제", 0, "derivation.txt"),
    ],
)
def test_a_command_does_there_what_it_does_here(
    windows: dict[str, str], place: Path, command: str, code: int, said: str
) -> None:
    got, text = _said(command, place, windows)
    assert got == code and said in text, text


def test_submissions_get_there_the_points_that_they_get_here(windows: dict[str, str], place: Path) -> None:
    assert _said("new --assignment relu_sigmoid -o 과제.toml", place, windows)[0] == 0
    refused, text = _said("grade 과제 --assignment 과제.toml -o 성적", place, windows)
    assert refused == 2 and "'job'" in text and "--trust" in text  # a job keeps nobody from files and the network
    notes = Path(windows["PYTHONPATH"].split(os.pathsep)[0], "error_modes.txt")
    notes.unlink(missing_ok=True)
    _said("grade 과제 --assignment 과제.toml -o 성적 --trust", place, windows)
    assert set(notes.read_text(encoding="ascii").split()) == {"0x8003"}  # each process will crash without a window
    lines = (place / "성적" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    found = {one["student"][1:3]: (one["score"], one["grade"]["status"]) for one in map(json.loads, lines)}
    # as tests.grading.test_twenty has them behind walls
    assert found == {"01": (11, "graded"), "06": (9, "graded"), "19": (3, "crashed")}


def test_devices_say_there_what_is_missing(windows: dict[str, str], place: Path) -> None:
    code, text = _said("devices", place, windows)
    why = "python -m pip install torch-directml" if sys.version_info < (3, 13) else "py -3.12 -m venv .venv"
    assert code == 0 and why in text and "cpu" in text
