"""From an assessment to the record that every report is a function of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nncheck.listing import Listing
from nncheck.manual.notebook import Cells
from nncheck.verdicts import Verdict
from nncheck.verification import Finding, VerifyResult
from nncheck.verifier.assess import Assessment
from nncheck.verifier.hints import hints_of
from nncheck.verifier.task import Task
from nncheck.verifier.truth import Autograd


def result_of(
    task: Task, autograd: Autograd, assessment: Assessment, read_as: Sequence[str] = (), notes: Sequence[str] = ()
) -> VerifyResult:
    """Make the record of an assessment.

    Parameters
    ----------
    task : Task
    autograd : Autograd
        The judge.
    assessment : Assessment
    read_as, notes : sequences of str
        Besides those of the task and of the assessment.
    """
    if task.cells is not None:
        assessment.findings[:] = [in_cell(finding, task.cells) for finding in assessment.findings]
    order = {name: i for i, name in enumerate(task.derivation.names)}
    quantities = sorted(assessment.quantities, key=lambda checked: order.get(checked.name, len(order)))
    verdict: Verdict = "differ" if assessment.findings else "agree"
    if not assessment.findings and any(checked.verdict == "cannot-tell" for checked in quantities):
        verdict = "cannot-tell"
    if not assessment.findings and not quantities:
        verdict = "cannot-tell"
    versions: dict[str, Any] = dict(autograd.versions)
    versions.setdefault("numpy", np.__version__)
    return VerifyResult(
        versions=versions,
        case=task.case.name,
        file=task.file,
        form=task.form,
        read_as=tuple(dict.fromkeys((*task.read_as, *read_as))),
        judged_by=autograd.judged_by,
        verdict=verdict,
        faults=tuple(sorted(assessment.faults)),
        quantities=tuple(quantities),
        findings=tuple(assessment.findings),
        notes=tuple(dict.fromkeys((*notes, *assessment.notes, *autograd.notes()))),
        hints=tuple(hints_of(task.derivation, assessment, task.hints)),
        level=task.hints,
        listing=_listing(task),
    )


def _listing(task: Task) -> Listing | None:
    """Return the person's file as it is to be shown; None where there is no text to point at."""
    if not task.text:
        return None
    return Listing(text=task.text, starts=task.cells.starts if task.cells else ())


def in_cell(finding: Finding, cells: Cells) -> Finding:
    """Return a finding of a notebook with the code cell that its line stands in."""
    if finding.line is None:
        return finding
    cell, line = cells.place(finding.line)
    return replace(finding, cell=cell, line=line)
