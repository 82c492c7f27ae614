"""The page of verify, derive and check_backward: the line in question, hints in their order, no more than was asked."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import json
import re
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncheck
from nncheck.listing import Listing
from nncheck.report import verification
from nncheck.report.html import verified
from nncheck.verification import Checked, Explanation, Finding, VerifyResult
from nncheck.verifier import trajectories, verify
from nncheck.verifier.truth import Autograd
from tests.report.html.test_own_file import marked, shown

MISTAKES = Path(__file__).parents[3] / "reference" / "relu_sigmoid" / "mistakes"
VOID = {"meta", "link", "input", "br", "img"}


class Tree(HTMLParser):
    """What a page is made of: it fails at a tag that is not closed, and collects ids, links and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        held = dict(attrs)
        if held.get("id"):
            self.ids.append(str(held["id"]))
        if held.get("href") and tag == "a":
            self.links.append(str(held["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(page: str) -> Tree:
    """Check what holds of every page: well-formed, ids once, links that lead somewhere, scripts as its policy names."""
    tree = Tree(page)
    assert len(tree.ids) == len(set(tree.ids))
    assert {link[1:] for link in tree.links if link.startswith("#")} <= set(tree.ids)
    assert not [name for name in tree.attributes if name.startswith("on")]
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0])
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == hashes
    assert policy.startswith("default-src 'none'")
    return tree


def result_of(findings: tuple[Finding, ...] = (), **changes: Any) -> VerifyResult:
    facts: dict[str, Any] = {
        "versions": {"nncheck": "1.0"},
        "case": "relu_sigmoid",
        "file": "answer.py",
        "form": "functions",
        "read_as": (),
        "judged_by": "autograd",
        "verdict": "differ" if findings else "agree",
        "faults": ("derivation",) if findings else (),
        "quantities": (Checked(name="dW", verdict="differ", ratio=9.0, worst=None, wrong=1, of=4),),
        "findings": findings,
    }
    return VerifyResult(**{**facts, **changes})


def finding(quantity: str, line: int, text: str = "evidence", **changes: Any) -> Finding:
    return Finding(**{"kind": "value", "quantity": quantity, "index": None, "line": line, "text": text, **changes})


@pytest.fixture
def by_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the derivation judge: starting torch takes longer than all the rest."""
    for module in (verify, trajectories):
        monkeypatch.setattr(module, "Autograd", partial(Autograd, certified_first=True))


# the line ------------------------------------------------------------------------------------------------------------


def _notebook(folder: Path, code: str) -> Path:
    first, second = code.split("def backward")
    cells = [
        {"cell_type": "markdown", "source": "# my work"},
        {"cell_type": "code", "source": first},
        {"cell_type": "code", "source": "def backward" + second},
    ]
    path = folder / "answer.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


SCRIPT = """
import numpy as np
X = np.array([[0.05, 0.10]]); YT = np.array([[0.01, 0.99]])
W = np.array([[0.15, 0.20], [0.25, 0.30]]); B = np.array([0.35, 0.35])
W2 = np.array([[0.40, 0.45], [0.50, 0.55]]); B2 = np.array([0.60, 0.60])
for t in range(12):
    Z = X @ W.T + B
    H = np.maximum(Z, 0)
    Z2 = H @ W2.T + B2
    Y = 1 / (1 + np.exp(-Z2))
    E = ((Y - YT) ** 2).mean()
    dY = 2 * (Y - YT) / Y.size
    dZ2 = dY * (1 - Y)
    dW2 = dZ2.T @ H
    dB2 = dZ2.sum(axis=0)
    dH = dZ2 @ W2
    dZ = dH * (Z > 0)
    dW = dZ.T @ X
    dB = dZ.sum(axis=0)
    W = W - 0.5 * dW; B = B - 0.5 * dB
    W2 = W2 - 0.5 * dW2; B2 = B2 - 0.5 * dB2
"""


@pytest.mark.parametrize("form", ["functions", "notebook", "script", "formulas"])
def test_the_line_that_is_wrong_is_the_one_that_is_marked(form: str, tmp_path: Path, by_the_lines: None) -> None:
    code = (MISTAKES / "act.missing.py").read_text(encoding="utf-8")
    wrong = "    dZ = dH  # ReLU의 미분이 없음"
    if form == "functions":
        (tmp_path / "answer.py").write_bytes(b"\xef\xbb\xbf" + code.replace("\n", "\r\n").encode())
        result = nncheck.verify(tmp_path / "answer.py", "relu_sigmoid")
    elif form == "notebook":
        result = nncheck.verify(_notebook(tmp_path, code), "relu_sigmoid")
    elif form == "script":
        (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
        result, wrong = nncheck.verify(tmp_path / "train.py", "relu_sigmoid"), "    dZ2 = dY * (1 - Y)"
    else:
        (tmp_path / "mine.txt").write_text("# mine\ndY = 2 * (Y - YT) / Y.size\ndZ2 = dY * Y\ndW = dZ.T @ X\n")
        result, wrong = nncheck.derive(tmp_path / "mine.txt", "relu_sigmoid"), "dZ2 = dY * Y"
    page = verification.html(result)
    check(page)
    (line,) = marked(page)
    assert shown(page)[line][1] == wrong
    assert f'<a href="#line-{line}">' in page


def test_of_numbers_the_row_is_marked(tmp_path: Path, by_the_lines: None) -> None:
    losses = ["0.25", "0.2", "0.9", "0.1"]
    rows = "".join(f"{step},{loss}\n" for step, loss in enumerate(losses))
    (tmp_path / "run.csv").write_text("step,E\n" + rows, encoding="utf-8")
    result = nncheck.verify(tmp_path / "run.csv", "relu_sigmoid")
    page = verification.html(result)
    check(page)
    step = int(re.findall(r"step (\d+)", result.findings[0].text)[0])
    (line,) = marked(page)
    assert shown(page)[line][1] == f"{step},{losses[step]}"


def test_functions_of_a_notebook_or_a_module_are_shown_in_part() -> None:
    def forward(x: np.ndarray) -> np.ndarray:
        return np.tanh(x)

    def backward(dout: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.linalg.inv(dout)  # raises: not square

    result = nncheck.check_backward(forward, backward, inputs={"x": np.array([[0.3, -0.7]])})
    page = verification.html(result)
    check(page)
    (line,) = marked(page)
    assert "np.linalg.inv(dout)" in shown(page)[line][1]
    assert len(shown(page)) < 20


# how much it tells ---------------------------------------------------------------------------------------------------

FIRST = finding(
    "dZ", 4, "EVIDENCE-1", explanations=(Explanation(id="MISTAKE-ID", text="EXPLAINED-1", equals="EQUALS"),)
)
SECOND = finding("dW", 5, "EVIDENCE-2")
FLAG = finding("dB", 1, "EVIDENCE-3", kind="state")
TEXT = "a = 1\nb = 2\nc = 3\nd = 4\ne = 5\n"


def leveled(level: int) -> str:
    hints = ("Look at dZ (line 4 of your file).", "A question?", "EVIDENCE-1 EXPLAINED-1", "The case has  X")[:level]
    return verified.render(result_of((FIRST, SECOND, FLAG), hints=hints, level=level, listing=Listing(text=TEXT)))


@pytest.mark.parametrize("level", [1, 2])
def test_below_level_3_no_more_is_told_than_the_hints_do(level: int) -> None:
    page = leveled(level)
    check(page)
    for secret in ("EVIDENCE-1", "EVIDENCE-2", "EXPLAINED-1", "EQUALS", "MISTAKE-ID", "a wrong value"):
        assert secret not in page
    assert "EVIDENCE-3" in page
    assert "1 more wrong, which may follow from it or not: mend this first." in page
    assert marked(page) == [1, 4]


def test_from_level_3_on_every_finding_is_told() -> None:
    page = leveled(3)
    check(page)
    assert all(f"EVIDENCE-{number}" in page for number in (1, 2, 3))
    assert "more wrong" not in page
    assert marked(page) == [1, 4, 5]


def test_the_planted_leak_would_be_seen() -> None:
    assert "EVIDENCE-1" in verified.render(result_of((FIRST,), hints=("EVIDENCE-1",), level=1))


def test_hints_stand_in_their_order_closed_and_work_without_a_script() -> None:
    page = leveled(4)
    (block,) = re.findall(r'<ol class="hints" data-hints>(.*?)</ol>', page, re.DOTALL)
    summaries = re.findall(r"<summary>(.*?)\s*</summary>", block, re.DOTALL)
    assert [re.sub(r"<[^>]+>", "", said).split("  ")[0][:11] for said in summaries] == [
        f"Hint {number} of 4" for number in (1, 2, 3, 4)
    ]
    assert [re.findall(r"opens after hint (\d)", said) for said in summaries] == [[], ["1"], ["2"], ["3"]]
    assert "<details>" in block and " open" not in re.sub(r"opens after", "", block)
    assert [html.unescape(text) for text in re.findall(r'<p class="hint">(.*?)</p>', block)][1] == "A question?"


def test_the_first_sentence_has_a_sign_and_a_word() -> None:
    for verdict, sign, word in (
        ("agree", "✓", "agrees"),
        ("differ", "✗", "differs"),
        ("cannot-tell", "?", "cannot tell"),
    ):
        page = verified.render(result_of((FIRST,) if verdict == "differ" else (), verdict=verdict))
        answer = re.findall(r'<p class="answer">(.*?)</p>', page, re.DOTALL)[0]
        assert f'data-verdict="{verdict}"' in answer and sign in answer and word in answer
        assert "answer.py" in answer
        check(page)


def test_both_verdicts_of_a_formula_are_shown() -> None:
    twice = Checked(name="dW", verdict="agree", ratio=0.5, worst=None, wrong=0, of=4, number="differ")
    page = verified.render(result_of(quantities=(twice,), form="formulas"))
    assert re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", page)[:3] == ["quantity", "as a step", "as a number"]
    assert re.findall(r'<td><span class="verdict" data-verdict="(.*?)">', page) == ["agree", "differ"]


# what others wrote ---------------------------------------------------------------------------------------------------

ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}\x1b\u202e\x00"


def test_nothing_that_others_wrote_is_markup() -> None:
    bad = finding(ATTACK, 1, ATTACK, explanations=(Explanation(id=ATTACK, text=ATTACK, equals=ATTACK),))
    result = result_of(
        (bad, dataclasses.replace(bad, kind="code")),
        **{name: ATTACK for name in ("case", "file", "form", "judged_by")},
        read_as=(ATTACK,),
        notes=(ATTACK,),
        hints=(ATTACK,),
        versions={ATTACK: ATTACK},
        quantities=(Checked(name=ATTACK, verdict="cannot-tell", ratio=1.0, worst=None, wrong=1, of=1, why=ATTACK),),
        listing=Listing(text=ATTACK * 3),
    )
    page = verified.render(result)
    tree = check(page)
    assert "img" not in tree.tags
    assert page.count("<script") == 1
    assert not set(page) & set("\x1b\u202e\x00")
    assert "49" not in re.sub(r"sha256-\S+|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert "{{7*7}}" in page


def test_the_json_has_no_listing() -> None:
    result = result_of(listing=Listing(text="secret of the file"))
    assert "listing" not in result.to_dict()
    assert "secret of the file" not in repr(result)
    assert result == result_of()
