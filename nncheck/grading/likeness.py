"""The code of a batch, read once more to tell which submissions are near-identical."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterable

from nncheck.errors import InputError
from nncheck.grading.alike import Alike, templates_of
from nncheck.grading.assignment import Assignment
from nncheck.grading.submissions import Submission, SubmittedFile
from nncheck.grading.submissions.kinds import CODE, suffix
from nncheck.manual.notebook import code_of
from nncheck.summary import AlikeGroup


def alike(submissions: Iterable[Submission], assignment: Assignment) -> tuple[AlikeGroup, ...]:
    """Return the groups of near-identical submissions; what a group handed in together is one submission."""
    collected = Alike(templates_of(assignment))
    last = ""
    for submission in submissions:
        if submission.label != last:
            collected.add(submission.student, submission.label, _code(submission))
        last = submission.label
    return collected.groups()


def _code(submission: Submission) -> str:
    return "\n".join(_text(file) for file in submission.files if suffix(file.name) in CODE)


def _text(file: SubmittedFile) -> str:
    text = _decoded(file.content)
    if suffix(file.name) == ".ipynb":
        try:
            return code_of(text)[0]
        except (InputError, RecursionError):
            return ""
    return text


def _decoded(content: bytes) -> str:
    try:
        declared = tokenize.detect_encoding(io.BytesIO(content).readline)[0]
    except SyntaxError:
        declared = "utf-8-sig"
    for encoding in (declared, "utf-8-sig", "cp949"):
        try:
            return content.decode(encoding)
        except (UnicodeError, LookupError):  # some codecs that a first line can name raise the wider one
            continue
    return ""
