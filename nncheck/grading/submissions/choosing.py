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
from nncheck.grading.submissions.layouts import plain
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
    the only one that defines forward and backward. Of the same work handed in twice the newest counts, as far as the
    names tell, and of a program and its notebook the program.

    Parameters
    ----------
    submission : Submission
    part : Part
    forms : sequence of str
        Of the assignment.
    parts : sequence of Part
        All of the assignment: what another part's glob names is not taken for this one's, and what no glob names only
        if it has this case's name, or every other part has its file.
    """
    if submission.problem:
        return submission.problem
    if part.file:
        named = [file for file in submission.files if _matches(file.name, part.file)]
        good = [file for file in named if kinds.suffix(file.name) in kinds.accepted(forms)] or named
        if good:
            return _best(good, part)
    others = [other for other in parts if other is not part]
    candidates = [
        file
        for file in _candidates(submission, forms)
        if not any(o.file and _matches(file.name, o.file) for o in others)
    ]
    if others and part.file:
        named = [file for file in candidates if _is_called(file, part, others)]
        # a guess would be another part's work, unless every other part has a file of its own
        alone = len(candidates) == 1 and all(o.file and _has(submission, o.file) for o in others)
        candidates = named or (candidates if alone else [])
    return _best(candidates, part) if candidates else _none(submission, part, forms)


def _candidates(submission: Submission, forms: Sequence[str]) -> list[SubmittedFile]:
    for endings in (kinds.accepted(forms), kinds.CODE):  # code of a form that is not accepted is told so later
        found = [file for file in submission.files if kinds.suffix(file.name) in endings]
        code = [file for file in found if kinds.suffix(file.name) in kinds.CODE]
        # tables beside code are its data
        if found:
            return code or found
    return []


def _best(files: list[SubmittedFile], part: Part) -> SubmittedFile | str:
    if len(files) == 1:
        return files[0]
    files = [file for file in files if _is_called(file, part)] or files
    if len(files) > 1:
        files = _programs(_newest([file for file in files if _defines(file)] or files))
    return files[0] if len(files) == 1 else _several(files, part)


def _newest(files: list[SubmittedFile]) -> list[SubmittedFile]:
    """Leave one of those with the same content, and of a file's second uploads the one with the highest number."""
    files = list({file.content: file for file in reversed(files)}.values())[::-1]
    names = [kinds.stem(file.name) for file in files]
    there = {_upload(file, name) for file, name in zip(files, names)}
    newest: dict[tuple[str, str, str], tuple[int, SubmittedFile]] = {}
    for file, name in zip(files, names):
        first, number = _upload(file, plain.first_name(name)), plain.again(name)
        # hw-1 and hw-2 are two exercises where there is no hw
        key = _upload(file, name) if re.search(r"-\d+$", name) and first not in there else first
        if key not in newest or number > newest[key][0]:
            newest[key] = number, file
    return [file for _, file in newest.values()]


def _upload(file: SubmittedFile, name: str) -> tuple[str, str, str]:
    return file.name.rpartition("/")[0], name.casefold(), kinds.suffix(file.name)


def _programs(files: list[SubmittedFile]) -> list[SubmittedFile]:
    """Leave out the notebooks of which there is a program too: one is made from the other."""

    def work(file: SubmittedFile) -> str:
        return plain.first_name(kinds.stem(file.name)).casefold()

    programs = {work(file) for file in files if kinds.suffix(file.name) == ".py"}
    return [file for file in files if kinds.suffix(file.name) != ".ipynb" or work(file) not in programs]


def _is_called(file: SubmittedFile, part: Part, others: Sequence[Part] = ()) -> bool:
    """Whether a file's name holds the case's, and none that begins or ends with it and is another part's."""
    name, own = _plain(kinds.stem(file.name)), _plain(part.case.name)
    longer = [case for other in others if own in (case := _plain(other.case.name)) and case != own]
    return own in name and not any(case in name for case in longer)


def _has(submission: Submission, glob: str) -> bool:
    return any(_matches(file.name, glob) for file in submission.files)


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
    if all(_is_called(file, part) for file in files):
        return phrase(
            "Several files may hold {case}: {files}; expected one. Hand in only the one that counts.",
            case=case,
            files=listed,
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
