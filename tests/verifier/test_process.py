"""Code that ends, hangs or kills its process is a finding; nothing of it reaches the process of nncheck."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from nncheck.manual import client
from nncheck.verification import Finding
from nncheck.verifier.verify import verify
from tests.verifier.conftest import RIGHT, Held, backward_of, returning

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

ENDINGS = {
    "exit": (backward_of("exit(3)"), "mine.py, line 12: SystemExit: 3"),
    "exit at the top": ("import sys\nsys.exit('bye')\n" + RIGHT, "mine.py, line 2: SystemExit: bye"),
    "a hard exit": (backward_of("import os; os._exit(5)"), "the process of your code ended with exit code 5"),
    "a hard exit that says all is well": ("import os\nos._exit(0)\n" + RIGHT, "ended with exit code 0"),
    "endless recursion": (backward_of("return backward(params, cache, YT)"), "RecursionError"),
    "more memory than there is": (backward_of("return np.ones((10**6, 10**8))"), "MemoryError"),
}


def _only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1
    return findings[0]


@pytest.mark.parametrize(("text", "said"), ENDINGS.values(), ids=ENDINGS)
def test_code_that_ends_its_process_is_a_finding(held: Held, text: str, said: str) -> None:
    result = held(text)
    finding = _only(result.findings)
    assert (result.verdict, result.faults, finding.kind) == ("differ", ("code",), "code")
    assert said in finding.text


@posix
@pytest.mark.parametrize(
    ("body", "signal"),
    [("import os; os.abort()", "SIGABRT"), ("import ctypes; ctypes.string_at(0)", "SIGSEGV")],
    ids=["abort", "a null pointer"],
)
def test_a_crash_is_a_finding(held: Held, body: str, signal: str) -> None:
    assert f"the process of your code was ended by {signal}" in _only(held(backward_of(body)).findings).text


def test_an_endless_loop_is_known_as_one_in_korean_too(held: Held) -> None:
    assert "1초 안에 끝나지 않았습니다" in _only(held("while True: pass", limit=1.0, language="ko").findings).text


@pytest.mark.parametrize(
    "text", [backward_of("while True: pass"), "while True: pass\n" + RIGHT], ids=["in backward", "at the top"]
)
def test_an_endless_loop_ends_at_the_limit(held: Held, text: str) -> None:
    before = time.monotonic()
    finding = _only(held(text, limit=1.5).findings)
    assert time.monotonic() - before < 6  # one call alone: not once for each layout, and for each probe
    assert "mine.py did not come to an end within 1.5 seconds: an endless loop?" in finding.text
    assert not psutil.Process().children()


def test_a_crash_in_the_update_is_found_once(held: Held) -> None:
    text = RIGHT + "\ndef update(params, grads, lr):\n    import os; os._exit(4)\n"
    assert "ended with exit code 4" in _only(held(text).findings).text
    # and backward's own is not told a second time
    later = "\ndef update(params, grads, lr):\n    return params\n"
    assert "ended with exit code 5" in _only(held(backward_of("import os; os._exit(5)") + later).findings).text


PRINTS = {
    "floods": RIGHT.replace("    return {", "    for i in range(20000): print('x' * 200)\n    return {"),
    "bytes": "import sys\nsys.stdout.buffer.write(b'garbage')\n" + RIGHT,
    "past Python": "import os\nos.write(1, b'garbage' * 100)\n" + RIGHT,
    "in another encoding": (
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')\nprint('한글')\n" + RIGHT
    ),
    "to closed streams": "import os\nos.close(1)\nos.close(2)\n" + RIGHT,
}


@pytest.mark.parametrize("text", PRINTS.values(), ids=PRINTS)
def test_what_code_prints_reaches_nobody(held: Held, capfd: pytest.CaptureFixture[str], text: str) -> None:
    assert held(text).verdict == "agree"
    assert capfd.readouterr() == ("", "")


def test_a_gigabyte_that_is_returned_does_not_become_ours(held: Held) -> None:
    before = psutil.Process().memory_info().rss
    result = held(returning('{"W": np.ones((12000, 12000)), "B": dB}'))
    assert "too large to be right" in _only(result.findings).text
    assert psutil.Process().memory_info().rss - before < 200e6


def test_an_answer_of_many_large_arrays_is_refused(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_BYTES", 1 << 20)
    result = held(returning('{"W": dW, "B": dB, **{f"k{i}": np.ones(10**5) for i in range(3)}}'), limit=8)
    assert "bytes of arrays, at most 1048576 are accepted" in _only(result.findings).text


def test_a_folder_that_is_gone_and_a_thread_that_goes_on_do_no_harm(held: Held) -> None:
    gone = "import os, tempfile\nfolder = tempfile.mkdtemp()\nos.chdir(folder)\nos.rmdir(folder)\n"
    running = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    before = time.monotonic()
    assert held((gone if os.name == "posix" else "") + running + RIGHT).verdict == "agree"
    assert time.monotonic() - before < 30
    assert not psutil.Process().children()


@posix
def test_a_folder_that_cannot_be_written_to_is_enough(
    by_the_lines: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "mine.py").write_text(RIGHT, encoding="utf-8")
    folder.chmod(0o555)
    monkeypatch.chdir(folder)
    try:
        assert verify("mine.py", "two_to_one").verdict == "agree"
        assert [path.name for path in folder.iterdir()] == ["mine.py"]
    finally:
        folder.chmod(0o755)


def test_the_process_speaks_the_language_that_is_asked_for(held: Held) -> None:
    text = "import nncheck.language\nraise ValueError(nncheck.language.current())\n"
    for language in ("en", "ko"):
        assert f"ValueError: {language}" in _only(held(text, language=language).findings).text
