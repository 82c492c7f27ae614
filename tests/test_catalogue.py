"""The Korean catalogue holds every message of the code, with its placeholders and with particles that settle."""

from __future__ import annotations

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

TYPICAL = ("dW", "dZ2[0, 1]", "W'", "`dZ = dH * (Z > 0)`", "손실", "기울기", "hidden", "5")
_DOUBLE = re.compile(r"[가-힣]\([가-힣]\)|\([으이]\)[가-힣]")  # told apart from nncheck's own list of them


@pytest.fixture(scope="module")
def build() -> dict[str, Any]:
    """Return what setup.py defines."""
    return runpy.run_path(str(ROOT / "setup.py"), run_name="setup")


def _placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def _faults(messages: dict[str, str], extracted: set[str]) -> list[str]:
    """Say what is wrong with translations, by message."""
    faults = [f"not translated: {text!r}" for text in sorted(extracted) if not messages.get(text)]
    faults += [f"no longer in the code: {text!r}" for text in messages if text not in extracted]
    for text, translation in messages.items():
        if not translation or text not in extracted:
            continue
        if "{" in text and _placeholders(text) != _placeholders(translation):
            faults.append(f"other placeholders: {text!r}")
            continue
        for name in TYPICAL:
            said = settle(re.sub(r"\{[^{}]*\}", lambda _, name=name: name, translation))  # type: ignore[misc]
            if _DOUBLE.search(said):
                faults.append(f"the particle is left open: {said!r}")
    return faults


def _translations(build: dict[str, Any], path: Path) -> dict[str, str]:
    return {entry.id: entry.string for entry in build["read"](path) if entry.id and not entry.fuzzy}


def test_every_message_of_the_code_is_translated(build: dict[str, Any]) -> None:
    extracted = {message.id for message in build["extracted"]() if message.id}
    assert {"the ReLU of {source}", "a linear layer of {source} with {weight} and {bias}"} <= extracted
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
        ({"{a} differs": "{a}을(가) 다릅니다"}, "the particle is left open: 'dW을(가) 다릅니다'"),
        ({"{a} differs": "{a}...이(가) 다릅니다"}, "the particle is left open: 'dW...이(가) 다릅니다'"),
    ],
)
def test_a_planted_fault_of_a_catalogue_is_caught(messages: dict[str, str], fault: str) -> None:
    assert fault in _faults(messages, {"{a} differs"})
    assert not _faults({"{a} differs": "{a}이(가) 다릅니다"}, {"{a} differs"})


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
    assert [line.split(": ", 2)[2] for line in done.stdout.splitlines()] == ["'new {b}'", "'marked'"]
    assert _translations(build, place / "nncheck.po") == {"old {a}": "옛 {a}", "new {b}": "", "marked": ""}
    first = (place / "nncheck.po").read_bytes()
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert (place / "nncheck.po").read_bytes() == first
    assert first.decode().startswith(header)
    assert (place / "nncheck.mo").read_bytes() == build["compiled"](place / "nncheck.po")


def test_messages_are_said_in_korean() -> None:
    with use("ko"):
        said = phrase("Made the case folder {path}. Change what you like, then run  {then}", path="my_case2", then="x")
    assert said == "예제 폴더 my_case2를 만들었습니다. 원하는 대로 고친 다음 실행하세요:  x"
