"""A person's file in a page: the right lines with the right numbers, nothing of it markup, large ones in part."""

from __future__ import annotations

import re

import pytest

from nncheck.language import use
from nncheck.listing import Listing
from nncheck.report.html.own_file import MOST, MOST_LINES, Mark, own_file

CODE = "import numpy as np\n\ndef backward(params, cache, YT):\n    dZ = dH\n    return dZ\n"


def shown(markup: str) -> dict[int, tuple[str, str]]:
    """Return the lines that are shown by their number in the text: the number that is printed, and the text."""
    found = re.findall(r'id="(?:[\w-]+-)?line-(\d+)"><span class="no">(.*?)</span><code>(.*?)</code></div>', markup)
    return {int(line): (re.sub(r"<[^>]*>|▶ ", "", number), text) for line, number, text in found}


def marked(markup: str) -> list[int]:
    return [int(line) for line in re.findall(r'<div class="line marked" id="(?:[\w-]+-)?line-(\d+)">', markup)]


def test_every_line_stands_there_with_its_number() -> None:
    lines = shown(own_file(Listing(text=CODE), "answer.py", ()))
    assert [lines[number] for number in sorted(lines)] == [
        (str(number), text) for number, text in enumerate(CODE.rstrip("\n").split("\n"), start=1)
    ]


def test_a_marked_line_has_a_sign_words_and_a_way_back() -> None:
    markup = own_file(Listing(text=CODE), "answer.py", [Mark(line=4, text="Look here.", back="finding-1")])
    assert marked(markup) == [4]
    assert shown(markup)[4] == ("4", "    dZ = dH")
    line, note = markup.split('id="line-4"')[1].split("\n")[:2]
    assert "▶" in line
    assert '<a href="#finding-1">Look here.</a>' in note


def test_a_line_that_is_not_there_is_not_marked() -> None:
    assert marked(own_file(Listing(text=CODE), "a.py", [Mark(line=0, text="x"), Mark(line=99, text="y")])) == []


def test_a_notebook_counts_cell_by_cell() -> None:
    listing = Listing(text="a = 1\nb = 2\nc = 3\nd = 4\n", starts=(1, 3))
    markup = own_file(listing, "a.ipynb", [Mark(line=listing.at(2, 2), text="here")])
    assert marked(markup) == [4]
    assert [shown(markup)[line][0] for line in (1, 2, 3, 4)] == ["1", "2", "1", "2"]
    assert re.findall(r"Code cell \d", markup) == ["Code cell 1", "Code cell 2"]


@pytest.mark.parametrize(("line", "cell", "at"), [(7, None, 7), (2, 1, 2), (2, 3, 11), (2, 9, 2), (2, 0, 2)])
def test_lines_of_cells_are_found_in_the_text(line: int, cell: int | None, at: int) -> None:
    assert Listing(text="", starts=(1, 5, 10)).at(line, cell) == at


HOSTILE = "".join(chr(code) for code in range(1, 32) if chr(code) not in "\n\t") + "\x7f\x85\u202e\u2066\ufeff\ud800"


def test_nothing_in_a_file_is_markup_and_no_control_character_is_left() -> None:
    text = f"<script>alert(1)</script>&amp;<!--\n\t{HOSTILE}\n한글 🙂\n"
    markup = own_file(Listing(text=text), '"><img src=x onerror=alert(1)>', [Mark(line=1, text="<b>", back='"><b>')])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;&lt;!--" in shown(markup)[1][1]
    assert {found.lower() for found in re.findall(r"<(\w+)", markup)} <= {"div", "span", "code", "p", "a"}
    assert not set(markup) & set(HOSTILE)
    assert {name for name in re.findall(r'\s([a-z-]+)="', markup)} <= {
        *("class", "id", "role", "tabindex", "aria-label", "aria-hidden", "href"),
    }
    assert shown(markup)[2][1].startswith("\t\\x01\\x02")
    assert shown(markup)[3][1] == "한글 🙂"


def test_a_line_of_a_megabyte_is_cut_and_says_so() -> None:
    markup = own_file(Listing(text="x = '" + "<" * 1_000_000 + "'\ny = 1\n"), "a.py", [Mark(line=2, text="here")])
    assert len(markup) < 20_000
    assert "… 998,006 more characters" in markup
    assert marked(markup) == [2]


@pytest.mark.parametrize("text", ["x = 1\n" * (MOST_LINES + 1), "\n" * 20_000, "y" * 99 + "\n" + "x" * MOST + "\n\n"])
def test_of_a_large_file_what_is_marked_is_shown(text: str) -> None:
    count = text.count("\n")
    markup = own_file(Listing(text=text), "a.py", [Mark(line=count - 1, text="here"), Mark(line=1, text="there")])
    assert marked(markup) == [1, count - 1]
    assert len(markup) < 40_000
    if count > 200:
        assert f"Of {count:,} lines 123 are shown, those around what is marked." in markup
        assert f"lines 62 to {count - 62:,} are not shown" in markup


def test_of_a_large_file_without_a_mark_the_beginning_is_shown() -> None:
    markup = own_file(Listing(text="x = 1\n" * 9_000), "a.py", ())
    assert len(shown(markup)) == 200
    assert "Of 9,000 lines the first 200 are shown." in markup


def test_of_a_table_the_rows_around_and_its_head_are_shown() -> None:
    listing = Listing(text="step,E\n" + "".join(f"{step},0.5\n" for step in range(100)), excerpt=True)
    assert sorted(shown(own_file(listing, "a.csv", [Mark(line=32, text="here")]))) == [1, *range(27, 38)]
    assert own_file(listing, "a.csv", ()) == ""


def test_marks_close_to_each_other_share_a_window() -> None:
    listing = Listing(text="x\n" * 100, excerpt=True)
    lines = sorted(shown(own_file(listing, "a", [Mark(line=at, text="") for at in (3, 12, 13, 90, 100)])))
    assert lines == [*range(1, 19), *range(85, 101)]


def test_an_empty_file_is_not_shown() -> None:
    assert own_file(Listing(text=""), "a.py", [Mark(line=1, text="here")]) == ""


def test_it_speaks_the_language_that_is_spoken() -> None:
    with use("ko"):
        assert own_file(Listing(text=CODE), "a.py", ())  # the words stand in the catalogue: tests/test_catalogue.py
