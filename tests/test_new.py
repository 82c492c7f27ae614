"""What one starts from: a student's file that gives nothing away, and a case folder that certifies as it stands."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from string import Template

import pytest

import nncheck
from nncheck import case as cases
from nncheck import casefile, cli
from nncheck.errors import CaseError, FormulaError, InputError
from nncheck.formula import read
from nncheck.language import LANGUAGES, use
from nncheck.scaffold import as_typed, write_case, write_student_file
from nncheck.source import load_module

TEMPLATES = Path(nncheck.__file__).parent / "templates"
FUNCTIONS = ("forward", "loss", "backward")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def _call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["nncheck", "new", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code  # type: ignore[return-value]


def _without_words(text: str) -> str:
    """Return the code of a Python file without its docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef)) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _fields(text: str) -> set[str]:
    return {match["named"] for match in Template.pattern.finditer(text)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", cases.names())
def test_a_students_file_holds_the_contract_and_asks_for_what_is_missing(name: str, language: str, here: Path) -> None:
    with use(language):
        path = write_student_file(name)
    assert path == Path(f"{name}.py")
    module = load_module(path, "started")
    manual = load_module(cases.find(name).folder / "manual.py", "manual")
    for function in FUNCTIONS:
        own, contract = (inspect.signature(getattr(each, function)) for each in (module, manual))
        assert list(own.parameters) == list(contract.parameters)
        with pytest.raises(NotImplementedError, match=rf"^{function}") as missing:
            getattr(module, function)(*[None] * len(own.parameters))
        assert ("아직 쓰지 않았습니다" if language == "ko" else "still to be written") in str(missing.value)


@pytest.mark.parametrize(("language", "words"), [("en", "forward is still to be written"), ("ko", "forward를 아직")])
def test_verifying_an_untouched_file_says_what_is_missing(language: str, words: str, here: Path) -> None:
    with use(language):
        path = write_student_file("hidden")
    result = nncheck.verify(path, "hidden", language=language)
    assert (result.verdict, result.findings[0].kind) == ("differ", "missing")
    assert words in result.findings[0].text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", cases.names())
def test_a_students_file_gives_no_formula_away(name: str, language: str, here: Path) -> None:
    case = cases.find(name)
    with use(language):
        text = write_student_file(name).read_text(encoding="utf-8")
    lines = case.derivation().lines
    packed = "".join(text.split())
    for line in lines:
        assert "".join(line.text.partition("=")[2].split()) not in packed, line.text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert [type(part) for part in node.body] == [ast.Expr, ast.Raise]  # a docstring, and what is missing
    assert "$" not in text


def test_a_students_file_says_shapes_network_and_loss(here: Path) -> None:
    text = write_student_file("relu_sigmoid").read_text(encoding="utf-8")
    assert text.startswith('"""Activation functions (ReLU, sigmoid): forward, loss and backward by hand.\n')
    for words in (
        "    Z   (N, n_hidden)  a linear layer of X with W and B\n",
        "    H   (N, n_hidden)  the ReLU of Z\n",
        "    Z2  (N, n_out)     a linear layer of H with W2 and B2\n",
        "    Y   (N, n_out)     the sigmoid of Z2\n",
        "    E                  the mean of the squared errors of Y against YT, over all N * n_out elements\n",
        "Here n_in = 2, n_hidden = 2, n_out = 2.",
        '        "W2"  (n_out, n_hidden)\n        "B2"  (n_out,)\n',
        "    X : (N, n_in)\n",
        "the gradients for Y, Z2, H, Z:",
        "    nncheck verify relu_sigmoid.py --case relu_sigmoid\n",
    ):
        assert words in text
    with use("ko"):
        text = write_student_file("softmax-cross-entropy").read_text(encoding="utf-8")
    for words in (
        '"""softmax / crossentropy: 순전파, 손실, 역전파를 손으로 구현합니다.\n',
        "    Z  (N, n_hidden)  X에 대한 선형 층 (가중치 W, 편향 B)\n",
        "    E                 Y의 소프트맥스와 YT의 교차 엔트로피를 표본 N개에 대해 평균한 값.",
        "--case softmax-cross-entropy\n",
    ):
        assert words in text


def test_lines_without_a_word_are_told_by_their_formula(here: Path, copy_case: Callable[..., Path]) -> None:
    folder = copy_case(
        "hidden",
        ("derivation.txt", "H = X @ W.T + B", "Q = X @ W.T\nR = Q + B\nH = softmax(Q)"),
        ("derivation.txt", "E = ((Y - YT) ** 2).mean()", "E = ((Y - YT) ** 2).sum() / 2"),
    )
    text = write_student_file(folder).read_text(encoding="utf-8")
    for words in (
        "    Q  (N, n_hidden)  a linear layer of X with W, without a bias\n",
        "    R                 Q + B\n",
        "    H  (N, n_hidden)  the softmax of Q, row by row\n",
        "    E                 ((Y - YT) ** 2).sum() / 2\n",
    ):
        assert words in text


def test_a_case_with_odd_words_in_its_title_and_path_gives_a_file_that_compiles(
    here: Path, copy_case: Callable[..., Path]
) -> None:
    folder = copy_case(
        "hidden",
        ("case.toml", 'en = "Two inputs, two hidden units, two outputs"', 'en = \'a """ b \\new $title \\\''),
        folder="내 예제",
    )
    path = write_student_file(folder)
    assert path == Path("내 예제.py")
    module = load_module(path, "started")
    assert module.__doc__ is not None
    assert module.__doc__.startswith("a ''' b \\new $title \\: forward")
    assert f'nncheck verify "내 예제.py" --case "{folder}"' in module.__doc__


def test_deeper_networks_number_their_hidden_layers(here: Path, copy_case: Callable[..., Path]) -> None:
    folder = copy_case(
        "hidden",
        ("case.toml", "B2 = [0.60, 0.60]", "B2 = [0.60, 0.60]\nW3 = [[1, 2], [3, 4]]\nB3 = [1, 2]"),
        ("derivation.txt", "Y = H @ W2.T + B2", "H2 = H @ W2.T + B2\nY = H2 @ W3.T + B3"),
    )
    text = write_student_file(folder).read_text(encoding="utf-8")
    assert '"W2"  (n_hidden2, n_hidden1)' in text
    assert "    H2  (N, n_hidden2)  a linear layer of H with W2 and B2\n" in text


def test_a_case_without_formulas_is_refused(here: Path, copy_case: Callable[..., Path]) -> None:
    folder = copy_case("hidden")
    (folder / "derivation.txt").write_text("Y = X @ W.T + B\n", encoding="utf-8")
    with pytest.raises(FormulaError, match=r"derivation\.txt: gives no E; expected a line for the loss"):
        write_student_file(folder)
    (folder / "derivation.txt").unlink()
    with pytest.raises(FormulaError, match="is missing; write one formula a line"):
        write_student_file(folder)
    assert not list(here.iterdir())


def test_nothing_is_written_over_without_force(here: Path) -> None:
    path = here / "mine.py"
    path.write_text("hours of work", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.py is there already; name another file with -o, or give --force"):
        write_student_file("hidden", path)
    assert path.read_text(encoding="utf-8") == "hours of work"
    write_student_file("hidden", path, force=True)
    assert path.read_text(encoding="utf-8").startswith('"""Two inputs')
    with pytest.raises(InputError, match=r"got a name that ends in '\.ipynb', expected one in \.py"):
        write_student_file("hidden", here / "mine.ipynb")
    with pytest.raises(InputError, match=r"the folder .* does not exist; make it first"):
        write_student_file("hidden", here / "no" / "mine.py")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_case_certifies_and_agrees_as_it_stands(language: str, here: Path) -> None:
    with use(language):
        folder = write_case("예제 하나")
    assert sorted(path.name for path in folder.iterdir()) == sorted(cases.FILES)
    (outcome,) = nncheck.certify(Path(folder))
    assert not outcome.faults
    result = nncheck.run(Path(folder)).cases[0]
    assert (result.verdict, result.steps, result.findings) == ("agree", 1000, ())
    case = cases.find(Path(folder))
    assert case.sizes == (3, 4, 2)
    assert set(case.titles) == {"ko", "en"}
    with use(language):
        assert "tanh" in write_student_file(folder).read_text(encoding="utf-8")


def test_the_templates_of_all_languages_are_the_same_but_for_their_words() -> None:
    english, korean = (
        {path.relative_to(TEMPLATES / lang) for path in (TEMPLATES / lang).rglob("*.template")} for lang in LANGUAGES
    )
    assert english == korean
    for name in english:
        one, other = ((TEMPLATES / lang / name).read_text(encoding="utf-8") for lang in LANGUAGES)
        if name.name.startswith("case.toml"):
            assert casefile.parse(one) == casefile.parse(other)
        elif name.name.startswith("derivation.txt"):
            assert read(one).lines == read(other).lines
        elif name.name.startswith(("student", "assignment")):
            assert _fields(one) == _fields(other)
        else:
            assert _without_words(one) == _without_words(other)
        assert all(len(line) <= 120 for line in (one + other).splitlines())


@pytest.mark.parametrize("name", cases.names())
def test_a_new_case_can_be_like_one_that_is_there(name: str, here: Path) -> None:
    folder = write_case("mine", name)
    copy, original = cases.find(Path(folder)), cases.find(name)
    assert copy.derivation() == original.derivation()
    assert (copy.titles, copy.order) == (original.titles, None)
    assert json.dumps(copy.params["W"].tolist()) == json.dumps(original.params["W"].tolist())
    for file in cases.FILES[1:]:
        assert (folder / file).read_text(encoding="utf-8") == (original.folder / file).read_text(encoding="utf-8")
    assert not (folder / "certificate.json").exists()


def test_a_case_that_stands_there_is_not_written_over_without_force(here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "notes.txt").write_text("kept", encoding="utf-8")
    folder = write_case("mine")
    (folder / "manual.py").write_text("hours of work", encoding="utf-8")
    (folder / "autograd.py").unlink()
    with pytest.raises(InputError, match=r"mine holds case\.toml, manual\.py, derivation\.txt already; .* --force"):
        write_case("mine")
    assert (folder / "manual.py").read_text(encoding="utf-8") == "hours of work"
    assert not (folder / "autograd.py").exists()
    write_case("mine", force=True)
    assert "def backward" in (folder / "manual.py").read_text(encoding="utf-8")
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("name", ["내_예제", "예제 2", "my-case", "case.v2", "café", "./hidden", "class"])
def test_names_of_any_script_can_be_cases(name: str, here: Path) -> None:
    folder = write_case(name)
    assert cases.find(Path(folder)).name == Path(name).name
    with use("ko"):
        ast.parse(write_student_file(Path(folder)).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "names no new folder"),
        (".", "names no new folder"),
        ("..", "names no new folder"),
        ("what?", "holds '?', which Windows does not take"),
        ("a:b", "holds ':', which Windows does not take"),
        ("a\nb", r"holds '\n', which Windows does not take"),
        ("con", "is what Windows calls a device"),
        ("NUL.case", "is what Windows calls a device"),
        ("end.", "begins or ends with a blank, or ends with a full stop"),
        (" a", "begins or ends with a blank"),
        ("-x", "begins with -, as an option does"),
        ("hidden", "is a case that comes with nncheck, and the name would mean that one"),
        ("relu-sigmoid", "is a case that comes with nncheck"),
    ],
)
def test_names_that_would_not_work_are_refused(name: str, problem: str, here: Path) -> None:
    with pytest.raises(CaseError) as error:
        write_case(name)
    assert str(error.value).startswith(f"The name {name!r} {problem}")
    assert str(error.value).endswith("; give the new case another, such as my_case.")
    assert not list(here.iterdir())


def test_what_stands_in_the_way_is_said(here: Path) -> None:
    (here / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="file is a file; choose another name"):
        write_case("file")
    with pytest.raises(InputError, match=r"the folder no does not exist; make it first"):
        write_case("no/mine")
    with pytest.raises(CaseError, match="Did you mean hidden"):
        write_case("mine", "hiden")
    assert [path.name for path in here.iterdir()] == ["file"]


def test_the_command_writes_and_says_what_to_do_next(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _call(monkeypatch, "hidden") == 0
    assert capsys.readouterr().out == (
        "Written to hidden.py. Fill it in, then run  nncheck verify hidden.py --case hidden\n"
    )
    assert _call(monkeypatch, "hidden", "--lang", "ko", "-o", "내 답.py") == 0
    assert capsys.readouterr().out == (
        '내 답.py에 썼습니다. 내용을 채운 다음 실행하십시오:  nncheck verify "내 답.py" --case hidden\n'
    )
    assert "순전파" in (here / "내 답.py").read_text(encoding="utf-8")
    assert _call(monkeypatch, "--case", "mine", "--like", "relu-sigmoid", "--lang", "ko") == 0
    own = str(Path("mine"))
    assert capsys.readouterr().out.startswith(f"예제 폴더 {own}을 만들었습니다.")
    assert _call(monkeypatch, "hidden") == 2
    assert "hidden.py is there already" in capsys.readouterr().err
    assert _call(monkeypatch, "hidden", "--force") == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Give a CASE to start a student's file, or --case NAME to make a new case."),
        (("hidden", "--case", "mine"), "Give a CASE"),
        (("--case", "mine", "-o", "x.py"), "-o names a student's file"),
        (("hidden", "--like", "relu_sigmoid"), "--like goes with --case NAME."),
        (("hiden",), "Did you mean hidden?"),
    ],
)
def test_bad_use_is_refused(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    assert _call(monkeypatch, *arguments) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not list(here.iterdir())


def test_arguments_are_written_as_they_are_typed() -> None:
    assert as_typed("./my_case") == "./my_case"
    assert as_typed("my case") == '"my case"'
    assert as_typed("a&b") == '"a&b"'
