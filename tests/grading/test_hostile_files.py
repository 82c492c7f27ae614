"""Files made to break the reader of them: each is refused in words, or judged, in a short time."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nncheck import case as cases
from nncheck.errors import InputError
from nncheck.manual.reading import recognise, trains_too
from nncheck.manual.scripts import syntax
from nncheck.manual.scripts.rate import _factors
from nncheck.manual.tables import numbers
from nncheck.manual.tables.printout import read_printout
from nncheck.manual.tables.table import read_table
from nncheck.sandbox.imports import forbidden_import
from nncheck.verifier import content
from nncheck.verifier.assess import Assessment
from nncheck.verifier.numbers import check_numbers, trained
from nncheck.verifier.returned import line_of, quantities, return_names
from nncheck.verifier.truth import Autograd

ELIF = "if 0: pass\n" + "".join(f"elif {i} == -1: pass\n" for i in range(1200))
PLUS = "x = 1" + "+1" * 20_000 + "\n"
MINUS = "x = " + "-" * 20_000 + "1\n"
LOOP = "for t in range(3):\n    W = W - dW\n"
DEEP = pytest.mark.parametrize("text", [ELIF, PLUS, MINUS, "x = 1" + "+1" * 2_500 + "\n"])


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """Let what hangs fail, on a busy machine too."""
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < 15


@pytest.mark.parametrize(
    "text",
    ["1" + ",1" * 60 + "x\n", "1" * 50_000 + "x\n", ("1" * 2_000 + "x\n") * 500, "1 x" + "," * 50_000 + "x\n"],
    ids=["commas", "digits", "lines", "separators"],
)
def test_no_line_takes_long_to_be_told_from_numbers(text: str) -> None:
    with pytest.raises(InputError, match="cannot be told"):
        recognise(text, "mine.txt")


@pytest.mark.parametrize("line", ["0 0.5", "1;0,25", "2, -1e-3, nan", "3\t.5", "4 1.", "5 0.5," + "0.25," * 1_000])
def test_lines_of_numbers_are_still_told(line: str) -> None:
    assert recognise(f"{line}\n", "mine.txt") == "numbers"


@pytest.mark.parametrize(
    "text", ["\n" * 200_000, "W =" + " " * 20_000 + "x", "a" * 200_000, "W" + " " * 100_000, "W=[" + "1 " * 100_000]
)
def test_no_printout_takes_long(text: str) -> None:
    assert read_printout(f"0 0.5\n{text}", ["0 0.5", text.strip()]).losses == ["0.5"]


def test_a_name_with_commas_in_brackets_is_one_cell_and_many_of_them_are_read_soon() -> None:
    table = read_table([(1, 'step,E,"W[0,0]",W(0,1),b[0]'), (2, "0,1,2,3,4")])
    assert table is not None and table[0] == ["step", "E", "W[0,0]", "W(0,1)", "b[0]"]
    with pytest.raises(InputError, match="columns"):
        read_table([(1, "]" + "1," * 50_000)])


@DEEP
def test_nothing_is_found_in_what_is_nested_too_deeply(text: str) -> None:
    names: tuple[str, ...] = ()
    assert return_names(text) == () and line_of(text, "dW") is None and not trains_too(text)
    assert forbidden_import(text, names, names) is None and _factors(text) == set()
    with pytest.raises((RecursionError, MemoryError)):
        syntax.parse(text)


def test_an_import_at_the_end_of_a_long_chain_is_found_in_its_order() -> None:
    assert forbidden_import(f"{ELIF}else:\n    import torch\n", (), ()) == ("torch", 1203)
    text = "try:\n    import a1\nfinally:\n    import b1\nwhile 1:\n    import c1\nelse:\n    import d1\n"
    assert forbidden_import(text, (), ()) == ("a1", 2)
    assert forbidden_import(text, ("a1.py", "b1.py"), ()) == ("c1", 6)


@DEEP
@pytest.mark.parametrize("handed_in", [True, False])
def test_a_script_that_is_nested_too_deeply_is_refused_in_words(tmp_path: Path, text: str, handed_in: bool) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text + LOOP)
    with pytest.raises(InputError, match="nested too deeply"):
        content.read(path, handed_in=handed_in)


def test_a_key_that_is_a_digit_to_unicode_alone_is_no_place_in_a_tuple() -> None:
    case = cases.find("two_to_two")
    assert quantities(case, case.derivation(), {"²": (2, 2)}, ()) == ({}, [])


def npz(path: Path, *headers: str, data: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for place, header in enumerate(headers):
            raw = header.encode() + b" " * (63 - (len(header) + 10) % 64) + b"\n"
            archive.writestr(f"E{place}.npy", b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw + data)
    return path


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 0), }",
        "{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-8,), }",
        "{" * 300,
        "-" * 5_000 + "1",
    ],
)
def test_a_header_that_claims_more_than_is_there_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(InputError):
        numbers.read(npz(tmp_path / "t.npz", header, data=b"\0" * 8), cases.find("two_to_two"))


def test_too_many_arrays_and_a_broken_stream_are_refused(tmp_path: Path) -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"
    with pytest.raises(InputError, match="arrays"):
        numbers.read(npz(tmp_path / "t.npz", *[header] * 1_001, data=b"\0" * 8), cases.find("two_to_two"))
    packed = io.BytesIO()
    np.savez_compressed(packed, E=np.arange(100.0))
    raw = bytearray(packed.getvalue())
    raw[60:80] = b"\xff" * 20
    (tmp_path / "b.npz").write_bytes(raw)
    with pytest.raises(InputError, match="no NPZ"):
        numbers.read(tmp_path / "b.npz", cases.find("two_to_two"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("step,E\n1e300,0.3\n", "at most 1,000,000,000"),
        ("step,E\n0.5,0.3\n", "no whole number"),
        ("step,E\n" + "".join(f"{i},0.3\n" for i in range(100_002)), "at most 100,001 rows"),
        (f"step,{','.join(f'c{i}' for i in range(50_000))}\n{','.join(['1'] * 50_001)}\n", "columns"),
        ((",".join(["1"] * 100) + "\n") * 20_001, "numbers, expected"),
        (f"step,E\n0,1{'0' * 500}\n", "line 2|no table"),
        (f"{'9' * 5_000} 0.5 x\nand words\n", "no table"),
    ],
    ids=["far", "half", "rows", "columns", "cells", "digits", "printed"],
)
def test_tables_too_large_for_any_training_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        numbers.read_text(text, cases.find("two_to_two"))


def test_an_exponent_out_of_range_is_a_number_and_no_fault() -> None:
    read = numbers.read_text("step,E\n0,1e400\n1,1e-999999999\n2,0.5\n", cases.find("two_to_two"))
    assert read.E is not None and read.E.tolist() == [np.inf, 0, 0.5]


def test_a_long_printout_is_no_table_that_is_too_long() -> None:
    text = "".join(f"here is line {i} of many\n" for i in range(100_010)) + "99 0.25\n199 0.125\n"
    assert numbers.read_text(text, cases.find("two_to_two")).steps.tolist() == [99, 199]


def check(text: str, name: str = "two_to_two") -> Assessment:
    case = cases.find(name)
    with Autograd(case, certified_first=True) as judge:
        return check_numbers(case, case.derivation(), numbers.read_text(text, case), judge)


def test_rows_far_beyond_the_case_are_not_trained_for() -> None:
    found = check("step,E\n10000000,0.3\n")
    assert not found.quantities and not found.findings and "cannot be told" in found.notes[0]
    E, _ = trained(cases.find("two_to_two"), cases.find("two_to_two").derivation(), 2)
    first = check(f"step,E\n0,{E[0]:.17g}\n10000000,0.3\n").quantities
    assert [checked.verdict for checked in first] == ["agree"]


@pytest.mark.parametrize("wrong", [None, 1_237])
def test_one_wrong_row_of_thousands_is_found_wherever_it_stands(wrong: int | None) -> None:
    case = cases.find("two_to_two")
    E, states = trained(case, case.derivation(), 3_000)
    places = [(name, index) for name, array in states.items() for index in np.ndindex(array.shape[1:])]
    if wrong is not None:
        states["W"][wrong:, 0, 0] += 0.25  # one update is wrong, and the run goes on from there
    lines = ["step;" + ";".join(f"{name}[{','.join(map(str, index))}]" for name, index in places)]
    for t in range(3_000):
        lines.append(f"{t};" + ";".join(f"{states[name][t].item(index):.17g}" for name, index in places))
    found = {checked.name: checked.verdict for checked in check("\n".join(lines)).quantities}
    assert (found["dW"] == "differ") == (wrong is not None)
    assert len(E) == 3_000 and set(found.values()) <= {"agree", "differ", "cannot-tell"}
    single = [f"{t};{E[t] + (t == wrong):.17g}" for t in range(3_000)]
    seen = check("\n".join(["step;E", *single])).quantities
    assert [checked.verdict == "differ" for checked in seen] == [wrong is not None]
