"""What a run costs, in ratios against the document's plain loops of the same moment.

``python tests/benchmarks/bench_run.py [speed] [checks] [help] [memory]`` (all by default) prints:

speed
    Wall time of ``nncheck run`` (six cases, both sides, every step compared and checked) over that of the six plain
    loops, one process each, in turn.
checks
    Time of the local checks of 100,000 steps (float64 witness, bounds, judging) over that of the run, imports apart.
help
    Wall time of ``nncheck --help``, and over that of an empty Python.
memory
    Peak memory (this process's children together) of a 784-128-10 case with 10,000 steps, less that with 100.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

HERE = Path(__file__).parent
NNCHECK = [sys.executable, "-m", "nncheck"]


def _wall(*commands: list[str]) -> float:
    began = time.perf_counter()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def speed(rounds: int = 5) -> None:
    """Print the ratio of a run to the six plain loops, pair by pair."""
    plain = [[sys.executable, str(HERE / "plain_loops.py"), str(number)] for number in range(6)]
    run = [*NNCHECK, "run", "--device", "cpu"]
    _wall(run)
    pairs = [(_wall(run), _wall(*plain)) for _ in range(rounds)]
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(column) for column in zip(*pairs))
    print(f"speed: run {ours:.2f} s, plain {theirs:.2f} s")
    print(f"speed: ratio {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}); at most 0.45, aim 0.25")


def checks() -> None:
    """Print the share of the local checks in a run of the last case."""
    import torch

    from nncheck import case as cases
    from nncheck import runner
    from nncheck.autograd.gradients import at_points
    from nncheck.autograd.network import Network
    from nncheck.compare import Comparison

    case = cases.find("softmax_cross_entropy")
    spent = {"judging": 0.0}
    judge = Comparison._judge

    def timed(self: Comparison, *arguments: object) -> None:
        began = time.perf_counter()
        judge(self, *arguments)  # type: ignore[arg-type]
        spent["judging"] += time.perf_counter() - began

    Comparison._judge = timed  # type: ignore[method-assign]
    began = time.perf_counter()
    runner.run(case.name, device="cpu")
    whole = time.perf_counter() - began
    Comparison._judge = judge  # type: ignore[method-assign]
    torch.set_num_threads(1)
    network = Network(case.folder)
    model = network.build(case.sizes, tuple(case.params)).double()
    points = [np.repeat(p[None], 5000, axis=0) for p in case.params.values()]
    at_points(model, network.loss, case.X, case.YT, points)  # imports
    began = time.perf_counter()
    for _ in range(2 * case.steps // 5000):  # at the hand's parameters and at the device's
        at_points(model, network.loss, case.X, case.YT, points)
    witness = time.perf_counter() - began
    share = (spent["judging"] + witness) / whole
    print(f"checks: judging {spent['judging']:.2f} s and witness {witness:.2f} s of a run of {whole:.2f} s")
    print(f"checks: share {share:.3f}; at most 0.05")


def help_() -> None:
    """Print the time of --help."""
    times = sorted((_wall([*NNCHECK, "--help"]), _wall([sys.executable, "-c", "pass"])) for _ in range(15))
    ours, python = statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)
    print(f"help: {ours:.3f} s, {ours / python:.1f} times an empty Python; at most 0.2 s")


def memory() -> None:
    """Print how peak memory grows with the number of steps."""
    with tempfile.TemporaryDirectory() as folder:
        case = _wide_case(Path(folder))
        peaks = {
            steps: _peak([*NNCHECK, "run", str(case), "--device", "cpu", "--steps", str(steps)])
            for steps in (100, 10_000)
        }
    few, many = peaks[100], peaks[10_000]
    print(f"memory: 100 steps {few[0]:.0f} MiB in {few[1]:.0f} s, 10,000 steps {many[0]:.0f} MiB in {many[1]:.0f} s")
    print(f"memory: {many[0] - few[0]:+.0f} MiB; at most +150 MiB")


def _wide_case(folder: Path) -> Path:
    """Write a 784-128-10 case with 16 samples."""
    from nncheck import case as cases

    target = folder / "wide"
    shutil.copytree(cases.find("softmax_cross_entropy").folder, target)
    rng = np.random.default_rng(1)
    arrays = {
        "X": rng.uniform(0, 1, (16, 784)),
        "YT": np.eye(10)[rng.integers(0, 10, 16)],
        "W": rng.normal(0, 0.05, (128, 784)),
        "B": np.zeros(128),
        "W2": rng.normal(0, 0.1, (10, 128)),
        "B2": np.zeros(10),
    }
    text = {name: np.round(array, 4).tolist() for name, array in arrays.items()}
    data = "\n".join(f"{k} = {text[k]}" for k in ("X", "YT"))
    parameters = "\n".join(f"{k} = {text[k]}" for k in ("W", "B", "W2", "B2"))
    (target / "case.toml").write_text(
        f"[data]\n{data}\n[parameters]\n{parameters}\n[training]\nlr = 0.01\nsteps = 100\n", encoding="utf-8"
    )
    return target


def _peak(command: list[str]) -> tuple[float, float]:
    """Run a command; return the peak of its and its children's resident memory in MiB, and its seconds."""
    began = time.perf_counter()
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        total = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                total += one.memory_info().rss
            except psutil.Error:
                continue
        peak = max(peak, total / 2**20)
        time.sleep(0.02)
    assert process.returncode in (0, 1)
    return peak, time.perf_counter() - began


if __name__ == "__main__":
    parts = {"speed": speed, "checks": checks, "help": help_, "memory": memory}
    for name in sys.argv[1:] or parts:
        parts[name]()
