"""Verifies one person's own derivation in whatever form it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from nncheck import case as cases
from nncheck.case import Case
from nncheck.errors import InputError
from nncheck.language import phrase, speaking
from nncheck.manual.client import LIMIT, Guest, Local
from nncheck.manual.notebook import Cells
from nncheck.verification import VerifyResult
from nncheck.verifier.assess import assess
from nncheck.verifier.content import read
from nncheck.verifier.functions import Seen, data_of, look, points_of, probes_of
from nncheck.verifier.groups import index_of
from nncheck.verifier.outputs import guarded, labels_alone, probabilities
from nncheck.verifier.result import result_of
from nncheck.verifier.returned import return_names
from nncheck.verifier.task import Task
from nncheck.verifier.trajectories import verify_numbers, verify_script
from nncheck.verifier.truth import Autograd
from nncheck.verifier.updates import check_update

FORMS = ("functions", "script", "notebook", "numbers")
Progress = Callable[[str, int, int], None]


@speaking
def verify(
    what: str | Path | ModuleType | object,
    case: str | Path | Case,
    *,
    form: str | None = None,
    mapping: Mapping[str, Sequence[str]] | None = None,
    hints: int = 3,
    language: str = "en",
    seed: int = 0,
    limit: float = LIMIT,
    progress: Progress | None = None,
) -> VerifyResult:
    """Hold a person's own derivation against autograd, and say what the first wrong quantity equals.

    Parameters
    ----------
    what : path, module or object
        A file of functions, a training script, a notebook, a CSV or NPZ file of numbers; or a module or an object
        that has forward, loss and backward (a module from a file is run again, in a process of its own).
    case : str, Path or Case
        Name of a case, or its folder.
    form : str, optional
        ``functions``, ``script``, ``notebook`` or ``numbers``; recognised from the file by default.
    mapping : mapping of parameter to names, optional
        Which variables or columns are which parameter: ``{"W": ["w1", "w2", "w3", "w4"]}``.
    hints : int
        1 where, 2 a question, 3 the mistake with its evidence, 4 the formula.
    language : str
        ``en`` or ``ko``.
    seed : int
        Of the probes.
    limit : float
        Seconds for one call of the person's code.
    progress : callable, optional
        Called with what is being done, how much of it, and of how much.

    Returns
    -------
    VerifyResult
        What a person did wrong is a finding in it.

    Raises
    ------
    InputError
        If the file cannot be read, its form cannot be told, or the mapping does not fit it.
    CaseError, CertificateError
        If the case cannot be used.
    """
    if hints not in (1, 2, 3, 4):
        raise InputError(phrase("hints: got {hints!r}, expected 1 to 4.", hints=hints))
    if not isinstance(seed, int) or seed < 0:
        raise InputError(phrase("seed: got {seed!r}, expected a whole number from 0 on.", seed=seed))
    if not isinstance(limit, (int, float)) or not limit > 0:
        raise InputError(phrase("limit: got {limit!r}, expected seconds, above 0.", limit=limit))
    if form is not None and form not in FORMS:
        raise InputError(phrase("form: got {form!r}, expected {forms}.", form=form, forms=", ".join(FORMS)))
    chosen = case if isinstance(case, Case) else cases.find(case)
    derivation = chosen.derivation()
    if isinstance(what, (str, Path)) or getattr(what, "__file__", None):
        path = Path(what if isinstance(what, (str, Path)) else str(getattr(what, "__file__")))  # noqa: B009
        content = read(path, form)
        task = Task(
            case=chosen,
            derivation=derivation,
            file=str(path),
            form=content.form,
            text=content.text,
            cells=content.cells,
            read_as=content.read_as,
            mapping=mapping,
            hints=hints,
            seed=seed,
        )
        return _file(task, path, limit, progress)
    local = Local(what, Path(getattr(what, "__name__", type(what).__name__)))
    file = str(local.path)
    task = Task(case=chosen, derivation=derivation, file=file, form="functions", hints=hints, seed=seed)
    return _functions(task, local, progress)


def verify_cell(
    local: Local, case: Case, file: str, text: str, cells: Cells | None, hints: int, seed: int
) -> VerifyResult:
    """As `verify`, of functions that a notebook has defined as it runs, in the language that is spoken now.

    Parameters
    ----------
    local : Local
    case : Case
    file : str
        What the reader knows them as: ``In [5]``.
    text : str
        The code of the cell that defines backward, whose lines are pointed at; empty if it is not known.
    cells : Cells or None
        The number of that cell.
    hints, seed : int
    """
    task = Task(
        case=case,
        derivation=case.derivation(),
        file=file,
        form="functions",
        text=text,
        cells=cells,
        hints=hints,
        seed=seed,
    )
    result = _functions(task, local, None)
    if result.listing is None:
        return result
    return replace(result, listing=replace(result.listing, starts=()))  # of one cell no number need stand above it


def _file(task: Task, path: Path, limit: float, progress: Progress | None) -> VerifyResult:
    if task.form == "numbers":
        return verify_numbers(task)
    if task.form == "functions" and task.mapping:
        raise InputError(
            phrase(
                "{path}: holds functions, for which nothing is mapped; a mapping is for scripts and numbers.", path=path
            )
        )
    with Guest(path, task.text, limit) as guest:
        return verify_script(task, guest) if task.form == "script" else _functions(task, guest, progress)


def _functions(task: Task, guest: Guest | Local, progress: Progress | None) -> VerifyResult:
    """Verify functions at the probes."""
    case, derivation = task.case, task.derivation
    with Autograd(case) as autograd:
        problem = guest.open()
        told = None if progress is None else lambda done, total: progress(task.file, done, total)
        names = return_names(task.text)
        seen = Seen(problem=problem)
        if not problem:
            points = points_of(case, derivation, probes_of(case, derivation, task.seed))
            seen = look(case, derivation, guest, names, points, told)
        probabilities(derivation, seen)
        guarded(derivation, seen)
        labels_alone(case, derivation, guest, seen, task.seed)
        autograd.ready()
        truths = [autograd.judge(s.probe.sizes, data_of(s.probe), s.truth) for s in seen.every]
        index = index_of(case, derivation, [s.probe for s in seen.sights])
        assessment = assess(case, derivation, seen, truths, index, task.text)
        if guest.has_update and not problem:
            check_update(case, guest, seen, truths, assessment)
        return result_of(task, autograd, assessment, seen.read_as, seen.notes)
