"""Which quantity each check of an assignment is about, and which check pays for a wrong line that has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nncheck.formula import Derivation
from nncheck.formula.lines import upstream

#: Checks that go by another name than their quantity.
QUANTITIES = {"forward": "Y", "loss": "E"}
#: Checks of more than one quantity.
UPDATE, TRAJECTORY = "update", "trajectory"


def quantity_of(check: str) -> str:
    """Return the derivation line that a check is about; of update and trajectory there is none."""
    return QUANTITIES.get(check, check)


def payer(derivation: Derivation, root: str, checks: Iterable[str]) -> str | None:
    """Return the check that a wrong line costs: its own, else the first in the chain that is computed from it."""
    by_quantity = {quantity_of(check): check for check in checks if check not in (UPDATE, TRAJECTORY)}
    if root in by_quantity:
        return by_quantity[root]
    needs = upstream(derivation)
    return next((by_quantity[n] for n in derivation.names if n in by_quantity and root in needs[n]), None)


def nearest(derivation: Derivation, quantity: str, wrong: Sequence[str]) -> str:
    """Return the last of some wrong lines that a quantity depends on; empty if there is none."""
    before = [name for name in wrong if name != quantity and name in upstream(derivation)[quantity]]
    return max(before, key=derivation.names.index, default="")
