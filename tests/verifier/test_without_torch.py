"""Where torch cannot be imported the certified derivation judges, and says so; an uncertified case is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import nncheck
from nncheck import case as cases
from nncheck.report import verification as report


@pytest.fixture
def no_torch(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch", "raise ImportError('no torch on this machine')")


@pytest.mark.parametrize(("case", "file"), [("hidden", "prop.WT.py"), ("softmax_cross_entropy", "ce.noN.py")])
def test_the_certified_derivation_judges_in_its_place(no_torch: None, case: str, file: str) -> None:
    result = nncheck.verify(cases.find(case).folder / "mistakes" / file, case)
    assert result.judged_by == "certified derivation"
    assert result.findings[0].explanations[0].id == file.removesuffix(".py")
    note = next(note for note in result.notes if "torch cannot be used here" in note)
    assert "no torch on this machine" in note
    said = " ".join(report.text(result).split())
    assert "judged by the certified derivation of the case" in said
    assert note in said


def test_a_right_one_agrees_with_it(no_torch: None) -> None:
    path = cases.find("hidden").folder / "manual.py"
    without = nncheck.verify(path, "hidden")
    assert (without.verdict, without.judged_by) == ("agree", "certified derivation")


def test_with_torch_autograd_judges_the_same() -> None:
    result = nncheck.verify(cases.find("hidden").folder / "mistakes" / "prop.WT.py", "hidden")
    assert (result.judged_by, result.findings[0].explanations[0].id) == ("autograd", "prop.WT")
    assert not any("torch" in note for note in result.notes)


def test_an_uncertified_case_is_refused_with_what_to_run(no_torch: None, copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden")
    with pytest.raises(nncheck.CertificateError) as caught:
        nncheck.verify(folder / "manual.py", folder)
    said = str(caught.value)
    assert "no torch on this machine" in said
    assert f"run  nncheck certify {folder}  where torch works." in said


def test_a_changed_case_is_no_longer_certified(no_torch: None, copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", ("case.toml", "lr = 0.01", "lr = 0.02"), certified=True)
    with pytest.raises(nncheck.CertificateError, match="is not certified"):
        nncheck.verify(folder / "manual.py", folder)


def test_a_derivation_that_autograd_contradicts_judges_nobody(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("two_to_one", ("derivation.txt", "dY = 2 * (Y - YT)", "dY = (Y - YT)"))
    with pytest.raises(nncheck.CaseError, match=r"autograd gives another dW than derivation\.txt.*nncheck certify"):
        nncheck.verify(folder / "manual.py", folder)
