"""A run in Korean is Korean in every format that people read: no English left over, columns aligned, any console."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import shutil
from types import SimpleNamespace

import pytest
from wcwidth import wcswidth

import nncheck
from nncheck.console import printable
from nncheck.language import use
from nncheck.record import CaseResult, Fallback, RunResult
from nncheck.report import FORMATS, words

#: Names of files, programs, types and quantities, which are the same in every language.
NAMES = {"autograd", "cpu", "derivation", "float", "json", "lr", "manual", "nncheck", "numpy", "platform", "python"}
NAMES |= {"py", "torch", "txt", "nan", "inf", "e", "x", "mycase", "two_to_two", "dw", "db"}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """Return a run in Korean of a wrong case, that diverges, and of a right one."""
    folder = tmp_path_factory.mktemp("cases") / "mycase"
    shutil.copytree(nncheck.find_case("two_to_two").folder, folder)
    (folder / "certificate.json").unlink()
    text = (folder / "manual.py").read_text(encoding="utf-8")
    assert "dY.T @ X" in text
    (folder / "manual.py").write_text(text.replace("dY.T @ X", "3 * dY.T @ X"), encoding="utf-8")
    toml = (folder / "case.toml").read_text(encoding="utf-8").replace("lr = 0.01", "lr = 1")
    (folder / "case.toml").write_text(toml, encoding="utf-8")
    return nncheck.run(folder, "two_to_two", steps=200, every=100, device="cpu", language="ko")


def _rendered(result: RunResult, form: str) -> str:
    with use("ko"):
        text = FORMATS[form](result)
    assert isinstance(text, str)
    return text


def _english(text: str, result: RunResult) -> set[str]:
    """Return the English words of a text that are no names."""
    text = text.replace("\\_", "_")  # as Markdown escapes it
    for case in result.cases:
        text = text.replace(case.device.name, "")
    for version in result.versions.values():
        text = text.replace(version, "")
    return {word for word in re.findall(r"[A-Za-z_]{2,}", text) if word.lower() not in NAMES}


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_no_english_is_left_in_what_people_read(wrong: RunResult, form: str) -> None:
    assert not _english(_rendered(wrong, form), wrong)
    assert _english(FORMATS[form](wrong), wrong) & {"the", "is", "and", "steps"}  # the check can fail: this is English


def _variants(case: CaseResult) -> list[CaseResult]:
    def with_fault(fault: str) -> CaseResult:
        finding = dataclasses.replace(case.findings[0], fault=fault)  # type: ignore[arg-type]
        return dataclasses.replace(case, faults=(fault,), findings=(finding,))  # type: ignore[arg-type]

    gone = Fallback(stage="import torch", reason="RuntimeError")
    return [
        *map(with_fault, ("derivation", "device", "loss")),
        dataclasses.replace(case, verdict="cannot-tell", faults=(), findings=()),
        dataclasses.replace(case, device=dataclasses.replace(case.device, fallback=gone)),
    ]


def test_every_verdict_and_fault_has_its_words(wrong: RunResult) -> None:
    assert words.sentence(wrong.cases[0]).startswith("the derivation is wrong")
    several = dataclasses.replace(wrong, cases=tuple(_variants(wrong.cases[0])))
    for form in ("table", "markdown"):
        assert not _english(_rendered(several, form), several) - {"import", "RuntimeError"}
    with use("ko"):
        said = [words.sentence(case) for case in several.cases]
        assert "cpu (대체)" in words.summary(several.cases)[1][-1]
    assert said[0] == "유도가 스텝 0부터 틀렸습니다 (dW). 기기는 맞습니다."
    assert said[1].startswith("기기가 스텝 0부터 틀렸습니다 (dW).")
    assert said[2].startswith("manual.py가 내놓은 손실이 스텝 0부터 틀렸습니다.")
    assert said[3] == "다른 것은 없지만, 모든 항목을 판정하지는 못했습니다. 참고를 보십시오."


def test_findings_and_notes_are_made_in_the_language_of_the_run(wrong: RunResult) -> None:
    first = wrong.cases[0].findings[0].text
    assert first.startswith("같은 파라미터에서 manual.py의 dW가 CPU의 float64 torch autograd와 다릅니다. 스텝 0에서")
    assert any("학습이 발산합니다" in note for note in wrong.cases[0].notes)
    assert wrong.cases[1].title == "2입력 2출력"


def test_json_and_csv_keep_their_keys(wrong: RunResult) -> None:
    told = json.loads(_rendered(wrong, "json"))
    assert told == json.loads(str(FORMATS["json"](wrong)))
    assert (told["cases"][0]["verdict"], told["cases"][0]["faults"]) == ("differ", ["derivation"])
    header = next(csv.reader(io.StringIO(_rendered(wrong, "csv"))))
    assert header[:5] == ["case", "step", "loss_autograd", "loss_manual", "loss_diff"]


def test_tables_are_aligned_by_the_columns_of_a_terminal(wrong: RunResult) -> None:
    lines = _rendered(wrong, "table").split("\n")
    rules = [number for number, line in enumerate(lines) if line.startswith("---")]
    assert len(rules) == 3  # of each case, and of all
    for rule in rules:
        edges = [at.start() for at in re.finditer(r"(?<= )-", lines[rule])]
        assert "스텝" in lines[rule - 1]
        for line in (lines[rule - 1], lines[rule + 1]):
            wide = "".join(sign * wcswidth(sign) for sign in line)
            assert all(wide[edge - 1] == " " for edge in edges if edge < len(wide)), line
    assert max(map(wcswidth, lines)) <= 140


def test_a_console_in_cp949_shows_every_sign(wrong: RunResult) -> None:
    shown = printable(_rendered(wrong, "table"), SimpleNamespace(encoding="cp949"))
    shown.encode("cp949")
    assert "[!!] mycase: 유도가" in shown
    assert "?" not in shown
