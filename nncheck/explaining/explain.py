"""Explains any step of a case: trains the hand-written side up to it and works it out beside autograd."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nncheck import case as cases
from nncheck import source
from nncheck.case import Case
from nncheck.errors import FormulaError, InputError
from nncheck.explained import Explained
from nncheck.explaining.by_case import reached_by_case
from nncheck.explaining.by_formulas import reached_by_formulas
from nncheck.explaining.by_functions import reached_by_functions
from nncheck.explaining.by_numbers import reached_by_numbers
from nncheck.explaining.by_script import reached_by_script
from nncheck.explaining.meant import as_meant
from nncheck.explaining.reached import Progress, Reached
from nncheck.formula import Derivation, read_each
from nncheck.language import phrase, use
from nncheck.manual.client import LIMIT
from nncheck.network import network_of
from nncheck.process import ProcessFailure
from nncheck.rounding import in_float32
from nncheck.verdicts import Verdict
from nncheck.verifier.content import Content, read
from nncheck.verifier.truth import Autograd
from nncheck.verifier.verify import FORMS
from nncheck.worked import WorkedStep
from nncheck.working import work_out

_FORMULA = re.compile(r"\s*[^\W\d]\w*\s*=(?!=)")


def explain(
    case: str | Path | Case,
    step: int = 0,
    file: str | Path | None = None,
    *,
    form: str | None = None,
    mapping: Mapping[str, Sequence[str]] | None = None,
    language: str = "en",
    limit: float = LIMIT,
    progress: Progress | None = None,
) -> Explained:
    """Work one step of a case out: every line as formula, with its numbers, and as value, beside autograd's.

    Parameters
    ----------
    case : str, Path or Case
        Name of a case, or its folder.
    step : int
        From 0 on; the step of that number of `run`.
    file : path, optional
        A person's own file in any form that `verify` or `derive` takes; its own step is worked out, from the
        parameters that it has there. The case's manual.py by default.
    form, mapping
        What the file is, and which of its variables or columns are which parameter; as of `verify`.
    language : str
        ``en`` or ``ko``.
    limit : float
        Seconds for one call of the person's code.
    progress : callable, optional
        Called with what is trained, how many steps are done, and of how many.

    Returns
    -------
    Explained
        What a person did wrong shows as a line that differs.

    Raises
    ------
    InputError
        If the step is none of the case's, or the file cannot be read or does not get that far.
    CaseError, CertificateError
        If the case cannot be used.

    Examples
    --------
    >>> import nncheck
    >>> explained = nncheck.explain("relu_sigmoid", step=10)
    >>> print(explained.worked.lines[0].formula)
    Z = X @ W.T + B
    """
    with use(language):
        chosen = case if isinstance(case, Case) else cases.find(case)
        _check(step, chosen.steps, limit, form)
        derivation = chosen.derivation()
        # as `run` does, so that both sides start from numbers that every device holds
        rounded = replace(
            chosen,
            X=in_float32(chosen.X),
            YT=in_float32(chosen.YT),
            params={name: in_float32(array) for name, array in chosen.params.items()},
        )
        path = None if file is None else Path(file)
        with Autograd(rounded) as autograd, np.errstate(all="ignore"):  # a training may diverge
            asked = _Asked(path, form, mapping, int(step), limit, progress or _silent)
            read_as, reached = _reached(chosen, rounded, derivation, asked)
            reached = reached if path is None else as_meant(rounded, derivation, reached)
            worked = _worked(rounded, derivation, reached, autograd)
            return Explained(
                versions=autograd.versions,
                case=chosen.name,
                title=chosen.title(language),
                file=None if path is None else str(path),
                form=read_as,
                read_as=tuple(dict.fromkeys(reached.read_as)),
                judged_by=autograd.judged_by,
                steps=chosen.steps,
                lr=reached.lr,
                optimizer=chosen.optimizer.described,
                network=network_of(chosen, derivation),
                worked=worked,
                verdict=_verdict(worked),
                notes=tuple(dict.fromkeys((*reached.notes, *_notes(chosen, reached, worked, path), *autograd.notes()))),
            )


def _check(step: int, steps: int, limit: float, form: str | None) -> None:
    whole = isinstance(step, (int, np.integer)) and not isinstance(step, bool)
    if not whole or not 0 <= step < steps:
        raise InputError(phrase("step: got {step!r}, expected 0 to {last}.", step=step, last=steps - 1))
    if not isinstance(limit, (int, float)) or not limit > 0:
        raise InputError(phrase("limit: got {limit!r}, expected seconds, above 0.", limit=limit))
    if form is not None and form not in FORMS:
        raise InputError(phrase("form: got {form!r}, expected {forms}.", form=form, forms=", ".join(FORMS)))


@dataclass(frozen=True)
class _Asked:
    """Whose step is to be explained, and which."""

    path: Path | None
    form: str | None
    mapping: Mapping[str, Sequence[str]] | None
    step: int
    limit: float
    progress: Progress


def _reached(own: Case, case: Case, derivation: Derivation, asked: _Asked) -> tuple[str, Reached]:
    """Return in which form the side came, and what it has and gives at the step.

    What trained by itself had the case's numbers as they are written (``own``), what is trained here starts from the
    rounded ones.
    """
    path, step = asked.path, asked.step
    if path is None:
        return "functions", reached_by_case(case, derivation, step, asked.progress)
    content = _content(path, asked.form)
    if content.form == "numbers":
        return content.form, reached_by_numbers(own, derivation, path, step, asked.mapping)
    if content.form == "formulas":
        text = source.read_text(path)
        return content.form, reached_by_formulas(case, derivation, path, text, step, asked.progress)
    if content.form == "script":
        reached = reached_by_script(own, path, content.text, step, asked.limit, asked.mapping)
    elif asked.mapping:
        raise InputError(
            phrase(
                "{path}: holds functions, for which nothing is mapped; a mapping is for scripts and numbers.", path=path
            )
        )
    else:
        reached = reached_by_functions(case, derivation, path, content.text, step, asked.limit, asked.progress)
    return content.form, replace(reached, read_as=(*content.read_as, *reached.read_as))


def _content(path: Path, form: str | None) -> Content:
    """Read the file; where lines of formulas are not told as such, the one that cannot be read is said."""
    try:
        return read(path, form, handed_in=True)
    except InputError:
        if form is None and path.suffix.lower() == ".txt":
            text = source.read_text(path)
            lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
            if lines and all(_FORMULA.match(line) for line in lines):
                for line in read_each(text, str(path)):
                    if isinstance(line, FormulaError):
                        raise line from None
        raise


def _worked(case: Case, derivation: Derivation, reached: Reached, autograd: Autograd) -> WorkedStep:
    """Work the step out; without torch where that fails, if the case is certified."""
    for worker in (autograd.worker, None):
        try:
            (worked,) = work_out(
                case,
                derivation,
                [reached.point],
                worker,
                X=reached.X,
                YT=reached.YT,
                lr=reached.lr,
                dtype=reached.dtype,
                states=None if reached.states is None else {reached.point.step: reached.states},
                slack={reached.point.step: reached.slack},
                refuse=True,
            )
        except ProcessFailure as failure:
            autograd.do_without(failure.reason)
        else:
            return worked
    raise AssertionError("without a process none can fail")


def _notes(case: Case, reached: Reached, worked: WorkedStep, path: Path | None) -> Iterator[str]:
    wrong = [line.name for line in worked.lines if line.verdict == "differ"]
    if not all(np.isfinite(array).all() for array in reached.point.params.values()):
        yield phrase("The parameters are not all finite before this step; an earlier one shows where that begins.")
    elif path is not None and not wrong:
        yield phrase(
            "This is one step at the case's own numbers, which can hide a mistake; nncheck verify looks at others too."
        )
    if len(wrong) > 1:
        yield phrase("What is computed from {name} may differ for that reason alone.", name=wrong[0])
    if reached.states is None:
        yield phrase(
            "The update is left out: what {optimizer} keeps of earlier steps cannot be seen in this file.",
            optimizer=case.optimizer.title,
        )


def _verdict(worked: WorkedStep) -> Verdict:
    if worked.differs:
        return "differ"
    return "agree" if all(line.verdict == "agree" for line in worked.lines) else "cannot-tell"


def _silent(what: str, done: int, of: int) -> None:
    """Report no progress."""
