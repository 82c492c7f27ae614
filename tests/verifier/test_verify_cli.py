"""`nncheck verify` on the command line and in Python: exit codes, formats, options, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import nncheck
from nncheck.cli import AGREES, DIFFERS, cli
from nncheck.verifier import verify as module
from tests.verifier.conftest import RIGHT, returning

WRONG = returning('{"W": dW, "B": dB / len(X)}')


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_the_lines: None) -> Path:
    (tmp_path / "right.py").write_text(RIGHT, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _verify(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["verify", *arguments, "--lang", "en"], standalone_mode=False)


def test_exit_codes_and_sentences(files: Path) -> None:
    right = _verify("right.py", "--case", "two_to_one")
    assert (right.return_value, right.exception) == (AGREES, None)
    assert "right.py agrees with two_to_one in all 4 quantities." in right.output
    wrong = _verify("wrong.py", "--case", "two-to-one")
    assert wrong.return_value == DIFFERS
    assert "✗ wrong.py: of all that was judged dB alone is wrong." in wrong.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("right.py", "--case", "no_such_case"), "There is no case 'no_such_case'"),
        (("nothing.py", "--case", "two_to_one"), "nothing.py: cannot be read"),
        ((".", "--case", "two_to_one"), "is a folder; name a file in it."),
        (("right.py",), "Missing option '--case'"),
        (("right.py", "--case", "two_to_one", "--hints", "5"), "Invalid value for '--hints'"),
        (("right.py", "--case", "two_to_one", "--as", "poem"), "Invalid value for '--as'"),
        (("right.py", "--case", "two_to_one", "--seed", "-1"), "Invalid value for '--seed'"),
        (("right.py", "--case", "two_to_one", "--limit", "0"), "Invalid value for '--limit'"),
        (("right.py", "--case", "two_to_one", "--map", "W"), "--map: got 'W', expected NAME=VARIABLE,..."),
        (("right.py", "--case", "two_to_one", "-o", "no/such/folder.json"), "no/such"),
    ],
)
def test_bad_use_is_said_and_exits_with_2(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: Any, said: str
) -> None:
    from nncheck.cli import main

    monkeypatch.setattr("sys.argv", ["nncheck", "verify", *arguments, "--lang", "en"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_json_is_the_record_of_the_schema(files: Path) -> None:
    result = _verify("wrong.py", "--case", "two_to_one", "--format", "json")
    facts = json.loads(result.output)
    assert (facts["schema"], facts["case"], facts["verdict"]) == ("nncheck/verify/1", "two_to_one", "differ")
    assert facts == nncheck.verify("wrong.py", "two_to_one").to_dict()
    path = Path(nncheck.__file__).parent / "schemas" / "verify-1.schema.json"
    if path.is_file():
        jsonschema = pytest.importorskip("jsonschema")
        schema = json.loads(path.read_text(encoding="utf-8"))
        for text in (WRONG, RIGHT, returning('{"W": dW * np.nan}'), returning("1 / 0")):
            (files / "any.py").write_text(text, encoding="utf-8")
            jsonschema.validate(nncheck.verify("any.py", "two_to_one").to_dict(), schema)


@pytest.mark.parametrize(("name", "start"), [("a.json", "{"), ("a.md", "# wrong.py"), ("a.txt", "✗ wrong.py")])
def test_the_ending_of_the_output_chooses_the_format(files: Path, name: str, start: str) -> None:
    result = _verify("wrong.py", "--case", "two_to_one", "-o", name)
    assert result.return_value == DIFFERS
    assert (files / name).read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize(
    ("level", "there", "not_yet"),
    [
        ("1", "1. Look at dB", "2. "),
        ("2", "2. dB[", "averaging"),
        ("3", "averaging over the batch", "dB = dY.sum"),
        ("4", "4. The case has dB = dY.sum(axis=0)", "5. "),
    ],
)
def test_hints_tell_so_much_and_no_more(files: Path, level: str, there: str, not_yet: str) -> None:
    output = " ".join(_verify("wrong.py", "--case", "two_to_one", "--hints", level).output.split())
    assert there in output
    assert not_yet not in output


def test_as_functions_takes_a_file_for_what_it_is_said_to_be(files: Path) -> None:
    (files / "odd.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(nncheck.InputError, match="cannot be told what this is"):
        nncheck.verify("odd.py", "two_to_one")
    result = _verify("odd.py", "--case", "two_to_one", "--as", "functions")
    assert result.return_value == DIFFERS
    assert "forward, loss, backward missing" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hints": 0}, "hints: got 0, expected 1 to 4."),
        ({"hints": "3"}, "hints: got '3'"),
        ({"seed": -1}, "seed: got -1, expected a whole number from 0 on."),
        ({"seed": 1.5}, "seed: got 1.5"),
        ({"limit": 0}, "limit: got 0, expected seconds, above 0."),
        ({"limit": float("nan")}, "limit: got nan"),
        ({"limit": "long"}, "limit: got 'long'"),
        ({"form": "poem"}, "form: got 'poem', expected functions, script"),
        ({"language": "fr"}, "language: got 'fr', expected en or ko."),
    ],
)
def test_arguments_out_of_range_are_input_errors(files: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(nncheck.InputError) as caught:
        nncheck.verify("right.py", "two_to_one", **options)
    assert said in str(caught.value)


def test_what_has_no_functions_is_an_input_error(by_the_lines: None) -> None:
    with pytest.raises(
        nncheck.InputError, match=r"object: forward, loss, backward missing; expected forward\(params, X\)"
    ):
        module.verify(object(), "two_to_one")
