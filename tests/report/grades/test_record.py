"""results.jsonl follows its schema and its written description, and reads back as it was."""

from __future__ import annotations

import dataclasses
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from nncheck.grades import STATUSES, CheckVerdict, Grade, Graded, Mark, Mistake, PartGrade
from tests.report.grades.conftest import ROWS

SCHEMA = json.loads(resources.files("nncheck.schemas").joinpath("grade-1.schema.json").read_text(encoding="utf-8"))
DEFS = SCHEMA["$defs"]


def test_lines_follow_the_schema_and_read_back(save: Any) -> None:
    lines = (save(ROWS, "jsonl") / "results.jsonl").read_bytes().decode("ascii").splitlines()
    records = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    for record in records:
        jsonschema.validate(record, SCHEMA)
    assert tuple(Graded.from_dict(record) for record in records) == ROWS


def test_the_schema_catches_what_is_off() -> None:
    good = ROWS[1].to_dict()
    for spoil in (
        lambda r: r.update(schema="nncheck/grade/2"),
        lambda r: r.pop("score"),
        lambda r: r.update(extra=1),
        lambda r: r.update(late="no"),
        lambda r: r.update(score="NaN"),
        lambda r: r["grade"].update(status="fine"),
        lambda r: r["grade"]["parts"][0].update(form="essay"),
        lambda r: r["grade"]["parts"][0].pop("seed"),
        lambda r: r["grade"]["parts"][0]["marks"][0].update(verdict="maybe"),
        lambda r: r["grade"]["parts"][0]["marks"][0].update(points=-1),
        lambda r: r["grade"]["parts"][0]["mistakes"][0].update(line=0),
        lambda r: r["grade"]["parts"][0]["mistakes"][0].pop("equals"),
    ):
        bad = json.loads(json.dumps(good))
        spoil(bad)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, SCHEMA)


@pytest.mark.parametrize(
    ("record", "properties", "computed"),
    [
        (Graded, SCHEMA, {"schema", "score", "of"}),
        (Grade, DEFS["grade"], {"status", "reason", "points", "of"}),
        (PartGrade, DEFS["part"], {"points", "of"}),
        (Mark, DEFS["mark"], set()),
        (Mistake, DEFS["mistake"], set()),
    ],
)
def test_schema_and_records_have_the_same_fields(record: type, properties: dict[str, Any], computed: set[str]) -> None:
    assert set(properties["properties"]) == {field.name for field in dataclasses.fields(record)} | computed
    assert properties["required"] == list(properties["properties"])
    assert properties["additionalProperties"] is False


def test_statuses_and_verdicts_are_those_of_the_code() -> None:
    assert DEFS["status"]["enum"] == list(STATUSES)
    assert DEFS["mark"]["properties"]["verdict"]["enum"] == list(get_args(CheckVerdict))


def test_the_written_description_names_every_key() -> None:
    text = resources.files("nncheck.schemas").joinpath("grade-1.md").read_text(encoding="utf-8")
    keys = [*SCHEMA["properties"], *(key for one in DEFS.values() for key in one.get("properties", ()))]
    keys += [*DEFS["status"]["enum"], *DEFS["mark"]["properties"]["verdict"]["enum"]]
    keys += DEFS["part"]["properties"]["form"]["enum"]
    assert not [key for key in keys if key and not re.search(rf'`"?{re.escape(key)}\b', text)]


def test_a_file_is_left_as_it_was_where_a_row_fails(tmp_path: Path, save: Any) -> None:
    folder = save(ROWS[:2], "jsonl", "csv", "feedback", "junit")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def rows() -> Any:
        yield ROWS[2]
        raise RuntimeError("the journal is gone")

    from nncheck.report.grades import write
    from tests.report.grades.conftest import ASSIGNMENT, GROUND

    with pytest.raises(RuntimeError):
        write(folder, rows, ASSIGNMENT, GROUND, ("jsonl", "csv", "feedback", "junit"))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
