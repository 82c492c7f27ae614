"""How fast `nncheck grade` is in bulk, against others on the same files in the same run, and what it costs.

``python -m tests.benchmarks.bench_grade [--files 2000] [--sample 40] [--others PYTHON] [--long]`` prints:

bulk
    Submissions a second of the whole process, its start and its reports among them, over so many different files: right
    ones in many styles, wrong ones with the mistakes of the catalogue, two percent that crash or hang.
others
    The same of a fresh pytest process for each, as many at once as there are cores, over a sample without those that
    crash or hang (of which pytest would not come back), and the ratio; and of otter-grader and nbgrader where a Python
    has them (PYTHON, by default this one).
memory
    Peak resident memory of the process that keeps the results, at a quarter of the files and at all of them.
cpu
    CPU seconds of that process, of the judging processes, and of the sandboxes with the submissions in them.

With ``--long`` there are 100,000 files and nothing but nncheck. It takes a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.handed_in import CASE, Class
from tests.benchmarks.other_graders import nbgrader_rate, otter_rate, pytest_rate

LEAST_RATE, LEAST_RATIO = 100.0, 20.0
#: Kilobytes by which peak memory may grow with each file: names, a score and a fingerprint are kept, no results.
MOST_GROWTH = 4.0
LONG = 100_000
_OTHERS = 10  # submissions for the graders that take seconds for each
_JUDGE = "judging_process"
_LOOK, _STAYS = 0.1, 20  # seconds between two looks; so many looks make a process one that stays
_ASSIGNMENT = f"""
title = "Benchmark"
seed = "3f9c0f6e51d8b7a2c4e6081937adbe52"

[[cases]]
case = "{CASE}"

[limits]
check = 1.0
seconds = 5.0
"""


@dataclass
class Cost:
    """What one run took.

    Attributes
    ----------
    seconds : float
        Wall time.
    peak : float
        Megabytes of the process that keeps the results.
    own, judging, sandbox : float
        CPU seconds.
    """

    seconds: float
    peak: float
    own: float
    judging: float
    sandbox: float


def graded(folder: Path, output: Path) -> Cost:
    """Grade a folder with the command line, and watch what it takes."""
    assignment = output.parent / "assignment.toml"
    assignment.write_text(_ASSIGNMENT, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "nncheck",
        "grade",
        str(folder),
        "--assignment",
        str(assignment),
        "-o",
        str(output),
    ]
    began = time.perf_counter()
    with (output.parent / "said.txt").open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        watch = _Watch(process)
    seconds = time.perf_counter() - began
    if process.returncode not in (0, 1):
        raise SystemExit(f"nncheck grade ended with {process.returncode}:\n{(output.parent / 'said.txt').read_text()}")
    return Cost(seconds, watch.peak, watch.own, sum(watch.judges.values()), watch.sandbox)


class _Watch:
    """Looks at a process and at all below it until it ends.

    A sandbox's processes count with those that they have started and seen end, which are the submissions.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.own = self.peak = 0.0
        self.judges: dict[int, float] = {}
        self._others: dict[int, float] = {}
        self._looks: dict[int, int] = {}
        parent = psutil.Process(process.pid)
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                self._look(parent)
            time.sleep(_LOOK)

    @property
    def sandbox(self) -> float:
        """CPU seconds of what is there to stay; a submission that was seen running is counted by what started it."""
        return sum(spent for pid, spent in self._others.items() if self._looks[pid] > _STAYS)

    def _look(self, parent: psutil.Process) -> None:
        times = parent.cpu_times()
        self.own, self.peak = times.user + times.system, max(self.peak, parent.memory_info().rss / 2**20)
        for child in parent.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                times = child.cpu_times()
                if any(_JUDGE in word for word in child.cmdline()):
                    self.judges[child.pid] = times.user + times.system
                    continue
                spent = times.user + times.system + times.children_user + times.children_system
                self._looks[child.pid] = self._looks.get(child.pid, 0) + 1
                self._others[child.pid] = spent


def _outcomes(output: Path) -> tuple[int, dict[str, int]]:
    counted: dict[str, int] = {}
    with (output / "results.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            status = json.loads(line)["grade"]["status"]
            counted[status] = counted.get(status, 0) + 1
    return sum(counted.values()), counted


def bulk(work: Path, count: int) -> float:
    """Grade so many files, and a quarter of them before; print and return the rate."""
    made = Class()
    made.write(work / "all", count)
    made.write(work / "quarter", count // 4)
    quarter = graded(work / "quarter", work / "first" / "results")
    cost = graded(work / "all", work / "second" / "results")
    results, statuses = _outcomes(work / "second" / "results")
    if results != count:
        raise SystemExit(f"{results} results of {count} submissions")
    rate = count / cost.seconds
    listed = ", ".join(f"{number:,} {status}" for status, number in sorted(statuses.items()))
    print(f"bulk: {count:,} files in {cost.seconds:.1f} s: {rate:.0f} submissions a second (at least {LEAST_RATE:.0f})")
    print(f"bulk: {listed}")
    growth = 1024 * (cost.peak - quarter.peak) / (count - count // 4)
    print(
        f"memory: peak {quarter.peak:.0f} MB with {count // 4:,} files, {cost.peak:.0f} MB with {count:,}: "
        f"{growth:.1f} KB more for each (at most {MOST_GROWTH:g})"
    )
    each = 1000 / count
    print(
        f"cpu: {cost.own:.1f} s keeping results, {cost.judging:.1f} s judging, {cost.sandbox:.1f} s in the sandbox; "
        f"{each * cost.own:.1f} + {each * cost.judging:.1f} + {each * cost.sandbox:.1f} ms a submission"
    )
    return rate


def others(work: Path, rate: float, files: int, sample: int, python: str) -> None:
    """Print what others take for some of the same files."""
    made, cores = Class(), os.cpu_count() or 1
    sound = [number for number in range(files) if made.kind(number) in ("right", "wrong")]
    texts = [made.source(number) for number in sound[:: max(1, len(sound) // sample)][:sample]]
    theirs = pytest_rate(texts, work, cores)
    print(
        f"others: pytest {theirs:.2f} submissions a second over {len(texts)} files, {cores} at once: nncheck is "
        f"{rate / theirs:.0f} times as fast (at least {LEAST_RATIO:.0f})"
    )
    for name, found in (
        ("otter-grader", otter_rate(texts[:_OTHERS], work, cores, python)),
        ("nbgrader", nbgrader_rate(texts[:_OTHERS], work, python)),
    ):
        if isinstance(found, str):
            print(f"others: {name}: {found}")
        else:
            print(f"others: {name} {found:.2f} submissions a second: nncheck is {rate / found:.0f} times as fast")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--others", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--long", action="store_true")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nncheck-bench-") as folder:
        for part in ("first", "second"):
            (Path(folder) / part).mkdir()
        rate = bulk(Path(folder), LONG if chosen.long else chosen.files)
        if not chosen.long:
            others(Path(folder), rate, chosen.files, chosen.sample, chosen.others)


if __name__ == "__main__":
    main()
