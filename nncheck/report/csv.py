"""A result as CSV: one line for each printed step of each case."""

from __future__ import annotations

import csv
import io

from nncheck.record import RunResult


def render(result: RunResult) -> str:
    """Return the rows of all cases under one header; a parameter that a case lacks is left empty."""
    names = list(dict.fromkeys(name for case in result.cases for name in case.final["autograd"]))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        [
            "case",
            "step",
            "loss_autograd",
            "loss_manual",
            "loss_diff",
            *(f"{n}_{k}" for n in names for k in ("diff", "index")),
        ]
    )
    for case in result.cases:
        for row in case.rows:
            cells: list[object] = [case.case, row.step, row.loss.autograd, row.loss.manual, row.loss.diff]
            for name in names:
                entry = row.params.get(name)
                cells += ["", ""] if entry is None else [entry.diff, " ".join(map(str, entry.index))]
            writer.writerow(cells)
    return stream.getvalue()
