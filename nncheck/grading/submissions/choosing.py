"""Which file of a submission holds a part's work; nothing is run."""

from __future__ import annotations

import ast
import fnmatch
import re
import warnings
from collections.abc import Sequence

from nncheck import source
from nncheck.grading.assignment import Part
from nncheck.grading.submissions import kinds
from nncheck.grading.submissions.loading import expected
from nncheck.grading.submissions.record import Submission, SubmittedFile
from nncheck.language import phrase
from nncheck.manual import notebook

# a larger program was not written by hand; its text is not looked into
_LARGEST = 1 << 20
_SHOWN = 8


def choose(submission: Submission, part: Part, forms: Sequence[str], parts: Sequence[Part] = ()) -> SubmittedFile | str:
    """Return the file with a part's work, or a sentence that says why there is none.

    In this order: what the part's glob names, the only file there is, the only one with the case's name in its own,
    the only one that defines forward and backward.

    Parameters
    ----------
    submission : Submission
    part : Part
    forms : sequence of str
        Of the assignment.
    parts : sequence of Part
        All of the assignment: what another part's glob names is not taken for this one's.
    """
    if submission.problem:
        return submission.problem
    if part.file:
        named = [file for file in submission.files if _matches(file.name, part.file)]
        good = [file for file in named if kinds.suffix(file.name) in kinds.accepted(forms)] or named
        if good:
            return _only(good, part) or _several(good, part)
    others = [other for other in parts if other is not part and other.file]
    candidates = [
        file for file in _candidates(submission, forms) if not any(_matches(file.name, o.file) for o in others)
    ]
    if not candidates:
        return _none(submission, part, forms)
    if others and part.file and len(candidates) > 1:
        return _none(submission, part, forms)  # a guess among several would be another part's work
    return _only(candidates, part) or _several(candidates, part)


def _candidates(submission: Submission, forms: Sequence[str]) -> list[SubmittedFile]:
    for endings in (kinds.accepted(forms), kinds.CODE):  # code of a form that is not accepted is told so later
        found = [file for file in submission.files if kinds.suffix(file.name) in endings]
        code = [file for file in found if kinds.suffix(file.name) in kinds.CODE]
        # tables beside code are its data
        if found:
            return code or found
    return []


def _only(files: list[SubmittedFile], part: Part) -> SubmittedFile | None:
    if len(files) == 1:
        return files[0]
    named = [file for file in files if _plain(part.case.name) in _plain(kinds.stem(file.name))]
    if len(named) == 1:
        return named[0]
    defining = [file for file in named or files if _defines(file)]
    return defining[0] if len(defining) == 1 else None


def _matches(name: str, glob: str) -> bool:
    name, glob = name.casefold(), glob.casefold()
    return fnmatch.fnmatchcase(name, glob) or fnmatch.fnmatchcase(name.rpartition("/")[2], glob)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _defines(file: SubmittedFile) -> bool:
    """Whether a program or notebook defines both forward and backward, at its top or in a class."""
    text = source.decoded(file.content)
    if text is None or len(text) > _LARGEST or "forward" not in text or "backward" not in text:
        return False
    try:
        if kinds.suffix(file.name) == ".ipynb":
            text, _ = notebook.code_of(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except Exception:  # whatever a strange file raises, it is no candidate; the judge says what is wrong with it
        return False
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    for body in bodies:
        names = {node.name for node in body if isinstance(node, ast.FunctionDef)}
        names |= {t.id for n in body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
        if {"forward", "backward"} <= names:
            return True
    return False


def _several(files: Sequence[SubmittedFile], part: Part) -> str:
    case, listed = part.case.name, _listed(files)
    if part.file:
        return phrase(
            "Several files may hold {case}: {files}; expected one, named {glob}. Hand in only that one.",
            case=case,
            files=listed,
            glob=part.file,
        )
    return phrase(
        "Several files may hold {case}: {files}; expected one. Hand in one file, or put {case} into its name.",
        case=case,
        files=listed,
    )


def _none(submission: Submission, part: Part, forms: Sequence[str]) -> str:
    case, listed = part.case.name, _listed(submission.files)
    if part.file:
        return phrase(
            "No file holds {case}: got {files}; expected a file named {glob}. Hand it in under that name.",
            case=case,
            files=listed,
            glob=part.file,
        )
    return phrase(
        "No file holds {case}: got {files}; expected {expected}. Hand in the code itself.",
        case=case,
        files=listed,
        expected=expected(forms),
    )


def _listed(files: Sequence[SubmittedFile]) -> str:
    return ", ".join(file.name for file in files[:_SHOWN]) + (", ..." if len(files) > _SHOWN else "")
