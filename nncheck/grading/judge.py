"""Judges one submission: its files to points, mistakes and hints for every case of the assignment."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from nncheck import source
from nncheck.errors import InputError
from nncheck.files import is_device_of_windows
from nncheck.grades import Grade, Mark, Mistake, PartGrade
from nncheck.grading.assignment import Assignment, Part
from nncheck.grading.forms import Found, Walls, judge_formulas, judge_functions, judge_numbers, judge_script
from nncheck.grading.journal import key_of
from nncheck.grading.marking import marks
from nncheck.grading.standing import Standing
from nncheck.grading.submissions import Submission, SubmittedFile, choose
from nncheck.language import N_, phrase, use
from nncheck.manual.client import Guest, Local
from nncheck.manual.notebook import Cells, code_of
from nncheck.sandbox.faults import SandboxError
from nncheck.sandbox.imports import forbidden_import, missing_module
from nncheck.verification import Finding
from nncheck.verifier.content import Content, read
from nncheck.verifier.task import Task
from nncheck.verifier.trajectories import NotTold
from nncheck.versions import versions

#: Characters that are kept of one sentence and of what was printed: a submission must not fill the results.
_SENTENCE, _OUTPUT, _LISTED = 2_000, 20_000, 30


class Judge:
    """Grades submissions of one assignment, one at a time.

    Parameters
    ----------
    assignment : Assignment
    walls : Sandbox
        Where the code of submissions runs; ours to close.
    """

    def __init__(self, assignment: Assignment, walls: Walls) -> None:
        self._assignment, self._walls = assignment, walls
        self._standings = {part.case.name: Standing(part.case) for part in assignment.parts}
        self._folder = tempfile.TemporaryDirectory(prefix="nncheck-", ignore_cleanup_errors=True)

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox."""
        self._walls.close()
        self._folder.cleanup()

    def grade(self, submission: Submission) -> Grade:
        """Grade one submission; whatever is wrong with it, or with us, is in the grade."""
        assignment = self._assignment
        with use(assignment.language):
            parts = tuple(self._part(part, submission) for part in assignment.parts)
        conventions = any(mistake.convention for part in parts for mistake in part.mistakes)
        return Grade(
            key=key_of(submission.content_digest, assignment.digest),
            content=submission.content_digest,
            ground=self._walls.facts.name,
            parts=parts,
            convention_cost=assignment.convention_cost if conventions else 0.0,
            versions=versions(),
        )

    def _part(self, part: Part, submission: Submission) -> PartGrade:
        started, assignment = time.perf_counter(), self._assignment
        seed = assignment.probe_seed(f"marking {part.case.name} {submission.content_digest}")
        found = Found()
        try:
            self._judge(part, submission, seed, found)
            given = (
                marks(found.work, part.points, assignment.follow_through)
                if found.work
                else _unreached(part, found.reason)
            )
        except (RecursionError, MemoryError):
            found.work = None
            found.stop("unreadable", phrase("it is nested too deeply, or too large, to be read."))
            given = _unreached(part, found.reason)
        except Exception as error:  # ours: it must cost nobody a point, and the others not their results
            said = str(error) if isinstance(error, SandboxError) else f"{type(error).__name__}: {error}"
            found.stop("grader-fault", phrase("nncheck itself failed: {error}", error=said))
            given = _unreached(part, found.reason)
        grade = PartGrade(
            case=part.case.name,
            file=found.file,
            form=found.form,
            status=found.status,
            reason=_short(found.reason),
            marks=given,
            mistakes=tuple(_mistake(finding) for finding in found.findings[:_LISTED]),
            hints=tuple(_short(hint) for hint in found.hints[:_LISTED]),
            notes=tuple(_short(note) for note in dict.fromkeys(found.notes[:_LISTED])),
            read_as=tuple(_short(said) for said in dict.fromkeys(found.read_as[:_LISTED])),
            output=_ends(found.output),
            seed=seed,
            seconds=round(time.perf_counter() - started, 6),
        )
        return _in_cells(grade, found.cells) if found.cells else grade

    def _judge(self, part: Part, submission: Submission, seed: int, found: Found) -> None:
        """Read one part's file and judge it in the form that it has."""
        if submission.problem:
            return found.stop("unreadable", submission.problem)
        chosen = choose(submission, part, self._assignment.forms, self._assignment.parts)
        if isinstance(chosen, str):
            return found.stop("unreadable", chosen)
        found.file = chosen.name
        if self._bans(chosen, submission, found):
            return None
        try:
            content = self._content(chosen)
            self._refuse_form(content, found)
            found.read_as += content.read_as
            self._by_form(part, chosen, content, submission, seed, found)
        except NotTold:
            names = ", ".join(part.case.params)
            said = phrase("it cannot be told which variables are the parameters; call them {names}.", names=names)
            found.stop("unreadable", said)
        except InputError as error:
            found.stop("unreadable", str(error))
        missing = missing_module(found.reason) if found.status == "crashed" else None
        if missing:
            found.stop("forbidden-import", _forbidden(*missing))
        return None

    def _bans(self, file: SubmittedFile, submission: Submission, found: Found) -> bool:
        """Stop at an import that is not allowed, before anything else is said of the file."""
        text = source.decoded(file.content) if file.name.lower().endswith((".py", ".ipynb")) else None
        if text is not None and file.name.lower().endswith(".ipynb"):
            try:
                text, _ = code_of(text)
            except InputError:
                return False
        names = [other.name for other in submission.files if other is not file]
        banned = forbidden_import(text or "", names, self._assignment.imports)
        if banned:
            found.stop("forbidden-import", _forbidden(*banned))
        return banned is not None

    def _content(self, file: SubmittedFile) -> Content:
        """Read a file by way of a folder of our own; what is said of it names it as the student does."""
        name = re.sub(r"[^\w.\-]", "_", Path(file.name).name)[-80:] or "file"
        path = Path(self._folder.name) / (f"_{name}" if is_device_of_windows(name) else name)
        path.write_bytes(file.content)
        try:
            return read(path, handed_in=True)
        except InputError as error:
            said = str(error).replace(str(path), file.name).replace(str(path.with_suffix(".py")), file.name)
            if "--as" in said:  # words of the command line, which a student does not use
                forms = ", ".join(self._assignment.forms)
                said = phrase(
                    "{file} holds no forward and backward, nor anything else of {forms}.", file=file.name, forms=forms
                )
            raise InputError(said) from None
        finally:
            with suppress(OSError):  # the whole folder goes in the end; Windows may hold a file for a moment
                path.unlink()

    def _refuse_form(self, content: Content, found: Found) -> None:
        found.form, found.cells = "notebook" if content.cells else content.form, content.cells
        forms = self._assignment.forms
        if found.form not in forms and content.form not in forms:
            said = phrase(
                "{file} is read as {form}; this assignment takes {forms}.",
                file=found.file,
                form=found.form,
                forms=", ".join(forms),
            )
            raise InputError(said)

    def _by_form(
        self, part: Part, file: SubmittedFile, content: Content, submission: Submission, seed: int, found: Found
    ) -> None:
        standing = self._standings[part.case.name]
        others: Mapping[str, bytes] = {other.name: other.content for other in submission.files if other is not file}
        task = Task(
            case=part.case,
            derivation=standing.derivation,
            file=file.name,
            form=content.form,
            text=content.text,
            cells=content.cells,
            hints=self._assignment.hints,
        )

        def visit(definitions: bool = False) -> Guest | Local:
            text = source.definitions(task.text) if definitions else task.text
            return self._walls.guest(Path(task.file), text, others)

        if content.form == "formulas":
            return judge_formulas(part, task, found)
        if content.form == "numbers":
            return judge_numbers(part, task, file.content, Path(self._folder.name), found)
        if content.form == "script":
            return judge_script(part, task, visit, found)
        return judge_functions(part, standing, task, visit, seed, self._assignment.limits, found)


def _unreached(part: Part, reason: str) -> tuple[Mark, ...]:
    return tuple(
        Mark(check=check, verdict="not-reached", points=0.0, of=of, why=_short(reason))
        for check, of in part.points.items()
    )


def _in_cells(grade: PartGrade, cells: Cells) -> PartGrade:
    """Return a grade of a notebook in which every line of its joined code is told as a line of a code cell."""
    line = re.compile(re.escape(grade.file) + source.LINE)

    def said(text: str) -> str:
        return line.sub(lambda found: f"{grade.file}, {cells.words(int(found[1]))}", text)

    return replace(
        grade,
        reason=said(grade.reason),
        marks=tuple(replace(mark, why=said(mark.why)) for mark in grade.marks),
        mistakes=tuple(replace(mistake, text=said(mistake.text)) for mistake in grade.mistakes),
        hints=tuple(map(said, grade.hints)),
    )


def _mistake(finding: Finding) -> Mistake:
    first = finding.explanations[0] if finding.explanations else None
    return Mistake(
        id=first.id if first else finding.kind,
        quantity=finding.quantity,
        line=finding.line,
        cell=finding.cell,
        text=_short(" ".join(dict.fromkeys([finding.text, *(e.text for e in finding.explanations)]))),
        equals=_short(first.equals) if first else "",
        convention=finding.convention,
    )


def _forbidden(module: str, line: int) -> str:
    if not line:
        said = N_("imports {module}, which is neither NumPy, nor of the standard library, nor handed in with it.")
        return phrase(said, module=module)
    said = N_(
        "line {line} imports {module}, which is neither NumPy, nor of the standard library, nor handed in with it."
    )
    return phrase(said, line=line, module=module)


def _short(text: str) -> str:
    return text if len(text) <= _SENTENCE else text[: _SENTENCE - 1] + "…"


def _ends(text: str) -> str:
    """Return the head and the tail of what was printed."""
    return text if len(text) <= _OUTPUT else text[: _OUTPUT // 2] + "\n…\n" + text[-_OUTPUT // 2 :]
