"""The page of one worked step."""

from __future__ import annotations

import dataclasses
from typing import Any

from nncheck.explained import Explained
from nncheck.language import use
from nncheck.report.html import explained
from tests.report.html import made
from tests.report.html.reading import faults, read


def _explained(wrong: str = "", **changes: Any) -> Explained:
    given: dict[str, Any] = {
        "versions": {"nncheck": "0.1.0"},
        "case": "relu_sigmoid",
        "title": "Activation functions",
        "file": None,
        "form": "functions",
        "read_as": (),
        "judged_by": "autograd",
        "steps": 1000,
        "lr": 0.01,
        "optimizer": "SGD",
        "network": made.NETWORK,
        "worked": made.step(0, "first step", wrong=wrong),
        "verdict": "differ" if wrong else "agree",
    }
    return Explained(**{**given, **changes})


def test_it_keeps_what_every_page_promises_and_needs_no_script() -> None:
    for language in ("en", "ko"):
        with use(language):
            text = explained.render(_explained("dW2", notes=("a note",), read_as=("read so",)))
        assert not faults(text)
        assert "<script" not in text
        assert text == explained.render(_explained("dW2", notes=("a note",), read_as=("read so",))) or language == "ko"
    assert len(text) < 60_000


def test_every_line_stands_there_with_its_numbers() -> None:
    document = read(explained.render(_explained("dW2")))
    rows = [row for row in document.one("table", data_role="lines").all("tr") if "data-line" in row.attributes]
    assert [row.attributes["data-line"] for row in rows] == list(made.FORMULAS)
    assert "0.3775" in rows[0].text, "0.05 * 0.15 + 0.10 * 0.20 + 0.35"
    assert [row.attributes["data-line"] for row in rows if row.attributes["data-verdict"] == "differ"] == ["dW2"]
    assert "H 0.3775" in document.one("figure", data_role="network").text


def test_what_others_wrote_is_escaped() -> None:
    hostile = "<script>alert(1)</script>\x1b"
    result = _explained(file=hostile, read_as=(hostile,), notes=(hostile,), title=hostile, case=hostile)
    line = dataclasses.replace(result.worked.lines[0], formula=hostile, latex=hostile, filled=hostile)
    worked = dataclasses.replace(result.worked, lines=(line, *result.worked.lines[1:]))
    text = explained.render(dataclasses.replace(result, worked=worked))
    assert not faults(text)
    assert "<script" not in text


def test_large_arrays_are_shortened() -> None:
    big = [[float(i * j) for j in range(50)] for i in range(30)]
    line = dataclasses.replace(made.step(0).lines[0], value=big, autograd=big, hand=None)
    worked = dataclasses.replace(made.step(0), lines=(line,), inputs={"X": big})
    text = explained.render(_explained(worked=worked, network=None))
    assert "(30 × 50)" in text
    assert len(text) < 40_000
