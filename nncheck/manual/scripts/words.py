"""What is to be said of how a script was read, and of the numbers in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nncheck.case import Case
from nncheck.language import phrase
from nncheck.manual.scripts.pool import Pool, Source
from nncheck.manual.scripts.roles import Training


def data_words(training: Training, case: Case) -> list[str]:
    """Say which of X and YT no variable holds."""
    words = []
    for quantity, source in (("X", training.data.X), ("YT", training.data.YT)):
        if source is None:
            words.append(phrase("no variable was found for {quantity}: the case's own is taken", quantity=quantity))
    return words


def start_words(pool: Pool, reading: Mapping[str, Source], case: Case) -> list[str]:
    """Say from which numbers the parameters start, where these are not the case's."""
    words = []
    for name, source in reading.items():
        start = pool.values(source)[0].reshape(case.params[name].shape)
        if name not in ("X", "YT") and not np.allclose(start, case.params[name], rtol=1e-6, atol=0):
            numbers = np.array2string(start, precision=4, separator=", ")
            words.append(phrase("{name} starts from {numbers}, not the case's", name=name, numbers=numbers))
    return [" ".join(word.split()) for word in words]


def own_numbers(training: Training, reading: Mapping[str, Source], case: Case) -> list[str]:
    """Say which numbers of the script are not those of the case: it is judged at its own."""
    X, YT = training.data.arrays(training.pool.seen, case)
    pairs = [("X", X[0], case.X), ("YT", YT[0], case.YT)]
    pairs += [(n, training.pool.values(s)[0].reshape(case.params[n].shape), case.params[n]) for n, s in reading.items()]
    names = [
        name for name, own, wanted in pairs if own.shape != wanted.shape or not np.allclose(own, wanted, rtol=1e-6)
    ]
    if not names:
        return []
    said = phrase(
        "The script's numbers are not the case's in {names}: it is judged at its own.", names=", ".join(names)
    )
    return [said]


def size_notes(pool: Pool, reading: Mapping[str, Source]) -> list[str]:
    """Say which parameters change their size in an update, or hold whole numbers."""
    notes = []
    for name in dict.fromkeys(element[0] for source in reading.values() for element in source):
        before, after = pool.seen.before[name], pool.seen.after.get(name)
        if after is not None and after[0].size != before[0].size:
            notes.append(
                phrase(
                    "{name} has shape {before} before an update and {after} after it: "
                    "is a sum over the batch missing, or an axis of the update wrong?",
                    name=name,
                    before=before.shape[1:],
                    after=after.shape[1:],
                )
            )
        elif pool.seen.kinds.get(name) == "i" and name in pool.state:
            notes.append(phrase("{name} holds whole numbers when the loop begins.", name=name))
    return notes
