"""Cases are found by being there, and a wrong case.toml is answered with every fault in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.errors import CaseError, FormulaError

ORDER = ("one_to_one", "two_to_one", "two_to_two", "hidden", "relu_sigmoid", "softmax_cross_entropy")


def test_the_six_cases_in_the_documents_order() -> None:
    assert cases.names() == ORDER


@pytest.mark.parametrize("name", ["relu-sigmoid", "relu_sigmoid", "Relu-Sigmoid"])
def test_a_name_is_taken_with_either_sign(name: str) -> None:
    assert cases.find(name).name == "relu_sigmoid"


def test_a_case_holds_the_documents_numbers() -> None:
    case = cases.find("hidden")
    np.testing.assert_array_equal(case.X, [[0.05, 0.10]])
    np.testing.assert_array_equal(case.params["W2"], [[0.40, 0.45], [0.50, 0.55]])
    assert list(case.params) == ["W", "B", "W2", "B2"]
    assert (case.lr, case.steps, case.sizes) == (0.01, 1000, (2, 2, 2))
    assert case.title("ko") == "입력2 은닉2 출력2"
    with pytest.raises(ValueError, match="read-only"):
        case.X[0, 0] = 1


def test_a_path_stands_for_a_name(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", folder="나의_사례")
    assert cases.find(str(folder)).name == "나의_사례"
    assert cases.find(folder).steps == 1000


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(CaseError, match=r"no case 'softmax-crossentropy'. Did you mean softmax_cross_entropy\?"):
        cases.find("softmax-crossentropy")
    for text in ("zzz", "", " ", "a" * 300, "a\0b"):
        with pytest.raises(CaseError, match="Cases: hidden, one_to_one"):
            cases.find(text)


def test_a_file_in_place_of_its_folder_is_told(copy_case: Callable[..., Path]) -> None:
    with pytest.raises(CaseError, match="is a file; give the folder that it stands in"):
        cases.find(str(copy_case("hidden") / "case.toml"))


def test_a_folder_without_case_toml_is_no_case(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"is not a case folder: it has no case\.toml"):
        cases.find(str(tmp_path))


def test_an_empty_or_missing_reference_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nncheck").mkdir()
    monkeypatch.setattr(cases, "__file__", str(tmp_path / "nncheck" / "case.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for make in (lambda: None, lambda: (tmp_path / "reference").mkdir()):
        make()
        with pytest.raises(CaseError, match=r"No cases found: no folder with a case.toml in .*reference"):
            cases.names()


def test_a_new_folder_is_found_by_being_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(cases.find("hidden").folder.parent, tmp_path / "reference")
    shutil.copytree(tmp_path / "reference" / "hidden", tmp_path / "reference" / "another")
    (tmp_path / "nncheck").mkdir()
    monkeypatch.setattr(cases, "__file__", str(tmp_path / "nncheck" / "case.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert set(cases.names()) == {*ORDER, "another"}


GOOD = """
[title]
en = "mine"
[data]
X = [[1, 2]]
YT = [[1.0, 0]]
[parameters]
W = [[1, 2], [3, 4], [5, 6]]
B = [1, 2, 3]
W2 = [[1, 2, 3], [4, 5, 6]]
B2 = [1, 2]
[training]
lr = 0.1
steps = 3
"""


def _error(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "case.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(CaseError) as caught:
        cases.read_folder(tmp_path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_good_file_is_good(tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text(GOOD, encoding="utf-8")
    case = cases.read_folder(tmp_path)
    assert (case.sizes, case.order, case.title("ko")) == ((2, 3, 2), None, "mine")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("X = [[1, 2]]", "X = [[1, 'b']]", "data.X[0][1]: got 'b' (text), expected a number"),
        ("X = [[1, 2]]", "X = [[1, nan]]", "data.X[0][1]: got nan, expected a finite number"),
        ("X = [[1, 2]]", "X = [[1, inf]]", "data.X[0][1]: got inf, expected a finite number"),
        ("X = [[1, 2]]", "X = [[1, true]]", "data.X[0][1]: got True (true or false), expected a number"),
        ("X = [[1, 2]]", "X = 'data.csv'", "data.X: got 'data.csv' (text), expected a list of numbers"),
        ("X = [[1, 2]]", "X = [[1, 2], [3]]", "data.X: got rows of 1, 2 numbers, expected rows of one length"),
        ("X = [[1, 2]]", "X = []", "data.X: is empty"),
        ("X = [[1, 2]]", "X = [[1, 2], [3, 4]]", "data.YT: has 1 row(s), expected one for each of the 2 row(s) of X"),
        (
            "X = [[1, 2]]",
            "X = [[1, 2, 3]]",
            "parameters.W: has shape (3, 2), expected (n_out, n_in) with n_in = 3 as in data.X",
        ),
        ("X = [[1, 2]]\n", "", "data.X: is missing"),
        ("YT = [[1.0, 0]]", "YT = [[1.0]]", "data.YT: has 1 column(s), expected n_out = 2 as in parameters.W2"),
        ("B = [1, 2, 3]", "B = [1, 2]", "parameters.B: has 2 number(s), expected n_out = 3 as in parameters.W"),
        (
            "B = [1, 2, 3]",
            "B = [[1, 2, 3]]",
            "parameters.B: has shape (1, 3), expected a vector (3,): a bias has one axis",
        ),
        ("W2 = [[1, 2, 3], [4, 5, 6]]", "W2 = [1, 2]", "parameters.W2: has shape (2,), expected (n_out, n_in)"),
        ("B2 = [1, 2]", "weight = [1, 2]", "parameters.weight: is not a name for a parameter"),
        ("B2 = [1, 2]", "Y = [1, 2]", "parameters.Y: names data or a result"),
        ("B2 = [1, 2]", "B2 = [1, 'x']", "parameters.B2[1]: got 'x' (text), expected a number"),
        ("lr = 0.1", "lr = -1", "training.lr: got -1, expected more than 0"),
        ("lr = 0.1", "lr = nan", "training.lr: got nan, expected"),
        ("lr = 0.1", "lr = '0.1'", "training.lr: got '0.1' (text), expected a number"),
        ("lr = 0.1", "lr = 1e39", "training.lr: got 1e+39, expected at most 3.4e38, which float32 can hold"),
        ("X = [[1, 2]]", "X = [[1, 1e39]]", "data.X[0][1]: got 1e+39, expected at most 3.4e38"),
        ("steps = 3", "steps = 1000000000000", "training.steps: got 1000000000000, expected at most 10^9"),
        ("steps = 3", "steps = 0", "training.steps: got 0, expected more than 0"),
        ("steps = 3", "steps = 1.5", "training.steps: got 1.5, expected a whole number"),
        ("steps = 3", "step = 3", "training.step: is not a key of case.toml"),
        ("steps = 3", "step = 3", "training.steps: is missing"),
        ("[training]", "[trainings]", "training: is missing"),
    ],
)
def test_each_fault_is_named_with_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    assert words in _error(tmp_path, GOOD.replace(old, new))


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    text = (
        GOOD.replace("X = [[1, 2]]", "X = [[1, 'b']]")
        .replace("B = [1, 2, 3]", "B = [1, 2]")
        .replace("lr = 0.1", "lr = 0")
    )
    error = _error(tmp_path, text + "\n[extra]\n")
    for place in ("data.X[0][1]", "parameters.B", "training.lr", "extra"):
        assert f"  {place}: " in error
    assert "4 faults" in error


def test_a_fault_in_one_array_hides_none_in_another_and_makes_none_up(tmp_path: Path) -> None:
    text = GOOD.replace("W = [[1, 2], [3, 4], [5, 6]]", "W = [[1, 2], [3]]").replace(
        "[[1, 2, 3], [4, 5, 6]]", "[['a', 2, 3], [4, 5, 6]]"
    )
    error = _error(tmp_path, text)
    assert "2 faults" in error
    assert "  parameters.W: got rows of 1, 2 numbers" in error
    assert "  parameters.W2[0][0]: got 'a' (text)" in error


def test_what_is_not_toml_or_not_text_says_so(tmp_path: Path) -> None:
    assert "is not TOML" in _error(tmp_path, "X = [1,")
    assert "neither UTF-8 nor cp949" in _error(tmp_path, b"\xff\xff\xfe\x00\x81")


def test_files_of_korean_windows_are_read(tmp_path: Path) -> None:
    text = GOOD.replace('en = "mine"', 'ko = "나의 사례"')
    for raw in (text.encode("cp949"), text.encode("utf-8-sig"), text.replace("\n", "\r\n").encode()):
        (tmp_path / "case.toml").write_bytes(raw)
        assert cases.read_folder(tmp_path).title("en") == "나의 사례"


def test_digest_sees_every_file_and_no_line_ends(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden")
    before = cases.find(folder).digest()
    for name in cases.FILES:
        path = folder / name
        text = path.read_bytes()
        path.write_bytes(text.replace(b"\n", b"\r\n"))
        assert cases.find(folder).digest() == before
        path.write_bytes(text + b"# changed\n")
        assert cases.find(folder).digest() != before
        path.write_bytes(text)


def test_shapes_for_other_sizes() -> None:
    assert cases.shapes_for(cases.find("hidden").params, (4, 5, 3)) == {
        "W": (5, 4),
        "B": (5,),
        "W2": (3, 5),
        "B2": (3,),
    }


def test_a_missing_or_wrong_derivation_names_its_place(copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden", ("derivation.txt", "dH = dY @ W2", "dH = dY @@ W2"))
    with pytest.raises(FormulaError, match=r"derivation\.txt, line 10, column"):
        cases.find(folder).derivation()
    (folder / "derivation.txt").unlink()
    with pytest.raises(FormulaError, match="is missing"):
        cases.find(folder).derivation()
