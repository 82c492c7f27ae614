"""The form of what was handed in is told from the text and the ending of the name."""

from __future__ import annotations

import json

import pytest

from nncheck import case as cases
from nncheck import source
from nncheck.errors import InputError
from nncheck.manual.reading import NEEDS, recognise
from tests.manual import scripts
from tests.manual.test_functions import GOOD

NOTEBOOK = json.dumps({"nbformat": 4, "cells": []})


@pytest.mark.parametrize(
    ("text", "path", "form"),
    [
        (GOOD, "mine.py", "functions"),
        (GOOD + "\nfor t in range(3):\n    Y, c = forward({}, 1)\n", "mine.py", "functions"),
        *((text, "train.py", "script") for _, text, _ in scripts.RIGHT),
        (scripts.KOREAN, "train.txt", "script"),
        (NOTEBOOK, "book.ipynb", "notebook"),
        (NOTEBOOK, "book.json", "notebook"),
        ("step,E\n0,0.5\n", "run.csv", "numbers"),
        ("anything", "run.tsv", "numbers"),
        (None, "run.npz", "numbers"),
        ("99 0.123\n199 0.1\n", "printed.txt", "numbers"),
        ("Sequential(\n (0)\n)\n99 0.123\n", "printed.txt", "numbers"),
        ("dY = 2 * (Y - YT) / Y.size\ndW = dY.T @ X\n", "mine.txt", "formulas"),
        ("# forward\nZ = X @ W.T + B\n", "mine.py", "formulas"),
    ],
)
def test_every_form_is_told(text: str | None, path: str, form: str) -> None:
    assert recognise(text, path) == form


def test_the_derivations_and_functions_of_the_cases_are_told() -> None:
    for case in cases.every():
        for name, form in (("derivation.txt", "formulas"), ("manual.py", "functions")):
            assert recognise(source.read_text(case.folder / name), case.folder / name) == form


def test_an_object_with_forward_and_backward_is_functions_unless_a_loop_trains_it() -> None:
    head, _, loop = scripts.CLASS.partition("for epoch")
    assert recognise(head, "net.py") == "functions"
    assert recognise(head + "for epoch" + loop, "net.py") == "script"


@pytest.mark.parametrize("form", NEEDS)
def test_a_person_may_insist(form: str) -> None:
    assert recognise("w = 3", "what.ever", insist=form) == form


@pytest.mark.parametrize(
    ("text", "path", "insist", "words"),
    [
        ("w = 3", "mine.py", "scrip", "--as scrip: there is no such form; expected one of functions, script"),
        ("for t in range(:\n", "mine.py", None, "mine.py, line 1: SyntaxError"),
        (
            "def forward(params, X):\n    return X, X\n",
            "mine.py",
            None,
            "mine.py: defines no backward; the form functions",
        ),
        ("print('hello')\n", "mine.py", None, "mine.py: it cannot be told what this is. Expected one of"),
        ("dear reader", "mine.txt", None, "say which it is with --as FORM."),
        ("", "mine.py", None, "numbers: a table (CSV, NPZ)"),
    ],
)
def test_what_has_no_form_is_refused(text: str, path: str, insist: str | None, words: str) -> None:
    with pytest.raises(InputError) as caught:
        recognise(text, path, insist)
    assert words in str(caught.value)
