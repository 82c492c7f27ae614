"""The planted files of every case: each wrong one gets the finding that it is named for, each correct one passes.

``mistakes/FINDING.py`` or ``mistakes/FINDING-MORE.py``: FINDING is the id of the first explanation of the first finding
(``act.missing``), or, where nothing explains it, its kind and its quantity (``mutated.YT``). What follows the first
hyphen tells files of one finding apart, or says what else is wrong. Files of ``correct/`` are named as one likes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

import nncheck
from nncheck import case as cases
from nncheck.verification import VerifyResult
from nncheck.verifier import truth, verify

FOLDERS = {name: cases.find(name).folder for name in cases.names()}


def _files(kind: str) -> list[Path]:
    return [
        path for folder in FOLDERS.values() for path in sorted((folder / kind).glob("*.*")) if path.suffix != ".pyc"
    ]


def _name(path: Path) -> str:
    return f"{path.parents[1].name}/{path.name}"


def _finding(result: VerifyResult) -> str:
    first = result.findings[0]
    return first.explanations[0].id if first.explanations else f"{first.kind}.{first.quantity}"


@pytest.fixture
def by_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the certified derivations judge: starting torch takes longer than all the rest."""
    monkeypatch.setattr(verify, "Autograd", partial(truth.Autograd, certified_first=True))


@pytest.mark.parametrize("path", _files("mistakes"), ids=_name)
def test_each_planted_mistake_gets_the_finding_that_it_is_named_for(by_the_lines: None, path: Path) -> None:
    result = nncheck.verify(path, path.parents[1].name)
    assert result.verdict == "differ"
    assert _finding(result) == path.stem.split("-")[0], result.findings
    assert result.findings[0].convention == path.stem.startswith("conv.")


@pytest.mark.parametrize("path", _files("correct"), ids=_name)
def test_each_correct_one_passes_however_unusual_it_looks(by_the_lines: None, path: Path) -> None:
    result = nncheck.verify(path, path.parents[1].name)
    assert (result.verdict, result.findings, result.faults) == ("agree", (), ())


@pytest.mark.parametrize("case", FOLDERS)
def test_autograd_judges_the_first_of_each_case_alike(case: str) -> None:
    path = next(path for path in _files("mistakes") if path.parents[1] == FOLDERS[case])
    result = nncheck.verify(path, case)
    assert (result.judged_by, _finding(result)) == ("autograd", path.stem.split("-")[0])


def test_there_are_enough_of_each() -> None:
    for kind, fewest in (("mistakes", 16), ("correct", 6)):
        own = [path.parents[1].name for path in _files(kind)]
        assert len(own) >= fewest
        assert all(own.count(name) >= 2 for name in FOLDERS)


def test_a_file_named_for_another_finding_is_caught(by_the_lines: None) -> None:
    right = FOLDERS["hidden"] / "correct" / "weights_transposed.py"
    wrong = FOLDERS["hidden"] / "mistakes" / "prop.WT.py"
    assert nncheck.verify(right, "hidden").verdict == "agree"
    assert _finding(nncheck.verify(wrong, "hidden")) != "act.missing"
