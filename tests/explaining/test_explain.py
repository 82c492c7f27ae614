"""Any step of any case, and of somebody's own file: what is right agrees, what is wrong differs where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

import nncheck
from nncheck import case as cases
from nncheck import manual
from nncheck.explained import Explained
from nncheck.explaining.explain import explain as explain_afresh
from nncheck.record import RunResult
from nncheck.worked import WorkedLine
from tests.explaining.conftest import Explain

SIX = ("one_to_one", "two_to_one", "two_to_two", "hidden", "relu_sigmoid", "softmax_cross_entropy")
CopyCase = Callable[..., Path]


def _lines(explained: Explained) -> Mapping[str, WorkedLine]:
    return {line.name: line for line in explained.worked.lines}


def _wrong(explained: Explained) -> list[str]:
    return [line.name for line in explained.worked.lines if line.verdict == "differ"]


@pytest.fixture(scope="module")
def run() -> RunResult:
    return nncheck.run("relu_sigmoid", "softmax_cross_entropy", steps=200, every=100, device="cpu")


# the case's own -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIX)
def test_every_line_of_every_case_agrees(explain: Explain, name: str) -> None:
    for step in (0, 7):
        explained = explain(name, step)
        assert (explained.verdict, explained.judged_by, explained.notes) == ("agree", "autograd", ())
        lines = _lines(explained)
        names = [*cases.find(name).derivation().names, *(f"{p}'" for p in cases.find(name).params)]
        assert list(lines) == names
        assert all(line.autograd is not None and line.difference is not None for line in lines.values())
        assert {"Y", "E", "dW", "W'"} <= {name for name, line in lines.items() if line.hand is not None}


def test_a_step_is_that_of_the_run(explain: Explain, run: RunResult) -> None:
    for case in run.cases:
        for row in case.rows:
            lines = _lines(explain(case.case, row.step))
            assert (lines["E"].hand, lines["E"].autograd) == (
                row.loss.manual,
                pytest.approx(row.loss.manual, rel=1e-15),
            )
        last = _lines(explain(case.case, case.rows[-1].step))
        for name, final in case.final["manual"].items():
            assert last[f"{name}'"].hand == final


def test_one_step_follows_from_the_one_before(explain: Explain) -> None:
    before, after = explain("hidden", 41), explain("hidden", 42)
    for name in ("W", "B", "W2", "B2"):
        np.testing.assert_array_equal(_lines(before)[f"{name}'"].hand, after.worked.inputs[name])


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_the_update_of_an_optimizer_is_torchs(explain: Explain, copy_case: CopyCase, optimizer: str) -> None:
    decay = "weight_decay = 0.1\n" if optimizer in ("momentum", "rmsprop", "adam") else ""
    folder = copy_case("hidden", ("case.toml", "lr = 0.01", f'lr = 0.01\n{decay}optimizer = "{optimizer}"'))
    for step in (0, 1, 9):
        explained = explain(folder, step)
        assert _wrong(explained) == []
        after = [line for line in explained.worked.lines if line.part == "update"]
        states = cases.find(folder).optimizer.lines.names
        assert len(after) == 4 * len(states)
        assert all(line.verdict == "agree" for line in after if line.name.endswith("W2'"))
        own = {line.name: line for line in after}
        assert own["W2'"].autograd is not None
        state = "V[W2]'" if optimizer == "rmsprop" else "M[W2]'"
        assert own[state].formula.startswith(f"{state} = ")
        assert own[state].verdict == "agree"


def test_functions_without_an_update_are_trained_with_the_cases_own(explain: Explain, copy_case: CopyCase) -> None:
    folder = copy_case("hidden", ("case.toml", "lr = 0.01", 'lr = 0.01\noptimizer = "adam"'))
    theirs, own = (_lines(explain(folder, 3, file)) for file in (folder / "manual.py", None))
    assert all(line.verdict == "agree" for line in theirs.values())
    assert {name: line.value for name, line in theirs.items()} == {name: line.value for name, line in own.items()}


def test_a_unit_that_is_off_keeps_its_weights_and_that_is_told(explain: Explain, copy_case: CopyCase) -> None:
    off = ("case.toml", "B = [0.35, 0.35]", "B = [0.35, -9]")
    right = explain(copy_case("relu_sigmoid", off), 2)
    assert (right.verdict, _lines(right)["W'"].verdict) == ("agree", "agree")
    wrong = ("manual.py", "dZ.T @ X,", "dZ.T @ X + 1e-12 * (Z.T < 0),")
    assert _wrong(explain(copy_case("relu_sigmoid", off, wrong, folder="other"), 2))[:1] == ["dW"]


def test_a_state_that_is_off_is_seen(explain: Explain, copy_case: CopyCase, monkeypatch: pytest.MonkeyPatch) -> None:
    from nncheck.optimizers import Optimizer

    folder = copy_case("hidden", ("case.toml", "lr = 0.01", 'lr = 0.01\noptimizer = "momentum"'))
    right = Optimizer.numbers.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(Optimizer, "numbers", property(lambda self: {**right(self), "momentum": 0.9000001}))
    assert {"M[W2]'", "W2'"} <= set(_wrong(explain(folder, 3)))


# planted errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "first", "right"),
    [
        ("dZ = dH * (Z > 0)", "dZ = dH * (Z > 1)", "dZ", ["dZ2", "dW2", "dB2", "dH"]),
        ("dZ2 = dY * Y * (1 - Y)", "dZ2 = dY * Y * (1.000001 - Y)", "dZ2", ["E", "dY"]),
        ("dB2 = dZ2.sum(axis=0)", "dB2 = dZ2.sum()", "dB2", ["dW2", "dH", "dZ", "dW", "dB"]),
    ],
)
def test_a_wrong_line_of_a_case_differs(
    explain: Explain, copy_case: CopyCase, old: str, new: str, first: str, right: list[str]
) -> None:
    explained = explain(copy_case("relu_sigmoid", ("derivation.txt", old, new)))
    assert _wrong(explained)[0] == first
    assert not set(right) & set(_wrong(explained))
    assert explained.verdict == "differ"


def test_a_wrong_manual_differs_beside_a_right_line(explain: Explain, copy_case: CopyCase) -> None:
    explained = explain(copy_case("relu_sigmoid", ("manual.py", "dZ2.T @ H", "1.000001 * dZ2.T @ H")))
    assert _wrong(explained) == ["dW2", "W2'"]
    line = _lines(explained)["dW2"]
    assert line.index is not None and line.difference is not None and line.bound is not None
    assert line.difference == pytest.approx(1e-6 * abs(np.asarray(line.value)[line.index]), rel=1e-3)
    np.testing.assert_allclose(line.hand, 1.000001 * np.asarray(line.value), rtol=1e-12)


def test_a_wrong_forward_line_is_refused(explain: Explain, copy_case: CopyCase) -> None:
    folder = copy_case("relu_sigmoid", ("derivation.txt", "Z = X @ W.T + B", "Z = X @ W.T - B"))
    with pytest.raises(nncheck.CaseError) as caught:
        explain(folder)
    assert str(caught.value) == (
        "my_case: autograd gives another Y than derivation.txt, so that nothing can be judged by them; "
        f"run  nncheck certify {folder}"
    )


# somebody's own file ------------------------------------------------------------------------------------------------


def _file(case: str, name: str) -> Path:
    return cases.find(case).folder / name


@pytest.mark.parametrize("step", [0, 19])
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("manual.py", "functions"),
        ("correct/derivatives_of_outputs.py", "functions"),
        ("correct/scalars_in_a_loop.py", "script"),
        ("derivation.txt", "formulas"),
    ],
)
def test_a_right_file_agrees_in_every_form(explain: Explain, name: str, form: str, step: int) -> None:
    explained = explain("relu_sigmoid", step, _file("relu_sigmoid", name))
    assert (explained.form, explained.verdict, explained.file) == (form, "agree", str(_file("relu_sigmoid", name)))
    assert {"E", "dW", "W'", "W2'"} <= {name for name, line in _lines(explained).items() if line.hand is not None}


@pytest.mark.parametrize("name", SIX)
def test_every_file_that_is_right_agrees(explain: Explain, name: str) -> None:
    files = sorted((cases.find(name).folder / "correct").glob("*.*"))
    for file in files:
        assert _wrong(explain(name, 4, file)) == [], file
    assert files


def test_right_code_that_looks_unusual_is_read_as_it_is_meant(explain: Explain) -> None:
    added = explain("one_to_one", 2, _file("one_to_one", "correct/target_minus_output.py"))
    assert added.read_as[-1].startswith("backward's gradients are off by a factor that update takes back")
    assert _lines(added)["dW"].hand is None and _lines(added)["W'"].hand is not None
    softmax = explain("softmax_cross_entropy", 2, _file("softmax_cross_entropy", "correct/probabilities.py"))
    assert "forward returns softmax(Y), where the case has the logits Y: read so" in softmax.read_as
    assert _lines(softmax)["P"].hand is not None and _lines(softmax)["Y"].hand is None


def test_a_sign_that_update_does_not_take_back_differs(explain: Explain, tmp_path: Path) -> None:
    text = _file("one_to_one", "correct/target_minus_output.py").read_text(encoding="utf-8")
    path = tmp_path / "mine.py"
    path.write_text(text.replace("+= lr", "+= 1.000001 * lr"), encoding="utf-8")
    assert _wrong(explain("one_to_one", 2, path)) == ["dW", "dB", "W'", "B'"]


@pytest.mark.parametrize(
    ("name", "step", "first"),
    [
        ("mistakes/act.one_minus.py", 0, "dZ2"),
        ("mistakes/mse.no2-and_db.mean.py", 12, "dW2"),
        ("mistakes/entry-w6_for_w7.py", 3, "dW"),
        ("mistakes/relu.mask_grad-columns.py", 0, ""),  # every dH is above 0 in the document's own numbers
    ],
)
def test_a_wrong_file_differs_at_its_line(explain: Explain, name: str, step: int, first: str) -> None:
    wrong = _wrong(explain("relu_sigmoid", step, _file("relu_sigmoid", name)))
    assert (wrong[0] if wrong else "") == first


def test_what_has_diverged_blames_no_line_and_not_the_case(explain: Explain, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = _file("relu_sigmoid", "manual.py").read_text(encoding="utf-8")
    path.write_text(text.replace("dZ2 = dY *", "dZ2 = np.nan * dY *"), encoding="utf-8")
    assert _wrong(explain("relu_sigmoid", 0, path))[0] == "dZ2"
    explained = explain("relu_sigmoid", 3, path)
    assert (explained.verdict, _wrong(explained)) == ("cannot-tell", [])
    assert explained.notes == (
        "The parameters are not all finite before this step; an earlier one shows where that begins.",
    )


def test_formulas_differ_at_their_line(explain: Explain, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("s = Y * (1 - Y)\ndZ2 = dY * s\ndH = dZ2 @ W2.T\n", encoding="utf-8")
    explained = explain("relu_sigmoid", 5, path)
    assert _wrong(explained)[0] == "dH"
    assert "dZ2" not in _wrong(explained)
    assert explained.notes[0].startswith("Not given, so that the case's own lines stand in for them: Z, H, ")


def _trajectory(tmp_path: Path, *, shift: int = 0, digits: int = 17, scale: float = 1.0) -> Path:
    """Write what manual.py of two_to_two trains as CSV, its gradient scaled, its parameters rows earlier."""
    case = cases.find("two_to_two")
    trainer = manual.Trainer(manual.load(case.folder / "manual.py"), case.X, case.YT, case.params, case.lr * scale)
    trained = trainer.train(30)
    rows = ["step,E,W[0,0],W[0,1],W[1,0],W[1,1],B[0],B[1]"]
    for step in range(30 - shift):
        numbers = [trained.losses[step], *trained.states["W"][step + shift].ravel(), *trained.states["B"][step + shift]]
        rows.append(",".join([str(step), *(f"{number:.{digits}g}" for number in numbers)]))
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(("shift", "digits"), [(0, 17), (1, 17), (0, 7)])
def test_numbers_agree(explain: Explain, tmp_path: Path, shift: int, digits: int) -> None:
    explained = explain("two_to_two", 9, _trajectory(tmp_path, shift=shift, digits=digits))
    assert (explained.form, _wrong(explained)) == ("numbers", [])
    assert {"E", "dW", "dB", "W'", "B'"} <= {name for name, line in _lines(explained).items() if line.hand is not None}
    assert any("after its update" in note for note in explained.notes) == bool(shift)


def test_what_is_what_can_be_said(explain: Explain, tmp_path: Path) -> None:
    path = _trajectory(tmp_path)
    text = path.read_text(encoding="utf-8").replace("W[0,0],W[0,1],W[1,0],W[1,1],B[0],B[1]", "p,q,r,s,t,u")
    path.write_text(text, encoding="utf-8")
    mapping = {"W": ["p", "q", "r", "s"], "B": ["t", "u"]}
    assert _wrong(explain("two_to_two", 3, path, form="numbers", mapping=mapping)) == []
    manual_file = _file("two_to_two", "manual.py")
    for options, said in (
        ({"form": "poem"}, "form: got 'poem', expected functions, script, notebook, numbers."),
        ({"mapping": mapping}, f"{manual_file}: holds functions, for which nothing is mapped;"),
        ({"limit": 0}, "limit: got 0, expected seconds, above 0."),
    ):
        with pytest.raises(nncheck.InputError) as caught:
            explain("two_to_two", 3, manual_file, **options)
        assert str(caught.value).startswith(said)


def test_numbers_of_a_wrong_gradient_differ(explain: Explain, tmp_path: Path) -> None:
    assert _wrong(explain("two_to_two", 3, _trajectory(tmp_path, scale=1.000001)))[0] == "dW"


# what cannot be explained -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (1000, "step: got 1000, expected 0 to 999."),
        (-1, "step: got -1, expected 0 to 999."),
        (0.5, "step: got 0.5, expected 0 to 999."),
        (True, "step: got True, expected 0 to 999."),
    ],
)
def test_a_step_that_there_is_not(step: int, text: str) -> None:
    with pytest.raises(nncheck.InputError) as caught:
        explain_afresh("relu_sigmoid", step)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("name", "body", "step", "text"),
    [
        (
            "stops.py",
            "count = [0]\n{manual}\n_b = backward\ndef backward(p, c, YT):\n    count[0] += 1\n"
            "    assert count[0] < 15, 'enough'\n    return _b(p, c, YT)\n",
            20,
            "{path} stops at step",
        ),
        ("no.py", "def forward(params, X):\n    return 1 / 0\n", 0, "{path} stops at step 0: "),
        ("short.csv", "step,E,W[0,0],W[0,1],W[1,0],W[1,1],B[0],B[1]\n0,1,3,4,5,6,1,2\n1,1,3,4,5,6,1,2\n", 5,
         "{path} does not hold the parameters before step 5; steps that it holds: 0 to 1."),
        ("loss.csv", "step,E\n0,1\n1,1\n", 0,
         "{path} holds the parameters of no step, so that none can be worked out."),
        ("typo.txt", "dW = dY.T @@ X\n", 0,
         "{path}, line 1, column 12: cannot be read (invalid syntax); expected  NAME = expression"),
        ("twice.txt", "dB = dY.sum(axis=0)\ndB = dY.sum(axis=0)\n", 0, "{path}, line 2: dB is defined a second time; "),
        ("kind.py", "{manual}\n_b = backward\ndef backward(p, c, YT):\n    g = _b(p, c, YT)\n"
         "    return {**g, 'W': g['W'] * 1j}\n", 0,
         "{path} stops at step 0: no dW to go on with: it is not an array of real numbers but complex128"),
        ("shape.txt", "dW = dY.T @ X * 1\ndB = dY\n", 1,
         "{path}, line 2: dB has shape (1, 2), expected (2,): no step can be done with it"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_get_that_far(
    explain: Explain, tmp_path: Path, name: str, body: str, step: int, text: str
) -> None:
    path = tmp_path / name
    own = _file("two_to_two", "manual.py").read_text(encoding="utf-8")
    path.write_text(body.replace("{manual}", own), encoding="utf-8")
    with pytest.raises(nncheck.InputError) as caught:
        explain("two_to_two", step, path)
    assert str(caught.value).startswith(text.replace("{path}", str(path)))


def test_a_script_that_does_not_get_that_far(explain: Explain) -> None:
    path = _file("relu_sigmoid", "correct/scalars_in_a_loop.py")
    with pytest.raises(nncheck.InputError) as caught:
        explain("relu_sigmoid", 500, path)
    assert str(caught.value) == f"{path} does not come to step 500: the last that was seen is step 20."


def test_a_manual_that_stops_is_said(explain: Explain, copy_case: CopyCase) -> None:
    folder = copy_case("hidden", ("manual.py", '"W2": dY.T @ H', '"W2": (dY.T @ H)[0]'))
    with pytest.raises(nncheck.CaseError, match=r"manual\.py stops at step 0: dW2 has shape \(2,\)"):
        explain(folder, 3)


def test_without_torch_the_certified_derivation_judges(stand_in: Callable[[str, str], None]) -> None:
    stand_in("torch", "raise ImportError('no torch on this machine')")
    explained = explain_afresh("relu_sigmoid", 2, _file("relu_sigmoid", "mistakes/act.one_minus.py"))
    assert explained.judged_by == "certified derivation"
    assert _wrong(explained)[0] == "dZ2"
    assert all(line.autograd is None for line in explained.worked.lines)
    assert "no torch on this machine" in explained.notes[-1]
