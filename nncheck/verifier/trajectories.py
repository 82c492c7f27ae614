"""Verifies what trained by itself: a script, or the numbers that a training left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nncheck import source
from nncheck.errors import InputError
from nncheck.language import phrase
from nncheck.listing import Listing
from nncheck.manual.client import Guest
from nncheck.manual.scripts.observed import observe
from nncheck.manual.scripts.roles import Failure, NeedsMap
from nncheck.manual.tables.numbers import read as read_numbers
from nncheck.verification import VerifyResult
from nncheck.verifier.assess import Assessment, stopped
from nncheck.verifier.numbers import check_numbers
from nncheck.verifier.result import result_of
from nncheck.verifier.runs import check_run
from nncheck.verifier.task import Task
from nncheck.verifier.truth import Autograd


class NotTold(InputError):
    """Which of a script's variables are the parameters cannot be told without ``--map``."""


@dataclass(frozen=True)
class Read:
    """What was found of a training or its numbers, how it was read, what is worth knowing of that; how many rows.

    ``is_table`` says whether these are lines of a text.
    """

    assessment: Assessment
    read_as: Sequence[str] = ()
    notes: Sequence[str] = ()
    rows: int = 0
    is_table: bool = False


def verify_numbers(task: Task) -> VerifyResult:
    """Verify a trajectory of numbers, at each step from the parameters that it holds."""
    with Autograd(task.case) as autograd:
        read = read_and_check_numbers(task, autograd)
        result = result_of(task, autograd, read.assessment, read.read_as, read.notes)
        return replace(result, listing=_table(Path(task.file))) if read.is_table else result


def verify_script(task: Task, guest: Guest) -> VerifyResult:
    """Verify a training script at the steps that it does."""
    with Autograd(task.case) as autograd:
        read = watch_and_check_script(task, guest, autograd)
        return result_of(task, autograd, read.assessment, read.read_as, read.notes)


def read_and_check_numbers(task: Task, autograd: Autograd) -> Read:
    """Read a file of numbers and judge it.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    numbers = read_numbers(Path(task.file), task.case, task.mapping)
    autograd.ready()
    assessment = check_numbers(task.case, task.derivation, numbers, autograd)
    read_as = [
        phrase("{quantity} is read from {column}", quantity=quantity, column=column)
        for quantity, column in numbers.columns.items()
        if quantity != column
    ]
    return Read(assessment, read_as, numbers.notes, len(numbers.steps), bool(numbers.lines))


def _table(path: Path) -> Listing:
    return Listing(text=source.read_text(path), excerpt=True)


def watch_and_check_script(task: Task, guest: Guest, autograd: Autograd) -> Read:
    """Run a script in the process of the person's code and judge its steps.

    Raises
    ------
    NotTold
        If it cannot be told which of its variables are the parameters.
    """
    observed = observe(guest.watch, task.text, task.case, task.mapping, task.seed)
    if isinstance(observed, NeedsMap):
        raise NotTold(f"{task.file}: {observed.text}")
    if isinstance(observed, Failure):
        return Read(Assessment(findings=[stopped(observed.text)], faults={"code"}))
    autograd.ready()
    return Read(check_run(task.case, task.derivation, observed, autograd, task.text), observed.read_as)
