"""The index of a case's mistakes at the probes of a verification, its costly part kept between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from nncheck.cache import kept
from nncheck.case import Case
from nncheck.diagnosis.index import Index
from nncheck.diagnosis.points import Group
from nncheck.formula import Derivation, plain
from nncheck.formula.plain import Array
from nncheck.probes import Probe
from nncheck.verifier.functions import LR, data_of


def index_of(case: Case, derivation: Derivation, probes: Sequence[Probe]) -> Index:
    """Return the index of every known mistake in the lines of a case at some probes."""
    groups, stamps = [], []
    for probe in probes:
        data = data_of(probe)
        stamp = hashlib.sha256("\n".join(line.text for line in derivation.lines).encode())
        for name, array in data.items():
            stamp.update(name.encode() + repr(array.shape).encode() + array.tobytes())
        stamps.append(stamp)
        inputs = {name: plain(array) for name, array in data.items()}
        groups.append(Group({**inputs, "lr": plain(LR)}, derivation))
    index = Index(derivation, ("X", "YT", *case.params), groups)
    edits = "\n".join(edit.equals for edit in (*index.named, *index.small)).encode()
    for stamp in stamps:
        stamp.update(edits)
    keys = [stamp.hexdigest()[:32] for stamp in stamps]

    def keep(kind: str, group: int, count: int, compute: Callable[[], Array]) -> Array:
        return kept(f"{kind}-{keys[group]}", (count, len(index.names)), compute)

    index.keep(keep)
    return index
