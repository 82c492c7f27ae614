"""Verifies what trained by itself: a script, or the numbers that a training left behind."""

from __future__ import annotations

from pathlib import Path

from nncheck.errors import InputError
from nncheck.language import phrase
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


def verify_numbers(task: Task) -> VerifyResult:
    """Verify a trajectory of numbers, at each step from the parameters that it holds."""
    numbers = read_numbers(Path(task.file), task.case, task.mapping)
    with Autograd(task.case) as autograd:
        autograd.ready()
        assessment = check_numbers(task.case, task.derivation, numbers, autograd)
        read_as = [
            phrase("{quantity} is read from {column}", quantity=quantity, column=column)
            for quantity, column in numbers.columns.items()
            if quantity != column
        ]
        return result_of(task, autograd, assessment, read_as, numbers.notes)


def verify_script(task: Task, guest: Guest) -> VerifyResult:
    """Verify a training script at the steps that it does."""
    with Autograd(task.case) as autograd:
        observed = observe(guest.watch, task.text, task.case, task.mapping, task.seed)
        if isinstance(observed, NeedsMap):
            raise InputError(f"{task.file}: {observed.text}")
        if isinstance(observed, Failure):
            return result_of(task, autograd, Assessment(findings=[stopped(observed.text)], faults={"code"}))
        autograd.ready()
        assessment = check_run(task.case, task.derivation, observed, autograd, task.text)
        return result_of(task, autograd, assessment, observed.read_as)
