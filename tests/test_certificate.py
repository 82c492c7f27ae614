"""Certify catches what autograd, manual.py and derivation.txt do not agree on, and its certificate knows its files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import nncheck
from nncheck import case as cases
from nncheck import certificate

ONE = ('"W2": dZ2.T @ H', '"W2": dZ2.T @ H * 1.000001')


def test_the_certificates_that_come_along_are_of_the_present_files() -> None:
    for case in cases.every():
        assert certificate.is_certified(case), f"run: nncheck certify {case.name}"
        certificate.require(case)


def test_all_six_certify_again_with_another_seed(copy_case: Callable[..., Path]) -> None:
    folders = [copy_case(name, folder=name) for name in cases.names()]
    outcomes = certificate.certify(*folders, seed=12)
    for outcome in outcomes:
        assert outcome.faults == ()
        assert outcome.probes == 7
        assert 0 < outcome.ratio <= 1
        record = json.loads(outcome.path.read_text(encoding="utf-8"))
        assert record["schema"] == "nncheck/certificate/1"
        assert (record["seed"], record["probes"]) == (12, 7)
        assert certificate.is_certified(cases.find(outcome.path.parent))


@pytest.mark.parametrize(
    ("case", "edit", "words"),
    [
        ("relu_sigmoid", ("manual.py", *ONE), "dW2 of manual.py differs from autograd"),
        (
            "relu_sigmoid",
            ("manual.py", "return np.mean((Y - YT) ** 2)", "return np.mean((Y - YT) ** 2) / 2"),
            "E of manual.py differs",
        ),
        ("relu_sigmoid", ("derivation.txt", "dZ = dH * (Z > 0)", "dZ = dH"), "dW of derivation.txt differs"),
        ("relu_sigmoid", ("autograd.py", "nn.Sigmoid()", "nn.Tanh()"), "dW2 of manual.py differs"),
        (
            "hidden",
            ("manual.py", "dY.sum(axis=0)", "dY.mean(axis=0)"),
            "dB2 of manual.py differs",
        ),  # invisible at N = 1
        (
            "hidden",
            ("manual.py", "dH = dY @ params", "params['B'] += 1; dH = dY @ params"),
            "forward or backward changes",
        ),
        ("hidden", ("manual.py", "dH = dY @", "X *= 1.5; dH = dY @"), "forward or backward changes"),
        ("hidden", ("manual.py", '"W": dH.T @ X,', ""), "backward returned no 'W'"),
        ("hidden", ("manual.py", "dH = dY @", "YT *= 2; dH = dY @"), "forward or backward changes YT"),
        (
            "hidden",
            (
                "manual.py",
                "dH = dY @",
                "globals().setdefault('calls', []).append(0); dH = len(calls) * dY @",
            ),
            "the second call gives something else than the first",
        ),
        (
            "hidden",
            (
                "manual.py",
                "def loss",
                "def update(p, grads, lr):\n    return {k: p[k] - lr * 2 * grads[k] for k in p}\n\n\ndef loss",
            ),
            "update gives another W than W - lr dW",
        ),
        (
            "two_to_two",
            ("manual.py", "dY.T @ X", "np.outer(dY[0], X[0])"),
            "dW of manual.py differs",
        ),  # one sample only
        # with two outputs (Y - YT) / N is the gradient of the mean squared error
        ("two_to_two", ("manual.py", "2 * (Y - YT) / Y.size", "(Y - YT) / len(Y)"), "dW of manual.py differs"),
    ],
)
def test_what_does_not_agree_is_not_certified(
    copy_case: Callable[..., Path], case: str, edit: tuple[str, str, str], words: str
) -> None:
    folder = copy_case(case, edit)
    (outcome,) = certificate.certify(folder)
    assert any(words in fault for fault in outcome.faults), outcome.faults
    assert not outcome.path.exists()
    with pytest.raises(nncheck.CertificateError, match="run  nncheck certify"):
        certificate.require(cases.find(folder))


def test_a_binary_cross_entropy_gets_targets_that_it_takes(copy_case: Callable[..., Path]) -> None:
    (outcome,) = certificate.certify(
        copy_case(
            "relu_sigmoid",
            ("autograd.py", "nn.MSELoss()", "nn.BCELoss()"),
            (
                "manual.py",
                "return np.mean((Y - YT) ** 2)",
                "return -np.mean(YT * np.log(Y) + (1 - YT) * np.log(1 - Y))",
            ),
            ("manual.py", "dY = 2 * (Y - YT) / Y.size", "dY = (Y - YT) / (Y * (1 - Y)) / Y.size"),
            ("derivation.txt", "((Y - YT) ** 2).mean()", "-(YT * log(Y) + (1 - YT) * log(1 - Y)).mean()"),
            ("derivation.txt", "dY = 2 * (Y - YT) / Y.size", "dY = (Y - YT) / (Y * (1 - Y)) / Y.size"),
        )
    )
    assert outcome.faults == ()


@pytest.mark.slow
def test_targets_that_sum_to_one_but_for_their_digits_certify_and_agree(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("softmax_cross_entropy", ("case.toml", "[[0, 1]]", "[[0.3333333333, 0.6666666666]]"))
    assert nncheck.run(folder, steps=50).cases[0].verdict == "agree"
    assert certificate.certify(folder)[0].faults == ()
    assert nncheck.run(folder, steps=50).cases[0].verdict == "agree"


def test_a_changed_file_ends_the_certificate(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", certified=True)
    assert certificate.is_certified(cases.find(folder))
    with (folder / "manual.py").open("a") as stream:
        stream.write("# a change\n")
    assert not certificate.is_certified(cases.find(folder))


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "{", '{"schema": "other"}', '{"sha256": "0"}'])
def test_a_spoilt_certificate_certifies_nothing(copy_case: Callable[..., Path], text: str) -> None:
    folder = copy_case("hidden", certified=True)
    (folder / "certificate.json").write_text(text, encoding="utf-8")
    assert not certificate.is_certified(cases.find(folder))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (("derivation.txt", "dW = dH.T @ X", "dV = dH.T @ X"), "gives no dW; expected a line for the loss E"),
        (("derivation.txt", "dH = dY @ W2", "dH = dY @ W3"), "W3 is not known here; did you mean W"),
        (("derivation.txt", "dH = dY @ W2", "dH = dY @"), "cannot be read"),
    ],
)
def test_lines_that_cannot_be_used_are_an_error(
    copy_case: Callable[..., Path], edit: tuple[str, str, str], words: str
) -> None:
    with pytest.raises(nncheck.FormulaError) as caught:
        certificate.certify(copy_case("hidden", edit))
    assert words in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_certificate_that_stands_needs_no_writing(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", certified=True)
    folder.chmod(0o500)
    assert certificate.certify(folder)[0].faults == ()
