"""What a notebook is given of a record: what it asks for, in the record's language, and never an error."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nncheck
from nncheck import shown
from nncheck.language import use
from nncheck.record import RunResult
from nncheck.report import notebook
from nncheck.summary import Scores, Summary
from nncheck.verification import VerifyResult
from tests.grading.test_twenty import TWENTY, assignment

ALL = ["text/html", "text/markdown", "text/plain"]
MISTAKE = Path(nncheck.find_case("relu_sigmoid").folder) / "mistakes" / "act.missing.py"


@pytest.fixture(scope="module")
def run() -> RunResult:
    return nncheck.run("hidden", "softmax_cross_entropy", steps=3000, every=1)


@pytest.fixture(scope="module")
def verified() -> VerifyResult:
    return nncheck.verify(MISTAKE, "relu_sigmoid", language="ko")


def _page(shown: dict[str, str]) -> str:
    """Return the document in the frame, as a browser reads it."""
    match = re.fullmatch(r"<iframe sandbox=\"allow-scripts\" [^>']*srcdoc='([^']*)'></iframe>", shown["text/html"])
    assert match
    return html.unescape(match[1])


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({}, ALL),
        ({"include": None, "exclude": None}, ALL),
        ({"include": {"text/plain"}}, ["text/plain"]),
        ({"include": ["text/html", "image/png"]}, ["text/html"]),
        ({"exclude": {"text/html"}}, ["text/markdown", "text/plain"]),
        ({"include": ["text/plain", "text/markdown"], "exclude": ["text/plain"]}, ["text/markdown"]),
        ({"include": ["image/png"]}, []),
    ],
)
def test_what_is_asked_for_is_given_and_nothing_else(
    verified: VerifyResult, asked: dict[str, Any], given: list[str]
) -> None:
    assert sorted(verified._repr_mimebundle_(**asked)) == given


def test_a_run_and_one_of_its_cases_show_few_rows_and_a_page_without_plotly(run: RunResult) -> None:
    of_run, of_case = run._repr_mimebundle_(), run.cases[0]._repr_mimebundle_()
    assert sorted(of_run) == sorted(of_case) == ALL
    assert of_run["text/plain"].count("\n") < 60 < len(run.cases[0].rows)
    steps = [int(step) for step in re.findall(r"^ +(\d+)  ", of_case["text/plain"], re.MULTILINE)]
    assert (steps[0], steps[-1], len(steps)) == (0, 2999, 12)
    assert "softmax" in _page(of_run) and "softmax" not in _page(of_case)
    assert _page(of_run).count("<svg") > 3 and 'id="plotly"' not in _page(of_run)
    assert sum(map(len, of_run.values())) < 1_000_000


def test_a_worked_step_shows_its_formulas_as_latex_and_as_a_page() -> None:
    shown_ = nncheck.explain("hidden", step=2)._repr_mimebundle_()
    assert sorted(shown_) == ALL and "$$" in shown_["text/markdown"] and "hidden" in _page(shown_)
    assert sum(map(len, shown_.values())) < 200_000


def test_it_speaks_the_language_of_its_texts(verified: VerifyResult) -> None:
    shown_ = verified._repr_mimebundle_()
    assert "판정했습니다" in shown_["text/plain"] and "판정했습니다" in shown_["text/markdown"]
    assert '<html lang="ko"' in _page(shown_)
    with use("ko"):
        english = replace(verified, language="en")._repr_mimebundle_()
    assert "judged by" in english["text/plain"] and '<html lang="en"' in _page(english)


def test_what_a_person_wrote_does_not_leave_the_frame(verified: VerifyResult) -> None:
    attack = "'></iframe><script>alert(1)</script>&#39;"
    shown_ = replace(verified, file=attack, notes=(attack,))._repr_mimebundle_()
    assert shown_["text/html"].count("</iframe>") >= 1 and "'></iframe><script>" not in shown_["text/html"][:-20]
    assert "<script>alert" not in _page(shown_)
    assert "<script>" not in shown_["text/markdown"]


def test_a_form_that_fails_is_left_out_and_the_text_stands(
    verified: VerifyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setitem(notebook._WAYS, "VerifyResult", replace(notebook._WAYS["VerifyResult"], page=fail))
    assert sorted(verified._repr_mimebundle_()) == ["text/markdown", "text/plain"]
    monkeypatch.setitem(notebook._WAYS, "VerifyResult", notebook.Way(text=fail, markdown=fail, page=fail))
    assert verified._repr_mimebundle_()["text/plain"].startswith("VerifyResult(")
    monkeypatch.setattr(shown, "_RENDERERS", "nncheck.no_such_module")
    assert verified._repr_mimebundle_()["text/plain"].startswith("VerifyResult(")


def test_a_class_is_shown_by_its_summary(tmp_path: Path) -> None:
    with nncheck.grade([TWENTY / "06_no_derivative.py"], assignment(tmp_path), tmp_path / "results", trust=True) as run:
        summary = run.summary()
        shown_ = run._repr_mimebundle_()
    assert isinstance(summary, Summary) and isinstance(summary.scores, Scores)
    assert summary.submissions == 1 and summary.scores.mean == 10
    assert "Homework 1" in shown_["text/plain"] and "leaving out the derivative" in shown_["text/markdown"]
    assert "06_no_derivative" in _page(shown_) and "06_no_derivative.html" not in _page(shown_)  # it leads nowhere
    assert sorted(summary._repr_mimebundle_()) == ["text/markdown", "text/plain"]
    assert run._repr_mimebundle_() == {"text/plain": repr(run)}  # closed: what was graded lies in the folder


def test_every_record_that_shows_itself_has_its_line() -> None:
    kinds = {kind.__name__ for kind in shown.Shown.__subclasses__()}  # slots make each class twice
    assert kinds <= set(notebook._WAYS)
