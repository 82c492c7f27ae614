"""The file with a part's work is found by its glob, by being alone, by its name, or by what it defines."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from nncheck.grading.submissions import Submission, SubmittedFile, choose

from .trees import WORK, notebook, part

CLASS = b"class Net:\n    def forward(self, X): ...\n    def backward(self, YT): ...\n"
FORMS = ("functions", "notebook")


def _submission(files: dict[str, bytes], problem: str = "") -> Submission:
    listed = tuple(SubmittedFile(name=name, content=content) for name, content in files.items())
    return Submission(student="kim", label="kim", files=listed, problem=problem)


@pytest.mark.parametrize(
    ("files", "glob", "chosen"),
    [
        ({"a.py": WORK, "hw/Solution.PY": WORK}, "solution*.py", "hw/Solution.PY"),
        ({"part1.txt": b"x", "part1.py": WORK}, "part1.*", "part1.py"),
        ({"풀이.py": WORK}, "*풀이*", "풀이.py"),
        ({"anything.py": b"x = 1"}, "", "anything.py"),
        ({"anything.py": WORK}, "solution.py", "anything.py"),
        ({"a.py": b"x = 1", "data.csv": b"1"}, "", "a.py"),
        ({"a.ipynb": notebook("x = 1"), "data.csv": b"1", "README.md": b"x"}, "", "a.ipynb"),
        ({"helper.py": b"x = 1", "my_ReLU-sigmoid_2.py": b"x = 1"}, "", "my_ReLU-sigmoid_2.py"),
        ({"helper.py": b"x = 1", "net.py": WORK}, "", "net.py"),
        ({"helper.py": b"# forward backward", "net.py": CLASS}, "", "net.py"),
        ({"net.py": "# 순전파\n".encode("cp949") + WORK, "b.py": b"x = 1"}, "", "net.py"),
        ({"net.ipynb": notebook("%matplotlib inline\n" + WORK.decode()), "b.py": b"x = 1"}, "", "net.ipynb"),
        ({"net.py": b"# coding: undefined\n" + WORK, "b.py": b"x = 1"}, "", "net.py"),
        ({"net.py": b"forward = backward = len", "b.py": b"def forward(:", "c.py": b"\0" * 9}, "", "net.py"),
        # a program and its notebook, the same file twice, second uploads
        ({"a.ipynb": notebook(WORK.decode()), "a.py": WORK}, "", "a.py"),
        ({"nb/A (1).ipynb": notebook(WORK.decode()), "src/a.py": WORK}, "", "src/a.py"),
        ({"a.ipynb": notebook(WORK.decode()), "a.py": b"import helpers"}, "", "a.ipynb"),
        ({"b/x.py": WORK, "other.py": WORK, "helper.py": b"x = 1"}, "", "b/x.py"),
        ({"s1.py": WORK, "s2.py": WORK}, "s*.py", "s1.py"),
        ({"hw (1).py": WORK + b"#1", "hw-2.py": WORK + b"#2", "hw.py": WORK}, "", "hw-2.py"),
        ({"hw (2).py": WORK + b"#2", "hw (10).py": WORK + b"#10", "hw.py": WORK}, "hw*", "hw (10).py"),
        ({"hw_v1.py": WORK, "hw_v2.py": WORK + b"#2"}, "", "hw_v2.py"),
        ({"relu_sigmoid.py": WORK, "relu_sigmoid (1).py": WORK + b"#1", "a.py": WORK}, "", "relu_sigmoid (1).py"),
    ],
)
def test_the_file_is_found(files: dict[str, bytes], glob: str, chosen: str) -> None:
    found = choose(_submission(files), part(file=glob), FORMS)
    assert isinstance(found, SubmittedFile) and found.name == chosen


@pytest.mark.parametrize(
    ("files", "glob", "sentence"),
    [
        ({"a.py": WORK, "b.py": WORK + b"#"}, "", "Several files may hold relu_sigmoid: a.py, b.py; .* into its name"),
        ({"a.py": b"x", "b.py": b"y"}, "s*.py", "Several files .* expected one, named s\\*.py."),
        ({"a.py": WORK, "b.ipynb": notebook(WORK.decode())}, "", "Several files"),
        ({"hw-1.py": WORK, "hw-2.py": WORK + b"#2"}, "", "Several files"),
        ({"a/hw (1).py": WORK, "b/hw.py": WORK + b"#2"}, "", "Several files"),
        (
            {"relu_sigmoid_a.py": WORK, "relu-sigmoid-b.py": WORK + b"#"},
            "",
            "expected one. Hand in only the one that counts.$",
        ),
        (
            {"report.docx": b"x", "x.md": b"x"},
            "",
            "No file holds relu_sigmoid: got report.docx, x.md; expected .py",
        ),
        (
            {"w.ipynb": b'{"worksheets": [{"cells": 5}], "forward": "backward"}', "v.ipynb": b"[" * 9999},
            "",
            "Several files may hold",
        ),
    ],
)
def test_where_none_is_found_the_sentence_says_what_was_expected(
    files: dict[str, bytes], glob: str, sentence: str
) -> None:
    found = choose(_submission(files), part(file=glob), FORMS)
    assert isinstance(found, str) and re.search(sentence, found)


def test_a_problem_is_the_answer() -> None:
    assert choose(_submission({}, "It is a link."), part(), FORMS) == "It is a link."


def test_another_parts_file_is_not_taken() -> None:
    first, second = part(file="part1*"), part("softmax_cross_entropy", "part2*")
    only_first = _submission({"part1.py": WORK})
    assert isinstance(choose(only_first, first, FORMS, (first, second)), SubmittedFile)
    missing = choose(only_first, second, FORMS, (first, second))
    assert isinstance(missing, str) and "No file holds softmax_cross_entropy" in missing and "named part2*" in missing
    other_name = _submission({"part1.py": WORK, "second.py": WORK})
    found = choose(other_name, second, FORMS, (first, second))
    assert isinstance(found, SubmittedFile) and found.name == "second.py"


def test_a_lone_file_that_no_glob_names_is_one_parts_at_most() -> None:
    parts = (part(file="part1*"), part("softmax_cross_entropy", "part2*"))

    def taken(*names: str) -> list[str]:
        files = _submission({name: WORK + name.encode() for name in names})
        found = [choose(files, one, FORMS, parts) for one in parts]
        return [one.name if isinstance(one, SubmittedFile) else one.partition(":")[0] for one in found]

    nothing = ["No file holds relu_sigmoid", "No file holds softmax_cross_entropy"]
    assert taken("homework.py") == nothing
    assert taken("homework.py", "work.py") == nothing
    assert taken("ReLU-sigmoid.py") == ["ReLU-sigmoid.py", nothing[1]]
    assert taken("kim_softmax_cross_entropy.py", "relu_sigmoid.py") == [
        "relu_sigmoid.py",
        "kim_softmax_cross_entropy.py",
    ]
    assert taken("relu_sigmoid.py", "relu_sigmoid (1).py") == ["relu_sigmoid (1).py", nothing[1]]
    assert taken("part1.py") == ["part1.py", nothing[1]]
    anything = (parts[0], part("softmax_cross_entropy"))
    assert isinstance(choose(_submission({"homework.py": WORK}), parts[0], FORMS, anything), str)


def test_a_name_that_another_cases_name_holds_is_that_ones() -> None:
    one, longer = part("hidden", "part1*"), part("hidden", "part2*")
    longer = replace(longer, case=replace(longer.case, name="hidden_deep"))
    files = _submission({"my_hidden_deep.py": WORK})
    assert isinstance(choose(files, longer, FORMS, (one, longer)), SubmittedFile)
    assert isinstance(choose(files, one, FORMS, (one, longer)), str)


def test_arrays_where_no_numbers_are_taken_are_told_what_is() -> None:
    found = choose(_submission({"out.npz": b"PK"}), part(), FORMS)
    assert isinstance(found, str) and "got out.npz; expected .py, .ipynb" in found


def test_code_of_a_form_that_is_not_accepted_is_still_found() -> None:
    found = choose(_submission({"a.ipynb": notebook("x = 1")}), part(), ("functions",))
    assert isinstance(found, SubmittedFile)


def test_tables_and_formulas_where_they_are_accepted() -> None:
    found = choose(_submission({"out.csv": b"1,2\n", "notes.md": b"x"}), part(), ("numbers",))
    assert isinstance(found, SubmittedFile) and found.name == "out.csv"


def test_nothing_is_run() -> None:
    files = {"a.py": b"raise SystemExit\n" + WORK, "b.py": b"import os; os._exit(1)"}
    assert isinstance(choose(_submission(files), part(), FORMS), SubmittedFile)


def test_digest_tells_contents_apart() -> None:
    one = _submission({"a.py": b"xy"})
    assert one.content_digest == _submission({"a.py": b"xy"}).content_digest
    others = [_submission({"a.py": b"x"}), _submission({"a.pyx": b"y"}), _submission({"b.py": b"xy"}), _submission({})]
    assert len({s.content_digest for s in (one, *others, _submission({}, "p"))}) == 6
