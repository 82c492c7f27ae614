"""Reads the files of one place; whatever is wrong with them becomes the submission's problem."""

from __future__ import annotations

from collections.abc import Sequence

from nncheck.grading.submissions import archives, caps, kinds
from nncheck.grading.submissions.caps import Unreadable
from nncheck.grading.submissions.members import foreign
from nncheck.grading.submissions.record import Place, Submission, SubmittedFile
from nncheck.grading.submissions.tars import Tar
from nncheck.grading.submissions.zips import Zip
from nncheck.language import phrase, use


def load(place: Place, forms: Sequence[str], language: str = "en") -> Submission:
    """Read a submission.

    Parameters
    ----------
    place : Place
    forms : sequence of str
        Which forms are accepted: named where no file was found.
    language : str
        Of the problem's sentence, which the student reads.
    """
    problem = place.problem
    files: tuple[SubmittedFile, ...] = ()
    if not problem:
        with use(language):
            try:
                files = _read(place, forms)
            except Unreadable as found:
                problem = str(found)
    return Submission(
        student=place.student,
        label=place.label,
        files=files,
        name=place.name,
        submitted=place.submitted,
        late=place.late,
        problem=problem,
    )


def expected(forms: Sequence[str]) -> str:
    """Return the endings that the accepted forms have, in words: ``.py, .ipynb``."""
    return ", ".join(kinds.accepted(forms))


def _read(place: Place, forms: Sequence[str]) -> tuple[SubmittedFile, ...]:
    entries = [(name, entry) for name, entry in place.files if not entry.hollow]
    for _, entry in entries:
        if entry.problem:
            raise Unreadable(entry.problem)
    budget = caps.Budget()
    files: list[SubmittedFile] = []
    left_out: list[str] = []
    for name, entry in entries:
        if kinds.is_foreign_archive(name):
            raise Unreadable(foreign(name, kinds.suffix(name).lstrip(".").upper()))
        if kinds.is_media(name):
            left_out.append(name)
            continue
        is_archive = kinds.is_archive(name)
        content = entry.source.read(entry.key, (caps.SUBMISSION if is_archive else caps.FILE) + 1)
        if not is_archive:
            _keep(files, name, content, budget)
            continue
        if len(content) > caps.SUBMISSION:
            budget.spend(content, name)
        # an archive of an archive on disk lies in two
        depth = 1 if not isinstance(entry.source, (Zip, Tar)) else 2
        inside = name.rpartition("/")[0] if len(entries) == 1 else name[: -len(kinds.suffix(name))]
        left_out += _keep_archive(files, content, name, inside, budget, depth)
    if not files:
        raise Unreadable(_nothing(left_out, forms))
    if not any(file.content.strip() for file in files):
        raise Unreadable(
            phrase(
                "{file} is empty; expected your work in it. Save it and hand it in again.",
                file=", ".join(file.name for file in files[:5]),
            )
        )
    return _arranged(files)


def _keep(files: list[SubmittedFile], name: str, content: bytes, budget: caps.Budget) -> None:
    if kinds.suffix(name) not in kinds.WORK and len(content) > caps.OTHER:
        return
    budget.spend(content, name)
    files.append(SubmittedFile(name=name, content=content))


def _keep_archive(
    files: list[SubmittedFile], content: bytes, name: str, inside: str, budget: caps.Budget, depth: int
) -> list[str]:
    """Add the files of an archive, those of archives in it too; return the names that were left out."""
    left_out: list[str] = []
    for member, data in archives.unpack(content, name, budget, depth):
        path = f"{inside}/{member}" if inside else member
        if data is None:
            left_out.append(path)
        elif kinds.is_archive(member):
            budget.spend(data, member)
            left_out += _keep_archive(files, data, member, path[: -len(kinds.suffix(path))], budget, depth + 1)
        elif kinds.is_foreign_archive(member):
            raise Unreadable(foreign(member, kinds.suffix(member).lstrip(".").upper()))
        else:
            _keep(files, path, data, budget)
    return left_out


def _arranged(files: list[SubmittedFile]) -> tuple[SubmittedFile, ...]:
    """Sort the files and take away a folder that holds all of them, as packing a folder gives."""
    names = [file.name for file in files]
    while all("/" in name for name in names) and len({name.partition("/")[0] for name in names}) == 1:
        names = [name.partition("/")[2] for name in names]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()
    if twice:
        raise Unreadable(
            phrase(
                "The submission holds {file} twice; expected one file of each name. Hand in only the one that counts.",
                file=min(twice),
            )
        )
    return tuple(
        SubmittedFile(name=name, content=file.content)
        for name, file in sorted(zip(names, files), key=lambda pair: pair[0])
    )


def _nothing(left_out: list[str], forms: Sequence[str]) -> str:
    if left_out:
        return phrase(
            "There is no program in this submission, only {got}; expected {expected}. Hand in the code itself.",
            got=", ".join(left_out[:5]),
            expected=expected(forms),
        )
    return phrase(
        "There is no file in this submission; expected {expected}. Hand in the code itself.", expected=expected(forms)
    )
