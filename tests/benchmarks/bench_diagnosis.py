"""What the diagnosis names, of mistakes and slips that were planted, and how long it takes.

``python -m tests.benchmarks.bench_diagnosis [singles] [pairs] [time] [slips] [correct]`` (all by default) prints:

singles
    Mistakes of the catalogue, one in each program (2-2-2 and 3-4-5 nets): the share of the detectable ones named
    first, uniquely or of one family of equals.
pairs
    The same of pairs of them, a sample.
time
    Milliseconds of a diagnosis, once the index of the case is there; seconds of making it, and of reading it back.
slips
    Every one-token edit of correct programs in three styles: how many that change a gradient pass, how many are named.
correct
    Correct programs in six styles: how many raise an alarm.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from unittest import mock

import numpy as np

from nncheck import cache
from nncheck.diagnosis.points import Observation
from nncheck.diagnosis.search import diagnose
from tests.diagnosis.planted import CASES, SIZES, Field, shares
from tests.diagnosis.slipped import counts, sources, tried
from tests.diagnosis.test_correct import alarms

PAIRS = 1000


def singles() -> None:
    """Print what is named of single mistakes."""
    outcomes = []
    for name in CASES:
        for sizes in SIZES:
            field = Field(name, sizes)
            own = [field.outcome((edit,)) for edit in field.index.named]
            outcomes += own
            print(f"singles: {name} {'-'.join(map(str, sizes))}: {_counted(own)}")
    _, share = shares(outcomes)
    print(
        f"singles: named {share['named']:.1%} (at least 95 %), first {share['first']:.1%}, unique {share['unique']:.1%}"
    )
    print(f"singles: a wrong name {share['wrong']:.2%}; at most 0.5 %")


def pairs() -> None:
    """Print what is named of pairs."""
    outcomes = []
    for name in CASES:
        for sizes in SIZES:
            field = Field(name, sizes)
            chosen = random.Random(1).sample(field.pairs, min(PAIRS, len(field.pairs)))
            own = [field.outcome(pair) for pair in chosen]
            outcomes += own
            print(f"pairs: {name} {'-'.join(map(str, sizes))}: {_counted(own)}")
    _, share = shares(outcomes)
    print(f"pairs: named {share['named']:.1%} (at least 85 %), unique {share['unique']:.1%}")
    print(f"pairs: a wrong name {share['wrong']:.2%}; at most 0.5 %")


def time_() -> None:
    """Print the time of a diagnosis."""
    for name in CASES:
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict("os.environ", {cache.VARIABLE: folder}):
            made, read = _making(name), _making(name)
        index = Field(name, SIZES[0]).index
        for kind in ("named", "small", "pairs"):
            index.rows(kind)
        chosen = random.Random(2)
        lines = [{line.name: line for line in edit.lines} for edit in chosen.sample(list(index.named), 60)]
        lines += [{**_lines(a), **_lines(b)} for a, b in chosen.sample(index._pairs, 200)]
        spent = []
        for replaced in lines:
            values = [group.values(replaced) for group in index.groups]
            wanted = ("Y", "E", "dW2", "dB2", "dW", "dB")
            observed = [{n: Observation(v[n].copy()) for n in wanted if n in v} for v in values]
            wrong = [
                n
                for n in wanted
                if any(
                    n in v and (v[n].shape != g.truth[n].shape or not np.allclose(v[n], g.truth[n], rtol=1e-9))
                    for v, g in zip(values, index.groups)
                )
            ]
            if wrong and all(len(own) == len(wanted) for own in observed):
                began = time.perf_counter()
                diagnose(index, observed, wrong)
                spent.append(1000 * (time.perf_counter() - began))
        spent.sort()
        print(
            f"time: {name}: diagnosis {statistics.median(spent):.2f} ms, at most "
            f"{spent[int(0.95 * len(spent))]:.2f} ms in 95 % (at most 5 ms); index made in "
            f"{made:.1f} s, read back in {read:.2f} s"
        )


def slips() -> None:
    """Print what becomes of one-token edits."""
    total: Counter[str] = Counter()
    for name, style, source in sources():
        counted = counts(list(tried(name, style, source)))
        total += counted
        print(f"slips: {name}, {style}: {_slips(counted)}")
    print(f"slips: {_slips(total)}; none may pass, at least 55 % are named")


def correct() -> None:
    """Print how many correct programs raise an alarm."""
    began = time.perf_counter()
    print(f"correct: {len(alarms(600, seed=3))} alarms of 600 in {time.perf_counter() - began:.0f} s")


def _making(name: str) -> float:
    index = Field(name, SIZES[0]).index
    began = time.perf_counter()
    for kind in ("named", "small", "pairs"):
        index.rows(kind)
    return time.perf_counter() - began


def _lines(edit: object) -> dict[str, object]:
    return {line.name: line for line in edit.lines}  # type: ignore[attr-defined]


def _counted(outcomes: list[str]) -> str:
    counted, share = shares(outcomes)
    return f"named {share['named']:.1%}, wrong {share['wrong']:.2%}; " + ", ".join(
        f"{count} {kind}" for kind, count in sorted(counted.items(), key=lambda item: -item[1])
    )


def _slips(counted: Counter[str]) -> str:
    changing = counted["gradient"]
    return (
        f"{changing} of {counted['all']} change a gradient ({counted['stops']} stop), {counted['passed']} pass, "
        f"{counted['named'] / changing:.1%} named, {counted['true'] / changing:.1%} named and so on other nets too"
    )


if __name__ == "__main__":
    parts = {"singles": singles, "pairs": pairs, "time": time_, "slips": slips, "correct": correct}
    for part in sys.argv[1:] or parts:
        parts[part]()
