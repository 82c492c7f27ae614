"""Help and usage errors are in the language that is asked for: marked throughout, aligned, click's own included."""

from __future__ import annotations

import gettext
import io
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from wcwidth import wcswidth

import nncheck
from nncheck import cli, console, language, usage
from nncheck.delivery import deliver
from nncheck.language import use

ROOT = Path(nncheck.__file__).resolve().parents[1]
Call = Callable[..., tuple[int, str, str]]

#: Names that stand in Korean text as they are: of nncheck, of other programs and formats, of what they say.
NAMES = {
    *("nncheck", "torch", "autograd", "dask", "directml", "cuda", "xpu", "mps", "cpu", "auto", "tcp", "host", "port"),
    *("local", "csv", "jsonl", "feedback", "Gradescope", "Ctrl", "forward", "loss", "backward", "update", "manual"),
    *(
        "py",
        "derivation",
        "certificate",
        "json",
        "toml",
        "dZ",
        "dZ2",
        "dY",
        "float64",
        "float32",
        "assignment",
        "markdown",
    ),
    *(
        "relu_sigmoid",
        "table",
        "derive",
        "verify",
        "html",
        "svg",
        "png",
        "lr",
        "w1",
        "w2",
        "w3",
        "w4",
        "autograder",
        "zip",
        "tar",
    ),
}
_WORD = re.compile(r"(?<![-\w.{}`/])[A-Za-z][A-Za-z0-9_]+(?![\w{}])")


def _commands() -> list[tuple[str, ...]]:
    return [(), *((name,) for name in cli.cli.commands)]


def _known() -> set[str]:
    """Return what a person types: commands, and the choices of their options."""
    known = set(NAMES)
    for command in (cli.cli, *cli.cli.commands.values()):
        known.add(str(command.name))
        for parameter in command.params:
            known |= set(getattr(parameter.type, "choices", ()))
    return known


def _english(text: str) -> list[str]:
    """Return the words of a text that are English and no names; capital words are what an option takes."""
    bare = re.sub(r"`[^`]*`|--?[a-z][\w-]*|'[^']*'|\[[a-z0-9|]+\]|[<>]=?|\b\d\w*", " ", text)
    known = _known()
    return [word for word in _WORD.findall(bare) if word not in known and not word.isupper()]


@pytest.fixture(scope="module")
def marked() -> set[str]:
    """Return every message that the catalogue holds or will."""
    if not (ROOT / "setup.py").is_file():
        pytest.skip("needs the source tree")
    messages: set[str] = set()
    for message in runpy.run_path(str(ROOT / "setup.py"), run_name="setup")["extracted"]():
        messages |= {message.id} if isinstance(message.id, str) else set(message.id)
    return messages


@pytest.fixture
def pseudo(marked: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Translate each marked message word by word into signs of two columns, so that one that is not marked shows."""

    class Pseudo(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return _WORD.sub(self._sign, message) if message in marked else message

        def ngettext(self, one: str, many: str, count: int) -> str:
            return self.gettext(one if count == 1 else many)

        @staticmethod
        def _sign(word: re.Match[str]) -> str:
            kept = word.group().isupper() or word.group() in _known()
            return word.group() if kept else "가" * ((len(word.group()) + 1) // 2)

    catalogues = {"en": gettext.NullTranslations(), "ko": Pseudo()}
    monkeypatch.setattr(language, "_catalogue", catalogues.__getitem__)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command in this process; returns exit code, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nncheck", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return end.value.code, out, err  # type: ignore[return-value]

    return run


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], "", "en"),
        ([], "ko_KR.UTF-8", "ko"),
        (["run", "--lang", "ko"], "", "ko"),
        (["--lang=ko", "run"], "", "ko"),
        (["run", "--lang", "en"], "ko", "en"),
        (["run", "--lang", "fr"], "ko", "ko"),
        (["run", "--lang"], "ko", "ko"),
        (["run", "--", "--lang", "ko"], "", "en"),
        (["--lang", "ko", "run", "--lang=en"], "", "en"),
    ],
)
def test_the_language_is_known_before_anything_is_parsed(
    arguments: list[str], environment: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NNCHECK_LANG", environment)
    assert usage.asked(arguments) == expected


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_every_help_is_marked_and_fits(command: tuple[str, ...], pseudo: None, call: Call) -> None:
    code, out, err = call(*command, "--help", "--lang", "ko")
    assert (code, err) == (0, "")
    assert _english(out) == []
    assert "가" in out
    assert max(wcswidth(line) for line in out.splitlines() if wcswidth(line) > len(line)) <= 80
    english = call(*command, "--help")[1]
    assert "가" not in english
    assert len(_english(english)) > 10


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_every_help_is_korean(command: tuple[str, ...], call: Call) -> None:
    _, out, _ = call(*command, "--help", "--lang", "ko")
    assert _english(out) == []
    assert max(wcswidth(line) for line in out.splitlines() if wcswidth(line) > len(line)) <= 80
    _, out, _ = call("--lang", "ko", *command, "--help")
    assert _english(out) == []


def test_that_check_finds_english() -> None:
    assert _english("옵션:\n  --steps INTEGER  Number of steps.  [x>=1]") == ["Number", "of", "steps"]
    assert _english("옵션:\n  --steps INTEGER  단계 수.  [기본값: 100; x>=1]\n  --lang [en|ko]  언어, torch") == []


MISUSES = [
    ("run", "--stepz", "3"),
    ("run", "--steps"),
    ("run", "--steps", "many"),
    ("run", "--steps", "0"),
    ("run", "--format", "xml"),
    ("run", "--lang", "fr"),
    ("verify",),
    ("verify", "a.py"),
    ("show", "a", "b"),
    ("runn",),
    ("grade", "a", "--assignment", "x", "-o", "y", "--jobs", "2", "--cluster", "z"),
    ("new",),
    ("new", "hidden", "--like", "a"),
    ("show", "no_such_case"),
    ("--version",),
]


@pytest.mark.parametrize("arguments", MISUSES, ids=" ".join)
def test_what_is_wrong_with_a_command_is_said_in_its_language(
    arguments: tuple[str, ...], pseudo: None, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    english = "".join(call(*arguments)[1:])
    monkeypatch.setenv("NNCHECK_LANG", "ko")
    _, out, err = call(*arguments)
    said = re.sub(r"[가-힣][^:]*: \w+(, \w+)*;", "", out + err)  # the names of the cases
    assert _english(said) == [], said
    assert "가" in out + err
    assert "가" not in english


def test_click_speaks_english_as_it_did(call: Call) -> None:
    assert call("run", "--steps", "0")[2].endswith("Error: Invalid value for '--steps': 0 is not in the range x>=1.\n")
    assert "Error: Missing argument 'FILE'." in call("verify")[2]
    assert call("runn")[0] == 2


def test_particles_fit_in_what_click_says(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    class Small(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return {
                "{value!r} is not a valid {number_type}.": "{value!r}은(는) {number_type}이(가) 아닙니다.",
                "integer range": "정수",
            }.get(message, message)

    monkeypatch.setattr(language, "_catalogue", lambda name: Small() if name == "ko" else gettext.NullTranslations())
    assert "'w'는 정수가 아닙니다." in call("run", "--lang", "ko", "--steps", "w")[2]


def test_terms_of_two_columns_are_aligned_and_wrapped() -> None:
    formatter = usage._Formatter(width=40)
    formatter.write_dl([("--파일", "하나 " * 20), ("--ab", "둘")])
    lines = formatter.getvalue().splitlines()
    assert all(wcswidth(line) <= 40 for line in lines)
    assert wcswidth(lines[0][: lines[0].index("하나")]) == wcswidth(lines[-1][: lines[-1].index("둘")]) == 8
    assert "\u1160" not in formatter.getvalue()


def test_a_command_leaves_the_language_as_it_was(call: Call) -> None:
    before = dict(os.environ)
    call("cases", "--lang", "ko")
    assert language.current() == "en"
    assert dict(os.environ) == before
    with use("ko"):
        assert isinstance(click.core._("Options"), str)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("encoding", "commands"),
    [
        ("cp949", (["verify", "--help"], ["show", "hidden"], ["run", "--steps", "x"], ["cases"])),
        ("cp437", (["verify", "--help"], ["cases"])),
    ],
)
def test_help_and_errors_are_shown_on_every_console(encoding: str, commands: tuple[list[str], ...]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LANG": "ko_KR.UTF-8"}
    for arguments in commands:
        done = subprocess.run(
            [sys.executable, "-m", "nncheck", *arguments], capture_output=True, env=environment, check=False
        )
        text = (done.stdout + done.stderr).decode(encoding)
        assert "Traceback" not in text
        assert "\\u" not in text
        assert bool(re.search("[가-힣]", text)) == (encoding == "cp949")


@pytest.mark.parametrize(
    ("encoding", "variables", "expected"),
    [
        ("utf-8", {"LANG": "ko_KR.UTF-8"}, "ko"),
        ("cp949", {"LANG": "ko_KR.UTF-8"}, "ko"),
        ("cp437", {"LANG": "ko_KR.UTF-8"}, "en"),
        ("ascii", {"LC_MESSAGES": "ko_KR"}, "en"),
        ("utf-8", {"LC_MESSAGES": "ko_KR", "LANG": "en_US"}, "ko"),
        ("utf-8", {"LC_ALL": "C.UTF-8", "LANG": "ko_KR"}, "en"),
        ("ascii", {"LANG": "C", "NNCHECK_LANG": "ko"}, "ko"),
    ],
)
def test_korean_by_the_locale_is_for_consoles_that_have_its_signs(
    encoding: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert console.default_language() == expected


@pytest.mark.parametrize("encoding", ["cp949", "cp437", "ascii"])
def test_signs_of_reports_have_plain_ones_in_their_place(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    shown = console.printable("✓✗…—–·×−′² ▁▂▃▄▅▆▇█", stream)
    assert "?" not in shown
    shown.encode(encoding)
    assert shown.startswith("[ok][!!]")
    assert shown.endswith(" 12345678") or encoding == "cp437"  # which has two of the bars


def test_a_page_is_utf_8_whatever_the_console_has(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp949")
    monkeypatch.setattr(sys, "stdout", stream)
    deliver("<p>가✓</p>\n", None, "html")
    deliver("가✓\n", None, "table")
    stream.flush()
    assert stream.buffer.getvalue() == "<p>가✓</p>\n".encode() + "가[ok]\n".replace("\n", os.linesep).encode("cp949")  # type: ignore[attr-defined]
