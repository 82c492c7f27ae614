"""The table of operators: those that training and hand-written layers of a course use, family by family."""

from __future__ import annotations

from nncheck.conformance.sample import Operator
from nncheck.conformance.table import (
    arithmetic,
    elementwise,
    losses,
    mixed,
    moving,
    normalising,
    products,
    recurrent,
    reductions,
    updates,
    windows,
    writing,
)


def operators() -> tuple[Operator, ...]:
    """Return every row, the ones that all training needs first."""
    families = (
        *(products, elementwise, arithmetic, losses, updates, reductions),
        *(normalising, windows, recurrent, moving, writing, mixed),
    )
    return tuple(row for family in families for row in family.rows())
