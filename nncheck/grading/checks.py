"""Which quantity each check of an assignment is about, and which check pays for a wrong line that has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from nncheck.formula import Derivation, Name
from nncheck.formula.lines import walk

#: Checks that go by another name than their quantity.
QUANTITIES = {"forward": "Y", "loss": "E"}
#: Checks of more than one quantity.
UPDATE, TRAJECTORY = "update", "trajectory"


def quantity_of(check: str) -> str:
    """Return the derivation line that a check is about; of update and trajectory there is none."""
    return QUANTITIES.get(check, check)


@lru_cache(maxsize=64)
def upstream(derivation: Derivation) -> dict[str, frozenset[str]]:
    """Return, for every line of a derivation, the lines that its value depends on, itself among them."""
    found: dict[str, frozenset[str]] = {}
    for line in derivation.lines:  # each names only what stands above it
        needs = {node.id for node in walk(line.expression) if isinstance(node, Name)}
        found[line.name] = frozenset({line.name}).union(*(found[name] for name in needs if name in found))
    return found


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
