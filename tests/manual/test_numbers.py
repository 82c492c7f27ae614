"""Numbers from any language: tables with or without headers, arrays, printouts; whole, in part, or in few digits."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.errors import InputError
from nncheck.manual.tables import numbers

PRINTED = Path(__file__).parents[1] / "reference" / "printed"
HEADER = "step,E,W[0,0],W[0,1],B[0]"
ROWS = "0,64.0,3,4,1\n1,12.5,3.32,4.48,1.16\n"


def _read(text: str, case: str = "two_to_one", mapping: dict[str, list[str]] | None = None) -> numbers.Numbers:
    return numbers.read_text(text, cases.find(case), mapping)


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n{ROWS}",
        f"\ufeff{HEADER}\r\n{ROWS}".replace("\r\n", "\n"),
        f"# a comment\n\n{HEADER}\n{ROWS}",
        f"{HEADER}\n{ROWS}".replace("W[0,0],W[0,1]", "W00,W01").replace(",", ";"),
        f"{HEADER}\n{ROWS}".replace("W[0,0],W[0,1]", "W_0_0,W_0_1").replace(",", "\t"),
        f"{HEADER}\n{ROWS}".replace("W[0,0],W[0,1],B[0]", "w1,w2,b").replace(",", "   "),
        "epoch;loss;W[0][0];W[0][1];b1[0]\n0;64,0;3;4;1\n1;12,5;3,32;4,48;1,16\n",
        'epoch,loss,"W[0,0]","W[0,1]",B\n' + ROWS,
        "에폭,손실,W(0,0),W(0,1),B(0)\n" + ROWS,
        "step,E,W.0.0,W.0.1,B.0\n" + ROWS,
        ROWS,
    ],
)
def test_tables_in_many_ways_of_writing(text: str) -> None:
    read = _read(text)
    assert read.steps.tolist() == [0, 1] and read.E is not None and read.E.tolist() == [64, 12.5]
    assert read.params["W"].tolist() == [[[3, 4]], [[3.32, 4.48]]] and read.params["B"].tolist() == [[1], [1.16]]
    assert read.notes == ()


def test_numbered_weights_and_biases_count_through_the_layers() -> None:
    names = [f"w{i}" for i in range(1, 9)] + [f"b{i}" for i in range(1, 5)]
    read = _read(f"t,{','.join(names)}\n0,{','.join(map(str, range(12)))}\n", "hidden")
    assert read.params["W2"].tolist() == [[[4, 5], [6, 7]]] and read.params["B2"].tolist() == [[10, 11]]
    assert read.columns["W2[1, 0]"] == "w7" and read.E is None


def test_some_steps_only_the_loss_and_some_elements_are_enough() -> None:
    read = _read("step,cost\n99,0.5\n199,0.25\n", "hidden")
    assert read.steps.tolist() == [99, 199] and read.params == {} and read.E is not None
    part = _read("step,W2[1,1],seconds\n5,0.5,1.2\n", "hidden")
    assert part.E is None and part.params["W2"][0, 1, 1] == 0.5 and np.isnan(part.params["W2"][0, 0]).all()
    assert part.notes == ("passed over: column(s) seconds",)
    assert "no column of steps" in _read("loss\n0.5\n0.4\n").notes[0]


def test_empty_cells_are_not_given() -> None:
    read = _read("step,E,W[0,0]\n0,0.5,\n1,,3.5\n")
    assert read.E is not None and math.isnan(read.E[1]) and math.isnan(read.params["W"][0, 0, 0])


def test_columns_can_be_mapped() -> None:
    read = _read("k;q;u;v\n3;0.5;1.5;2.5\n", mapping={"step": ["k"], "E": ["q"], "W": ["u", "v"]})
    assert read.steps.tolist() == [3] and read.params["W"].tolist() == [[[1.5, 2.5]]]
    assert read.columns == {"step": "k", "E": "q", "W[0, 0]": "u", "W[0, 1]": "v"}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["0.2513", "0.1000"], [5e-5, 5e-5]),
        (["0.2513", "0.1"], [5e-5, 5e-5]),  # %g drops zeros at the end
        (["12.5", "0.0312"], [5e-2, 5e-5]),
        (["1.25e-03", "3.00e+02"], [5e-6, 0.5]),
        (["0.35", "0.34967911845901246"], [0, 0]),
        (["3", "4"], [0, 0]),
        (["-0.10", "nan"], [5e-3, 0]),
    ],
)
def test_how_many_digits_were_printed(texts: list[str], expected: list[float]) -> None:
    table = "step,E\n" + "".join(f"{place},{text}\n" for place, text in enumerate(texts))
    np.testing.assert_allclose(_read(table).resolution["E"], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no numbers; expected lines such as  step,E"),
        (f"{HEADER}\n0,64,3,4\n{ROWS}", "line 2: got 4 cells, expected 5 as in line 1."),
        (f"{HEADER}\n0,many,3,4,1\n{ROWS}", "line 2: 'many' is no number."),
        (
            "step,E,W[0,2]\n0,1,2\n",
            "unknown column(s) 'W[0,2]' of step, E, W[0,2]. Expected step, E and W[0,0], W[0,1]",
        ),
        ("time,x\n0,1\n", "unknown column(s) 'time', 'x'"),
        ("step,E,loss\n0,1,2\n", "column 'loss': E is given twice."),
        ("step,E\n1,2\n1,3\n", "line 3: step 1 comes after step 1."),
        ("step,E\n0.5,2\n", "line 2: step '0.5' is no whole number from 0."),
        ("0,1,2\n1,2,3\n", "got 3 columns without a header"),
        ("dear reader\nhere is nothing\n", "is no table of numbers, and no line of it is a step with its loss."),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"W": ["u"]}, "--map W=u: got 1 column(s), expected 2, row by row."),
        ({"E": ["los"]}, "--map E: there is no column los; did you mean loss? Columns: step, loss."),
        ({"V": ["u"]}, "--map V=...: there is no V. Expected one of step, E, W, B."),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(mapping: dict[str, list[str]], words: str) -> None:
    with pytest.raises(InputError) as caught:
        _read("step,loss\n0,1\n", mapping=mapping)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("line", "loss"),
    [
        ("99 0.25134336948394775", 0.25134336948394775),
        ("epoch 99, loss: 0.2513", 0.2513),
        ("Epoch [99/1000] loss = 2.5e-3", 2.5e-3),
        ("세대 99 오차 0.5", 0.5),
        ("99\t0.5", 0.5),
    ],
)
def test_printed_lines_of_many_kinds(line: str, loss: float) -> None:
    read = _read(
        f"Sequential(\n  (0): Linear(in_features=1, out_features=1, bias=True)\n)\n{line}\ndone\n", "one_to_one"
    )
    assert read.steps.tolist() == [99] and read.E is not None and read.E.tolist() == [loss]
    assert "1 lines with a step and a loss, 4 others passed over" in read.notes[0]


@pytest.mark.parametrize("path", sorted(PRINTED.glob("*.txt")), ids=lambda path: path.stem)
def test_the_document_s_own_printouts_are_read(path: Path) -> None:
    names = ["one_to_one", "two_to_one", "two_to_two", "hidden", "relu_sigmoid", "softmax_cross_entropy"]
    digit = next((int(c) for c in path.stem if c.isdigit()), 0)
    case = cases.find(names[digit - 1] if digit else path.stem)
    read = numbers.read(path, case)
    assert read.steps[:2].tolist() == [99, 199] and len(read.steps) == case.steps // 100
    assert read.final.keys() == case.params.keys()
    np.testing.assert_allclose(read.resolution["final W"], 5e-5)


def test_arrays_of_numpy(tmp_path: Path) -> None:
    case, path = cases.find("hidden"), tmp_path / "run.npz"
    W = np.arange(12.0).reshape(3, 2, 2)
    np.savez(path, epoch=[0, 1, 2], loss=[3.0, 2.0, 1.0], W1=W, b1=np.ones((3, 1, 2)), W2=W.reshape(3, 4), extra=[1, 2])
    read = numbers.read(path, case)
    assert read.steps.tolist() == [0, 1, 2] and read.E is not None and read.E.tolist() == [3, 2, 1]
    np.testing.assert_array_equal(read.params["W"], W)
    np.testing.assert_array_equal(read.params["W2"], W)
    assert read.params["B"].shape == (3, 2) and "B2" not in read.params
    assert read.notes == ("passed over: extra",) and (read.resolution["W"] == 0).all()


def test_float32_arrays_are_only_so_exact(tmp_path: Path) -> None:
    np.savez(tmp_path / "run.npz", E=np.array([0.5, 0.25], np.float32))
    read = numbers.read(tmp_path / "run.npz", cases.find("hidden"))
    np.testing.assert_allclose(read.resolution["E"], [2.0**-25, 2.0**-26])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"W": np.ones((3, 2, 3))}, "W has shape (3, 2, 3), expected (S, 2, 2) with S steps."),
        ({"W": np.ones((3, 2, 2)), "E": np.ones(4)}, "its arrays have different numbers of steps: W 3, E 4."),
        ({"q": np.ones(3)}, "holds the arrays q; expected step, E (S,), W (S, 2, 2)"),
        ({"E": np.array([{}])}, "is no NPZ file of plain numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    np.savez(tmp_path / "run.npz", **arrays)
    with pytest.raises(InputError) as caught:
        numbers.read(tmp_path / "run.npz", cases.find("hidden"))
    assert words in str(caught.value) and "run.npz" in str(caught.value)


def test_a_file_that_is_no_npz_and_one_that_unpacks_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run.npz").write_text("no zip")
    with pytest.raises(InputError, match="is no NPZ file"):
        numbers.read(tmp_path / "run.npz", cases.find("hidden"))
    monkeypatch.setattr("nncheck.manual.tables.arrays_file.MAX_BYTES", 1000)
    np.savez_compressed(tmp_path / "run.npz", E=np.zeros(10_000))
    with pytest.raises(InputError, match=r"bytes unpacked, expected at most 1,000"):
        numbers.read(tmp_path / "run.npz", cases.find("hidden"))


def test_korean_encodings_are_read(tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_bytes("세대,손실\n0,0.5\n".encode("cp949"))
    assert numbers.read(tmp_path / "run.csv", cases.find("hidden")).columns == {"step": "세대", "E": "손실"}
