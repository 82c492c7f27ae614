"""The files of a submission as pages show them to their author, read once more."""

from __future__ import annotations

from nncheck import source
from nncheck.errors import InputError
from nncheck.grades import Grade, PartGrade
from nncheck.grading.submissions import Submission
from nncheck.listing import Listing
from nncheck.manual.notebook import code_of


def listings(submission: Submission, grade: Grade) -> dict[str, Listing]:
    """Return the files that were judged, by their names; of one that is no text nothing."""
    contents = {file.name: file.content for file in submission.files}
    found = {}
    for part in grade.parts:
        # a sole file has no name of its own while it is graded
        content = contents.get(part.file, submission.files[0].content if len(contents) == 1 else None)
        listing = _listing(part, content) if part.file and content is not None else None
        if listing is not None:
            found[part.file] = listing
    return found


def _listing(part: PartGrade, content: bytes) -> Listing | None:
    arrays = part.form == "numbers" and b"\x00" in content
    text = None if arrays else source.decoded(content)
    if text is None:
        return None
    if part.form != "notebook":
        return Listing(text=text, excerpt=part.form == "numbers")
    try:
        code, cells = code_of(text)
    except (InputError, RecursionError):
        return None
    return Listing(text=code, starts=cells.starts)
