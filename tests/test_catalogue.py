"""The Korean catalogue holds every message of the code, with its placeholders and with particles that settle."""

from __future__ import annotations

import ast
import re
import runpy
import shutil
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nncheck
from nncheck.language import phrase, use
from nncheck.particles import settle

ROOT = Path(nncheck.__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(not (ROOT / "setup.py").is_file(), reason="needs the source tree")

#: A message, or its singular and its plural.
Message = str | tuple[str, str]

#: What stands in Korean as it does in English: names of programs and types, and what is all placeholders.
AS_IT_IS = {
    "%%nncheck CASE [--hints N] [--lang en|ko] [--seed N]",
    "autograd",
    "torch autograd (float64)",
    "{quantity}: {kind}",
    "{what} ({name})",
}
TYPICAL = ("dW", "dZ2[0, 1]", "W'", "`dZ = dH * (Z > 0)`", "손실", "기울기", "hidden", "5")
_DOUBLE = re.compile(r"[가-힣]\([가-힣]\)|\([으이]\)[가-힣]")  # told apart from nncheck's own list of them


@pytest.fixture(scope="module")
def build() -> dict[str, Any]:
    """Return what setup.py defines."""
    return runpy.run_path(str(ROOT / "setup.py"), run_name="setup")


@pytest.fixture(scope="module")
def extracted(build: dict[str, Any]) -> set[Message]:
    """Return every message of the code and of click."""
    return {message.id for message in build["extracted"]() if message.id}


def _placeholders(message: Message) -> set[str]:
    forms = (message,) if isinstance(message, str) else message
    return {field for form in forms for _, field, _, _ in string.Formatter().parse(form) if field is not None}


def _other_placeholders(text: Message, translation: str) -> bool:
    """Korean has no plural, so one form stands for both and may hold what either does; of two names for one, one."""
    if isinstance(text, str):
        return "{" in text and _placeholders(text) != _placeholders(translation)
    return not _placeholders(translation) <= _placeholders(text)


def _faults(messages: dict[Message, str], extracted: set[Message]) -> list[str]:
    """Say what is wrong with translations, by message."""
    faults = [f"not translated: {text!r}" for text in sorted(extracted, key=str) if not messages.get(text)]
    faults += [f"no longer in the code: {text!r}" for text in messages if text not in extracted]
    for text, translation in messages.items():
        if not translation or text not in extracted:
            continue
        if text == translation and text not in AS_IT_IS:
            faults.append(f"left in English: {text!r}")
        if _other_placeholders(text, translation):
            faults.append(f"other placeholders: {text!r}")
            continue
        for name in TYPICAL:
            said = settle(re.sub(r"\{[^{}]*\}", lambda _, name=name: name, translation))  # type: ignore[misc]
            if _DOUBLE.search(said):
                faults.append(f"the particle is left open: {said!r}")
    return faults


def _translations(build: dict[str, Any], path: Path) -> dict[Message, str]:
    return {entry.id: _one(entry.string) for entry in build["read"](path) if entry.id and not entry.fuzzy}


def _one(text: str | tuple[str, ...]) -> str:
    """Return the first form of a message with a plural; Korean has no other."""
    return text if isinstance(text, str) else text[0]


def test_every_message_of_the_code_is_translated(build: dict[str, Any], extracted: set[Message]) -> None:
    assert {"the ReLU of {source}", "a linear layer of {source} with {weight} and {bias}"} <= extracted
    assert {"List the cases.", "Usage:", "Missing argument", "Invalid value: {message}"} <= extracted  # of click
    paths = build["catalogues"]()
    assert [path.parts[-3] for path in paths] == ["ko"]
    for path in paths:
        faults = _faults(_translations(build, path), extracted)
        assert not faults, "run  python setup.py catalogue  and translate\n" + "\n".join(faults)


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ({}, "not translated: '{a} differs'"),
        ({"{a} differs": ""}, "not translated: '{a} differs'"),
        ({"{a} differs": "{b}이(가) 다릅니다"}, "other placeholders: '{a} differs'"),
        ({"{a} differs": "{a} 값이 다릅니다", "gone": "없음"}, "no longer in the code: 'gone'"),
        ({"{a} differs": "{a} differs"}, "left in English: '{a} differs'"),
        ({"{a} differs": "{a}을(가) 다릅니다"}, "the particle is left open: 'dW을(가) 다릅니다'"),
        ({"{a} differs": "{a}...이(가) 다릅니다"}, "the particle is left open: 'dW...이(가) 다릅니다'"),
    ],
)
def test_a_planted_fault_of_a_catalogue_is_caught(messages: dict[Message, str], fault: str) -> None:
    assert fault in _faults(messages, {"{a} differs"})
    assert not _faults({"{a} differs": "{a}이(가) 다릅니다"}, {"{a} differs"})


def test_one_form_stands_for_singular_and_plural() -> None:
    counted = ("{a} needs a value.", "{a} needs {n} values.")
    assert not _faults({counted: "{a}에 값이 {n}개 있어야 합니다."}, {counted})
    assert _faults({counted: "{a}에 값이 {m}개 있어야 합니다."}, {counted}) == [f"other placeholders: {counted!r}"]


def test_nothing_is_listed_as_english_that_is_not_there(build: dict[str, Any]) -> None:
    (path,) = build["catalogues"]()
    said = _translations(build, path)
    assert {text for text in said if said[text] == text} == AS_IT_IS


def _wrong_calls(code: str, extracted: set[Message]) -> list[str]:
    """Say which calls that mark or translate a message keep it from the catalogue."""
    tree = ast.parse(code)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    marking = [call for call in calls if call.func.id in ("_", "N_", "phrase")]  # type: ignore[attr-defined]
    inside = {id(node) for text in ast.walk(tree) if isinstance(text, ast.JoinedStr) for node in ast.walk(text)}
    wrong = [f"line {call.lineno}: it stands inside an f-string" for call in marking if id(call) in inside]
    for call in calls:
        message = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
        if call in marking and message and message not in extracted:
            wrong.append(f"line {call.lineno}: Babel does not find it, in brackets within the call of another")
        if call.func.id == "translate" and message:  # type: ignore[attr-defined]
            wrong.append(f"line {call.lineno}: translate marks nothing; use phrase")
    return wrong


def test_every_message_comes_into_the_catalogue(extracted: set[Message]) -> None:
    for path in sorted(Path(nncheck.__file__).parent.rglob("*.py")):
        if path.name != "usage.py":  # it translates what click marks
            assert not _wrong_calls(path.read_text(encoding="utf-8"), extracted), path


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("f\"{phrase('known')}\"", "it stands inside an f-string"),
        ('phrase("known", a=(N_("new")))', "Babel does not find it"),
        ('translate("known")', "translate marks nothing"),
        ('phrase("known", a=phrase("known"))\ntranslate(N_("known"))', ""),
    ],
)
def test_a_message_that_would_not_come_into_the_catalogue_is_noticed(code: str, wrong: str) -> None:
    assert [wrong in fault for fault in _wrong_calls(code, {"known"})] == [True] * bool(wrong)


def test_the_help_of_commands_is_their_docstring(build: dict[str, Any]) -> None:
    code = '''
@cli.command(epilog=E)
@click.option("--a")
def one(a):
    """Do one thing.

        As ever.
    """
@group.group()
def two():
    """Hold others."""
@cli.command()
def three(): pass
@cached
def four():
    """Is no command."""
'''
    assert build["command_helps"](code) == ["Do one thing.\n\nAs ever.", "Hold others."]


def test_the_compiled_catalogue_is_that_of_the_source(build: dict[str, Any]) -> None:
    for path in build["catalogues"]():
        compiled = path.with_suffix(".mo")
        assert compiled.is_file(), "run  python setup.py catalogue"
        assert compiled.read_bytes() == build["compiled"](path), "run  python setup.py catalogue"


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="needs msgfmt of GNU gettext")
def test_msgfmt_finds_no_fault(build: dict[str, Any], tmp_path: Path) -> None:
    def check(path: Path) -> int:
        command = ["msgfmt", "--check", "--output-file", str(tmp_path / "out.mo"), str(path)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    for path in build["catalogues"]():
        assert check(path) == 0
        spoilt = tmp_path / "nncheck.po"
        text = path.read_text(encoding="utf-8")
        spoilt.write_text(text.replace('msgstr "{source}에 ReLU', 'msgstr "{sauce}에 ReLU'), encoding="utf-8")
        assert check(spoilt) == 1


def test_refreshing_keeps_the_translations_and_lists_what_is_new(build: dict[str, Any], tmp_path: Path) -> None:
    package = tmp_path / "nncheck"
    place = package / "locale" / "ko" / "LC_MESSAGES"
    place.mkdir(parents=True)
    header = (ROOT / "nncheck/locale/ko/LC_MESSAGES/nncheck.po").read_text(encoding="utf-8").partition("\n\n")[0]
    (place / "nncheck.po").write_text(
        f'{header}\n\nmsgid "old {{a}}"\nmsgstr "옛 {{a}}"\n\nmsgid "gone"\nmsgstr "없음"\n', encoding="utf-8"
    )
    (package / "some.py").write_text(
        '_("old {a}")\nphrase(\n    "new "\n    "{b}",\n    b=1,\n)\nN_("marked")\n', encoding="utf-8"
    )
    shutil.copy(ROOT / "setup.py", tmp_path / "setup.py")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n', encoding="utf-8")
    command = [sys.executable, "setup.py", "-q", "catalogue"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    listed = [line.split(": ", 2)[2] for line in done.stdout.splitlines()]
    assert listed[:2] == ["'new {b}'", "'marked'"]
    assert "'Usage:'" in listed[2:]  # of click, whose messages are in every catalogue
    said = _translations(build, place / "nncheck.po")
    assert {text: said[text] for text in ("old {a}", "new {b}", "marked", "Usage:")} == {
        "old {a}": "옛 {a}",
        "new {b}": "",
        "marked": "",
        "Usage:": "",
    }
    assert "gone" not in said
    first = (place / "nncheck.po").read_bytes()
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert (place / "nncheck.po").read_bytes() == first
    assert first.decode().startswith(header)
    assert (place / "nncheck.mo").read_bytes() == build["compiled"](place / "nncheck.po")


def test_messages_are_said_in_korean() -> None:
    with use("ko"):
        said = phrase("Made the case folder {path}. Change what you like, then run  {then}", path="my_case2", then="x")
    assert said == "예제 폴더 my_case2를 만들었습니다. 원하는 대로 고친 다음 실행하십시오:  x"
