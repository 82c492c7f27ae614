"""Every format says what the record says: aligned, escaped, complete, and JSON by its written schema."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from importlib import resources

import jsonschema
import pytest
from wcwidth import wcswidth

import nncheck
from nncheck.record import AtStep, CaseResult, Fallback, RunResult, jsonable
from nncheck.report import FORMATS, words

SCHEMA = json.loads(resources.files("nncheck.schemas").joinpath("run-1.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def result() -> RunResult:
    return nncheck.run("relu_sigmoid", "one_to_one", "hidden", steps=120, every=50, language="ko")


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    import shutil

    folder = tmp_path_factory.mktemp("cases") / "my|case<b>"
    shutil.copytree(nncheck.find_case("two_to_two").folder, folder)
    (folder / "certificate.json").unlink()
    text = (folder / "manual.py").read_text(encoding="utf-8")
    (folder / "manual.py").write_text(text.replace("dY.T @ X", "3 * dY.T @ X"), encoding="utf-8")
    toml = (folder / "case.toml").read_text(encoding="utf-8").replace("lr = 0.01", "lr = 1")
    (folder / "case.toml").write_text(toml, encoding="utf-8")
    return nncheck.run(folder, steps=500)


def _validate(result: RunResult) -> None:
    jsonschema.validate(json.loads(FORMATS["json"](result)), SCHEMA)


def test_json_follows_its_schema(result: RunResult, failing: RunResult) -> None:
    _validate(result)
    _validate(failing)
    assert '"NaN"' in FORMATS["json"](failing) or '"Infinity"' in FORMATS["json"](failing)
    for more in ({}, {"kind": "directml"}, {"kind": "cuda", "remembered": "2024-09-14 10:32"}):
        device = dataclasses.replace(result.cases[0].device, fallback=Fallback(stage="a", reason="b", **more))
        _validate(dataclasses.replace(result, cases=(_with(result.cases[0], device=device),)))


def test_the_schema_catches_what_is_off(result: RunResult) -> None:
    good = json.loads(FORMATS["json"](result))
    for spoil in (
        lambda r: r["cases"][0].update(verdict="maybe"),
        lambda r: r["cases"][0].pop("drift"),
        lambda r: r["cases"][0]["rows"][0]["loss"].update(diff=None),
        lambda r: r["cases"][0].update(extra=1),
        lambda r: r.update(schema="nncheck/run/2"),
    ):
        bad = json.loads(json.dumps(good))
        spoil(bad)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, SCHEMA)


def test_the_written_description_names_every_key() -> None:
    text = resources.files("nncheck.schemas").joinpath("run-1.md").read_text(encoding="utf-8")
    case = SCHEMA["properties"]["cases"]["items"]["properties"]
    keys = [
        *SCHEMA["properties"],
        *case,
        *SCHEMA["$defs"]["finding"]["properties"],
        *SCHEMA["$defs"]["quantity"]["properties"],
    ]
    missing = [key for key in keys if not re.search(rf"`{key}\b", text)]
    assert not missing


def test_json_has_no_bare_nan_and_is_ascii(failing: RunResult, result: RunResult) -> None:
    def refuse(name: str) -> float:
        raise AssertionError(name)

    for one in (failing, result):
        text = FORMATS["json"](one)
        json.loads(text, parse_constant=refuse)
        assert text.isascii()
    assert jsonable((float("nan"), float("-inf"), 1.5)) == ["NaN", "-Infinity", 1.5]


def test_the_table_is_aligned_under_korean_titles(result: RunResult) -> None:
    lines = FORMATS["table"](result).rstrip("\n").split("\n")
    rule = next(i for i, line in enumerate(lines) if line.startswith("---") and "title" in lines[i - 1])
    edges = [m.start() for m in re.finditer(r"(?<= )-", lines[rule])]
    assert "활성화 함수 적용(relu, sigmoid)" in lines[rule + 1]
    for line in lines[rule + 1 :]:
        cells = _by_width(line)
        assert all(cells[edge - 1] == " " for edge in edges if edge < len(cells))


def _by_width(line: str) -> str:
    """Write every sign of width two as two, so that positions are columns of a terminal."""
    return "".join(sign * wcswidth(sign) for sign in line)


def test_the_table_says_what_the_record_says(result: RunResult) -> None:
    text = FORMATS["table"](result)
    for case in result.cases:
        assert f"✓ {case.case}: all 120 steps agree" in text
        for row in case.rows:
            assert repr(row.loss.autograd) in text
            assert f"{row.loss.diff:.2e}" in text
            for entry in row.params.values():
                assert f"{entry.diff:.2e} {list(entry.index)}" in text
    assert [row.step for row in result.cases[0].rows] == [49, 99, 119]


def test_a_failing_case_says_so_in_its_first_line(failing: RunResult) -> None:
    first = FORMATS["table"](failing).split("\n")[0]
    assert first.startswith("✗ my|case<b>: the derivation is wrong from step 0 on (dW); the device is right.")


def _with(case: CaseResult, **changes: object) -> CaseResult:
    return dataclasses.replace(case, **changes)  # type: ignore[arg-type]


def test_sentences(result: RunResult, failing: RunResult) -> None:
    agree, wrong = result.cases[0], failing.cases[0]
    assert words.sentence(_with(agree, verdict="cannot-tell")).startswith("nothing differs, but")
    assert words.sentence(_with(agree, steps=1)).startswith("the one step agrees: ")
    device = _with(wrong, faults=("device",), findings=(dataclasses.replace(wrong.findings[0], fault="device"),))
    assert "the device is wrong from step 0 on (dW)" in words.sentence(device)
    for more, said in (
        ({}, "because the device failed at S: R"),
        ({"kind": "cuda"}, "because cuda failed at S: R"),
        (
            {"kind": "cuda", "remembered": "2024-09-14 10:32"},
            "because cuda failed at S on 2024-09-14 10:32: R (--reprobe asks it again)",
        ),
    ):
        device = dataclasses.replace(agree.device, fallback=Fallback(stage="S", reason="R", **more))
        case = _with(agree, device=device)
        assert words.replaced(case).endswith(f"{said}.")
        for form in ("table", "markdown"):
            text = FORMATS[form](dataclasses.replace(result, cases=(case,)))
            assert " ".join(text.split()).count(said.split(": ")[0]) == 1


def test_markdown_escapes_what_would_be_markup(failing: RunResult) -> None:
    text = FORMATS["markdown"](failing)
    assert "my\\|case&lt;b&gt;" in text
    assert "<b>" not in text
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in rows[:3]}) == 1


def test_csv_holds_every_row_and_reads_back(result: RunResult) -> None:
    table = list(csv.DictReader(io.StringIO(FORMATS["csv"](result))))
    assert len(table) == sum(len(case.rows) for case in result.cases)
    row, case = table[1], result.cases[0]
    assert (row["case"], int(row["step"])) == ("relu_sigmoid", case.rows[1].step)
    assert float(row["loss_autograd"]) == case.rows[1].loss.autograd
    assert float(row["W2_diff"]) == case.rows[1].params["W2"].diff
    assert tuple(map(int, row["W2_index"].split())) == case.rows[1].params["W2"].index
    assert next(r for r in table if r["case"] == "one_to_one")["W2_diff"] == ""


def test_a_result_without_rows_is_rendered_too(result: RunResult) -> None:
    nothing = {
        side: nncheck.record.Local(ratio=None, step=None, name=None) for side in ("derivation", "device", "loss")
    }
    empty = _with(result.cases[0], rows=(), worst={}, drift={}, local=nothing, quantities=())
    one = dataclasses.replace(result, cases=(empty, empty))
    for render in FORMATS.values():
        assert render(one)
    _validate(one)


def test_records_are_frozen(result: RunResult) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.cases[0].verdict = "differ"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        AtStep(step=0, diff=0.0).diff = 1.0  # type: ignore[misc]
