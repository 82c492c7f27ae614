"""An assignment packed for a course system's container: nncheck without torch, the cases, and what starts it."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from nncheck.case import FILES
from nncheck.certificate import FILE as CERTIFICATE
from nncheck.errors import InputError
from nncheck.files import check_writable, put_in_place
from nncheck.grading import wheel
from nncheck.grading.assignment import Assignment
from nncheck.grading.assignment_file import read
from nncheck.language import phrase, reason_of, use

#: Seconds that grading takes beside the submission's own limit: start, self-test, judging.
_OWN_SECONDS = 120
_STARTED = ("setup.sh", "run_autograder")
_SCRIPTS = Path(__file__).parents[1] / "templates" / "any" / "gradescope"


def pack_gradescope(assignment_path: Path, output: Path) -> Path:
    """Pack an assignment as an autograder for Gradescope.

    Parameters
    ----------
    assignment_path : Path
        Of its TOML file.
    output : Path
        Of the archive, which must end in .zip; it holds the secret and the cases, so it is not for students.

    Returns
    -------
    Path
        The archive.

    Raises
    ------
    InputError
        If the assignment cannot be graded, or the archive not be written.

    References
    ----------
    https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    if output.suffix.lower() != ".zip":
        raise InputError(
            phrase("{output}: expected a name that ends in .zip, which is what Gradescope takes.", output=output)
        )
    check_writable(output)
    assignment = read(assignment_path)
    handle, temporary = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w") as archive:
            for name, content in _contents(assignment):
                _add(archive, name, content, executable=name in _STARTED)
        put_in_place(temporary, output)  # mkstemp's rights stay: the secret is in it
    except OSError as error:
        raise InputError(
            phrase("{output}: cannot be written ({reason}).", output=output, reason=reason_of(error))
        ) from None
    finally:
        Path(temporary).unlink(missing_ok=True)
    return output


def _contents(assignment: Assignment) -> Iterator[tuple[str, bytes]]:
    seconds = str(round(_OWN_SECONDS + 2 * assignment.limits.seconds))
    for name in (*_STARTED, "autograder.py"):
        text = (_SCRIPTS / f"{name}.template").read_text(encoding="utf-8")  # universal newlines: \n in the archive
        yield name, text.replace("@SECONDS@", seconds).encode()
    yield "fault.json", _fault(assignment.language)
    yield "requirements.txt", "".join(f"{line}\n" for line in wheel.requirements()).encode()
    yield wheel.name(), _wheel()
    folders = [f"cases/{number}/{part.case.name}" for number, part in enumerate(assignment.parts)]
    yield "assignment/assignment.toml", written(assignment, folders).encode()
    for folder, part in zip(folders, assignment.parts):
        for name in (*FILES, CERTIFICATE):
            path = part.case.folder / name
            if path.is_file():
                yield f"assignment/{folder}/{name}", path.read_bytes()


def written(assignment: Assignment, folders: list[str]) -> str:
    """Return an assignment as TOML, its cases in other folders: what `read` makes the same assignment of.

    Parameters
    ----------
    folders : list of str
        Of each part's case, from where the file will stand.
    """
    lines = [
        f"title = {_text(assignment.title)}",
        f"language = {_text(assignment.language)}",
        f"hints = {assignment.hints}",
        f"follow_through = {json.dumps(assignment.follow_through)}",
        f"convention_cost = {assignment.convention_cost!r}",
        f"forms = [{', '.join(map(_text, assignment.forms))}]",
        f"imports = [{', '.join(map(_text, assignment.imports))}]",
        f"seed = {_text(assignment.seed)}",
    ]
    for folder, part in zip(folders, assignment.parts):
        points = ", ".join(f"{_text(check)} = {of!r}" for check, of in part.points.items())
        lines += ["", "[[cases]]", f"case = {_text(folder)}", f"file = {_text(part.file)}"]
        lines += [f"steps = {part.steps}", f"points = {{ {points} }}"]
    limits = assignment.limits
    lines += ["", "[limits]", *(f"{name} = {value!r}" for name, value in vars(limits).items())]
    lines += ["", "[files]", f"student = {_text(assignment.student)}", f"multiple = {_text(assignment.multiple)}"]
    late = assignment.late
    lines += ["", "[late]", *([f"due = {late.due.isoformat()}"] if late.due else [])]
    lines += [f"policy = {_text(late.policy)}", f"penalty = {late.penalty!r}"]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Return a basic string of TOML: JSON's escapes, and DEL, which JSON leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _fault(language: str) -> bytes:
    """Return results.json for when the grader itself fails: no score, and a word to the student."""
    with use(language):
        said = phrase("The grader failed; your points are not affected; ask your instructor.")
    result = {"output": said, "output_format": "text", "visibility": "visible", "stdout_visibility": "hidden"}
    return (json.dumps({**result, "tests": []}) + "\n").encode()


def _wheel() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in wheel.files():
            _add(archive, name, content)
    return stream.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, executable: bool = False) -> None:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the same bytes whenever it is packed
    entry.create_system = 3  # Unix, so that the rights count, also where this is packed on Windows
    entry.external_attr = (0o100755 if executable else 0o100644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
