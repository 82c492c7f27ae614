"""A real notebook: ``%load_ext nncheck``, then cells that are checked as they run; one kernel for all of it."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

pytestmark = pytest.mark.slow  # half a minute: a kernel, and a check in nearly every cell

HELPERS = """\
import numpy as np

def slope(Z):
    return Z > 0

def forward(params, X):
    Z = X @ params["W"].T + params["B"]
    H = np.maximum(Z, 0)
    Y = 1 / (1 + np.exp(-(H @ params["W2"].T + params["B2"])))
    return Y, (X, Z, H, Y)

def loss(Y, YT):
    return np.mean((Y - YT) ** 2)

def update(frame):
    return frame
"""
BACKWARD = """\
def backward(params, cache, YT):
    X, Z, H, Y = cache
    print("called at a probe")
    dZ2 = 2 * (Y - YT) / Y.size * Y * (1 - Y)
    dZ = dZ2 @ params["W2"] * slope(Z)
    return {"W": dZ.T @ X, "B": dZ.sum(axis=0), "W2": dZ2.T @ H, "B2": dZ2.sum(axis=0)}
"""
CLASS = """\
class Net:
    def forward(self, params, X):
        Y = X @ params["W"].T + params["B"]
        return Y, (X, Y)

    def loss(self, Y, YT):
        return np.mean((Y - YT) ** 2)

    def backward(self, params, cache, YT):
        X, Y = cache
        dY = 2 * (Y - YT) / Y.size
        return {"W": dY.T @ X, "B": dY.mean(axis=0)}

"""
CELLS = {
    "load": "%load_ext nncheck",
    "helpers": HELPERS,
    "wrong": "%%nncheck relu_sigmoid\n" + BACKWARD.replace(" * slope(Z)", ""),
    "right": "%%nncheck relu-sigmoid --seed 3\n" + BACKWARD + "\nbackward.__name__",
    "line": "%nncheck relu_sigmoid --hints 1",
    "korean": "%%nncheck relu_sigmoid --lang ko\n" + BACKWARD.replace("dZ = dZ2", "dZ = dZ2 / 0 * nothing"),
    "unknown": "%%nncheck relu_sigmoi\nhelpless = 1",
    "not run": "helpless",
    "raises": "%%nncheck relu_sigmoid\ndef backward(params, cache, YT):\n    return {}\n\n1 / 0",
    "option": "%nncheck relu_sigmoid --hints 9",
    "help": "%nncheck --help",
    "missing": "del backward\n%nncheck relu_sigmoid",
    "class": "del forward, loss\nnet = None\n%nncheck hidden",
    "object": "%%nncheck two_to_two\n" + CLASS + "net = Net()",
    "whole": "%%nncheck relu_sigmoid\n" + HELPERS + BACKWARD,
    "redefined": "%%nncheck relu_sigmoid\n" + HELPERS.replace("1 / (1 +", "2 / (1 +"),
    "run": "import nncheck\nnncheck.run('hidden', steps=50, every=1, language='ko')",
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the notebook and return its cells by their names."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS.values()])
    folder = tmp_path_factory.mktemp("notebook")
    own = {key: os.environ.pop(key) for key in ("NNCHECK_LANG", "LC_ALL", "LANG") if key in os.environ}
    try:
        nbclient.NotebookClient(
            notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(folder)}}
        ).execute()
    finally:
        os.environ.update(own)
    assert not list(folder.iterdir())
    return dict(zip(CELLS, notebook.cells))


def _result(cell: Any) -> Any:
    """Return what a cell's value is displayed as."""
    shown = [output for output in cell.outputs if output.output_type == "execute_result"]
    return shown[-1].data


def _streams(cell: Any) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def _errors(cell: Any) -> list[str]:
    said = ["\n".join(output.traceback) for output in cell.outputs if output.output_type == "error"]
    return [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in said]


def test_loading_says_nothing(cells: dict[str, Any]) -> None:
    assert not cells["load"].outputs and not cells["helpers"].outputs


def test_the_first_wrong_quantity_of_a_cell_is_shown_with_its_line(cells: dict[str, Any]) -> None:
    text = _result(cells["wrong"])["text/plain"]
    assert text.startswith("✗ In [3]: dW is the first of 2 wrong quantities.")
    line = 1 + CELLS["wrong"].split("\n").index('    dZ = dZ2 @ params["W2"]')
    assert f"1. Look at dZ (code cell 3, line {line}). It is first seen in dW." in text
    assert "leaving out the\n   derivative of the activation" in text
    assert not _streams(cells["wrong"]) and not _errors(cells["wrong"])


def test_a_right_cell_agrees_and_its_own_last_value_is_shown_as_always(cells: dict[str, Any]) -> None:
    assert _result(cells["right"])["text/plain"].startswith("✓ In [4] agrees with relu_sigmoid in all 6 quantities.")
    assert [output.data["text/plain"] for output in cells["right"].outputs[:1]] == ["'backward'"]


def test_the_line_magic_checks_what_is_defined(cells: dict[str, Any]) -> None:
    assert _result(cells["line"])["text/plain"].startswith("✓ In [4] agrees")


def test_code_that_raises_at_a_probe_is_a_finding_in_the_language_asked_for(cells: dict[str, Any]) -> None:
    text = _result(cells["korean"])["text/plain"]
    assert "1. In [6], 6번째 줄: NameError: name 'nothing' is not defined" in text
    assert "torch autograd (float64)로 판정했습니다" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown", "There is no case 'relu_sigmoi'. Did you mean relu_sigmoid?"),
        ("raises", "Nothing was checked: the cell stopped before its end."),
        ("option", "%%nncheck CASE [--hints N] [--lang en|ko] [--seed N]"),
        ("missing", "backward missing; expected forward(params, X) -> Y, cache;"),
        ("class", "forward, loss, backward missing; expected forward(params, X) -> Y, cache;"),
    ],
)
def test_what_keeps_from_checking_is_said_without_a_traceback_of_ours(
    cells: dict[str, Any], name: str, words: str
) -> None:
    said = _errors(cells[name])
    assert words in said[-1]
    assert len(said[-1].split("\n")) <= 3
    assert "Traceback" not in said[-1] and "nncheck/" not in said[-1]


def test_a_cell_for_no_case_is_not_run_and_one_that_raises_shows_its_own_traceback(cells: dict[str, Any]) -> None:
    assert "NameError: name 'helpless' is not defined" in _errors(cells["not run"])[0]
    assert "ZeroDivisionError" in _errors(cells["raises"])[0] and "----> 5" in _errors(cells["raises"])[0]


def test_help_lists_the_options(cells: dict[str, Any]) -> None:
    assert "--hints" in _streams(cells["help"]) and not _errors(cells["help"])


def test_an_object_with_the_functions_will_do(cells: dict[str, Any]) -> None:
    text = _result(cells["object"])["text/plain"]
    assert "dB is" in text or "dB alone is wrong" in text
    line = 1 + CELLS["object"].split("\n").index('        return {"W": dY.T @ X, "B": dY.mean(axis=0)}')
    assert f"code cell 14, line {line}" in text


def test_of_a_function_that_a_later_cell_defines_anew_the_old_lines_are_not_shown(cells: dict[str, Any]) -> None:
    assert "✓" in _result(cells["whole"])["text/plain"]
    text = _result(cells["redefined"])["text/plain"]
    number = cells["redefined"].execution_count
    assert text.startswith(f"✗ In [{number}]: Y is the first of ") and "line" not in text


@pytest.mark.parametrize("name", ["wrong", "right", "run"])
def test_results_are_text_markdown_and_a_page_in_a_frame(cells: dict[str, Any], name: str) -> None:
    shown = _result(cells[name])
    assert set(shown) == {"text/plain", "text/markdown", "text/html"}
    assert re.match(r'<iframe sandbox="allow-scripts" title="[^"]+"[^>]* srcdoc=\'', shown["text/html"])
    assert "allow-same-origin" not in shown["text/html"]
    assert sum(map(len, shown.values())) < 1_000_000


def test_a_run_is_shown_in_its_own_language_with_few_of_its_rows(cells: dict[str, Any]) -> None:
    shown = _result(cells["run"])
    assert "입력2 은닉2 출력2" in shown["text/plain"]
    assert [int(step) for step in re.findall(r"^ +(\d+) +\d", shown["text/plain"], re.MULTILINE)][::11] == [0, 49]
    assert '<html lang="ko"' in shown["text/html"]
