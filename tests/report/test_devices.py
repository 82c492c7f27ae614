"""A device check in every format: what is wrong first, with a program to paste, and JSON by its schema."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nncheck import cli
from nncheck.conformance import check
from nncheck.device_check import SCHEMA, CheckedDevice, DeviceCheck, Example, Input, OperatorCheck
from nncheck.errors import DeviceError
from nncheck.language import use
from nncheck.report import devices as report
from nncheck.report.notebook import bundle

SCHEMAS = resources.files("nncheck.schemas")
WRITTEN = json.loads(SCHEMAS.joinpath("device-check-1.schema.json").read_text(encoding="utf-8"))

EXAMPLE = Example(
    call="y = torch.eye(3, device=device)",
    code="import torch\ny = torch.eye(3)\nprint(y)",
    dtype="float32",
    inputs={"x": Input(dtype="int64", shape=(2,), layout="plain", values=[1.0, 2.0])},
    quantity="y",
    what="value",
    index=(0, 0),
    got=0.0,
    expected=1.0,
    error=1.0,
    bound=0.0,
    text="y[0, 0] is 0, expected 1 exactly.",
)


def _row(name: str, state: Any, **more: Any) -> OperatorCheck:
    facts = {"samples": 3, "wrong": 0, "ratio": 0.5, "fallbacks": (), "reason": "", "example": None, **more}
    return OperatorCheck(name=name, state=state, **facts)


DEVICE = CheckedDevice(
    device="directml",
    kind="directml",
    name="Some GPU <b>",
    driver={"driver": "31.0.101.2115", "driver date": "9-6-2022"},
    operators=(
        _row("mm", "right"),
        _row("elu", "falls back", fallbacks=("aten::elu.out",)),
        _row("float64", "refuses", reason="RuntimeError: no Double | here", samples=0, ratio=None),
        _row("eye", "wrong", wrong=1, samples=1, ratio=None, example=EXAMPLE),
    ),
    notes=("a note",),
)
WRONG = DeviceCheck(schema=SCHEMA, versions={"torch": "2.4.1"}, devices=(DEVICE,), failed={"cuda": "at open: broken"})
GONE = dataclasses.replace(
    DEVICE,
    operators=(DEVICE.operators[0], _row("relu", "not checked", reason="it went", samples=0, ratio=None)),
    notes=("From relu on nothing could be asked: it went.",),
)
RIGHT = dataclasses.replace(WRONG, devices=(dataclasses.replace(DEVICE, operators=DEVICE.operators[:3]),), failed={})

UNFINISHED = dataclasses.replace(RIGHT, devices=(GONE,))


def test_the_terminal_has_what_is_wrong_before_all_else() -> None:
    text = report.check_text(WRONG)
    first = " ".join(text.split("\n\n")[0].split())
    assert first.startswith(
        "✗ directml (Some GPU <b>): of 4 operators 1 are wrong, 1 fall back to the CPU, 1 are refused"
    )
    assert "driver 31.0.101.2115; driver date 9-6-2022" in first
    assert "✗ eye: 1 of 1 calls are wrong\n    y[0, 0] is 0, expected 1 exactly." in text
    assert "with x = [1, 2]" in text
    places = [
        text.index(words)
        for words in (
            "✗ eye",
            "elu: falls back: aten::elu.out",
            "right: mm",
            "cuda could not be checked: at open: broken",
        )
    ]
    assert places == sorted(places)
    assert "torch 2.4.1" in text.splitlines()[-1]
    assert report.check_text(RIGHT).startswith("✓ directml")


def test_a_device_that_refuses_everything_is_not_called_right() -> None:
    refusing = dataclasses.replace(DEVICE, operators=DEVICE.operators[2:3])
    assert report.check_text(dataclasses.replace(RIGHT, devices=(refusing,))).startswith("? directml")
    assert report.check_text(RIGHT).startswith("✓ directml")


def test_what_could_not_be_asked_is_not_called_refused() -> None:
    text = report.check_text(UNFINISHED)
    assert text.startswith("? directml (Some GPU <b>): of 2 operators 0 are wrong")
    assert "0 are refused and 1 are right. 1 could not be checked." in " ".join(text.split())
    assert "not checked: relu\n\n- From relu on nothing could be asked: it went." in text
    markdown = report.check_markdown(UNFINISHED)
    assert "- From relu on nothing could be asked: it went." in markdown and "1 could not be checked." in markdown
    assert [cell.strip() for cell in markdown.splitlines()[-3].split("|")[1:3]] == ["relu", "not checked"]


def test_control_characters_of_a_driver_reach_no_reader() -> None:
    """A terminal would obey an ESC, and show what follows U+202E from right to left."""
    bad = "\x1b[2J\x00\u202e"
    row = _row("float64", "refuses", reason=f"RuntimeError: {bad}")
    device = dataclasses.replace(DEVICE, name=bad, driver={"driver": bad}, operators=(row,), notes=(bad,))
    result = dataclasses.replace(WRONG, devices=(device,), failed={"cuda": bad})
    states = [_State("directml", "fails", bad, bad)]
    for text in (
        *(report.check_text(result), report.check_markdown(result)),
        *(report.list_text(states), report.list_markdown(states)),
    ):
        assert all(sign.isprintable() for sign in text.replace("\n", "")) and "x1b[2J" in text
    assert json.loads(report.check_json(result))["failed"]["cuda"] == bad and report.check_json(result).isascii()


def test_markdown_holds_a_program_and_escapes_what_a_device_calls_itself() -> None:
    text = report.check_markdown(WRONG)
    assert "```python\nimport torch\ny = torch.eye(3)\nprint(y)\n```" in text
    assert "Some GPU &lt;b&gt;" in text and "<b>" not in text
    assert "no Double \\| here" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows] == ["operator", "eye", "float64", "elu", "mm"]


def test_json_follows_its_schema() -> None:
    odd = dataclasses.replace(EXAMPLE, got=float("nan"), error=float("inf"), index=None, bound=None)
    spoilt = dataclasses.replace(DEVICE, operators=(_row("x", "wrong", example=odd, ratio=float("inf")),))
    for result in (WRONG, RIGHT, UNFINISHED, dataclasses.replace(WRONG, devices=(spoilt,))):
        text = report.check_json(result)
        assert text.isascii()
        jsonschema.validate(json.loads(text, parse_constant=pytest.fail), WRITTEN)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.update(schema="nncheck/device-check/2"),
        lambda r: r.update(language="ko"),
        lambda r: r.pop("failed"),
        lambda r: r.update(devices=[]),
        lambda r: r["devices"][0].update(kind="tpu"),
        lambda r: r["devices"][0]["operators"][0].update(state="perhaps"),
        lambda r: r["devices"][0]["operators"][0].pop("samples"),
        lambda r: r["devices"][0]["operators"][1].update(fallbacks=["elu"]),
        lambda r: r["devices"][0]["operators"][3]["example"].update(what="mood"),
        lambda r: r["devices"][0]["operators"][3]["example"]["inputs"]["x"].update(values="1, 2"),
    ],
)
def test_the_schema_catches_what_is_off(spoil: Callable[[dict[str, Any]], object]) -> None:
    result = json.loads(report.check_json(WRONG))
    spoil(result)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(result, WRITTEN)


def test_the_schema_is_described_in_words() -> None:
    text = SCHEMAS.joinpath("device-check-1.md").read_text(encoding="utf-8")
    for record in (DeviceCheck, CheckedDevice, OperatorCheck, Example, Input):
        for field in dataclasses.fields(record):
            if field.name != "language":
                assert f"`{field.name}`" in text, field.name


def test_a_notebook_shows_it() -> None:
    shown = bundle(WRONG)
    assert shown["text/plain"].startswith("✗ directml") and shown["text/markdown"].startswith("# nncheck devices")


# the command --------------------------------------------------------------------------------------------------------


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command with a check that finds what is told."""

    def run(result: DeviceCheck | Exception, *arguments: str) -> tuple[int, str, str]:
        def found(name: str | None = None, **_: Any) -> DeviceCheck:
            asked.append(name)
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(check, "check_device", found)
        monkeypatch.setattr(sys, "argv", ["nncheck", "devices", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    asked: list[str | None] = []
    run.asked = asked  # type: ignore[attr-defined]
    return run


def test_exit_codes_and_names(call: Any) -> None:
    assert call(RIGHT, "--check")[0] == 0
    assert call(WRONG, "--check", "directml")[0] == 1
    assert call(WRONG, "--check", "--format", "json")[0] == 1
    assert call.asked == [None, "directml", None]
    assert call(UNFINISHED, "--check", "directml")[0] == 2
    assert call(dataclasses.replace(RIGHT, failed={"cuda": "at open: broken"}), "--check")[0] == 2
    code, out, err = call(DeviceError("--check cuda is not there: none.", "open"), "--check", "cuda")
    assert (code, out, err) == (2, "", "Error: --check cuda is not there: none.\n")


def test_formats_and_files(call: Any, tmp_path: Path) -> None:
    assert call(WRONG, "--check", "--format", "markdown")[1].startswith("# nncheck devices --check")
    assert json.loads(call(WRONG, "--check", "--format", "json")[1])["schema"] == SCHEMA
    path = tmp_path / "report.md"
    code, out, err = call(WRONG, "--check", "directml", "-o", str(path))
    assert (code, out) == (1, "") and "report.md" in err
    assert path.read_text(encoding="utf-8") == report.check_markdown(WRONG)
    assert call(WRONG, "--check", "-o", str(tmp_path / "no" / "report.md"))[0] == 2


def test_korean(call: Any) -> None:
    assert "맞습니다" in call(RIGHT, "--check", "--lang", "ko")[1]
    with use("ko"):
        assert "맞음" in report.check_markdown(WRONG)


# the list -----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class _State:
    kind: str
    state: str
    name: str
    reason: str


def test_the_list_of_devices_in_every_format() -> None:
    states = [_State("directml", "missing", "", "not | installed"), _State("cpu", "works", "a CPU", "")]
    assert report.list_text(states).endswith("--device auto takes cpu.\n")
    assert "not \\| installed" in report.list_markdown(states)
    assert [state["kind"] for state in json.loads(report.list_json(states))] == ["directml", "cpu"]
    assert report.list_text(states[:1]).endswith("No device works.\n")
