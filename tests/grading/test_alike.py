"""Near-identical submissions are found behind other names, orders and comments; what was written alone is not."""

from __future__ import annotations

import json
import random
import re
import textwrap
from pathlib import Path

import pytest

from nncheck.case import find
from nncheck.grading.alike import LEAST_SHARE, Alike, templates_of
from nncheck.grading.assignment import Assignment, Part
from nncheck.grading.pieces import pieces_of
from nncheck.manual.notebook import code_of
from nncheck.scaffold.student import student_text
from nncheck.summary import AlikeGroup
from tests.diagnosis.styles import STYLES, Net

from .classroom import correct

CLASS = 30


def _groups(extra: dict[str, str], count: int = CLASS, templates: tuple[str, ...] = ()) -> tuple[AlikeGroup, ...]:
    """Return the groups of a class that writes on its own, and some more."""
    alike = Alike(templates)
    for i in range(count):
        alike.add(f"s{i}", f"s{i}.py", correct(i))
    for student, text in extra.items():
        alike.add(student, f"{student}.py", text)
    return alike.groups()


def _renamed(text: str) -> str:
    for n, name in enumerate(
        ("Z2", "Z", "H", "dZ2", "dZ", "dH", "dY", "pre", "hidden", "err", "z1", "a1", "net_1", "U")
    ):
        text = re.sub(rf"(?<![\w'\"]){name}(?![\w'\"])", f"my_{n}", text)
    return text


def _reordered(text: str) -> str:
    head, *functions = re.split(r"\n(?=def )", text)
    return "\n".join([head, *reversed(functions)])


def _commented(text: str) -> str:
    text = re.sub(r"  #.*", "", text)
    return text.replace(":\n    ", ':\n    """Mine."""\n\n    # all mine\n    ').replace("'", '"')


def _printing(text: str) -> str:
    return text.replace("\n    return", '\n    print("here", 1)\n    return') + '\nprint("done")\n'


def _imported(text: str) -> str:
    return text.replace("import numpy as np", "import math\nimport numpy as xp").replace("np.", "xp.")


def _padded(text: str) -> str:
    return text.replace("\n    return", "\n    nothing = 3 * 7 + 1\n    return")


def _cased(text: str) -> str:
    """Other spellings of literals, and an annotation."""
    return text.replace("axis=0", "axis=0x0").replace("1 -", "1.0 -").replace("(Y, YT)", "(Y: object, YT: object)")


@pytest.mark.parametrize("seed", [3, 11, 20])
@pytest.mark.parametrize(
    "change",
    [_renamed, _reordered, _commented, _printing, _imported, _padded, _cased, lambda t: _renamed(_reordered(t))],
)
def test_the_same_program_is_found_behind_a_change(seed: int, change: object) -> None:
    changed = change(correct(seed))  # type: ignore[operator]
    assert changed != correct(seed)
    (group,) = _groups({"copy": changed})
    assert (group.students, group.likeness, group.share) == ((f"s{seed}", "copy"), "program", 1.0)
    assert not group.identical
    assert "rare in this class" in group.why


def test_one_line_written_anew_is_found_by_the_rest() -> None:
    text = _renamed(_reordered(correct(11)))
    changed = re.sub(r"return (.*YT.*)", r"return 0 + float(\1)", text, count=1)
    assert changed != text
    (group,) = _groups({"copy": changed})
    assert (set(group.students), group.likeness) == ({"s11", "copy"}, "pieces")
    assert LEAST_SHARE <= group.share < 1


def test_no_group_among_thirty_who_write_on_their_own() -> None:
    assert _groups({}) == ()


def test_no_group_among_six_styles() -> None:
    alike = Alike()
    for name, style in STYLES.items():
        alike.add(name, name, style(Net("relu", "sigmoid", 2)))
    assert alike.groups() == ()


@pytest.mark.slow
def test_hardly_any_group_among_three_hundred() -> None:
    assert len(_groups({}, 300)) == 0


@pytest.mark.slow
def test_copies_are_found_in_a_large_class_and_hardly_anything_else() -> None:
    copies = {f"copy{i}": _padded(_renamed(_reordered(correct(i)))) for i in range(0, 4000, 200)}
    found = {group.students for group in _groups(copies, 4000)}
    planted = {(f"s{i}", f"copy{i}") for i in range(0, 4000, 200)}
    assert len(found & planted) >= 19
    assert len(found - planted) <= 4


def test_the_same_bytes_are_a_fact_of_their_own() -> None:
    (group,) = _groups({"b": correct(4), "c": correct(4)})
    assert (group.likeness, group.identical, group.students) == ("bytes", True, ("s4", "b", "c"))
    assert group.labels == ("s4.py", "b.py", "c.py")
    assert group.why == "The files are the same, byte by byte."


def test_the_same_bytes_are_told_however_short_and_short_programs_alike_are_not() -> None:
    short = "import numpy as np\n\n\ndef backward(params, cache, YT):\n    return (cache - YT).T @ cache\n"
    assert [g.likeness for g in _groups({"a": short, "b": short})] == ["bytes"]
    assert _groups({"a": short, "b": short.replace("cache", "kept")}) == ()


def test_what_a_class_was_given_is_no_evidence() -> None:
    given = student_text(find("relu_sigmoid"), "relu_sigmoid.py", "relu_sigmoid")
    own = {"a": given, "b": given, "c": given.replace("X", "inputs")}
    assert _groups(own, templates=(given,)) == ()
    assert [g.likeness for g in _groups(own)][:1] == ["bytes"]  # it is given that it is not told, not that it is short


def test_what_a_tenth_of_the_class_has_is_no_evidence() -> None:
    helper = correct(999)
    few = {f"x{i}": _renamed(helper) + f"# {i}\n" for i in range(3)}
    many = {f"x{i}": _renamed(helper) + f"# {i}\n" for i in range(12)}
    assert [len(g.students) for g in _groups(few)] == [3]
    assert _groups(many) == ()


def test_code_that_everybody_was_given_does_not_hide_a_copy_nor_make_one() -> None:
    tool = correct(777).replace("def forward", "def first").replace("def backward", "def last")
    alike = Alike()
    for i in range(CLASS):
        alike.add(f"s{i}", "", tool + correct(i))
    alike.add("copy", "", tool + _renamed(correct(5)))
    (group,) = alike.groups()
    assert set(group.students) == {"s5", "copy"}


def test_a_slip_of_the_pen_does_not_hide_the_rest() -> None:
    broken = _renamed(correct(7)) + "\n\ndef left(:\n    return\n"
    (group,) = _groups({"copy": broken})
    assert set(group.students) == {"s7", "copy"}


def test_files_that_do_not_parse_are_compared_by_their_words() -> None:
    text = "\n".join(f"    value {w} is {w[::-1]} times = {i}" for i, w in enumerate(correct(8).split()[:60]))
    (group,) = _groups({"a": text, "b": textwrap.dedent(text) + "# more"})
    assert set(group.students) == {"a", "b"}


def test_the_code_of_a_notebook_is_compared_with_files() -> None:
    cells = [{"cell_type": "code", "source": part + "\n"} for part in re.split(r"\n(?=def )", correct(9))]
    code, _ = code_of(json.dumps({"cells": [{"cell_type": "markdown", "source": "# Mine"}, *cells], "nbformat": 4}))
    (group,) = _groups({"notebook": code})
    assert set(group.students) == {"s9", "notebook"}


def test_the_templates_of_an_assignment_are_those_of_its_cases_in_each_language() -> None:
    part = Part(case=find("hidden"), points={"dW": 1.0})
    korean, english = sorted(
        templates_of(Assignment(path=Path("a"), title="t", parts=(part,), seed="s")), key=str.isascii
    )
    assert "hidden" in english and not korean.isascii()
    alike = Alike([korean, english])
    alike.add("kim", "", english)
    alike.add("lee", "", english)
    assert alike.groups() == ()


def test_one_student_who_hands_in_twice_is_no_group() -> None:
    alike = Alike()
    for label, text in (("1.py", correct(1)), ("2.py", correct(1)), ("3.py", _renamed(correct(1)))):
        alike.add("kim", label, text)
    assert alike.groups() == ()


def test_the_order_of_submissions_changes_no_group() -> None:
    texts = [(f"s{i}", correct(i)) for i in range(CLASS)] + [("copy", _renamed(correct(2)))]
    random.Random(1).shuffle(texts)
    alike = Alike()
    for student, text in texts:
        alike.add(student, "", text)
    (group,) = alike.groups()
    assert set(group.students) == {"s2", "copy"}


@pytest.mark.parametrize(
    "text", ["", "\0", "(" * 5000, "x = " + "-" * 50_000 + "1", "1e999", "9" * 5000, "\ud800", "é\r\n\x0c"]
)
def test_nothing_that_is_handed_in_stops_it(text: str) -> None:
    pieces_of(text)
    alike = Alike()
    for student in "abc":
        alike.add(student, "", text)
    assert all(group.identical and group.students == ("a", "b", "c") for group in alike.groups())
