"""The command line: exit codes, messages without tracebacks, files whole or not at all, consoles of every kind."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

import nncheck
from nncheck import cli, console
from nncheck.autograd.remembered import remember

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command in this process; returns exit code, output, errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nncheck", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return end.value.code, out, err  # type: ignore[return-value]

    return run


def test_help_and_version(call: Call) -> None:
    for command in ((), ("run",), ("cases",), ("show",), ("devices",), ("certify",), ("new",)):
        code, out, _ = call(*command, "--help")
        assert code == 0
        assert "Usage: nncheck" in out
    assert call("--version") == (0, f"nncheck, version {nncheck.__version__}\n", "")
    assert "0 nothing differs, 1 something differs, 2 bad use or input" in call("run", "-h")[1]


def test_run_prints_the_table_and_ends_with_0(call: Call) -> None:
    code, out, err = call("run", "relu-sigmoid", "--steps", 30, "--every", 10)
    assert (code, err) == (0, "")
    assert out.startswith("✓ relu_sigmoid: all 30 steps agree")
    assert [line.split()[0] for line in out.splitlines() if line[:6].strip().isdigit()] == ["9", "19", "29"]


def test_run_tells_a_device_that_it_passes_over_and_reprobe_asks_it_again(call: Call) -> None:
    remember("cuda", "self-test", "RuntimeError: old driver")
    code, out, _ = call("run", "hidden", "--steps", 5)
    assert code == 0
    told = " ".join(out.split())
    assert "because cuda failed at self-test on 20" in told
    assert ": RuntimeError: old driver (--reprobe asks it again)" in told
    assert "old driver" not in call("run", "hidden", "--steps", 5, "--reprobe")[1]


def test_a_difference_ends_with_1(call: Call, copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", ("manual.py", "dY.T @ H", "2 * dY.T @ H"))
    code, out, _ = call("run", folder, "--steps", 20)
    assert code == 1
    assert "the derivation is wrong from step 0 on (dW2); the device is right." in out


def test_cannot_tell_ends_with_0(call: Call, copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden")
    (folder / "derivation.txt").unlink()
    code, out, _ = call("run", folder, "--steps", 20)
    assert (code, out[0]) == (0, "?")
    assert "not covered: no bound can be computed" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "hiden"), "There is no case 'hiden'. Did you mean hidden?"),
        (("show", "hiden"), "Did you mean hidden?"),
        (("certify", "hiden"), "Did you mean hidden?"),
        (("rum",), "No such command 'rum'"),
        (("run", "--steps", "0"), "0 is not in the range x>=1"),
        (("run", "--steps", "-5"), "-5 is not in the range x>=1"),
        (("run", "--steps", "many"), "'many' is not a valid integer"),
        (("run", "--every", "0"), "0 is not in the range"),
        (("run", "--format", "pdf"), "'pdf' is not one of"),
        (("run", "--device", "tpu"), "got device 'tpu', expected auto, directml, cuda, xpu, mps, cpu"),
        (("run", "hidden", "--device", "directml"), "torch-directml "),
        (("run", "hidden", "-o", "/no/such/folder/x.json"), "the folder /no/such/folder does not exist"),
        (("run", "hidden", "-o", "/"), "is a folder; name a file"),
        (("run", "--lang", "fr"), "'fr' is not one of"),
        (("run", "--nonsense"), "No such option"),
        ((), "Usage: nncheck"),
    ],
)
def test_bad_use_ends_with_2_and_says_how_to_mend_it(call: Call, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = call(*arguments)
    assert code == 2
    assert words in " ".join((out + err).split())


def test_every_fault_of_a_case_file_is_printed(call: Call, copy_case: Callable[..., Path]) -> None:
    folder = copy_case(
        "hidden",
        ("case.toml", "B2 = [0.60, 0.60]", "B2 = [0.60, nan]"),
        ("case.toml", "lr = 0.01", "lr = 'x'\nrate = 1"),
    )
    code, _, err = call("run", folder)
    assert code == 2
    assert "case.toml: 3 faults" in err
    for place in ("parameters.B2[1]", "training.lr", "training.rate"):
        assert place in err


def test_a_manual_that_lacks_backward_ends_with_2(call: Call, copy_case: Callable[..., Path]) -> None:
    code, _, err = call("run", copy_case("hidden", ("manual.py", "def backward", "def backwards")))
    assert code == 2
    assert "backward missing" in err


def test_a_manual_that_raises_ends_with_1(call: Call, copy_case: Callable[..., Path]) -> None:
    code, out, _ = call(
        "run",
        copy_case("hidden", ("manual.py", "dH = dY @", "dH = dY @@ 1 if 0 else dY @".replace("@@", "@"))),
        "--steps",
        5,
    )
    assert code == 0
    code, out, _ = call(
        "run", copy_case("hidden", ("manual.py", "dH = dY @", "1 / 0; dH = dY @"), folder="b"), "--steps", 5
    )
    assert code == 1
    assert "ZeroDivisionError" in out


@pytest.mark.parametrize(
    ("ending", "begins"), [("json", "{"), ("csv", "\ufeffcase,step"), ("md", "# nncheck"), ("txt", "✓ hidden")]
)
def test_output_goes_to_a_file_in_the_format_of_its_ending(
    call: Call, tmp_path: Path, ending: str, begins: str
) -> None:
    path = tmp_path / f"결과.{ending}"
    code, out, err = call("run", "hidden", "--steps", 5, "-o", path)
    assert (code, out) == (0, "")
    assert str(path) in err
    assert path.read_text(encoding="utf-8").startswith(begins)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_file_that_stood_there_stays_if_the_run_fails(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("before", encoding="utf-8")
    assert call("run", "hiden", "-o", path)[0] == 2
    assert path.read_text(encoding="utf-8") == "before"
    assert call("run", "hidden", "--steps", 5, "-o", path)[0] == 0
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == "nncheck/run/1"


def test_json_on_the_terminal(call: Call) -> None:
    code, out, _ = call("run", "hidden", "--steps", 5, "--format", "json", "--lang", "ko")
    assert code == 0
    assert json.loads(out)["cases"][0]["title"] == "입력2 은닉2 출력2"


@pytest.mark.parametrize(
    ("variable", "value", "title"),
    [("NNCHECK_LANG", "ko", "입력2"), ("LANG", "ko_KR.UTF-8", "입력2"), ("LANG", "C.UTF-8", "Two")],
)
def test_the_title_is_in_the_language_of_the_environment(
    call: Call, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, title: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert title in call("run", "hidden", "--steps", 5)[1]


def test_cases_show_and_devices(call: Call) -> None:
    code, out, _ = call("cases")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[2:]] == [case.name for case in nncheck.cases()]
    assert {case["case"]: case["certified"] for case in json.loads(call("cases", "--format", "json")[1])}[
        "hidden"
    ] is True
    code, out, _ = call("show", "relu-sigmoid")
    assert code == 0
    for words in (
        "활성화 함수 적용(relu, sigmoid)",
        "2-2-2",
        "lr = 0.01, 1,000 steps",
        "[[0.4, 0.45], [0.5, 0.55]]",
        "dZ = dH * (Z > 0)",
    ):
        assert words in out
    assert json.loads(call("show", "hidden", "--format", "json")[1])["params"]["B2"] == [0.6, 0.6]
    code, out, _ = call("devices")
    assert code == 0
    assert "torch-directml " in out  # which of its reasons applies here, tests/autograd/test_directml.py holds
    assert "--device auto takes" in out
    assert [state["kind"] for state in json.loads(call("devices", "--format", "json")[1])] == [
        "directml",
        "cuda",
        "xpu",
        "mps",
        "cpu",
    ]


def test_certify_says_what_agrees_and_what_does_not(call: Call, copy_case: Callable[..., Path]) -> None:
    code, out, _ = call("certify", copy_case("hidden"))
    assert (code, out[:38]) == (0, "✓ my_case: autograd, manual.py and der")
    code, out, _ = call("certify", copy_case("hidden", ("manual.py", "dY.T @ H", "2 * dY.T @ H"), folder="b"))
    assert code == 1
    assert "✗ b: not certified" in out
    assert "dW2 of manual.py differs from autograd" in out


def test_a_fault_of_ours_ends_with_3_without_a_traceback(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("nncheck.runner.run", broken)
    code, _, err = call("run", "hidden")
    assert code == 3
    assert "nncheck itself failed: RuntimeError: planted" in err


def test_an_interrupt_ends_with_130(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nncheck.runner.run", interrupted)
    code, _, err = call("run", "hidden")
    assert (code, err.strip()) == (130, "Interrupted.")


@pytest.mark.parametrize(
    "encoding", ["cp949", *(pytest.param(e, marks=pytest.mark.slow) for e in ("ascii", "cp1252", "utf-8"))]
)
def test_every_console_shows_every_table(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for arguments in (["cases"], ["show", "hidden"], ["run", "hidden", "--steps", "5", "--lang", "ko"]):
        done = subprocess.run(
            [sys.executable, "-m", "nncheck", *arguments], capture_output=True, env=environment, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        text = done.stdout.decode(encoding)
        assert ("입력2 은닉2 출력2" in text) == (encoding in ("cp949", "utf-8"))
        if arguments[0] == "run":
            assert text.startswith("✓ hidden" if encoding == "utf-8" else "[ok] hidden")


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m nncheck run softmax_cross_entropy --steps 3000 --every 1 | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("✓ softmax_cross_entropy")
    assert (done.returncode, done.stderr) == (0, "")  # of nncheck: 1 would say that something differs


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal of POSIX")
def test_progress_is_shown_on_a_terminal_and_only_there() -> None:
    import pty

    command = [sys.executable, "-m", "nncheck", "run", "softmax_cross_entropy", "--steps", "20000", "--every", "20000"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        assert process.stdout is not None
        assert process.stdout.read().decode().startswith("✓ softmax_cross_entropy")
    os.close(leader)
    assert b"softmax_cross_entropy:" in shown
    assert b"20.0k" in shown


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EINVAL, errno.ENOSPC])
def test_a_complaint_that_nobody_reads_ends_nothing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(number, "closed")

    monkeypatch.setattr(sys, "stderr", Closed())
    with pytest.raises(OSError) if number == errno.ENOSPC else nullcontext():
        console.complain("a note")


def test_a_name_that_windows_does_not_take_is_no_reader_that_has_seen_enough() -> None:
    assert console.closed_by_reader(OSError(errno.EINVAL, "Invalid argument"))
    assert not console.closed_by_reader(OSError(errno.EINVAL, "Invalid argument", "a?b.txt"))
    assert not console.closed_by_reader(OSError(errno.ENOSPC, "No space left on device"))


def test_new_says_where_it_writes(call: Call) -> None:
    assert "instead of ./CASE.py" in " ".join(call("new", "--help")[1].split())


def test_signs_that_a_console_lacks_get_plain_ones() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console._print("✓ 가 – é", stream)
    stream.flush()
    assert stream.buffer.getvalue() == b"[ok] ? - ?\n"  # type: ignore[attr-defined]
