"""A step worked out in every format: each says what the record says, wrapped, escaped, and by its schema."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from wcwidth import wcswidth

from nncheck import case as cases
from nncheck import cli
from nncheck.autograd.client import Worker
from nncheck.explained import Explained
from nncheck.report import explained as report
from nncheck.report.explained_words import compared
from nncheck.verifier import truth
from tests.explaining.conftest import sharing

SCHEMAS = resources.files("nncheck.schemas")
SCHEMA = json.loads(SCHEMAS.joinpath("explain-1.schema.json").read_text(encoding="utf-8"))
SIGNS = {"agree": "✓", "differ": "✗", "cannot-tell": "?"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, worker: Worker) -> dict[str, Explained]:
    """Explain three steps: of a case, of a file with a mistake, and of numbers that break off."""
    wrong = cases.find("relu_sigmoid").folder / "mistakes" / "act.one_minus.py"
    numbers = tmp_path_factory.mktemp("numbers") / "mine.csv"
    numbers.write_text("step,E,W[0,0],W[0,1],B[0]\n0,64,3,4,1\n1,50,nan,4,1\n", encoding="utf-8")
    with sharing(worker) as explain:
        return {
            "right": explain("softmax_cross_entropy", 11),
            "wrong": dataclasses.replace(explain("relu_sigmoid", 3, wrong), file="mine.py"),
            "numbers": dataclasses.replace(explain("two_to_one", 0, numbers), file="mine.csv"),
        }


def _spoilt(result: Explained, **changes: Any) -> Explained:
    first = dataclasses.replace(result.worked.lines[0], **changes)
    worked = dataclasses.replace(result.worked, lines=(first, *result.worked.lines[1:]))
    return dataclasses.replace(result, worked=worked)


# the schema ---------------------------------------------------------------------------------------------------------


def test_json_follows_its_schema(results: dict[str, Explained]) -> None:
    odd = _spoilt(results["right"], value=[float("nan"), float("inf")], hand=None, autograd=None, difference=None)
    for result in (*results.values(), odd, dataclasses.replace(results["right"], network=None)):
        text = report.json(result)
        assert text.isascii()
        jsonschema.validate(json.loads(text, parse_constant=pytest.fail), SCHEMA)
    assert '"Infinity"' in report.json(odd)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.update(verdict="maybe"),
        lambda r: r.update(schema="nncheck/explain/2"),
        lambda r: r.update(language="ko"),
        lambda r: r.pop("network"),
        lambda r: r["worked"]["lines"][0].update(part="sideways"),
        lambda r: r["worked"]["lines"][0].pop("latex"),
        lambda r: r["worked"]["lines"][0].update(value=[["1"]]),
        lambda r: r["worked"].update(lines=[]),
        lambda r: r["network"]["layers"][0].update(extra=1),
    ],
)
def test_the_schema_catches_what_is_off(
    results: dict[str, Explained], spoil: Callable[[dict[str, Any]], object]
) -> None:
    record = json.loads(report.json(results["wrong"]))
    jsonschema.validate(record, SCHEMA)
    spoil(record)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, SCHEMA)


def test_every_key_is_described(results: dict[str, Explained]) -> None:
    described = SCHEMAS.joinpath("explain-1.md").read_text(encoding="utf-8")
    record = json.loads(report.json(results["right"]))
    worked = record["worked"]
    for keys in (record, worked, worked["lines"][0], record["network"], record["network"]["layers"][0]):
        for key in keys:
            assert re.search(rf"`{key}(\[\])?`", described), key


# text and Markdown --------------------------------------------------------------------------------------------------


def test_the_terminal_shows_every_line_with_its_numbers(results: dict[str, Explained]) -> None:
    for result in results.values():
        text = report.text(result)
        for line in result.worked.lines:
            assert f"  {SIGNS[line.verdict]} {line.formula}\n" in text
        assert [part for part in ("forward", "backward", "update") if f"\n{part}\n" in text] == list(
            dict.fromkeys(line.part for line in result.worked.lines)
        )
        assert max(wcswidth(line) for line in text.splitlines()) <= 100
    text = report.text(results["wrong"])
    assert text.startswith("✗ mine.py, step 3: dZ2 is the first of 9 lines that differ.\n")
    assert "layer 2: 2 to 2, sigmoid\n  W2  [[0.3" in text
    assert re.search(r"by hand   \[\[0\.2\d+, -0\.06\d+\]\]\n +autograd  \[\[0\.1\d+, -0\.05\d+\]\]", text)
    assert re.search(r"difference 0\.057 \[0, 0\], bound 9\.\de-16", text)
    assert "Note: What is computed from dZ2 may differ for that reason alone." in text
    assert report.text(results["right"]).startswith("✓ softmax_cross_entropy, step 11: all 16 lines agree.\n")
    assert re.search(r"^loss\n  E  0\.\d{7}$", report.text(results["right"]), re.MULTILINE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"verdict": "cannot-tell"}, "difference 0, bound 1e-15: too coarse to tell some of its elements"),
        ({"verdict": "agree"}, "difference 0, bound 1e-15"),
        ({"verdict": "agree", "bound": None}, "difference 0"),
        ({"verdict": "differ", "index": (0, 1)}, "difference 0 [0, 1], bound 1e-15"),
        ({"verdict": "differ", "difference": None}, "of another shape"),
        ({"verdict": "cannot-tell", "difference": None}, ""),
        ({"verdict": "cannot-tell", "difference": None, "value": [float("nan")]}, "no finite number on either side"),
    ],
)
def test_how_far_two_values_are_apart(results: dict[str, Explained], changes: dict[str, Any], said: str) -> None:
    line = dataclasses.replace(results["right"].worked.lines[0], difference=0.0, bound=1e-15, index=None)
    assert compared(dataclasses.replace(line, **changes)) == said


def test_a_wide_formula_is_wrapped(results: dict[str, Explained]) -> None:
    long = " + ".join(["[[0.123, 0.456, 0.789]]"] * 12)
    text = report.text(_spoilt(results["right"], filled=f"Z = {long}"))
    assert max(map(len, text.splitlines())) <= 100
    assert " ".join(text.split()).count("[[0.123, 0.456, 0.789]]") == 12


def test_markdown_holds_the_latex_of_every_line(results: dict[str, Explained]) -> None:
    for result in results.values():
        text = report.markdown(result)
        blocks = re.findall(
            r"^\$\$\n\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}\n\$\$$", text, re.DOTALL | re.MULTILINE
        )
        assert len(blocks) == len(result.worked.lines)
        for block, line in zip(blocks, result.worked.lines):
            assert block.startswith(line.latex.replace(" = ", " &= ", 1))
            assert line.filled_latex.partition(" = ")[2] in block
            assert f"{SIGNS[line.verdict]} `{line.formula}`" in text


def test_what_others_wrote_is_harmless(results: dict[str, Explained]) -> None:
    evil = "<script>alert(1)</script>\x1b[31m|`*\r\n# x"
    result = dataclasses.replace(results["wrong"], file=evil, read_as=(evil,), notes=(evil,))
    for text in (report.text(result), report.markdown(result)):
        assert "\x1b" not in text and "\r" not in text
    markdown = report.markdown(result)
    assert "<script>" not in markdown
    assert "\n# x" not in markdown
    assert json.loads(report.json(result))["file"] == evil


def test_without_a_network_the_parameters_are_listed(results: dict[str, Explained]) -> None:
    text = report.text(dataclasses.replace(results["wrong"], network=None))
    assert re.search(r"^parameters\n  W   \[\[.*\n  B   \[.*\n  W2  \[\[.*\n  B2  \[", text, re.MULTILINE)


# the command --------------------------------------------------------------------------------------------------------


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run `nncheck explain` in this process, the certified derivation as judge: starting torch takes long."""
    right = truth.Autograd.__init__

    def by_the_lines(self: truth.Autograd, case: Any, certified_first: bool = True) -> None:
        right(self, case, True)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(truth.Autograd, "__init__", by_the_lines)
        monkeypatch.setattr(sys, "argv", ["nncheck", "explain", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return end.value.code, out, err  # type: ignore[return-value]

    return run


def test_the_command_ends_with_0_or_1(call: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, err = call("relu-sigmoid", "--step", 2)
    assert (code, err) == (0, "")
    assert "relu_sigmoid, step 2: " in out
    wrong = cases.find("relu_sigmoid").folder / "mistakes" / "act.one_minus.py"
    path = tmp_path / "out.json"
    code, out, err = call("relu_sigmoid", "--file", wrong, "-o", path)
    assert (code, out, err) == (1, "", f"Written to {path}.\n")
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == "nncheck/explain/1"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("relu_sigmoid", "--step", 1000), "Error: step: got 1000, expected 0 to 999.\n"),
        (("relu_sigmoi",), "Error: There is no case 'relu_sigmoi'. Did you mean relu_sigmoid?\n"),
        (("relu_sigmoid", "--file", "nowhere.py"), "Error: nowhere.py"),
        (("relu_sigmoid", "--as", "script"), "Usage: nncheck explain"),
    ],
)
def test_the_command_ends_with_2(
    call: Callable[..., tuple[int, str, str]], arguments: tuple[object, ...], text: str
) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(text)


def test_the_command_speaks_markdown_and_its_help_names_everything(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = call("one_to_one", "--format", "markdown")
    assert (code, out.count("$$")) == (0, 2 * 7)
    code, out, _ = call("--help")
    assert code == 0
    assert all(word in out for word in ("--step", "--file", "--format", "--lang", "[table|markdown|json|html]"))
