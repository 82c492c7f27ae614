"""Trajectories of numbers judged: whole ones step by step, others beside a run of the case, down to printed losses."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

import nncheck
from nncheck import case as cases
from nncheck.formula import Derivation, read_line
from nncheck.manual.tables.numbers import read
from nncheck.verifier.assess import Assessment
from nncheck.verifier.numbers import check_numbers, trained
from nncheck.verifier.truth import Autograd

DOCUMENT = Path(__file__).parents[1] / "reference" / "printed"


def trajectory(name: str, steps: int, *changed: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Train a case in float64, with some of its lines written otherwise."""
    case = cases.find(name)
    replaced = {line.name: line for line in (read_line(text) for text in changed)}
    lines = tuple(replaced.get(line.name, line) for line in case.derivation().lines)
    return trained(case, Derivation(lines), steps)


def table(
    path: Path, name: str, steps: int, *changed: str, every: int = 1, layout: str = "%.17g", only_loss: bool = False
) -> Path:
    E, states = trajectory(name, steps, *changed)
    columns = ["step", "E"]
    places = [] if only_loss else [(n, index) for n, array in states.items() for index in np.ndindex(array.shape[1:])]
    columns += [f"{n}[{','.join(map(str, index))}]" for n, index in places]
    rows = [";".join(columns)]
    for t in range(0, steps, every):
        numbers = [E[t], *(states[n][(t, *index)] for n, index in places)]
        rows.append(";".join([str(t), *(layout % number for number in numbers)]))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["one_to_one", "two_to_two", "relu_sigmoid", "softmax_cross_entropy"])
@pytest.mark.parametrize("layout", ["%.17g", "%.9g", "%.5f"])
def test_a_right_trajectory_agrees(tmp_path: Path, name: str, layout: str) -> None:
    found = checked(table(tmp_path / "t.csv", name, 20, layout=layout), name)
    assert not found.findings, found.findings
    if layout == "%.17g":
        assert verdicts(found) == {"agree"}


def checked(path: Path, name: str) -> Assessment:
    """Judge a file by the certified derivation."""
    case = cases.find(name)
    with Autograd(case, certified_first=True) as judge:
        return check_numbers(case, case.derivation(), read(path, case), judge)


def verdicts(found: Assessment) -> set[str]:
    return {checked.verdict for checked in found.quantities}


WRONG = [
    ("act.missing", "dZ2 = dY"),
    ("mse.no2", "dY = (Y - YT) / Y.size"),
    ("prop.WT", "dH = dZ2 @ W2.T"),
    ("db.zero", "dB2 = zeros_like(B2)"),
]


@pytest.mark.parametrize(("id", "line"), WRONG, ids=[id for id, _ in WRONG])
@pytest.mark.parametrize("layout", ["%.17g", "%.9g"])
def test_a_wrong_one_is_named(tmp_path: Path, id: str, line: str, layout: str) -> None:
    found = checked(table(tmp_path / "t.csv", "relu_sigmoid", 20, line, layout=layout), "relu_sigmoid")
    assert id in [explanation.id for explanation in found.findings[0].explanations]


@pytest.mark.parametrize(("id", "line"), WRONG[:2], ids=[id for id, _ in WRONG[:2]])
def test_the_loss_alone_tells(tmp_path: Path, id: str, line: str) -> None:
    path = table(tmp_path / "loss.csv", "relu_sigmoid", 200, line, every=10, layout="%.8f", only_loss=True)
    finding = checked(path, "relu_sigmoid").findings[0]
    assert finding.quantity == "E"
    assert id in [explanation.id for explanation in finding.explanations]
    right = table(tmp_path / "right.csv", "relu_sigmoid", 200, every=10, layout="%.8f", only_loss=True)
    assert verdicts(checked(right, "relu_sigmoid")) == {"agree"}


def test_some_steps_are_enough(tmp_path: Path) -> None:
    right = table(tmp_path / "right.csv", "hidden", 300, every=50)
    assert verdicts(checked(right, "hidden")) == {"agree"}
    wrong = table(tmp_path / "wrong.csv", "hidden", 300, "dH = dY", every=50)
    assert "differ" in verdicts(checked(wrong, "hidden"))


def test_arrays_of_numpy(tmp_path: Path) -> None:
    E, states = trajectory("relu_sigmoid", 30)
    np.savez(tmp_path / "right.npz", step=np.arange(30), E=E, **{n: a[:-1] for n, a in states.items()})
    result = nncheck.verify(tmp_path / "right.npz", "relu_sigmoid")
    assert (result.form, result.verdict, result.judged_by) == ("numbers", "agree", "autograd")
    E, states = trajectory("relu_sigmoid", 30, "dZ = dH")
    states["W"] = states["W"] * 1.000001
    np.savez(tmp_path / "wrong.npz", step=np.arange(30), E=E, **{n: a[:-1] for n, a in states.items()})
    assert "differ" in verdicts(checked(tmp_path / "wrong.npz", "relu_sigmoid"))


@pytest.mark.parametrize("path", sorted(DOCUMENT.glob("*.txt")), ids=lambda path: path.stem)
def test_what_the_document_prints_does_not_differ(path: Path) -> None:
    name = {"1": "one_to_one", "2": "two_to_one", "3": "two_to_two", "4": "hidden", "5": "relu_sigmoid"}.get(
        path.stem.split("-")[1], "softmax_cross_entropy"
    )
    found = checked(path, name)
    assert found.quantities and not found.findings, found.findings


def test_a_table_that_holds_nothing_of_the_case_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("time,temperature\n0,20.5\n1,21\n", encoding="utf-8")
    with pytest.raises(nncheck.InputError):
        nncheck.verify(path, "relu_sigmoid")


def test_pickled_arrays_are_not_opened(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, step=np.array([{"a": 1}], dtype=object))
    path = tmp_path / "evil.npz"
    path.write_bytes(stream.getvalue())
    with pytest.raises(nncheck.InputError):
        nncheck.verify(path, "relu_sigmoid")
