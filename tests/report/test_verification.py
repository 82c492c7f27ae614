"""Results of verify and derive in every format: each says what the record says, wrapped, aligned, and by its schema."""

from __future__ import annotations

import dataclasses
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from wcwidth import wcswidth

import nncheck
from nncheck import case as cases
from nncheck.report import verification
from nncheck.report.wrapping import wrapped
from nncheck.verification import Checked, Explanation, Finding, VerifyResult, Worst

SCHEMA = json.loads(resources.files("nncheck.schemas").joinpath("verify-1.schema.json").read_text(encoding="utf-8"))

RIGHT = "dY = 2 * (Y - YT) / Y.size\ndZ2 = dY * Y * (1 - Y)\n"
WRONG = "y = sigmoid(Z2)\ndY = (Y - YT) / len(Y)\ndZ2 = dY * y * (1 - y)\ndZ = dH\ndW = dZ.T @ X\n"
SPOILT = WRONG + "dB = dZz.sum(axis=0)\ndB2 = X.foo\n"
HALF = "E = ((Y - YT) ** 2).mean() / 2\ndY = (Y - YT) / Y.size\n"
UNTOLD = "dY = Y - YT + (1e20 - 1e20)\n"
TEXTS = {"right": RIGHT, "wrong": WRONG, "spoilt": SPOILT, "half": HALF, "untold": UNTOLD, "shape": "dW = X.T @ dZ\n"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, VerifyResult]:
    folder = tmp_path_factory.mktemp("formulas")
    made = {}
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        result = nncheck.derive(folder / f"{name}.txt", "relu_sigmoid")
        made[name] = dataclasses.replace(result, file=f"{name}.txt")
    return made


def _layer(power: int) -> VerifyResult:
    """Check tanh, whose derivative has the square of it."""

    def forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        out = np.tanh(x)
        return out, out

    def backward(dout: np.ndarray, out: np.ndarray) -> np.ndarray:
        return dout * (1 - out**power)

    return nncheck.check_backward(forward, backward, inputs={"x": np.array([[0.3, -0.7]])})


# the schema ---------------------------------------------------------------------------------------------------------


def test_json_follows_its_schema(results: dict[str, VerifyResult]) -> None:
    for result in results.values():
        text = verification.json(result)
        assert text.isascii()
        jsonschema.validate(json.loads(text, parse_constant=pytest.fail), SCHEMA)
    assert '"Infinity"' in verification.json(results["shape"])


def test_the_schema_catches_what_is_off(results: dict[str, VerifyResult]) -> None:
    good = json.loads(verification.json(results["wrong"]))
    for spoil in (
        lambda r: r.update(verdict="maybe"),
        lambda r: r.update(schema="nncheck/verify/2"),
        lambda r: r.pop("hints"),
        lambda r: r.update(extra=1),
        lambda r: r["quantities"][0].update(number="perhaps"),
        lambda r: r["quantities"][0]["worst"].update(extra=1),
        lambda r: r["quantities"][0]["worst"].pop("bound"),
        lambda r: r["quantities"][0].update(ratio=None),
        lambda r: r["findings"][0].update(kind="odd"),
        lambda r: r["findings"][0].update(convention="no"),
        lambda r: r["findings"][0]["explanations"][0].pop("equals"),
        lambda r: r["faults"].append("device"),
    ):
        bad = json.loads(json.dumps(good))
        spoil(bad)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, SCHEMA)


@pytest.mark.parametrize(
    ("record", "properties"),
    [
        (VerifyResult, SCHEMA),
        (Checked, SCHEMA["$defs"]["quantity"]),
        (Worst, SCHEMA["$defs"]["worst"]),
        (Finding, SCHEMA["$defs"]["finding"]),
        (Explanation, SCHEMA["$defs"]["explanation"]),
    ],
)
def test_schema_and_records_have_the_same_fields(record: type, properties: dict[str, Any]) -> None:
    fields = [field.name for field in dataclasses.fields(record) if field.metadata.get("json", True)]
    assert list(properties["properties"]) == fields
    assert properties["required"] == fields
    assert properties["additionalProperties"] is False


def test_the_written_description_names_every_key() -> None:
    text = resources.files("nncheck.schemas").joinpath("verify-1.md").read_text(encoding="utf-8")
    keys = [*SCHEMA["properties"], *(key for d in SCHEMA["$defs"].values() for key in d.get("properties", ()))]
    keys += [word for d in SCHEMA["properties"].values() for word in d.get("enum", ())]
    keys += [
        word for d in SCHEMA["$defs"].values() for p in d.get("properties", {}).values() for word in p.get("enum", ())
    ]
    missing = [key for key in keys if key and not re.search(rf'`"?{re.escape(key)}\b', text)]
    assert not missing


# text ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("right", "✓ right.txt agrees with relu_sigmoid in all 2 quantities."),
        ("wrong", "✗ wrong.txt: dY is the first of 2 wrong quantities."),
        ("spoilt", "✗ spoilt.txt: dY is the first of 2 wrong quantities. Lines that cannot be used: 2."),
        ("half", "✗ half.txt differs from relu_sigmoid by a convention."),
        ("untold", "? untold.txt: nothing differs, but not everything could be told."),
        ("shape", "✗ shape.txt: of all that was judged dW alone is wrong."),
    ],
)
def test_the_first_line_says_it(results: dict[str, VerifyResult], name: str, first: str) -> None:
    assert verification.text(results[name]).split("\n")[0] == first
    assert first in verification.markdown(results[name]).replace("\\_", "_")


def test_right_values_that_are_not_all_there_are_not_called_right(tmp_path: Path) -> None:
    own = (cases.find("two_to_one").folder / "manual.py").read_text(encoding="utf-8")
    for old, new in (("    dY = 2 *", "    raise ZeroDivisionError\n    dY = 2 *"), ('"W": ', '"V": ')):
        assert old in own
        (tmp_path / "a.py").write_text(own.replace(old, new), encoding="utf-8")
        said = " ".join(verification.text(nncheck.verify(tmp_path / "a.py", "two_to_one")).split())
        assert said.startswith(f"✗ {tmp_path / 'a.py'}: what it gives agrees with two_to_one, but it does not give ")


def test_lines_that_cannot_be_used_beside_right_ones(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(RIGHT + "dW = X.foo", encoding="utf-8")
    text = verification.text(nncheck.derive(tmp_path / "a.txt", "relu_sigmoid"))
    assert "nothing that can be read of it differs from relu_sigmoid. Lines that cannot be used: 1." in " ".join(
        text.split()
    )


def test_every_sentence_of_the_record_is_in_every_format(results: dict[str, VerifyResult]) -> None:
    for result in results.values():
        said = [*result.hints, *result.notes, *result.read_as]
        said += [finding.text for finding in result.findings]
        said += [explanation.text for finding in result.findings for explanation in finding.explanations]
        said += [checked.why for checked in result.quantities if checked.verdict == "cannot-tell"]
        for text in (verification.text(result), re.sub(r"\\([\\|*_`])", r"\1", verification.markdown(result))):
            flat = " ".join(text.replace("&gt;", ">").replace("&lt;", "<").split())
            missing = [one for one in said if " ".join(one.split()) not in flat]
            assert not missing


def test_the_table_has_a_column_for_numbers_where_formulas_were_judged(results: dict[str, VerifyResult]) -> None:
    lines = verification.text(results["wrong"]).split("\n")
    row = next(line for line in lines if line.startswith("dZ2"))
    assert next(line for line in lines if line.startswith("quantity")).split("  ")[2].strip() == "as a step"
    assert re.split(r"\s{2,}", row)[:3] == ["dZ2", "✓ agrees", "✗ differs"]
    head = next(line for line in verification.markdown(results["wrong"]).split("\n") if "quantity" in line)
    assert "| as a step" in head
    assert "| as a number" in head


def test_a_layer_has_one_verdict_a_row() -> None:
    text = verification.text(_layer(1))
    assert "as a number" not in text
    assert re.search(r"quantity +verdict +error / bound", text)
    jsonschema.validate(json.loads(verification.json(_layer(2))), SCHEMA)
    jsonschema.validate(json.loads(verification.json(_layer(1))), SCHEMA)


@pytest.mark.parametrize("hints", [1, 2, 3, 4])
def test_no_more_is_told_than_the_hints_asked_for(tmp_path: Path, hints: int) -> None:
    (tmp_path / "a.txt").write_text(SPOILT, encoding="utf-8")
    result = nncheck.derive(tmp_path / "a.txt", "relu_sigmoid", hints=hints)
    for text in (verification.text(result), verification.markdown(result)):
        flat = " ".join(text.split())
        assert re.findall(r"(?m)^(\d)\. ", text) == [str(number) for number in range(1, hints + 1)]
        assert ("leaving out the derivative" in flat) == (hints >= 3)
        assert ("leaving out the 2 and the 1/K" in flat) == (hints >= 3)
        assert ("1 more wrong" in flat) == (hints < 3)
        assert ("dY = 2 \\* (Y - YT) / Y.size" in flat or "dY = 2 * (Y - YT) / Y.size" in flat) == (hints == 4)
        assert "column 6: got .foo" in flat or "column 7: got .foo" in flat
        assert "dZz is not known here; did you mean dZ?" in flat


def test_korean_is_aligned_and_wrapped_by_the_columns_it_takes(tmp_path: Path) -> None:
    path = tmp_path / "내 유도.txt"
    path.write_text(SPOILT, encoding="utf-8")
    text = verification.text(nncheck.derive(path, "relu_sigmoid", language="ko"))
    lines = text.split("\n")
    rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
    edges = [match.start() for match in re.finditer(r"(?<= )-", lines[rule])]
    for line in (lines[rule - 1], *lines[rule + 1 : rule + 5]):
        cells = "".join(sign * wcswidth(sign) for sign in line)
        assert all(cells[edge - 1] == " " for edge in edges if edge < len(cells))
    assert all(wcswidth(line) <= 100 or " " not in line.strip() for line in lines)


def test_markdown_escapes_what_would_be_markup(results: dict[str, VerifyResult]) -> None:
    text = verification.markdown(dataclasses.replace(results["wrong"], file="a|b<i>_c_.txt"))
    assert "a\\|b&lt;i&gt;\\_c\\_.txt" in text
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in rows}) == 1


def test_a_code_finding_of_functions_says_what_stopped_them() -> None:
    finding = Finding(
        kind="code", quantity=None, index=None, line="line 2", text="a.py, line 2: NameError: x\nMend it."
    )
    result = dataclasses.replace(_layer(1), findings=(finding,), quantities=(), hints=(finding.text,), form="functions")
    text = verification.text(result)
    assert "cannot be held against" in text.split("\n")[0]
    assert "1. a.py, line 2: NameError: x\n   Mend it.\n" in text


# wrapping -----------------------------------------------------------------------------------------------------------


def test_wrapping_loses_nothing_and_keeps_formulas_whole() -> None:
    text = "The line  `dW2 = dZ2.T @ H`  of the file " + "and so on " * 12 + "`dY = 2 * (Y - YT) / Y.size`: end."
    lines = wrapped(text, "1. ", "   ", 60).split("\n")
    assert all(len(line) <= 60 for line in lines)
    assert all(line.startswith("   ") for line in lines[1:])
    assert " ".join(line.strip() for line in lines).replace("1. ", "").split() == text.split()
    assert any("`dY = 2 * (Y - YT) / Y.size`: end." in line for line in lines)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a b c", 3, ["a b", "c"]),
        ("가나 다라 마바", 9, ["가나 다라", "마바"]),
        ("a" * 20, 5, ["a" * 20]),
        ("one\ntwo three", 5, ["one", "two", "three"]),
        ("", 5, [""]),
        ("`a b` `c d`", 5, ["`a b`", "`c d`"]),
    ],
)
def test_lines_break_at_spaces_by_their_columns(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width=width).split("\n") == lines
